//===- GrammarMatcher.cpp - Runs a grammar over bytes, deterministically
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   root ::= "[" root* "]", after "[["
//     ==> { "[" above (root*, "]") above (root*, "]"),
//           "]" above (root*, "]") }
//
// A call whose rule has nothing left to do after it leaves no trace on the
// stack, so that lists written by recursion at the end do not grow it. The
// compiler has refused left recursion, so that following calls ends.
//
//===----------------------------------------------------------------------===//

#include "GrammarMatcher.h"
#include <algorithm>

namespace modelc::grammar {

using Node = GrammarProgram::Node;
using Op = GrammarProgram::Op;

GrammarMatcher::GrammarMatcher(GrammarProgram program)
    : program(std::move(program)) {
  reset();
}

void GrammarMatcher::reset() {
  stacks.assign(1, {0, 0, 0});
  stackIds.clear();
  heads.clear();
  states.assign(1, {0, 0, false});
  stateIds.clear();
  table.assign(program.classCount, kDead);
  visits = 0;
}

GrammarMatcher::State GrammarMatcher::start() {
  open.assign(1, push(program.start, kBottom));
  return close() ? intern() : kTooMany;
}

uint32_t GrammarMatcher::push(uint32_t node, uint32_t below) {
  uint64_t key = uint64_t{node} << 32 | below;
  auto [entry, isNew] =
      stackIds.try_emplace(key, static_cast<uint32_t>(stacks.size()));
  if (isNew)
    stacks.push_back({node, below, 0});
  return entry->second;
}

GrammarMatcher::State GrammarMatcher::computeStep(State state, uint8_t byte) {
  open.clear();
  for (size_t at = states[state].begin; at < states[state].end; ++at) {
    const Stack stack = stacks[heads[at]];
    const Node &node = program.nodes[stack.node];
    if (byte >= node.low && byte <= node.high)
      open.push_back(push(node.next, stack.below));
  }
  State next = kDead;
  if (!open.empty())
    next = close() ? intern() : kTooMany;
  table[state * program.classCount + program.classOf[byte]] = next;
  return next;
}

/// Follows what reads nothing from the stacks of `open` on, and leaves those
/// that take bytes in `found`, sorted, and whether the text may end in
/// `foundEnd`. False if there are too many.
bool GrammarMatcher::close() {
  ++visits;
  size_t visited = 0;
  found.clear();
  foundEnd = false;
  while (!open.empty()) {
    uint32_t id = open.back();
    open.pop_back();
    if (stacks[id].visit == visits)
      continue;
    stacks[id].visit = visits;
    ++totalVisits;
    if (++visited > kMaxVisits)
      return false;
    const Stack stack = stacks[id];
    const Node &node = program.nodes[stack.node];
    switch (node.op) {
    case Op::take:
      if (found.size() == kMaxStacks)
        return false;
      found.push_back(id);
      break;
    case Op::fork:
      open.push_back(push(node.next, stack.below));
      open.push_back(push(node.other, stack.below));
      break;
    case Op::call: {
      uint32_t below = node.next == GrammarProgram::kGive
                           ? stack.below
                           : push(node.next, stack.below);
      open.push_back(push(node.other, below));
      break;
    }
    case Op::give:
      if (stack.below == kBottom)
        foundEnd = true;
      else
        open.push_back(stack.below);
      break;
    }
  }
  std::sort(found.begin(), found.end());
  return true;
}

/// The state of `found` and `foundEnd`.
GrammarMatcher::State GrammarMatcher::intern() {
  if (found.empty() && !foundEnd)
    return kDead;
  // FNV-1a over words.
  uint64_t hash = 0xcbf29ce484222325u + foundEnd;
  for (uint32_t id : found)
    hash = (hash ^ id) * 0x100000001b3u;
  auto [first, last] = stateIds.equal_range(hash);
  for (; first != last; ++first) {
    const StateInfo &info = states[first->second];
    if (info.isAccepting == foundEnd &&
        std::equal(found.begin(), found.end(), heads.begin() + info.begin,
                   heads.begin() + info.end))
      return first->second;
  }
  State state = static_cast<State>(states.size());
  states.push_back({heads.size(), heads.size() + found.size(), foundEnd});
  heads.insert(heads.end(), found.begin(), found.end());
  stateIds.emplace(hash, state);
  table.resize(table.size() + program.classCount, kUnknown);
  return state;
}

GrammarMatcher::State GrammarMatcher::forget(State state) {
  std::vector<Stack> oldStacks = std::move(stacks);
  StateInfo info = states[state];
  std::vector<uint32_t> kept(heads.begin() + info.begin,
                             heads.begin() + info.end);
  reset();
  if (state == kDead)
    return kDead;
  // A stack is younger than what lies below it.
  std::vector<bool> isNeeded(oldStacks.size());
  for (uint32_t id : kept)
    isNeeded[id] = true;
  for (size_t id = oldStacks.size(); id-- > 1;)
    if (isNeeded[id])
      isNeeded[oldStacks[id].below] = true;
  std::vector<uint32_t> newIds(oldStacks.size(), kBottom);
  for (size_t id = 1; id < oldStacks.size(); ++id)
    if (isNeeded[id])
      newIds[id] = push(oldStacks[id].node, newIds[oldStacks[id].below]);
  found.clear();
  for (uint32_t id : kept)
    found.push_back(newIds[id]);
  std::sort(found.begin(), found.end());
  foundEnd = info.isAccepting;
  return intern();
}

} // namespace modelc::grammar
