//===- SplitAutomaton.cpp - Runs the regex of a pre-tokenizer in linear time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "\s+(?!\S)|\s+" on "  a"
//     symbols   ' ' and its like: 0, all others: 1, the end: 2
//     state 1   {take \s, take \s}                   the paths, best first
//     on ' '    {take \s, notAhead \S, take \s, match}
//     on ' '    the same; a match ends before this ' ', since no \S follows
//     on 'a'    notAhead fails, match is what is left: a match ends before it
//
// The subset construction with ordered subsets: a state is the list of
// instructions that a backtracking engine would try, in its order. Where one
// of them is a match, those after it are dropped, so that the last match seen
// is the one that the engine would have taken (Cox 2010, "Regular Expression
// Matching in the Wild"). Looking ahead by one code point is decided when that
// code point is read.
//
//===----------------------------------------------------------------------===//

#include "SplitAutomaton.h"
#include <algorithm>
#include <map>

namespace modelc::text {
namespace {

using Op = RegexProgram::Op;
using Paths = std::vector<uint32_t>;

/// A bit for each set of the regex: whether it contains a symbol.
using Sets = uint64_t;
constexpr size_t kMaxSets = 64;

} // namespace

struct SplitAutomaton::Builder {
  const RegexProgram &program;
  /// [symbol]; no set contains the end.
  std::vector<Sets> membership = {};
  std::map<Paths, uint32_t> numbers = {};
  std::vector<Paths> states = {};
  std::vector<bool> seen = {};

  /// Appends to `paths` what `at` leads to without reading. notAhead stays in
  /// it; with a symbol it is decided.
  void follow(uint32_t at, const Sets *symbol, Paths &paths) {
    while (!seen[at]) {
      seen[at] = true;
      const RegexProgram::Instruction &instruction = program.code[at];
      switch (instruction.op) {
      case Op::fork:
        follow(instruction.next, symbol, paths);
        at = instruction.other;
        continue;
      case Op::notAhead:
        if (!symbol)
          paths.push_back(at);
        else if (!(*symbol >> instruction.set & 1)) {
          at = instruction.next;
          continue;
        }
        return;
      case Op::take:
      case Op::match:
        paths.push_back(at);
        return;
      }
    }
  }

  uint32_t numberOf(Paths paths) {
    auto [found, isNew] =
        numbers.try_emplace(paths, static_cast<uint32_t>(states.size()));
    if (isNew)
      states.push_back(std::move(paths));
    return found->second;
  }

  /// The transition of `paths` by `symbol`, as in `transitions`.
  uint32_t step(const Paths &paths, Sets symbol) {
    Paths decided;
    seen.assign(program.code.size(), false);
    for (uint32_t at : paths)
      follow(at, &symbol, decided);

    Paths next;
    uint32_t isMatch = 0;
    seen.assign(program.code.size(), false);
    for (uint32_t at : decided) {
      const RegexProgram::Instruction &instruction = program.code[at];
      if (instruction.op == Op::match) {
        isMatch = 1;
        break;
      }
      if (symbol >> instruction.set & 1)
        follow(instruction.next, nullptr, next);
    }
    return numberOf(std::move(next)) * 2 + isMatch;
  }
};

/// Groups the code points into symbols; `(*membership)[symbol]` gets a bit for
/// each set that contains it.
void SplitAutomaton::buildSymbols(const std::vector<CodePointSet> &sets,
                                  std::vector<uint64_t> *membership) {
  // Between these no set can change its mind.
  std::vector<uint32_t> bounds = {kMaxCodePoint + 1};
  for (const CategoryRun &run : categoryRuns())
    bounds.push_back(run.first);
  for (const CodePointSet &set : sets)
    for (const CodePointUnion &part : set.parts)
      for (const CodePointRange &range : part.ranges) {
        bounds.push_back(range.first);
        bounds.push_back(range.last + 1);
      }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());

  std::map<std::array<uint8_t, kBlock>, uint16_t> known;
  auto numberOf = [&](const std::array<uint8_t, kBlock> &block) {
    auto [number, isNew] =
        known.try_emplace(block, static_cast<uint16_t>(blocks.size()));
    if (isNew)
      blocks.push_back(block);
    return number->second;
  };
  std::map<Sets, uint8_t> symbols;
  blockOf.assign((kMaxCodePoint + 1) / kBlock, 0);
  std::array<uint8_t, kBlock> block;
  const CategoryRun *run = categoryRuns().data();
  const CategoryRun *lastRun = run + categoryRuns().size() - 1;
  for (size_t at = 0; at + 1 < bounds.size(); ++at) {
    while (run != lastRun && run[1].first <= bounds[at])
      ++run;
    Sets in = 0;
    for (size_t set = 0; set < sets.size(); ++set)
      in |= Sets{sets[set].contains(bounds[at], run->category)} << set;
    auto [symbol, isNew] =
        symbols.try_emplace(in, static_cast<uint8_t>(membership->size()));
    if (isNew)
      membership->push_back(in);
    uint32_t end = bounds[at + 1];
    for (uint32_t code = bounds[at]; code < end;) {
      uint32_t whole = code % kBlock == 0 ? (end - code) / kBlock : 0;
      if (whole > 0) {
        block.fill(symbol->second);
        std::fill_n(blockOf.begin() + code / kBlock, whole, numberOf(block));
        code += whole * kBlock;
        continue;
      }
      block[code % kBlock] = symbol->second;
      if (++code % kBlock == 0)
        blockOf[code / kBlock - 1] = numberOf(block);
    }
  }
  asciiSymbols = blocks[blockOf[0]];
  symbolCount = static_cast<uint32_t>(membership->size()) + 1;
  membership->push_back(0);
}

bool SplitAutomaton::build(std::string_view regex) {
  *this = {};
  RegexProgram program;
  if (!readRegex(regex, &program) || program.sets.size() > kMaxSets)
    return false;
  Builder builder = {.program = program};
  buildSymbols(program.sets, &builder.membership);
  if (symbolCount > 256)
    return false;

  builder.numberOf({});
  Paths start;
  builder.seen.assign(program.code.size(), false);
  builder.follow(program.start, nullptr, start);
  builder.numberOf(std::move(start));
  for (size_t state = 0; state < builder.states.size(); ++state) {
    if (builder.states.size() > kMaxStates)
      return false;
    for (Sets symbol : builder.membership) {
      Paths paths = builder.states[state];
      transitions.push_back(builder.step(paths, symbol));
    }
  }
  return true;
}

size_t SplitAutomaton::match(std::string_view text) const {
  size_t matched = 0;
  uint32_t state = 1;
  for (size_t at = 0; state != 0;) {
    bool isEnd = at == text.size();
    CodePoint point = isEnd ? CodePoint{0, 0} : firstCodePoint(text.substr(at));
    uint32_t symbol = isEnd ? symbolCount - 1 : symbolOf(point.value);
    uint32_t transition = transitions[state * symbolCount + symbol];
    if (transition & 1)
      matched = at;
    if (isEnd)
      break;
    state = transition >> 1;
    at += point.bytes;
  }
  return matched;
}

} // namespace modelc::text
