//===- vocabulary-test.cpp - What a tokenizer refuses, and how it says so
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every metadata value is foreign: each case breaks one key of a vocabulary
// that is good otherwise.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "modelc/plan_format.h"
#include "runtime/text/TextIndex.h"
#include "runtime/text/Tokenizer.h"
#include <functional>
#include <gtest/gtest.h>
#include <limits>

namespace modelc::text::test {
namespace {

struct Refusal {
  const char *name;
  std::function<void(FakeMetadata &)> breakIt;
  modelc_code code;
  const char *message;
};

const std::string kBig(1025, 'x');

const Refusal kRefusals[] = {
    {"OtherModel",
     [](FakeMetadata &m) { m.setString("tokenizer.ggml.model", "bert"); },
     MODELC_UNIMPLEMENTED,
     "tokenizer.ggml.model: found \"bert\", expected \"llama\" or \"gpt2\""},
    {"ModelWithLineEnd",
     [](FakeMetadata &m) { m.setString("tokenizer.ggml.model", "a\nb"); },
     MODELC_UNIMPLEMENTED,
     "tokenizer.ggml.model: found \"a?b\", expected \"llama\" or \"gpt2\""},
    {"NoModel", [](FakeMetadata &m) { m.erase("tokenizer.ggml.model"); },
     MODELC_NOT_FOUND, "the metadata has no key tokenizer.ggml.model"},
    {"ModelIsNumber",
     [](FakeMetadata &m) { m.setU32("tokenizer.ggml.model", 1); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.model: found one value of type 4, expected one string"},
    {"NoTokens", [](FakeMetadata &m) { m.erase("tokenizer.ggml.tokens"); },
     MODELC_NOT_FOUND, "the metadata has no key tokenizer.ggml.tokens"},
    {"TokensAreOneString",
     [](FakeMetadata &m) { m.setString("tokenizer.ggml.tokens", "a"); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.tokens: found one value of type 8, expected an array of "
     "strings"},
    {"MoreLogitsThanTokens", [](FakeMetadata &m) { m.setVocabSize(300); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.tokens: found 261 tokens, expected 300 as the model has"},
    {"TokenIsTooLong",
     [](FakeMetadata &m) { m = makeSpmMetadata({"a", kBig}); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.tokens[260]: found 1025 bytes, expected at most 1024"},
    {"NoScores", [](FakeMetadata &m) { m.erase("tokenizer.ggml.scores"); },
     MODELC_NOT_FOUND, "the metadata has no key tokenizer.ggml.scores"},
    {"FewScores",
     [](FakeMetadata &m) { m.setFloats("tokenizer.ggml.scores", {1, 2}); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.scores: found 2 values, expected an array of 261, one for "
     "each token"},
    {"ScoresAreInts",
     [](FakeMetadata &m) {
       m.setInts("tokenizer.ggml.scores", std::vector<int32_t>(261, 1));
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.scores: found type 5, expected float32"},
    {"ScoreIsNaN",
     [](FakeMetadata &m) {
       std::vector<float> scores(261, 0);
       scores[7] = std::numeric_limits<float>::quiet_NaN();
       m.setFloats("tokenizer.ggml.scores", scores);
     },
     MODELC_INVALID_ARGUMENT, "tokenizer.ggml.scores[7]: is NaN"},
    {"ManyTypes",
     [](FakeMetadata &m) {
       m.setInts("tokenizer.ggml.token_type", std::vector<int32_t>(262, 1));
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.token_type: found 262 values, expected an array of 261, "
     "one for each token"},
    {"TypesAreFloats",
     [](FakeMetadata &m) {
       m.setFloats("tokenizer.ggml.token_type", std::vector<float>(261, 1));
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.token_type: found type 6, expected integers"},
    {"TypeIsForeign",
     [](FakeMetadata &m) {
       m.setInts("tokenizer.ggml.token_type", std::vector<int32_t>(261, 7));
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.token_type[0]: found 7, expected a token type (0 to 6)"},
    {"ByteIsNoByte",
     [](FakeMetadata &m) {
       m.setInts("tokenizer.ggml.token_type", std::vector<int32_t>(261, 6));
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.token_type[0]: is a byte, but its text is not <0x00> to "
     "<0xFF>"},
    {"BosIsTooLarge",
     [](FakeMetadata &m) { m.setU32("tokenizer.ggml.bos_token_id", 261); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.bos_token_id: found 261, expected an id below 261"},
    {"EosIsFlag",
     [](FakeMetadata &m) { m.setBool("tokenizer.ggml.eos_token_id", true); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.eos_token_id: found one value of type 7, expected one "
     "integer"},
    {"UnknownIsArray",
     [](FakeMetadata &m) { m.setInts("tokenizer.ggml.unknown_token_id", {1}); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.unknown_token_id: found an array of type 5, expected one "
     "integer"},
    {"AddBosIsNumber",
     [](FakeMetadata &m) { m.setU32("tokenizer.ggml.add_bos_token", 1); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.add_bos_token: found one value of type 4, expected one "
     "bool"},
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithAnExactMessage) {
  FakeMetadata metadata = makeSpmMetadata({"a", "b"});
  std::unique_ptr<Tokenizer> tokenizer;
  modelc_status status;
  ASSERT_EQ(createTokenizer(metadata, &tokenizer, &status), MODELC_OK);
  EXPECT_STREQ(status.message, "");
  tokenizer.reset();

  GetParam().breakIt(metadata);
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, &status), GetParam().code);
  EXPECT_EQ(status.code, GetParam().code);
  EXPECT_STREQ(status.message, GetParam().message);
  EXPECT_EQ(tokenizer, nullptr);
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, nullptr), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(Metadata, Refused, testing::ValuesIn(kRefusals),
                         [](const auto &info) { return info.param.name; });

TEST(Vocabulary, GuessesBytesWithoutTypes) {
  FakeMetadata metadata = makeSpmMetadata({"a"});
  metadata.erase("tokenizer.ggml.token_type");
  Vocabulary vocabulary;
  ASSERT_EQ(readVocabulary(metadata, {}, &vocabulary, nullptr), MODELC_OK);
  EXPECT_EQ(vocabulary.types[0], TokenType::normal);
  EXPECT_EQ(vocabulary.types[3], TokenType::byte);
  EXPECT_EQ(vocabulary.types[259], TokenType::normal);
}

TEST(Vocabulary, TakesMinusOneForNoToken) {
  FakeMetadata metadata = makeSpmMetadata({"a"});
  metadata.setU32("tokenizer.ggml.bos_token_id", UINT32_MAX);
  Vocabulary vocabulary;
  VocabularyDefaults defaults = {.bosId = 1, .eosId = 2, .unknownId = 500};
  ASSERT_EQ(readVocabulary(metadata, defaults, &vocabulary, nullptr),
            MODELC_OK);
  EXPECT_EQ(vocabulary.bosId, -1);
  EXPECT_EQ(vocabulary.eosId, 2);
  EXPECT_EQ(vocabulary.unknownId, -1);
}

TEST(Vocabulary, ReadsSpelledBytes) {
  EXPECT_EQ(spelledByte("<0x00>"), 0);
  EXPECT_EQ(spelledByte("<0xFF>"), 255);
  EXPECT_EQ(spelledByte("<0xA9>"), 0xa9);
  for (const char *text :
       {"", "<0xff>", "<0x0>", "<0x000>", "<0xG0>", "x0x00>", "<0x00<"})
    EXPECT_EQ(spelledByte(text), -1) << text;
}

TEST(TextIndex, FindsEveryTextAndNoOther) {
  std::vector<std::string> owned;
  std::vector<std::string_view> texts;
  std::vector<int32_t> ids;
  for (int at = 0; at < 3000; ++at)
    owned.push_back(std::to_string(at * 7) + (at % 2 ? "x" : "-long-ending"));
  owned.push_back("");
  for (const std::string &text : owned) {
    ids.push_back(static_cast<int32_t>(texts.size()));
    texts.push_back(text);
  }
  TextIndex index;
  EXPECT_EQ(index.find("7x"), -1);
  index.build(texts, ids);
  for (int32_t id : ids)
    EXPECT_EQ(index.find(owned[id]), id);
  EXPECT_EQ(index.find("8x"), -1);
  EXPECT_EQ(index.find("7x "), -1);
  EXPECT_EQ(index.find(kBig), -1);
}

TEST(TextIndex, PrefersTheHigherOfEqualIds) {
  std::vector<std::string_view> texts = {"a", "b", "a"};
  TextIndex index;
  index.build(texts, {0, 1, 2});
  EXPECT_EQ(index.find("a"), 2);
}

} // namespace
} // namespace modelc::text::test
