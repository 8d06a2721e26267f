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

namespace modelc::emit {

/// What a plan is written from. Borrows everything.
struct PlanContents {
  const gguf::GgufModel &source;
  mlir::ModuleOp module;
  plan::VariantOp variant; ///< Placed.
  /// Null for a plan whose kernels are in memory.
  const codegen::CodeImage *code;
  llvm::ArrayRef<ReportRow> report;
  /// The options that shaped the plan, for its provenance.
  std::string options;
  unsigned threads;
  /// Packed bytes done and to do; may be empty.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

/// Writes the plan to `file`, which is not committed, and returns its size.
absl::StatusOr<uint64_t> writePlan(const PlanContents &contents,
                                   support::AtomicFile &file);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_PLANWRITER_H
