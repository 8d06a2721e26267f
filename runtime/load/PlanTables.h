//===- PlanTables.h - The tables of a plan, as they lie in its bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Typed views of a plan's sections. All of them point into the plan's bytes,
// which outlive them. readPlan (ReadPlan.h) makes them and has checked every
// record, so their users index without checks.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_PLANTABLES_H
#define MODELC_RUNTIME_LOAD_PLANTABLES_H

#include "modelc/plan_format.h"
#include <span>

namespace modelc::rt {

/// What one variant runs with. A table that the plan lacks is empty.
struct VariantTables {
  const ModelcVariant *variant = nullptr;
  std::span<const ModelcReportRow> report;
  std::span<const ModelcKernelRecord> kernels;
  std::span<const ModelcStep> steps;
  std::span<const ModelcOperand> operands;
  std::span<const ModelcState> states;
  std::span<const uint8_t> constants;
  std::span<const ModelcCodeSegment> codeSegments;
  std::span<const uint8_t> code;
  std::span<const ModelcWeight> weights;
  std::span<const uint8_t> weightBytes;
};

/// The whole plan.
struct PlanTables {
  std::span<const uint8_t> bytes;
  const ModelcPlanHeader *header = nullptr;
  std::span<const ModelcSection> sections;
  std::span<const char> strings;
  const ModelcProvenance *provenance = nullptr;
  std::span<const ModelcMetadata> metadata;
  std::span<const uint8_t> metadataData;
  std::span<const ModelcVariant> variants;

  /// A NUL-terminated string; `offset` has been checked.
  const char *string(uint32_t offset) const { return strings.data() + offset; }

  /// The section of `kind` that variant `variant` uses: its own, or the one of
  /// all variants; null if there is none. MODELC_ALL_VARIANTS asks for the
  /// latter only.
  const ModelcSection *find(uint32_t kind, uint32_t variant) const;

  /// The bytes of find(), as records; empty if there is none.
  template <typename T>
  std::span<const T> records(uint32_t kind, uint32_t variant) const {
    const ModelcSection *section = find(kind, variant);
    if (!section)
      return {};
    return {reinterpret_cast<const T *>(bytes.data() + section->offset),
            section->sizeBytes / sizeof(T)};
  }

  VariantTables variantTables(uint32_t variant) const;
};

/// "WEIGHT_TABLE" for MODELC_SECTION_WEIGHT_TABLE; null for unknown kinds.
const char *sectionName(uint32_t kind);

/// sizeof the records of a section of `kind`, 1 for bytes, 0 for unknown kinds.
uint32_t sectionRecordBytes(uint32_t kind);

/// Whether a section of `kind` belongs to the plan and never to a variant.
bool isPlanWide(uint32_t kind);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_PLANTABLES_H
