//===- Report.h - The compile report
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What became of every tensor of the source, and why.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_EMIT_REPORT_H
#define MODELC_COMPILER_EMIT_REPORT_H

#include "compiler/import/gguf/GgufModel.h"
#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace modelc::emit {

/// One tensor.
struct ReportRow {
  std::string tensor;
  std::string type;   ///< "q4_0".
  std::string use;    ///< "matmul", "embedding", "norm", ... joined by '+'.
  std::string layout; ///< Name of the #pack.layout; empty if not packed.
  std::string kernel; ///< The first kernel that reads it, or empty.
  std::string reason; ///< One of #pack.reason.
  bool isFallback = false;
  std::vector<uint64_t> shape; ///< Rows first.
  uint64_t sourceBytes = 0;
  uint64_t packedBytes = 0;
};

/// A row for every tensor of the source, in its order, from a scheduled
/// variant of `module`. Tensors that the variant does not hold have no layout.
std::vector<ReportRow> makeReport(const gguf::GgufModel &source,
                                  mlir::ModuleOp module,
                                  plan::VariantOp variant);

/// The rows as a table of text with a total, lines ended by newlines.
std::string printReport(llvm::ArrayRef<ReportRow> rows);

/// One line of the report about the family, with its line end.
std::string printFamily(llvm::StringRef name, bool isVerified);

/// The rows and totals by layout as JSON.
llvm::json::Value toJson(llvm::ArrayRef<ReportRow> rows);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_REPORT_H
