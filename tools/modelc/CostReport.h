//===- CostReport.h - What modelc inspect --cost prints
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_COSTREPORT_H
#define MODELC_TOOLS_MODELC_COSTREPORT_H

#include "absl/status/statusor.h"
#include "load/PlanTables.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace modelc::tools {

struct CostOptions {
  /// Whose scheduling model is used; nothing for the variant's target.
  std::optional<std::string> cpu;
  /// Of one pass; nothing for one of 1 and one of 512, or ubatch if that is
  /// less.
  std::optional<int64_t> tokens;
  int64_t depth = 0;       ///< Tokens before those of the pass.
  float bytesPerCycle = 8; ///< What a thread reads from memory.
  bool loops = false;      ///< Show each kernel's loops.
};

/// The estimate of each variant that has one, one object a variant and pass. An
/// error if none has.
absl::StatusOr<llvm::json::Array> describeCost(const rt::PlanTables &tables,
                                               const CostOptions &options);

/// The same as text.
std::string printCost(const llvm::json::Array &cost);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_COSTREPORT_H
