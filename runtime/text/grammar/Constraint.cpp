//===- Constraint.cpp - Which tokens may come next
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   root ::= "ab" "c"?, tokens a ab abc b </s>
//     ==> at the begin {a, ab, abc}; after "ab" {</s>}, after "a" {b}
//
// What has been built of the automaton, and the masks, are forgotten when they
// have grown large; a text stands in one state only.
//
//===----------------------------------------------------------------------===//

#include "Constraint.h"
#include "../Status.h"

namespace modelc::grammar {
namespace {

using text::fail;
using text::succeed;

/// 64 MiB.
constexpr size_t kMaxMaskBytes = size_t{1} << 26;
/// Between tokens; about 50 MB.
constexpr size_t kMaxMatcherSize = size_t{1} << 18;
/// Within one walk over the tokens.
constexpr size_t kMaxWalkSize = size_t{1} << 20;
/// A few tenths of a second; JSON takes some thousands.
constexpr uint64_t kMaxWalkWork = uint64_t{1} << 23;

} // namespace

Constraint::Constraint(const text::Tokenizer &tokenizer, GrammarProgram program)
    : tokenizer(tokenizer), trie(tokenizer), matcher(std::move(program)),
      state(matcher.start()), path(trie.maxDepth() + 1) {}

void Constraint::reset() {
  begin();
  state = matcher.start();
  isEnded = false;
}

bool Constraint::isComplete() const {
  return isEnded ||
         (state != GrammarMatcher::kTooMany && matcher.isAccepting(state));
}

modelc_code Constraint::check(State reached, modelc_status *status) const {
  if (reached != GrammarMatcher::kTooMany && matcher.size() <= kMaxWalkSize &&
      matcher.work() - workBefore <= kMaxWalkWork)
    return MODELC_OK;
  return fail(status, MODELC_RESOURCE_EXHAUSTED,
              "the grammar is too ambiguous: the text so far can be read in "
              "too many ways");
}

/// Begins a call: limits what is kept, and what this call may do.
void Constraint::begin() {
  workBefore = matcher.work();
  if (masks.size() * tokenizer.vocabulary().texts.size() / 8 > kMaxMaskBytes)
    masks.clear();
  if (state == GrammarMatcher::kTooMany || matcher.size() <= kMaxMatcherSize)
    return;
  masks.clear();
  state = matcher.forget(state);
}

modelc_code Constraint::mask(const uint64_t **out, modelc_status *status) {
  begin();
  if (modelc_code code = check(state, status))
    return code;
  auto [entry, isNew] = masks.try_emplace(state);
  if (isNew && !isEnded) {
    if (modelc_code code = computeMask(&entry->second, status)) {
      masks.erase(entry);
      return code;
    }
  }
  *out = entry->second.data();
  if (!isEnded && !entry->second.empty())
    return succeed(status);
  masks.erase(entry);
  return fail(status, MODELC_FAILED_PRECONDITION,
              isEnded ? "the text has ended"
                      : "the vocabulary has no token that can go on with the "
                        "grammar");
}

/// Leaves *mask empty if no token may come.
modelc_code Constraint::computeMask(Mask *mask, modelc_status *status) {
  size_t words = (tokenizer.vocabulary().texts.size() + 63) / 64;
  Mask bits(words);
  bool isAny = false;
  auto allow = [&](int32_t id) {
    bits[id / 64] |= uint64_t{1} << (id % 64);
    isAny = true;
  };
  const std::vector<TokenTrie::Node> &nodes = trie.nodes();
  path[0] = state;
  for (size_t at = 0; at + 1 < nodes.size();) {
    const TokenTrie::Node &node = nodes[at];
    State next = matcher.step(path[node.depth - 1], node.byte);
    if (next == GrammarMatcher::kDead) {
      at = node.skip;
      continue;
    }
    if (modelc_code code = check(next, status))
      return code;
    path[node.depth] = next;
    ++at;
    for (uint32_t index = node.idsBegin; index < nodes[at].idsBegin; ++index)
      allow(trie.ids()[index]);
  }
  if (matcher.isAccepting(state))
    for (int32_t id : tokenizer.endTokens())
      allow(id);
  if (isAny)
    *mask = std::move(bits);
  return MODELC_OK;
}

modelc_code Constraint::accept(int32_t id, modelc_status *status) {
  begin();
  if (modelc_code code = check(state, status))
    return code;
  State next = GrammarMatcher::kDead;
  if (!isEnded && tokenizer.isEnd(id) && matcher.isAccepting(state)) {
    isEnded = true;
    return succeed(status);
  }
  if (!isEnded && tokenizer.vocabulary().contains(id)) {
    std::string_view text = trie.text(id);
    next = text.empty() ? next : state;
    for (size_t at = 0; at < text.size() && next != GrammarMatcher::kDead;
         ++at) {
      next = matcher.step(next, static_cast<uint8_t>(text[at]));
      if (modelc_code code = check(next, status))
        return code;
    }
  }
  if (next == GrammarMatcher::kDead)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "token %d may not come here by the grammar", id);
  state = next;
  return succeed(status);
}

} // namespace modelc::grammar
