//===- Utf8Ranges.cpp - Ranges of code points as ranges of bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   U+0041..U+00FF ==> [41-7f], [c2-c3][80-bf]
//
// A range is cut where the number of bytes changes, then where a byte before
// the last one does, until the bytes behind it take all their values.
//
//===----------------------------------------------------------------------===//

#include "Utf8Ranges.h"
#include "../jinja/Strings.h"
#include <algorithm>
#include <string>

namespace modelc::grammar {
namespace {

/// `first` and `last` have UTF-8 of the same length.
void splitEqualLength(uint32_t first, uint32_t last,
                      std::vector<ByteSequence> *out) {
  std::string low, high;
  jinja::appendUtf8(first, &low);
  jinja::appendUtf8(last, &high);
  // From the last byte on: where a byte before differs, those behind it must
  // be all of 80..bf.
  for (size_t behind = 1; behind < low.size(); ++behind) {
    uint32_t mask = (1u << (6 * behind)) - 1;
    if ((first & ~mask) == (last & ~mask))
      break;
    if ((first & mask) != 0) {
      splitEqualLength(first, first | mask, out);
      splitEqualLength((first | mask) + 1, last, out);
      return;
    }
    if ((last & mask) != mask) {
      splitEqualLength(first, (last & ~mask) - 1, out);
      splitEqualLength(last & ~mask, last, out);
      return;
    }
  }
  ByteSequence sequence;
  for (size_t at = 0; at < low.size(); ++at)
    sequence.push_back(
        {static_cast<uint8_t>(low[at]), static_cast<uint8_t>(high[at])});
  out->push_back(std::move(sequence));
}

} // namespace

void splitUtf8(uint32_t first, uint32_t last, std::vector<ByteSequence> *out) {
  for (uint32_t longest : {0x7fu, 0x7ffu, 0xffffu, 0x10ffffu}) {
    if (first > longest)
      continue;
    splitEqualLength(first, std::min(last, longest), out);
    if (last <= longest)
      return;
    first = longest + 1;
  }
}

std::vector<CodePointRange> normalizeRanges(std::vector<CodePointRange> ranges,
                                            bool negated) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CodePointRange &a, const CodePointRange &b) {
              return a.first < b.first;
            });
  std::vector<CodePointRange> whole;
  for (const CodePointRange &range : ranges) {
    if (whole.empty() || range.first > whole.back().last + 1)
      whole.push_back(range);
    else
      whole.back().last = std::max(whole.back().last, range.last);
  }
  if (negated) {
    std::vector<CodePointRange> gaps;
    uint32_t next = 0;
    for (const CodePointRange &range : whole) {
      if (range.first > next)
        gaps.push_back({next, range.first - 1});
      next = range.last + 1;
    }
    if (next <= text::kMaxCodePoint)
      gaps.push_back({next, text::kMaxCodePoint});
    whole = std::move(gaps);
  }
  std::vector<CodePointRange> characters;
  for (const CodePointRange &range : whole) {
    if (range.first < 0xd800)
      characters.push_back({range.first, std::min(range.last, 0xd7ffu)});
    if (range.last > 0xdfff)
      characters.push_back({std::max(range.first, 0xe000u), range.last});
  }
  return characters;
}

} // namespace modelc::grammar
