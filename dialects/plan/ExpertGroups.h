//===- ExpertGroups.h - Rows of tokens, sorted by expert
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a group kernel leaves in the arena, and what kernels over expert groups
// read there: four arrays of u32.
//
//   3 tokens, 2 slots, ids {{5, 1}, {1, 2}, {5, 1}}, row tiles of 2:
//
//   counts   {3, 4}                 active experts, row tiles of all groups
//   groups   {{1, 0, 2}, {2, 2, 1}, {5, 3, 1}}     expert, first tile, tiles
//   rows     {0, 1 | 2, - | 1, - | 0, 2}           token of each row; - is none
//   places   {{6, 0}, {1, 4}, {7, 2}}              row of each token's slot
//
// Groups ascend by expert, rows of a group by token. Each group begins on a row
// tile of its own, so that no tile has rows of two experts.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_EXPERTGROUPS_H
#define MODELC_DIALECTS_PLAN_EXPERTGROUPS_H

#include <algorithm>
#include <cstdint>

namespace modelc::plan {

/// Byte offsets in `counts`.
inline constexpr int64_t kActiveExpertsByte = 0;
inline constexpr int64_t kRowTilesByte = 4;
inline constexpr int64_t kCountsBytes = 8;

/// Byte offsets in an entry of `groups`; the fourth word is not used.
inline constexpr int64_t kGroupExpertByte = 0;
inline constexpr int64_t kGroupFirstTileByte = 4;
inline constexpr int64_t kGroupTilesByte = 8;
inline constexpr int64_t kGroupBytes = 16;

/// The entry of `rows` for a row that no token has.
inline constexpr int32_t kNoRow = -1;

/// Entries of `rows` are filled in pieces of this many bytes.
inline constexpr int64_t kRowsAlign = 64;

/// How large the arrays of up to `tokens` tokens can be.
struct ExpertGroupLimits {
  int64_t tokens, slots, experts, rowTile;

  int64_t getSlots() const { return tokens * slots; }
  int64_t getGroups() const { return std::min(experts, getSlots()); }
  /// The sum of ceil(rows / rowTile) over the groups is largest when each but
  /// full tiles has one row.
  int64_t getRowTiles() const {
    return (getSlots() + getGroups() * (rowTile - 1)) / rowTile;
  }
  int64_t getRows() const { return getRowTiles() * rowTile; }
  int64_t getGroupsBytes() const { return getGroups() * kGroupBytes; }
  int64_t getRowsBytes() const {
    int64_t bytes = getRows() * static_cast<int64_t>(sizeof(uint32_t));
    return (bytes + kRowsAlign - 1) / kRowsAlign * kRowsAlign;
  }
  int64_t getPlacesBytes() const {
    return getSlots() * static_cast<int64_t>(sizeof(uint32_t));
  }
};

} // namespace modelc::plan

#endif // MODELC_DIALECTS_PLAN_EXPERTGROUPS_H
