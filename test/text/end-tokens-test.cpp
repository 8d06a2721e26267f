//===- end-tokens-test.cpp - The tokens at which generation ends
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/text/EndTokens.h"
#include <gtest/gtest.h>

namespace modelc::text {
namespace {

std::vector<int32_t> endsOf(std::vector<std::string_view> texts,
                            int32_t eosId = -1, int32_t eotId = -1) {
  Vocabulary vocabulary;
  vocabulary.types.assign(texts.size(), TokenType::control);
  vocabulary.texts = std::move(texts);
  vocabulary.eosId = eosId;
  vocabulary.eotId = eotId;
  return findEndTokens(vocabulary);
}

TEST(EndTokens, FromMetadataAndByName) {
  EXPECT_EQ(endsOf({"a", "b", "<|im_end|>", "<|im_start|>"}, 1),
            (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(endsOf({"</s>", "<end_of_turn>"}, 0, 1),
            (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(endsOf({"x", "y"}), std::vector<int32_t>{});
}

// gpt-oss ends messages with <|end|> and goes on; Phi-3 ends its answer.
TEST(EndTokens, EndOfAMessageIsNone) {
  EXPECT_EQ(endsOf({"<|end|>", "<|return|>", "<|call|>"}),
            (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(endsOf({"<|end|>", "<|return|>"}), (std::vector<int32_t>{0, 1}));
}

// A model of code may spell <PAD> as plain text.
TEST(EndTokens, NamesOfCodeOnlyAsControlTokens) {
  EXPECT_EQ(endsOf({"<PAD>", "<|file_sep|>"}), (std::vector<int32_t>{0, 1}));
  Vocabulary vocabulary;
  vocabulary.texts = {"<PAD>", "</s>"};
  vocabulary.types = {TokenType::normal, TokenType::normal};
  EXPECT_EQ(findEndTokens(vocabulary), (std::vector<int32_t>{1}));
}

} // namespace
} // namespace modelc::text
