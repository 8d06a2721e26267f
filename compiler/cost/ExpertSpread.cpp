//===- ExpertSpread.cpp - How many rows each expert gets in an estimate
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan says by the names of its kernels what they do: `mc_group_e8_s2_r6` and
// `mc_route_softmax_e8_s2_..._group1` group the rows of 8 experts, 2 slots a
// token, in tiles of 6 rows or 1. Their last operands are those of
// ExpertGroups.h: counts, groups, rows, places.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/ExpertSpread.h"
#include "dialects/plan/ExpertGroups.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace modelc;
using namespace modelc::cost;

namespace {

/// The numbers in the name of a kernel that groups.
struct GroupShape {
  int64_t experts = 0, slots = 0, rowTile = 0;
};

} // namespace

/// Nothing for a kernel that does not group.
static std::optional<GroupShape> parseName(llvm::StringRef name) {
  bool isGroup = name.starts_with("mc_group_");
  if (!isGroup && !name.starts_with("mc_route_"))
    return std::nullopt;
  GroupShape shape;
  for (llvm::StringRef part : llvm::split(name, '_')) {
    auto read = [&](llvm::StringRef prefix, int64_t &number) {
      llvm::StringRef rest = part;
      int64_t found = 0;
      if (rest.consume_front(prefix) && !rest.getAsInteger(10, found))
        number = found;
    };
    read("e", shape.experts);
    read("s", shape.slots);
    read(isGroup ? "r" : "group", shape.rowTile);
  }
  if (shape.experts < 1 || shape.slots < 1 || shape.rowTile < 1)
    return std::nullopt;
  return shape;
}

/// Fills the tables for `slots` rows of each token.
static void spreadRows(ExpertSpread &spread, const GroupShape &shape,
                       int64_t tokens) {
  int64_t all = tokens * shape.slots;
  int64_t active = std::min(shape.experts, all), tile = 0, next = 0;
  constexpr int64_t kWordBytes = sizeof(uint32_t);
  for (int64_t group = 0; group < active; ++group) {
    int64_t rows = all / active + (group < all % active);
    int64_t tiles = llvm::divideCeil(rows, shape.rowTile);
    uint32_t words[plan::kGroupBytes / kWordBytes] = {};
    words[plan::kGroupExpertByte / kWordBytes] = static_cast<uint32_t>(group);
    words[plan::kGroupFirstTileByte / kWordBytes] = static_cast<uint32_t>(tile);
    words[plan::kGroupTilesByte / kWordBytes] = static_cast<uint32_t>(tiles);
    llvm::append_range(spread.groupWords, words);
    for (int64_t row = 0; row < tiles * shape.rowTile; ++row)
      spread.rowWords.push_back(static_cast<uint32_t>(
          row < rows ? next++ % tokens : int64_t{plan::kNoRow}));
    tile += tiles;
  }
  spread.activeExperts = static_cast<uint32_t>(active);
  spread.rowTiles = static_cast<uint32_t>(tile);
}

std::optional<ExpertSpread> cost::findSpread(const rt::PlanTables &tables,
                                             const rt::VariantTables &variant,
                                             const ModelcStep &step,
                                             int64_t tokens) {
  constexpr uint16_t kGroupOperands = 4; // Counts, groups, rows, places.
  for (const ModelcStep *at = &step; at-- != variant.steps.data();) {
    auto count = static_cast<uint64_t>(tokens);
    std::optional<GroupShape> shape =
        parseName(tables.string(variant.kernels[at->kernel].name));
    if (!shape || at->countSource != MODELC_COUNT_TOKENS ||
        count < at->minCount || count > at->maxCount ||
        at->operandCount < kGroupOperands)
      continue;
    const ModelcOperand *last =
        &variant.operands[at->firstOperand] + at->operandCount - kGroupOperands;
    ExpertSpread spread = {last, last + 1, last + 2, {}, {}, 0, 0};
    if (step.countOffset < last->offset ||
        step.countOffset >= last->offset + plan::kCountsBytes)
      continue;
    spreadRows(spread, *shape, tokens);
    return spread;
  }
  return std::nullopt;
}

uint32_t cost::getCount(const ExpertSpread &spread, const ModelcStep &step) {
  bool isOfTiles =
      step.countOffset == spread.counts->offset + plan::kRowTilesByte;
  return isOfTiles ? spread.rowTiles : spread.activeExperts;
}
