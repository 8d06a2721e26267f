//===- Gbnf.h - Grammars as people write them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GBNF is the notation of llama.cpp (its grammars/README.md and
// src/llama-grammar.cpp say what it is): rules `name ::= ...` of alternatives,
// "text", [classes], `.`, groups, ? * + {m} {m,} {m,n}, # comments. What it
// matches are code points.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_GBNF_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_GBNF_H

#include "Utf8Ranges.h"
#include <string>

namespace modelc::grammar {

/// Longest text of a grammar or a schema.
inline constexpr size_t kMaxGrammarBytes = size_t{1} << 20;
/// Deepest nesting of groups.
inline constexpr int kMaxGroupDepth = 200;
/// Largest number in {m,n}; larger ones are no counting but a mistake.
inline constexpr uint32_t kMaxRepeat = 100000;
/// Repeat::most of * + and {m,}.
inline constexpr uint32_t kNoLimit = UINT32_MAX;

/// A part of a rule.
struct Expression {
  enum class Kind : uint8_t {
    text,     ///< The bytes of `text`.
    set,      ///< One code point of `ranges`.
    rule,     ///< What rule number `rule` matches.
    sequence, ///< `parts`, one after the other.
    choice,   ///< One of `parts`.
    repeat    ///< parts[0], `least` to `most` times.
  };
  Kind kind;
  std::string text = {};
  /// Ascending, apart from each other, no surrogates.
  std::vector<CodePointRange> ranges = {};
  uint32_t rule = 0;
  std::vector<uint32_t> parts = {};
  uint32_t least = 0;
  uint32_t most = 0;
};

struct Grammar {
  struct Rule {
    std::string name;
    /// Index of `expressions`.
    uint32_t body;
    uint32_t line;
  };
  std::vector<Expression> expressions;
  std::vector<Rule> rules;
  /// The rule named "root".
  uint32_t root = 0;
};

/// Reads all of `text`. False, with *error as "line 3: ...", for anything
/// else, rules that are missing or given twice, and what is beyond the limits
/// above. `<token>` is not understood.
bool readGbnf(std::string_view text, Grammar *out, std::string *error);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_GBNF_H
