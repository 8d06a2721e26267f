//===- MergeIndex.cpp - From two neighbours to what merging makes of them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   merges   (h, e) -> he, rank 3   (l, l) -> ll, rank 9
//   entries sorted by mix(left, right), buckets by its upper bits
//
//===----------------------------------------------------------------------===//

#include "MergeIndex.h"
#include <algorithm>
#include <bit>

namespace modelc::text {
namespace {

/// One to one, so that pairs differ where this differs, and only there.
uint64_t mix(uint32_t left, uint32_t right) {
  uint64_t pair = uint64_t{left} << 32 | right;
  pair = (pair ^ pair >> 32) * 0x9e3779b97f4a7c15u;
  return (pair ^ pair >> 29) * 0xbf58476d1ce4e5b9u;
}

} // namespace

void MergeIndex::build(const std::vector<Merge> &merges) {
  auto isSame = [](const Merge &a, const Merge &b) {
    return a.left == b.left && a.right == b.right;
  };
  entries = merges;
  std::sort(entries.begin(), entries.end(), [](const Merge &a, const Merge &b) {
    uint64_t mixedA = mix(a.left, a.right), mixedB = mix(b.left, b.right);
    return mixedA != mixedB ? mixedA < mixedB : a.rank < b.rank;
  });
  entries.erase(std::unique(entries.begin(), entries.end(), isSame),
                entries.end());

  uint32_t bits = std::max<uint32_t>(std::bit_width(entries.size()), 1);
  bits = std::min<uint32_t>(bits, 24);
  shift = 64 - bits;
  bucketStart.assign((size_t{1} << bits) + 1, 0);
  for (const Merge &entry : entries)
    ++bucketStart[(mix(entry.left, entry.right) >> shift) + 1];
  for (size_t bucket = 1; bucket < bucketStart.size(); ++bucket)
    bucketStart[bucket] += bucketStart[bucket - 1];
}

const Merge *MergeIndex::find(uint32_t left, uint32_t right) const {
  if (entries.empty())
    return nullptr;
  uint64_t mixed = mix(left, right);
  uint64_t bucket = mixed >> shift;
  const Merge *end = entries.data() + bucketStart[bucket + 1];
  const Merge *found =
      std::lower_bound(entries.data() + bucketStart[bucket], end, mixed,
                       [](const Merge &entry, uint64_t wanted) {
                         return mix(entry.left, entry.right) < wanted;
                       });
  bool isFound = found != end && found->left == left && found->right == right;
  return isFound ? found : nullptr;
}

} // namespace modelc::text
