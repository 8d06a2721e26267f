//===- TokenTrie.h - The texts of a vocabulary as a tree
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts with a common beginning are looked at once, and a beginning that cannot
// be is left with all that it begins.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_TOKENTRIE_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_TOKENTRIE_H

#include "../Tokenizer.h"

namespace modelc::grammar {

class TokenTrie {
public:
  /// A node says one byte more than the one above it. In preorder.
  struct Node {
    /// The node behind all below this one.
    uint32_t skip;
    /// Bytes of the text that ends here, 1 or more.
    uint16_t depth;
    uint8_t byte;
    /// Tokens with the node's text: ids [begin of this, begin of the next).
    uint32_t idsBegin;
  };

  /// Takes the tokens of `tokenizer` that say something and are no control
  /// tokens, unused, or ends of generation; their text is what they say after
  /// another token.
  explicit TokenTrie(const text::Tokenizer &tokenizer);

  /// One more than there are nodes: the last is the end of the ids.
  const std::vector<Node> &nodes() const { return tree; }
  const std::vector<int32_t> &ids() const { return tokens; }
  /// Bytes of the longest text.
  size_t maxDepth() const { return longest; }

  /// [token] The texts; empty for tokens that are not in the tree.
  std::string_view text(int32_t id) const {
    return std::string_view(bytes).substr(offsets[id],
                                          offsets[id + 1] - offsets[id]);
  }

private:
  std::vector<Node> tree;
  std::vector<int32_t> tokens;
  size_t longest = 0;
  std::string bytes;
  std::vector<size_t> offsets;
};

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_TOKENTRIE_H
