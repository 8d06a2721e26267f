//===- PlanWriter.h - Everything into one artifact
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mirrors runtime/load: what PlanWriter lays out, readPlan checks.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_EMIT_PLANWRITER_H
#define MODELC_COMPILER_EMIT_PLANWRITER_H

#include "compiler/codegen/Codegen.h"
#include "compiler/emit/Report.h"
#include "compiler/import/gguf/GgufModel.h"
#include "compiler/support/AtomicFile.h"
#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <string>
#include <vector>

namespace modelc::emit {

/// What one variant is written from. Borrows everything.
struct VariantContents {
  mlir::ModuleOp module;   ///< The importer's, with facts of the model.
  plan::VariantOp variant; ///< Placed; several share one weights section.
  /// Null for a plan whose kernels are in memory.
  const codegen::CodeImage *code;
  llvm::ArrayRef<ReportRow> report;
};

/// What a plan is written from. Borrows everything.
struct PlanContents {
  const gguf::GgufModel &source;
  /// One or more, in the order in which a runtime tries them.
  std::vector<VariantContents> variants;
  /// The options that shaped the plan, for its provenance.
  std::string options;
  unsigned threads;
  /// Packed bytes done and to do; may be empty.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

/// What a plan became.
struct WrittenPlan {
  uint64_t fileBytes;
  uint64_t weightBytes; ///< Of the weights section.
  /// Of each variant's weights: modelc_used_weight_bytes.
  std::vector<uint64_t> variantWeightBytes;
};

/// Writes the plan to `file`, which is not committed. Weights that several
/// variants have at one place are packed and written once.
absl::StatusOr<WrittenPlan> writePlan(const PlanContents &contents,
                                      support::AtomicFile &file);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_PLANWRITER_H
