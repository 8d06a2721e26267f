//===- SplitAutomaton.h - Runs the regex of a pre-tokenizer in linear time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A deterministic automaton that finds the match that a backtracking engine
// would find, with one step for each code point. All of its states are made
// when it is built, so that it is constant afterwards.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_SPLITAUTOMATON_H
#define MODELC_RUNTIME_TEXT_SPLITAUTOMATON_H

#include "SplitRegex.h"
#include "Utf8.h"
#include <array>

namespace modelc::text {

class SplitAutomaton {
public:
  /// False if `regex` is not of SplitRegex.h's syntax, tells more than 255
  /// kinds of code points apart, or needs more states than kMaxStates.
  bool build(std::string_view regex);

  /// Bytes of the match at the beginning of `text`, 0 if there is none. What
  /// comes behind `text` is not seen: (?!\S) holds at its end. Bytes that are
  /// not UTF-8 count as U+FFFD each. Time is O(bytes read), which are no more
  /// than the regex needs to decide.
  size_t match(std::string_view text) const;

  size_t stateCount() const { return transitions.size() / symbolCount; }

  /// The largest of the known regexes, jais-2's, needs 1,041.
  static constexpr size_t kMaxStates = 4096;

private:
  struct Builder;

  void buildSymbols(const std::vector<CodePointSet> &sets,
                    std::vector<uint64_t> *membership);
  uint32_t symbolOf(uint32_t codePoint) const {
    if (codePoint < asciiSymbols.size())
      return asciiSymbols[codePoint];
    return blocks[blockOf[codePoint / kBlock]][codePoint % kBlock];
  }

  /// So that the first block is ASCII.
  static constexpr uint32_t kBlock = 128;

  /// Code points that the same sets contain are one symbol; the last symbol is
  /// the end of the text.
  uint32_t symbolCount = 1;
  std::array<uint8_t, kBlock> asciiSymbols = {};
  std::vector<uint16_t> blockOf;
  std::vector<std::array<uint8_t, kBlock>> blocks;
  /// [state][symbol] -> twice the next state, plus 1 if a match ends before
  /// the symbol. State 0 leads nowhere, state 1 begins.
  std::vector<uint32_t> transitions;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_SPLITAUTOMATON_H
