//===- Utf8Ranges.h - Ranges of code points as ranges of bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bytes of the UTF-8 of a range are a few sequences of ranges of bytes.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_UTF8RANGES_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_UTF8RANGES_H

#include "../SplitRegex.h"
#include <cstdint>
#include <vector>

namespace modelc::grammar {

using text::CodePointRange;

/// True of a half of a pair of UTF-16, which is no character.
inline bool isSurrogate(uint32_t codePoint) {
  return codePoint >= 0xd800 && codePoint <= 0xdfff;
}

struct ByteRange {
  uint8_t low;
  uint8_t high;

  bool operator==(const ByteRange &) const = default;
};

/// 1 to 4 ranges: one for each byte of a character.
using ByteSequence = std::vector<ByteRange>;

/// Appends sequences, apart from each other, whose texts are the UTF-8 of the
/// code points `first` to `last`, which has no surrogates.
void splitUtf8(uint32_t first, uint32_t last, std::vector<ByteSequence> *out);

/// Sorts ranges, joins those that touch, and takes surrogates out; `negated`:
/// gives what lies between them instead.
std::vector<CodePointRange> normalizeRanges(std::vector<CodePointRange> ranges,
                                            bool negated);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_UTF8RANGES_H
