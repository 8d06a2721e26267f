//===- MergeIndex.h - From two neighbours to what merging makes of them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Like TextIndex, a hash table that a hostile file cannot slow down: entries
// of one bucket are sorted.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_MERGEINDEX_H
#define MODELC_RUNTIME_TEXT_MERGEINDEX_H

#include <cstdint>
#include <vector>

namespace modelc::text {

/// Symbols are numbers that stand for texts; the tokenizer knows which.
struct Merge {
  uint32_t left;
  uint32_t right;
  uint32_t rank; ///< Lower ranks merge first.
  uint32_t merged;
};

class MergeIndex {
public:
  /// Indexes `merges`. Of equal pairs the lowest rank stays.
  void build(const std::vector<Merge> &merges);

  /// The merge of two neighbours, or null. Valid as long as the index.
  const Merge *find(uint32_t left, uint32_t right) const;

private:
  /// Sorted by the mixed pair.
  std::vector<Merge> entries;
  /// Bucket b, the entries whose mixed pair has b as its upper bits, is
  /// [bucketStart[b], bucketStart[b + 1]).
  std::vector<uint32_t> bucketStart;
  uint32_t shift = 0;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_MERGEINDEX_H
