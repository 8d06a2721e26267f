//===- Constraint.h - Which tokens may come next
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A grammar beside a vocabulary. The answer is a mask, found by walking the
// tree of tokens with the grammar's automaton; it is kept for its state, as
// most states come back.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_CONSTRAINT_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_CONSTRAINT_H

#include "GrammarMatcher.h"
#include "TokenTrie.h"

namespace modelc::grammar {

class Constraint {
public:
  /// Borrows the tokenizer.
  Constraint(const text::Tokenizer &tokenizer, GrammarProgram program);

  /// [ceil(vocabulary / 64)] Bit id % 64 of word id / 64: whether the token
  /// may come next. Borrowed until the next call. FAILED_PRECONDITION if none
  /// may; RESOURCE_EXHAUSTED if the grammar is too ambiguous here.
  modelc_code mask(const uint64_t **out, modelc_status *status);

  /// Goes on with token `id`; at a token that ends generation nothing may
  /// follow. INVALID_ARGUMENT, and nothing changes, if it may not come here.
  modelc_code accept(int32_t id, modelc_status *status);

  /// Begins a new text.
  void reset();

  /// Whether the text so far is whole.
  bool isComplete() const;

private:
  using State = GrammarMatcher::State;
  using Mask = std::vector<uint64_t>;

  modelc_code computeMask(Mask *mask, modelc_status *status);
  modelc_code check(State state, modelc_status *status) const;
  void begin();

  const text::Tokenizer &tokenizer;
  TokenTrie trie;
  GrammarMatcher matcher;
  State state;
  bool isEnded = false;
  /// What the matcher had done when this call began.
  uint64_t workBefore = 0;
  std::unordered_map<State, Mask> masks;
  /// [depth] of the walk.
  std::vector<State> path;
};

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_CONSTRAINT_H
