//===- vocab-test.cpp - Whole vocabularies against llama.cpp's ids
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Cases of ../shared/vocab: NAME.inp holds texts, NAME.out the ids that
// llama.cpp gives them without special tokens. MODELC_SHARED_DIR in the
// environment may name another folder than ../shared.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "runtime/text/TextApi.h"
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace modelc::text::test {
namespace {

/// The folder of files that are not in the repository.
std::string sharedDirectory() {
  const char *directory = std::getenv("MODELC_SHARED_DIR");
  return directory ? directory : MODELC_SOURCE_DIR "/../shared";
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

std::vector<std::string> splitCases(const std::string &text) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> cases;
  size_t begin = 0;
  for (size_t at; (at = text.find(separator, begin)) != std::string::npos;
       begin = at + separator.size())
    cases.push_back(text.substr(begin, at - begin));
  // What follows the last separator is the end of the file, not a case.
  EXPECT_EQ(text.substr(begin), "");
  return cases;
}

std::vector<std::vector<int32_t>> readIds(const std::string &text) {
  std::vector<std::vector<int32_t>> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    all.emplace_back(std::istream_iterator<int32_t>(numbers),
                     std::istream_iterator<int32_t>());
  }
  return all;
}

/// Seconds that this thread has computed.
double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

class Vocab : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    path = sharedDirectory() + "/vocab/ggml-vocab-" + GetParam() + ".gguf";
    if (!std::ifstream(path))
      GTEST_SKIP() << path << " is absent";
    std::string error;
    ASSERT_TRUE(readGgufMetadata(path, &metadata, &error)) << error;
    modelc_status status;
    ASSERT_EQ(createTokenizer(metadata, &tokenizer, &status), MODELC_OK)
        << status.message;
  }

  std::vector<int32_t> encode(std::string_view text) const {
    std::vector<int32_t> ids;
    modelc_status status;
    EXPECT_EQ(tokenizer->encode(text, 0, ids, &status), MODELC_OK)
        << status.message;
    return ids;
  }

  std::string decode(const std::vector<int32_t> &ids) const {
    std::string text;
    Tokenizer::DecodeState state;
    for (int32_t id : ids)
      tokenizer->decode(id, 0, state, text);
    return text;
  }

  std::string path;
  FakeMetadata metadata;
  std::unique_ptr<Tokenizer> tokenizer;
};

TEST_P(Vocab, GivesTheIdsOfLlamaCpp) {
  std::vector<std::string> texts = splitCases(readFile(path + ".inp"));
  std::vector<std::vector<int32_t>> ids = readIds(readFile(path + ".out"));
  ASSERT_EQ(texts.size(), ids.size());
  ASSERT_GT(texts.size(), 40u);
  for (size_t at = 0; at < texts.size(); ++at)
    EXPECT_EQ(encode(texts[at]), ids[at]) << "case " << at << ": " << texts[at];
}

TEST_P(Vocab, GivesTheTextBack) {
  for (const std::string &text : splitCases(readFile(path + ".inp")))
    EXPECT_EQ(decode(encode(text)), text);
}

// Each byte once, alone and in a row: broken UTF-8 comes back as it was. Some
// vocabularies have no token for what never occurs in real UTF-8; U+FFFD stands
// for such a byte.
TEST_P(Vocab, GivesAnyBytesBack) {
  std::string all, allBack;
  for (int byte = 0; byte < 256; ++byte) {
    std::string one(1, static_cast<char>(byte));
    std::string back = decode(encode(one));
    bool isReal = byte < 0xc0 || (byte > 0xc1 && byte < 0xf1) ||
                  (byte > 0xf1 && byte < 0xf5);
    if (isReal || back != "\xef\xbf\xbd") {
      EXPECT_EQ(back, one);
    }
    all += one;
    allBack += back;
  }
  EXPECT_EQ(decode(encode(all)), allBack);
  // A space after the beginning of a character stays a space.
  EXPECT_EQ(decode(encode("\xe2 \xf0\x9f a")), "\xe2 \xf0\x9f a");
}

// Prose, and the worst case for merging: one word without an end. Anything
// quadratic would not end here; the rate is recorded, not judged.
TEST_P(Vocab, LongTextsComeBackWhole) {
  std::string prose;
  const std::string cases = readFile(path + ".inp");
  while (prose.size() < (4u << 20))
    prose += cases;
  const std::string endless(1u << 20, 'a');
  for (const std::string &text : {prose, endless}) {
    double begin = threadSeconds();
    std::vector<int32_t> ids = encode(text);
    double seconds = threadSeconds() - begin;
    EXPECT_EQ(decode(ids), text);
    std::printf("%.1f MB/s\n",
                static_cast<double>(text.size()) / 1e6 / seconds);
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, Vocab,
                         testing::Values("llama-spm", "phi-3", "gpt-2",
                                         "starcoder", "deepseek-coder"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The vocabulary of the demo model, which is always there.
TEST(DemoVocab, TellsItsStoryInTokens) {
  FakeMetadata metadata;
  std::string error;
  ASSERT_TRUE(readGgufMetadata(MODELC_SOURCE_DIR
                               "/test/inputs/stories2M-llama-q8_0.gguf",
                               &metadata, &error))
      << error;
  modelc_tokenizer tokenizer;
  modelc_status status;
  ASSERT_EQ(createTokenizer(metadata, &tokenizer.implementation, &status),
            MODELC_OK)
      << status.message;
  const std::string text = "Once upon a time";
  int32_t ids[64];
  size_t count;
  ASSERT_EQ(modelc_tokenize(&tokenizer, text.data(), text.size(),
                            MODELC_TOKENIZE_ADD_SPECIAL, ids, 64, &count,
                            &status),
            MODELC_OK);
  // Ids of llama2.c's tok512.
  EXPECT_EQ(std::vector<int32_t>(ids, ids + count),
            (std::vector<int32_t>{1, 403, 407, 261, 378}));
  char back[64];
  size_t bytes;
  ASSERT_EQ(modelc_detokenize(&tokenizer, ids, count, 0, back, sizeof(back),
                              &bytes, &status),
            MODELC_OK);
  EXPECT_EQ(std::string(back, bytes), text);
}

} // namespace
} // namespace modelc::text::test
