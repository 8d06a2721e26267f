//===- WriteVariant.h - The records of one variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mirrors runtime/load/ReadVariant.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_EMIT_WRITEVARIANT_H
#define MODELC_COMPILER_EMIT_WRITEVARIANT_H

#include "compiler/codegen/Codegen.h"
#include "compiler/emit/Sections.h"
#include "dialects/plan/PlanDialect.h"

namespace modelc::emit {

/// Facts of the model that a variant repeats for the runtime.
struct ModelFacts {
  uint32_t vocabSize;
  uint32_t contextLength;
  uint32_t embeddingLength;
  uint32_t layerCount;
};

/// The tables of a variant before they become sections.
struct VariantTables {
  ModelcVariant variant = {};
  std::vector<ModelcKernelRecord> kernels;
  std::vector<ModelcStep> steps;
  std::vector<ModelcOperand> operands;
  std::vector<ModelcState> states;
  std::vector<uint8_t> constants;
  std::vector<ModelcCodeSegment> codeSegments;
  std::vector<uint8_t> code;
  /// Checksums are zero until the weights are packed.
  std::vector<ModelcWeight> weights;
  uint64_t weightBytes = 0;
};

/// Turns a placed variant into tables, its names into `strings`. `code` holds
/// the variant's kernels in their order; without it (they are in memory
/// already) the code's tables are empty.
VariantTables makeVariantTables(plan::VariantOp variant,
                                const ModelFacts &facts,
                                const codegen::CodeImage *code,
                                StringTable &strings);

/// Appends the sections of variant number `index`, WEIGHTS excepted.
void appendVariantSections(const VariantTables &tables, uint16_t index,
                           std::vector<Section> &sections);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_WRITEVARIANT_H
