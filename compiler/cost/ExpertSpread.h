//===- ExpertSpread.h - How many rows each expert gets in an estimate
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which experts a token chooses is data, which an estimate has not. It takes
// the rows of all slots to be spread over the experts as evenly as can be:
// fewer rows than experts are one for each.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_EXPERTSPREAD_H
#define MODELC_COMPILER_COST_EXPERTSPREAD_H

#include "load/PlanTables.h"
#include <optional>
#include <vector>

namespace modelc::cost {

/// What a step that groups rows by experts leaves for `tokens` tokens, in the
/// format of ExpertGroups.h.
struct ExpertSpread {
  /// What it is called with: its operands are those of later steps.
  const ModelcOperand *counts, *groups, *rows;
  std::vector<uint32_t> groupWords, rowWords;
  uint32_t activeExperts, rowTiles;
};

/// The spread that `step` of the variant has its count from: that of the last
/// step before it which groups rows, runs for so many tokens and writes where
/// the count is read. Nothing if there is no such step.
std::optional<ExpertSpread> findSpread(const rt::PlanTables &tables,
                                       const rt::VariantTables &variant,
                                       const ModelcStep &step, int64_t tokens);

/// The number that `step`, whose count is in the arena, reads there.
uint32_t getCount(const ExpertSpread &spread, const ModelcStep &step);

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_EXPERTSPREAD_H
