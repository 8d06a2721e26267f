//===- TextIndex.cpp - From a token's text to its id
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   texts   "a" "the" "b"   ids 0 1 2
//   entries sorted by hash:  {12.., 1} {80.., 2} {f3.., 0}
//   buckets by upper bits:   [0, 1) [1, 1) [1, 2) [2, 3)
//
//===----------------------------------------------------------------------===//

#include "TextIndex.h"
#include <algorithm>
#include <bit>
#include <cstring>

namespace modelc::text {
namespace {

/// Mixes eight bytes at a time. Speed matters here, quality little: the worst
/// texts cost a binary search.
uint32_t hashText(std::string_view text) {
  uint64_t hash = text.size() * 0x9e3779b97f4a7c15u;
  const char *data = text.data();
  size_t bytes = text.size();
  while (bytes > 0) {
    uint64_t word = 0;
    size_t part = std::min<size_t>(bytes, 8);
    std::memcpy(&word, data, part);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
    data += part;
    bytes -= part;
  }
  return static_cast<uint32_t>((hash * 0xc4ceb9fe1a85ec53u) >> 32);
}

} // namespace

void TextIndex::build(const std::vector<std::string_view> &newTexts,
                      const std::vector<int32_t> &ids) {
  texts = &newTexts;
  entries.clear();
  entries.reserve(ids.size());
  longestBytes = 0;
  for (int32_t id : ids) {
    longestBytes = std::max(longestBytes, newTexts[id].size());
    entries.push_back({hashText(newTexts[id]), id});
  }
  std::sort(entries.begin(), entries.end(),
            [&](const Entry &a, const Entry &b) {
              if (a.hash != b.hash)
                return a.hash < b.hash;
              int order = newTexts[a.id].compare(newTexts[b.id]);
              return order != 0 ? order < 0 : a.id > b.id;
            });

  uint32_t bits = std::max<uint32_t>(std::bit_width(entries.size()), 1);
  bits = std::min<uint32_t>(bits, 24);
  shift = 32 - bits;
  bucketStart.assign((size_t{1} << bits) + 1, 0);
  for (const Entry &entry : entries)
    ++bucketStart[(entry.hash >> shift) + 1];
  for (size_t bucket = 1; bucket < bucketStart.size(); ++bucket)
    bucketStart[bucket] += bucketStart[bucket - 1];
}

int32_t TextIndex::find(std::string_view text) const {
  if (entries.empty() || text.size() > longestBytes)
    return -1;
  uint32_t hash = hashText(text);
  uint32_t bucket = hash >> shift;
  const Entry *end = entries.data() + bucketStart[bucket + 1];
  const Entry *found =
      std::lower_bound(entries.data() + bucketStart[bucket], end, hash,
                       [&](const Entry &entry, uint32_t wanted) {
                         return entry.hash != wanted
                                    ? entry.hash < wanted
                                    : (*texts)[entry.id] < text;
                       });
  if (found == end || found->hash != hash || (*texts)[found->id] != text)
    return -1;
  return found->id;
}

} // namespace modelc::text
