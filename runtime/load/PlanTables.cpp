//===- PlanTables.cpp - The tables of a plan, as they lie in its bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The list of section kinds, and the search for the section of a kind:
//
//   sections  STEPS/0  STEPS/1  WEIGHTS/all
//   find(STEPS, 1) ==> STEPS/1     find(WEIGHTS, 1) ==> WEIGHTS/all
//
// Assumes that ReadHeader.cpp has refused plans in which one kind has both a
// section for all variants and one for a single variant.
//
//===----------------------------------------------------------------------===//

#include "load/PlanTables.h"

namespace modelc::rt {

namespace {
struct SectionKind {
  const char *name;
  uint32_t recordBytes;
  bool planWide;
};
} // namespace

// Indexed by MODELC_SECTION_*.
static constexpr SectionKind kSectionKinds[] = {
    {nullptr, 0, false},
    {"STRINGS", 1, true},
    {"PROVENANCE", sizeof(ModelcProvenance), true},
    {"METADATA", sizeof(ModelcMetadata), true},
    {"METADATA_DATA", 1, true},
    {"REPORT", sizeof(ModelcReportRow), false},
    {"VARIANTS", sizeof(ModelcVariant), true},
    {"KERNELS", sizeof(ModelcKernelRecord), false},
    {"STEPS", sizeof(ModelcStep), false},
    {"OPERANDS", sizeof(ModelcOperand), false},
    {"STATES", sizeof(ModelcState), false},
    {"CONSTANTS", 1, false},
    {"CODE_SEGMENTS", sizeof(ModelcCodeSegment), false},
    {"CODE", 1, false},
    {"WEIGHT_TABLE", sizeof(ModelcWeight), false},
    {"WEIGHTS", 1, false},
};
static constexpr uint32_t kSectionKindCount = std::size(kSectionKinds);
static_assert(kSectionKindCount == MODELC_SECTION_WEIGHTS + 1);

const char *sectionName(uint32_t kind) {
  return kind < kSectionKindCount ? kSectionKinds[kind].name : nullptr;
}

uint32_t sectionRecordBytes(uint32_t kind) {
  return kind < kSectionKindCount ? kSectionKinds[kind].recordBytes : 0;
}

bool isPlanWide(uint32_t kind) {
  return kind < kSectionKindCount && kSectionKinds[kind].planWide;
}

const ModelcSection *PlanTables::find(uint32_t kind, uint32_t variant) const {
  for (const ModelcSection &section : sections)
    if (section.kind == kind &&
        (section.variant == variant || section.variant == MODELC_ALL_VARIANTS))
      return &section;
  return nullptr;
}

VariantTables PlanTables::variantTables(uint32_t variant) const {
  VariantTables tables;
  tables.variant = &variants[variant];
  tables.report = records<ModelcReportRow>(MODELC_SECTION_REPORT, variant);
  tables.kernels = records<ModelcKernelRecord>(MODELC_SECTION_KERNELS, variant);
  tables.steps = records<ModelcStep>(MODELC_SECTION_STEPS, variant);
  tables.operands = records<ModelcOperand>(MODELC_SECTION_OPERANDS, variant);
  tables.states = records<ModelcState>(MODELC_SECTION_STATES, variant);
  tables.constants = records<uint8_t>(MODELC_SECTION_CONSTANTS, variant);
  tables.codeSegments =
      records<ModelcCodeSegment>(MODELC_SECTION_CODE_SEGMENTS, variant);
  tables.code = records<uint8_t>(MODELC_SECTION_CODE, variant);
  tables.weights = records<ModelcWeight>(MODELC_SECTION_WEIGHT_TABLE, variant);
  tables.weightBytes = records<uint8_t>(MODELC_SECTION_WEIGHTS, variant);
  return tables;
}

} // namespace modelc::rt
