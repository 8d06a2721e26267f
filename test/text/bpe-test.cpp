//===- bpe-test.cpp - The BPE tokenizer on small vocabularies
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random merges and texts against the plain algorithm; then the rules one by
// one.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "runtime/text/ByteAlphabet.h"
#include "runtime/text/MergeIndex.h"
#include "runtime/text/TextApi.h"
#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <random>

namespace modelc::text::test {
namespace {

using Ids = std::vector<int32_t>;

/// Ids of makeBpeMetadata.
constexpr int32_t kFirstPiece = 256;

/// A space as BPE vocabularies write it.
const std::string kSpace = "\xc4\xa0";

/// The tokenizer borrows from `metadata`.
std::unique_ptr<Tokenizer> build(FakeMetadata &&metadata) = delete;
std::unique_ptr<Tokenizer> build(const FakeMetadata &metadata) {
  std::unique_ptr<Tokenizer> tokenizer;
  modelc_status status;
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, &status), MODELC_OK)
      << status.message;
  return tokenizer;
}

Ids encode(const Tokenizer &tokenizer, std::string_view text,
           uint32_t flags = 0) {
  Ids ids;
  modelc_status status;
  EXPECT_EQ(tokenizer.encode(text, flags, ids, &status), MODELC_OK)
      << status.message;
  return ids;
}

std::string decode(const Tokenizer &tokenizer, const Ids &ids,
                   uint32_t flags = 0) {
  std::string text;
  Tokenizer::DecodeState state;
  for (int32_t id : ids)
    tokenizer.decode(id, flags, state, text);
  return text;
}

/// The plain algorithm on a word of letters: always the neighbours of the
/// lowest rank, of equal ones the leftmost.
std::vector<std::string> mergePlainly(const std::vector<std::string> &merges,
                                      const std::string &word) {
  std::vector<std::string> symbols;
  for (char c : word)
    symbols.push_back(std::string(1, c));
  while (true) {
    size_t bestRank = merges.size(), best = 0;
    for (size_t at = 0; at + 1 < symbols.size(); ++at) {
      std::string pair = symbols[at] + " " + symbols[at + 1];
      size_t rank =
          std::find(merges.begin(), merges.end(), pair) - merges.begin();
      if (rank >= bestRank)
        continue;
      bestRank = rank;
      best = at;
    }
    if (bestRank == merges.size())
      return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + best + 1);
  }
}

TEST(Bpe, EqualsThePlainAlgorithm) {
  std::mt19937 random(20261124);
  auto below = [&](size_t bound) { return random() % bound; };
  for (int round = 0; round < 200; ++round) {
    // Merges of three letters and of what earlier ones made, some of them
    // twice, some with parts that nothing makes.
    std::vector<std::string> parts = {"a", "b", "c", "ac"};
    std::vector<std::string> merges;
    for (size_t count = 1 + below(25); merges.size() < count;) {
      std::string left = parts[below(parts.size())];
      std::string right = parts[below(parts.size())];
      merges.push_back(left + " " + right);
      if (left.size() + right.size() < 6)
        parts.push_back(left + right);
    }
    FakeMetadata metadata = makeBpeMetadata(merges);
    std::unique_ptr<Tokenizer> tokenizer = build(metadata);
    for (int texts = 0; texts < 20; ++texts) {
      std::string word;
      for (size_t length = 1 + below(40); length > 0; --length)
        word += "abc"[below(3)];
      std::vector<std::string> symbols;
      Ids ids = encode(*tokenizer, word);
      for (int32_t id : ids)
        symbols.push_back(std::string(tokenizer->vocabulary().texts[id]));
      EXPECT_EQ(symbols, mergePlainly(merges, word)) << word;
      EXPECT_EQ(decode(*tokenizer, ids), word);
    }
  }
}

TEST(Bpe, MergesWithinWordsOnly) {
  FakeMetadata metadata =
      makeBpeMetadata({kSpace + " b", "a " + kSpace, "a b", "a a"});
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "a b"), (Ids{'a', kFirstPiece}));
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{kFirstPiece + 2}));
  EXPECT_EQ(encode(*tokenizer, "aaa"), (Ids{kFirstPiece + 3, 'a'}));
  EXPECT_EQ(encode(*tokenizer, ""), Ids{});
}

TEST(Bpe, GivesAnyBytesBack) {
  FakeMetadata metadata = makeBpeMetadata({"a b"});
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  Ids ids = encode(*tokenizer, all);
  EXPECT_EQ(decode(*tokenizer, ids), all);
  EXPECT_EQ(encode(*tokenizer, "\xc3\xa9"), (Ids{0xc3, 0xa9}));
}

// "abc" is a token that no merge makes.
TEST(Bpe, TakesAWholeTokenWhereMergesAreIgnored) {
  FakeMetadata metadata = makeBpeMetadata({"a b", "b c", "x abc"});
  constexpr int32_t kAb = kFirstPiece, kXabc = kFirstPiece + 2;
  metadata.setString("tokenizer.ggml.pre", "qwen2");
  EXPECT_EQ(encode(*build(metadata), "xabc"), (Ids{'x', kAb, 'c'}));
  metadata.setString("tokenizer.ggml.pre", "llama-bpe");
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "xabc"), (Ids{kXabc}));
  EXPECT_EQ(encode(*tokenizer, "xabcx"), (Ids{'x', kAb, 'c', 'x'}));
}

// What merging makes need not be a token.
TEST(Bpe, SpellsASymbolThatIsNoToken) {
  FakeMetadata metadata = makeBpeMetadata({"a b", "ab c"});
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(spelledForBpe(byte));
  tokens.push_back("abc");
  metadata.setStrings("tokenizer.ggml.tokens", tokens);
  metadata.setInts("tokenizer.ggml.token_type",
                   std::vector<int32_t>(tokens.size(), 1));
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "abc"), (Ids{kFirstPiece}));
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{'a', 'b'}));
}

/// `makeBpeMetadata({})` without the tokens of `absent`.
FakeMetadata makeMetadataWithout(const std::vector<int> &absent) {
  FakeMetadata metadata = makeBpeMetadata({});
  std::vector<int32_t> types(256, 1);
  for (int byte : absent)
    types[byte] = 3;
  metadata.setInts("tokenizer.ggml.token_type", types);
  return metadata;
}

TEST(Bpe, ReplacesAByteWithoutToken) {
  FakeMetadata metadata = makeMetadataWithout({0xff});
  EXPECT_EQ(encode(*build(metadata), "a\xff"), (Ids{'a', 0xef, 0xbf, 0xbd}));
  metadata = makeMetadataWithout({0xff, 0xbd});
  Ids ids;
  modelc_status status;
  EXPECT_EQ(build(metadata)->encode("\xff", 0, ids, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "the vocabulary has neither a token for the text's byte 0xff "
               "nor one for U+FFFD in its place");
}

/// A vocabulary with control token <end> 256, user-defined <tool> 257 and
/// "a b" 258.
FakeMetadata makeSpecialMetadata() {
  FakeMetadata metadata = makeBpeMetadata({"a b"});
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(spelledForBpe(byte));
  tokens.insert(tokens.end(), {"<end>", "<tool>", "ab"});
  std::vector<int32_t> types(256, 1);
  types.insert(types.end(), {3, 4, 1});
  metadata.setStrings("tokenizer.ggml.tokens", tokens);
  metadata.setInts("tokenizer.ggml.token_type", types);
  return metadata;
}

TEST(Bpe, FindsSpecialTokens) {
  constexpr int32_t kEnd = 256, kTool = 257, kAb = 258;
  FakeMetadata metadata = makeSpecialMetadata();
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  const std::string text = "ab<end> ab<tool>ab";
  Ids ids = encode(*tokenizer, text, MODELC_TOKENIZE_PARSE_SPECIAL);
  EXPECT_EQ(ids, (Ids{kAb, kEnd, ' ', kAb, kTool, kAb}));
  EXPECT_EQ(decode(*tokenizer, ids, MODELC_DETOKENIZE_SPECIAL), text);
  EXPECT_EQ(decode(*tokenizer, ids), "ab ab<tool>ab");
}

// A text that only looks like a control token cannot become one, nor can a word
// that is spelled as one.
TEST(Bpe, LeavesControlTokensInPlainTextAlone) {
  FakeMetadata metadata = makeSpecialMetadata();
  metadata.setString("tokenizer.ggml.pre", "llama-bpe");
  std::vector<int32_t> types(259, 1);
  types[256] = types[258] = 3;
  metadata.setInts("tokenizer.ggml.token_type", types);
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "ab<end>"),
            (Ids{'a', 'b', '<', 'e', 'n', 'd', '>'}));
}

TEST(Bpe, AddsBosAndEosAsTheModelSays) {
  constexpr uint32_t kAdd = MODELC_TOKENIZE_ADD_SPECIAL;
  FakeMetadata metadata = makeSpecialMetadata();
  metadata.setU32("tokenizer.ggml.bos_token_id", 256);
  metadata.setU32("tokenizer.ggml.eos_token_id", 257);
  EXPECT_EQ(encode(*build(metadata), "a", kAdd), (Ids{'a'}));
  // The name alone asks for it, unless the model says otherwise.
  metadata.setString("tokenizer.ggml.pre", "llama-bpe");
  EXPECT_EQ(encode(*build(metadata), "a", kAdd), (Ids{256, 'a'}));
  EXPECT_EQ(encode(*build(metadata), "a"), (Ids{'a'}));
  metadata.setBool("tokenizer.ggml.add_bos_token", false);
  metadata.setBool("tokenizer.ggml.add_eos_token", true);
  EXPECT_EQ(encode(*build(metadata), "a", kAdd), (Ids{'a', 257}));
}

struct Refusal {
  const char *name;
  std::function<void(FakeMetadata &)> breakIt;
  modelc_code code;
  const char *message;
};

const Refusal kRefusals[] = {
    {"NoPre", [](FakeMetadata &m) { m.erase("tokenizer.ggml.pre"); },
     MODELC_NOT_FOUND, "the metadata has no key tokenizer.ggml.pre"},
    {"OtherPre",
     [](FakeMetadata &m) { m.setString("tokenizer.ggml.pre", "other"); },
     MODELC_UNIMPLEMENTED,
     "tokenizer.ggml.pre: found \"other\", expected a name of the list in "
     "docs/tokenizers.md"},
    {"NoMerges", [](FakeMetadata &m) { m.erase("tokenizer.ggml.merges"); },
     MODELC_NOT_FOUND, "the metadata has no key tokenizer.ggml.merges"},
    {"MergesAreNumbers",
     [](FakeMetadata &m) { m.setInts("tokenizer.ggml.merges", {1}); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.merges: found an array of type 5, expected an array of "
     "strings"},
    {"ManyMerges",
     [](FakeMetadata &m) {
       m.setNumbers("tokenizer.ggml.merges", 8, true, (1u << 29) + 1, "");
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.merges: found 536870913 merges, expected at most "
     "536870912"},
    {"MergeOfOne",
     [](FakeMetadata &m) {
       m.setStrings("tokenizer.ggml.merges", {"a b", "ab"});
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.merges[1]: expected two texts with a space between them, "
     "of at most 2048 bytes"},
    {"MergeWithoutRight",
     [](FakeMetadata &m) { m.setStrings("tokenizer.ggml.merges", {"a "}); },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.merges[0]: expected two texts with a space between them, "
     "of at most 2048 bytes"},
    {"MergeTooLong",
     [](FakeMetadata &m) {
       m.setStrings("tokenizer.ggml.merges", {"a " + std::string(2048, 'b')});
     },
     MODELC_INVALID_ARGUMENT,
     "tokenizer.ggml.merges[0]: expected two texts with a space between them, "
     "of at most 2048 bytes"},
};

class BpeRefused : public testing::TestWithParam<Refusal> {};

TEST_P(BpeRefused, WithAnExactMessage) {
  FakeMetadata metadata = makeBpeMetadata({"a b"});
  GetParam().breakIt(metadata);
  std::unique_ptr<Tokenizer> tokenizer;
  modelc_status status;
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, &status), GetParam().code);
  EXPECT_STREQ(status.message, GetParam().message);
  EXPECT_EQ(tokenizer, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Metadata, BpeRefused, testing::ValuesIn(kRefusals),
                         [](const auto &info) { return info.param.name; });

TEST(ByteAlphabet, SpellsEachByte) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelled, bytes;
    appendSpelled(static_cast<uint8_t>(byte), spelled);
    EXPECT_EQ(spelled, spelledForBpe(byte));
    EXPECT_TRUE(appendBytes(spelled, bytes));
    EXPECT_EQ(bytes, std::string(1, static_cast<char>(byte)));
  }
}

TEST(ByteAlphabet, RefusesOtherCharacters) {
  std::string bytes = "x";
  for (const char *text : {"a b", "a\xc5\x84", "\xe2\x96\x81", "a\xff"}) {
    EXPECT_FALSE(appendBytes(text, bytes)) << text;
    EXPECT_EQ(bytes, "x");
  }
}

TEST(MergeIndex, FindsEveryPairAndNoOther) {
  MergeIndex index;
  EXPECT_EQ(index.find(0, 0), nullptr);
  std::vector<Merge> merges;
  for (uint32_t at = 0; at < 3000; ++at)
    merges.push_back({at * 7, at * at, at, at + 1});
  // The same pair again, of a higher and of a lower rank.
  merges.push_back({7, 1, 5000, 9});
  merges.push_back({14, 4, 0, 9});
  index.build(merges);
  for (uint32_t at = 3; at < 3000; ++at) {
    const Merge *found = index.find(at * 7, at * at);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->merged, at + 1);
  }
  EXPECT_EQ(index.find(7, 1)->merged, 2u);
  EXPECT_EQ(index.find(14, 4)->merged, 9u);
  EXPECT_EQ(index.find(7, 2), nullptr);
  EXPECT_EQ(index.find(UINT32_MAX, 1), nullptr);
}

} // namespace
} // namespace modelc::text::test
