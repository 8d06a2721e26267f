//===- stream-test.cpp - Text that comes out of tokens one by one
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C API's detokenizer, and its buffers.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "runtime/text/TextApi.h"
#include "runtime/text/Utf8.h"
#include <gtest/gtest.h>

namespace modelc::text::test {
namespace {

const std::string kSpace = "\xe2\x96\x81";

TEST(Utf8, SaysWhatCouldStillBecomeACharacter) {
  const struct {
    std::string_view bytes;
    size_t held;
  } cases[] = {
      {"", 0},
      {"a", 0},
      {"\xc3", 1},
      {"\xc3\xa9", 0},
      {"a\xe2\x96", 2},
      {"\xe2\x96\x81", 0},
      {"\xf0\x9f\x98", 3},
      {"\xf0\x9f\x98\x80", 0},
      // Never a character: stray continuation bytes, overlong forms,
      // surrogates, above U+10FFFF, bytes that lead nothing.
      {"\x80\x80\x80", 0},
      {"\xa9", 0},
      {"\xc0", 0},
      {"\xc1", 0},
      {"\xe0\x9f", 0},
      {"\xe0\xa0", 2},
      {"\xed\xa0", 0},
      {"\xed\x9f", 2},
      {"\xf0\x8f", 0},
      {"\xf4\x90", 0},
      {"\xf4\x8f", 2},
      {"\xf5", 0},
      {"\xff", 0},
      {"\xe2(", 0},
      // The lead of the next one begins anew.
      {"\xe2\xc3", 1},
  };
  for (const auto &[bytes, held] : cases)
    EXPECT_EQ(incompleteUtf8Suffix(bytes), held)
        << testing::PrintToString(bytes);
}

class Stream : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(createTokenizer(metadata, &tokenizer.implementation, nullptr),
              MODELC_OK);
    ASSERT_EQ(modelc_detokenizer_create(&tokenizer, &detokenizer, nullptr),
              MODELC_OK);
  }
  void TearDown() override { modelc_detokenizer_destroy(detokenizer); }

  std::string push(int32_t id) {
    const char *text;
    size_t bytes;
    EXPECT_EQ(
        modelc_detokenizer_push(detokenizer, id, 0, &text, &bytes, nullptr),
        MODELC_OK);
    return {text, bytes};
  }

  std::string finish() {
    const char *text;
    size_t bytes;
    modelc_detokenizer_finish(detokenizer, &text, &bytes);
    return {text, bytes};
  }

  static int32_t byteId(uint8_t byte) { return 3 + byte; }

  FakeMetadata metadata = makeSpmMetadata({kSpace + "a", "b"});
  modelc_tokenizer tokenizer;
  modelc_detokenizer *detokenizer = nullptr;
};

TEST_F(Stream, HoldsBackTheBytesOfACharacter) {
  EXPECT_EQ(push(259), "a");
  EXPECT_EQ(push(byteId(0xf0)), "");
  EXPECT_EQ(push(byteId(0x9f)), "");
  EXPECT_EQ(push(byteId(0x98)), "");
  EXPECT_EQ(push(byteId(0x80)), "\xf0\x9f\x98\x80");
  EXPECT_EQ(push(260), "b");
  EXPECT_EQ(finish(), "");
}

TEST_F(Stream, LosesNoByteOfABrokenCharacter) {
  EXPECT_EQ(push(byteId(0xe2)), "");
  EXPECT_EQ(push(260), "\xe2"
                       "b");
  EXPECT_EQ(push(byteId(0xc3)), "");
  EXPECT_EQ(finish(), "\xc3");
  EXPECT_EQ(finish(), "");
}

// The space in front belongs to the encoding of a text's beginning alone.
TEST_F(Stream, StripsTheSpaceOfTheBeginningOnly) {
  EXPECT_EQ(push(1), "");
  EXPECT_EQ(push(259), "a");
  EXPECT_EQ(push(259), " a");
  finish();
  EXPECT_EQ(push(259), "a");
}

TEST_F(Stream, RefusesForeignIds) {
  const char *text;
  size_t bytes;
  modelc_status status;
  for (int32_t id : {-1, 261}) {
    EXPECT_EQ(
        modelc_detokenizer_push(detokenizer, id, 0, &text, &bytes, &status),
        MODELC_OUT_OF_RANGE);
    EXPECT_EQ(std::string(status.message),
              "token " + std::to_string(id) +
                  " is outside the vocabulary of 261");
    EXPECT_EQ(modelc_token_text(&tokenizer, id, &text, &bytes, &status),
              MODELC_OUT_OF_RANGE);
    char out[8];
    EXPECT_EQ(modelc_detokenize(&tokenizer, &id, 1, 0, out, 8, &bytes, &status),
              MODELC_OUT_OF_RANGE);
  }
}

TEST_F(Stream, SaysHowMuchRoomIsMissing) {
  int32_t ids[2];
  size_t count = 0;
  modelc_status status;
  EXPECT_EQ(modelc_tokenize(&tokenizer, "bbb", 3, 0, ids, 2, &count, &status),
            MODELC_RESOURCE_EXHAUSTED);
  EXPECT_EQ(count, 4u);
  EXPECT_STREQ(status.message, "the text has 4 tokens, there is room for 2");
  const int32_t story[] = {259, 260, 260};
  char text[3];
  size_t bytes = 0;
  EXPECT_EQ(
      modelc_detokenize(&tokenizer, story, 3, 0, text, 2, &bytes, &status),
      MODELC_RESOURCE_EXHAUSTED);
  EXPECT_EQ(bytes, 3u);
  EXPECT_EQ(
      modelc_detokenize(&tokenizer, story, 3, 0, text, 3, &bytes, &status),
      MODELC_OK);
  EXPECT_EQ(std::string(text, bytes), "abb");
}

TEST_F(Stream, TellsTheFactsOfTheVocabulary) {
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(&tokenizer, &info);
  EXPECT_STREQ(info.model, "llama");
  EXPECT_EQ(info.tokenCount, 261u);
  EXPECT_EQ(info.bosId, 1);
  EXPECT_EQ(info.eosId, 2);
  EXPECT_EQ(info.eotId, -1);
  EXPECT_EQ(info.unknownId, 0);
  EXPECT_EQ(info.addBos, 1u);
  EXPECT_EQ(info.addEos, 0u);
  EXPECT_EQ(modelc_token_is_end(&tokenizer, 2), 1u);
  EXPECT_EQ(modelc_token_is_end(&tokenizer, 1), 0u);
  EXPECT_EQ(modelc_token_is_end(&tokenizer, -1), 0u);
  const char *text;
  size_t bytes;
  ASSERT_EQ(modelc_token_text(&tokenizer, 259, &text, &bytes, nullptr),
            MODELC_OK);
  EXPECT_EQ(std::string(text, bytes), kSpace + "a");
}

} // namespace
} // namespace modelc::text::test
