//===- SplitRegex.h - The regexes of pre-tokenizers, read
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A regex becomes a small program over sets of code points, whose paths are
// ordered as a backtracking engine would try them. SplitAutomaton runs it.
//
// The syntax is what pre-tokenizers use (UTS #18 and Perl): alternatives,
// (..), (?:..), (?i:..) for ASCII letters, ? * + {n} {n,m}, classes with
// ranges, negation and &&[..], \x{..}, \s \S \d \p{..} with a general category
// or Han, and (?!c) where c is one code point.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_SPLITREGEX_H
#define MODELC_RUNTIME_TEXT_SPLITREGEX_H

#include "UnicodeCategory.h"
#include <string_view>
#include <vector>

namespace modelc::text {

struct CodePointRange {
  uint32_t first;
  uint32_t last;

  bool operator==(const CodePointRange &) const = default;
};

/// The code points of some categories and some ranges, or all others.
struct CodePointUnion {
  uint32_t categories = 0; ///< Bits 1 << Category.
  std::vector<CodePointRange> ranges = {};
  bool negated = false;

  bool contains(uint32_t codePoint, Category category) const;
  bool operator==(const CodePointUnion &) const = default;
};

/// The code points that are in all of `parts`.
struct CodePointSet {
  std::vector<CodePointUnion> parts;

  bool contains(uint32_t codePoint, Category category) const;
  bool operator==(const CodePointSet &) const = default;
};

struct RegexProgram {
  enum class Op : uint8_t {
    take,     ///< Reads one code point of `sets[set]`, goes to `next`.
    fork,     ///< Goes to `next`; where that leads to no match, to `other`.
    notAhead, ///< Goes to `next` unless a code point of `sets[set]` follows.
    match
  };
  struct Instruction {
    Op op;
    uint32_t set = 0;
    uint32_t next = 0;
    uint32_t other = 0;
  };

  std::vector<CodePointSet> sets;
  std::vector<Instruction> code;
  uint32_t start = 0;
};

/// Reads `regex`. False if it is not of the syntax above.
bool readRegex(std::string_view regex, RegexProgram *out);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_SPLITREGEX_H
