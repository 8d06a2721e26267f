//===- GrammarProgram.h - A grammar as an automaton of bytes with calls
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Code points become their UTF-8 bytes, so that a token that ends inside of a
// character is nothing special. What remains is a non-deterministic automaton
// over bytes whose rules call each other: a pushdown automaton.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARPROGRAM_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARPROGRAM_H

#include "Gbnf.h"
#include <array>

namespace modelc::grammar {

/// Most nodes of a program; also bounds the time of compiling, to a few tens
/// of milliseconds. 4 MB.
inline constexpr size_t kMaxNodes = size_t{1} << 18;

struct GrammarProgram {
  enum class Op : uint8_t {
    give, ///< The rule ends: goes on where it was called.
    take, ///< Reads a byte of `low` to `high`, goes to `next`.
    fork, ///< Goes to `next` and to `other`.
    call  ///< Goes to `other`, the begin of a rule, and then to `next`.
  };
  struct Node {
    Op op;
    uint8_t low = 0;
    uint8_t high = 0;
    uint32_t next = 0;
    uint32_t other = 0;
  };
  /// The only node that gives.
  static constexpr uint32_t kGive = 0;

  std::vector<Node> nodes;
  /// Begin of the rule "root".
  uint32_t start = 0;
  /// No node tells bytes of one class apart.
  std::array<uint8_t, 256> classOf = {};
  uint32_t classCount = 0;
};

/// False, with *error, if a rule is left-recursive (it calls itself before it
/// has read anything), if nothing that "root" begins could ever end, or if the
/// repetitions make more than kMaxNodes.
bool compileGrammar(const Grammar &grammar, GrammarProgram *out,
                    std::string *error);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARPROGRAM_H
