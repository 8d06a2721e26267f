//===- GrammarMatcher.h - Runs a grammar over bytes, deterministically
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a text stands in a grammar is a set of stacks: what each way of reading
// it so far still has to return to. Stacks share what they have in common, and
// a set that was seen before has the number that it had: a state. From state
// and byte to the next state is then a look-up, filled when it is first asked
// for. So the grammar is a deterministic automaton that is built where the
// text goes.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARMATCHER_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARMATCHER_H

#include "GrammarProgram.h"
#include <unordered_map>

namespace modelc::grammar {

class GrammarMatcher {
public:
  using State = uint32_t;
  /// Nothing can follow, and the text does not match.
  static constexpr State kDead = 0;
  /// Of step(): the text can be read in more ways than a state holds.
  static constexpr State kTooMany = UINT32_MAX - 1;

  /// Most stacks of one state, and most places that are looked at to find
  /// them.
  static constexpr size_t kMaxStacks = size_t{1} << 14;
  static constexpr size_t kMaxVisits = size_t{1} << 17;

  explicit GrammarMatcher(GrammarProgram program);

  /// The state of the empty text; may be kTooMany.
  State start();

  /// The state after one more byte.
  State step(State state, uint8_t byte) {
    State next = table[state * program.classCount + program.classOf[byte]];
    return next != kUnknown ? next : computeStep(state, byte);
  }

  /// Whether the text may end here.
  bool isAccepting(State state) const { return states[state].isAccepting; }

  /// What has been built, in units of about 200 bytes.
  size_t size() const {
    return states.size() + (stacks.size() + heads.size()) / 16;
  }

  /// Places that were looked at so far: what the time goes by.
  uint64_t work() const { return totalVisits; }

  /// Forgets all states but `state`, whose new number it returns.
  State forget(State state);

private:
  static constexpr State kUnknown = UINT32_MAX;
  static constexpr uint32_t kBottom = 0;

  /// A node, and the stack that it returns to: a list that ends at kBottom.
  struct Stack {
    uint32_t node;
    uint32_t below;
    /// The closure that saw it last.
    uint32_t visit;
  };
  struct StateInfo {
    /// Its stacks: heads[begin .. end), sorted. Their nodes take bytes.
    size_t begin;
    size_t end;
    bool isAccepting;
  };

  uint32_t push(uint32_t node, uint32_t below);
  State computeStep(State state, uint8_t byte);
  bool close();
  State intern();
  void reset();

  GrammarProgram program;
  std::vector<Stack> stacks;
  std::unordered_map<uint64_t, uint32_t> stackIds;
  std::vector<uint32_t> heads;
  std::vector<StateInfo> states;
  /// By hash.
  std::unordered_multimap<uint64_t, State> stateIds;
  /// [state][class]
  std::vector<State> table;

  // The closure that is being computed.
  uint32_t visits = 0;
  uint64_t totalVisits = 0;
  std::vector<uint32_t> open;
  std::vector<uint32_t> found;
  bool foundEnd = false;
};

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_GRAMMARMATCHER_H
