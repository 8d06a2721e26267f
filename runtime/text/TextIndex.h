//===- TextIndex.h - From a token's text to its id
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A hash table that hostile texts cannot slow down: entries of one bucket are
// sorted, so that a look-up is O(1) for honest texts and O(log n) at worst.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_TEXTINDEX_H
#define MODELC_RUNTIME_TEXT_TEXTINDEX_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace modelc::text {

class TextIndex {
public:
  /// Indexes texts[id] for every id in `ids`; `texts` is borrowed. Of equal
  /// texts the highest id wins, as in llama.cpp.
  void build(const std::vector<std::string_view> &texts,
             const std::vector<int32_t> &ids);

  /// The id of `text`, or -1.
  int32_t find(std::string_view text) const;

private:
  struct Entry {
    uint32_t hash;
    int32_t id;
  };

  const std::vector<std::string_view> *texts = nullptr;
  /// Sorted by hash, then text, then falling id.
  std::vector<Entry> entries;
  /// Bucket b, the entries whose hash has b as its upper bits, is
  /// [bucketStart[b], bucketStart[b + 1]).
  std::vector<uint32_t> bucketStart;
  uint32_t shift = 0;
  size_t longestBytes = 0;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_TEXTINDEX_H
