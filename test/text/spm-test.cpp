//===- spm-test.cpp - The SentencePiece tokenizer on small vocabularies
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random vocabularies and texts against the plain algorithm; then the rules
// one by one.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "runtime/text/TextApi.h"
#include <gtest/gtest.h>
#include <random>

namespace modelc::text::test {
namespace {

const std::string kSpace = "\xe2\x96\x81";

/// Ids of makeSpmMetadata.
constexpr int32_t kByte0 = 3;
constexpr int32_t kFirstPiece = 259;

/// The tokenizer borrows from `metadata`.
std::unique_ptr<Tokenizer> build(FakeMetadata &&metadata) = delete;
std::unique_ptr<Tokenizer> build(const FakeMetadata &metadata) {
  std::unique_ptr<Tokenizer> tokenizer;
  modelc_status status;
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, &status), MODELC_OK)
      << status.message;
  return tokenizer;
}

std::vector<int32_t> encode(const Tokenizer &tokenizer, std::string_view text,
                            uint32_t flags = 0) {
  std::vector<int32_t> ids;
  modelc_status status;
  EXPECT_EQ(tokenizer.encode(text, flags, ids, &status), MODELC_OK)
      << status.message;
  return ids;
}

std::string decode(const Tokenizer &tokenizer, const std::vector<int32_t> &ids,
                   uint32_t flags = 0) {
  std::string text;
  Tokenizer::DecodeState state;
  for (int32_t id : ids)
    tokenizer.decode(id, flags, state, text);
  return text;
}

/// The plain algorithm: over the whole text, always the neighbours whose
/// concatenation has the best score, of equal ones the leftmost. ASCII only.
std::vector<int32_t> encodePlainly(const std::vector<std::string> &pieces,
                                   const std::vector<float> &scores,
                                   const std::string &text) {
  auto idOf = [&](const std::string &piece) {
    for (size_t at = pieces.size(); at-- > 0;)
      if (pieces[at] == piece)
        return static_cast<int32_t>(at) + kFirstPiece;
    return -1;
  };
  std::vector<std::string> symbols = {kSpace};
  for (char c : text)
    symbols.push_back(c == ' ' ? kSpace : std::string(1, c));
  while (true) {
    size_t best = symbols.size();
    float bestScore = 0;
    for (size_t at = 0; at + 1 < symbols.size(); ++at) {
      int32_t id = idOf(symbols[at] + symbols[at + 1]);
      if (id < 0)
        continue;
      float score = scores[id - kFirstPiece];
      if (best < symbols.size() && score <= bestScore)
        continue;
      best = at;
      bestScore = score;
    }
    if (best == symbols.size())
      break;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + best + 1);
  }
  std::vector<int32_t> ids;
  for (const std::string &symbol : symbols) {
    int32_t id = idOf(symbol);
    std::string bytes = symbol == kSpace ? " " : symbol;
    if (id >= 0)
      ids.push_back(id);
    else
      for (char c : bytes)
        ids.push_back(kByte0 + static_cast<uint8_t>(c));
  }
  return ids;
}

TEST(Spm, EqualsThePlainAlgorithm) {
  std::mt19937 random(20240501);
  auto below = [&](uint32_t bound) { return random() % bound; };
  const std::vector<std::string> letters = {"a", "b", "c", kSpace};
  for (int round = 0; round < 300; ++round) {
    // Few letters and few scores, so that pieces overlap and scores tie.
    std::vector<std::string> pieces;
    std::vector<float> scores;
    for (uint32_t count = 1 + below(20); pieces.size() < count;) {
      std::string piece;
      for (uint32_t length = 1 + below(4); length > 0; --length)
        piece += letters[below(4)];
      pieces.push_back(piece);
      scores.push_back(-static_cast<float>(below(6)));
    }
    FakeMetadata metadata = makeSpmMetadata(pieces);
    std::vector<float> allScores(kFirstPiece, 0);
    allScores.insert(allScores.end(), scores.begin(), scores.end());
    metadata.setFloats("tokenizer.ggml.scores", allScores);
    std::unique_ptr<Tokenizer> tokenizer = build(metadata);
    for (int texts = 0; texts < 10; ++texts) {
      std::string text;
      for (uint32_t length = 1 + below(30); length > 0; --length)
        text += "abc "[below(4)];
      std::vector<int32_t> ids = encode(*tokenizer, text);
      EXPECT_EQ(ids, encodePlainly(pieces, scores, text)) << "'" << text << "'";
      EXPECT_EQ(decode(*tokenizer, ids), text);
    }
  }
}

TEST(Spm, SpellsUnknownCharactersInBytes) {
  FakeMetadata metadata = makeSpmMetadata({kSpace});
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "\xc3\xa9"),
            (std::vector<int32_t>{kFirstPiece, kByte0 + 0xc3, kByte0 + 0xa9}));
}

TEST(Spm, GivesUnknownForACharacterWithoutBytes) {
  FakeMetadata metadata;
  metadata.setString("tokenizer.ggml.model", "llama");
  metadata.setStrings("tokenizer.ggml.tokens", {"<unk>", kSpace, "a"});
  metadata.setFloats("tokenizer.ggml.scores", {0, -1, -2});
  metadata.setInts("tokenizer.ggml.token_type", {2, 1, 1});
  std::vector<int32_t> ids = encode(*build(metadata), "a\xc3\xa9"
                                                      "a");
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 2, 0, 2}));

  metadata.setU32("tokenizer.ggml.unknown_token_id", UINT32_MAX);
  modelc_status status;
  ids.clear();
  EXPECT_EQ(build(metadata)->encode("\xc3\xa9", 0, ids, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "the vocabulary has neither a token <0xC3> nor an unknown token "
               "for the text's byte 0xc3");
}

// An empty text has no tokens, not even the space that others get.
TEST(Spm, PutsASpaceInFrontIfAsked) {
  FakeMetadata metadata = makeSpmMetadata({kSpace, "a", kSpace + "a"});
  EXPECT_EQ(encode(*build(metadata), "a"),
            (std::vector<int32_t>{kFirstPiece + 2}));
  EXPECT_EQ(encode(*build(metadata), ""), std::vector<int32_t>{});
  metadata.setBool("tokenizer.ggml.add_space_prefix", false);
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "a"), (std::vector<int32_t>{kFirstPiece + 1}));
  EXPECT_EQ(decode(*tokenizer, {kFirstPiece + 2}), " a");
}

TEST(Spm, AddsBosAndEosAsTheModelSays) {
  constexpr uint32_t kAdd = MODELC_TOKENIZE_ADD_SPECIAL;
  FakeMetadata metadata = makeSpmMetadata({kSpace + "a"});
  metadata.setBool("tokenizer.ggml.add_space_prefix", true);
  EXPECT_EQ(encode(*build(metadata), "", kAdd), (std::vector<int32_t>{1}));
  metadata.setBool("tokenizer.ggml.add_eos_token", true);
  EXPECT_EQ(encode(*build(metadata), "", kAdd), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(encode(*build(metadata), "", 0), std::vector<int32_t>{});
  metadata.setBool("tokenizer.ggml.add_bos_token", false);
  metadata.setU32("tokenizer.ggml.eos_token_id", 0);
  EXPECT_EQ(encode(*build(metadata), "", kAdd), (std::vector<int32_t>{0}));
}

/// A vocabulary with control token <end> and user-defined <tool>, <tools>.
FakeMetadata makeSpecialMetadata() {
  std::vector<std::string> pieces = {kSpace,  "a",      "b",
                                     "<end>", "<tool>", "<tools>"};
  FakeMetadata metadata = makeSpmMetadata(pieces);
  std::vector<int32_t> types = {2, 3, 3};
  types.insert(types.end(), 256, 6);
  types.insert(types.end(), {1, 1, 1, 3, 4, 4});
  metadata.setInts("tokenizer.ggml.token_type", types);
  return metadata;
}

TEST(Spm, FindsSpecialTokens) {
  constexpr int32_t kA = kFirstPiece + 1, kB = kFirstPiece + 2,
                    kEnd = kFirstPiece + 3, kTool = kFirstPiece + 4,
                    kTools = kFirstPiece + 5;
  FakeMetadata metadata = makeSpecialMetadata();
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  EXPECT_EQ(encode(*tokenizer, "a<end>b", MODELC_TOKENIZE_PARSE_SPECIAL),
            (std::vector<int32_t>{kFirstPiece, kA, kEnd, kFirstPiece, kB}));
  // User-defined tokens are always found, the longest that fits first.
  EXPECT_EQ(
      encode(*tokenizer, "a<tool><tools>b"),
      (std::vector<int32_t>{kFirstPiece, kA, kTool, kTools, kFirstPiece, kB}));
}

// A text that only looks like a control token cannot become one.
TEST(Spm, LeavesControlTokensInPlainTextAlone) {
  FakeMetadata metadata = makeSpecialMetadata();
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  std::vector<int32_t> ids = encode(*tokenizer, "<end></s><0x41>");
  for (int32_t id : ids) {
    EXPECT_TRUE(id == kFirstPiece || (id >= kByte0 && id < kFirstPiece)) << id;
    EXPECT_NE(id, kByte0 + 0x41);
  }
  EXPECT_EQ(decode(*tokenizer, ids), "<end></s><0x41>");
}

TEST(Spm, GivesTextsWithSpecialTokensBack) {
  FakeMetadata metadata = makeSpecialMetadata();
  std::unique_ptr<Tokenizer> tokenizer = build(metadata);
  for (std::string text : {"a<end>b", "<end> a", "<end><tool>  <end>b ",
                           " <tools", "<tool>a<tool> a"}) {
    std::vector<int32_t> ids =
        encode(*tokenizer, text, MODELC_TOKENIZE_PARSE_SPECIAL);
    EXPECT_EQ(decode(*tokenizer, ids, MODELC_DETOKENIZE_SPECIAL), text);
  }
  std::vector<int32_t> ids =
      encode(*tokenizer, "a<end>b", MODELC_TOKENIZE_PARSE_SPECIAL);
  EXPECT_EQ(decode(*tokenizer, ids), "ab");
}

} // namespace
} // namespace modelc::text::test
