//===- TokenTrie.cpp - The texts of a vocabulary as a tree
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "a" 5, "abc" 7, "b" 6  ==>  a (5) depth 1 skip 3, b depth 2 skip 3,
//                               c (7) depth 3 skip 3, b (6) depth 1 skip 4
//
//===----------------------------------------------------------------------===//

#include "TokenTrie.h"
#include <algorithm>

namespace modelc::grammar {
namespace {

bool isText(const text::Tokenizer &tokenizer, int32_t id) {
  text::TokenType type = tokenizer.vocabulary().types[id];
  return !tokenizer.isEnd(id) && type != text::TokenType::control &&
         type != text::TokenType::unknown && type != text::TokenType::unused;
}

} // namespace

TokenTrie::TokenTrie(const text::Tokenizer &tokenizer) {
  int32_t count = static_cast<int32_t>(tokenizer.vocabulary().size());
  for (int32_t id = 0; id < count; ++id) {
    offsets.push_back(bytes.size());
    text::Tokenizer::DecodeState state{.atStart = false};
    if (isText(tokenizer, id))
      tokenizer.decode(id, 0, state, bytes);
    if (bytes.size() > offsets.back())
      tokens.push_back(id);
  }
  offsets.push_back(bytes.size());
  std::sort(tokens.begin(), tokens.end(), [&](int32_t a, int32_t b) {
    std::string_view left = text(a), right = text(b);
    return left != right ? left < right : a < b;
  });

  // Nodes from the root to the current token's.
  std::vector<uint32_t> path;
  auto leave = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back())
      tree[path.back()].skip = static_cast<uint32_t>(tree.size());
  };
  std::string_view before;
  for (uint32_t at = 0; at < tokens.size(); ++at) {
    std::string_view current = text(tokens[at]);
    size_t common = std::mismatch(before.begin(), before.end(), current.begin(),
                                  current.end())
                        .first -
                    before.begin();
    leave(common);
    for (size_t depth = common; depth < current.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(tree.size()));
      // Nodes on the way to a token have no ids of their own.
      tree.push_back({0, static_cast<uint16_t>(depth + 1),
                      static_cast<uint8_t>(current[depth]), at});
    }
    longest = std::max(longest, current.size());
    before = current;
  }
  leave(0);
  tree.push_back({static_cast<uint32_t>(tree.size() + 1), 0, 0,
                  static_cast<uint32_t>(tokens.size())});
}

} // namespace modelc::grammar
