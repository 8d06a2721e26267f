//===- SpecialMatcher.cpp - Finds tokens that are spelled out in a text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   tokens "<s>" "<sep>", text "a<sep>b"  ==>  Match{1, 5, id of "<sep>"}
//
// At each place the sorted list is narrowed byte by byte to the tokens that
// begin with what the text says there. Time is O(text), times the longest
// token (bounded by kMaxTokenBytes) where a hostile text is all prefixes.
//
//===----------------------------------------------------------------------===//

#include "SpecialMatcher.h"
#include <algorithm>

namespace modelc::text {

void SpecialMatcher::build(const Vocabulary &newVocabulary,
                           std::vector<int32_t> ids) {
  vocabulary = &newVocabulary;
  sorted = std::move(ids);
  const std::vector<std::string_view> &texts = vocabulary->texts;
  std::erase_if(sorted, [&](int32_t id) { return texts[id].empty(); });
  std::sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) {
    int order = texts[a].compare(texts[b]);
    return order != 0 ? order < 0 : a > b;
  });
  sorted.erase(
      std::unique(sorted.begin(), sorted.end(),
                  [&](int32_t a, int32_t b) { return texts[a] == texts[b]; }),
      sorted.end());
  first.fill(0);
  for (int32_t id : sorted)
    ++first[static_cast<uint8_t>(texts[id][0]) + 1];
  for (size_t byte = 1; byte < first.size(); ++byte)
    first[byte] += first[byte - 1];
}

/// The longest token that `text` begins with, or -1.
int32_t SpecialMatcher::longestAt(std::string_view text) const {
  const std::vector<std::string_view> &texts = vocabulary->texts;
  uint8_t lead = static_cast<uint8_t>(text[0]);
  auto begin = sorted.begin() + first[lead];
  auto end = sorted.begin() + first[lead + 1];
  int32_t longest = -1;
  for (size_t depth = 1; begin != end; ++depth) {
    // All of [begin, end) agree with the text in `depth` bytes, so the one
    // that ends here stands first.
    if (texts[*begin].size() == depth)
      longest = *begin++;
    if (depth == text.size())
      break;
    uint8_t byte = static_cast<uint8_t>(text[depth]);
    begin = std::partition_point(begin, end, [&](int32_t id) {
      return static_cast<uint8_t>(texts[id][depth]) < byte;
    });
    end = std::partition_point(begin, end, [&](int32_t id) {
      return static_cast<uint8_t>(texts[id][depth]) == byte;
    });
  }
  return longest;
}

SpecialMatcher::Match SpecialMatcher::find(std::string_view text,
                                           size_t begin) const {
  for (size_t at = begin; at < text.size() && !sorted.empty(); ++at) {
    uint8_t lead = static_cast<uint8_t>(text[at]);
    if (first[lead] == first[lead + 1])
      continue;
    int32_t id = longestAt(text.substr(at));
    if (id >= 0)
      return {at, vocabulary->texts[id].size(), id};
  }
  return {text.size(), 0, -1};
}

} // namespace modelc::text
