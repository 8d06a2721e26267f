//===- SpmTokenizer.cpp - SentencePiece vocabularies (model "llama")
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "to be"  ==>  "\u2581to\u2581be"         spaces become U+2581, one in front
//            ==>  \u2581to | \u2581be        cut where no token spans
//            ==>  \u2581 t o ==> \u2581t o ==> \u2581to     best score first
//            ==>  ids; what is no token becomes its bytes, <0xXX>
//
// Cutting first changes no result, since merges on both sides of such a place
// never meet, but keeps words short: time is O(n log n) of a word, not of the
// text.
//
//===----------------------------------------------------------------------===//

#include "SpmTokenizer.h"
#include "Status.h"
#include "Utf8.h"
#include <algorithm>
#include <cstring>

namespace modelc::text {
namespace {

/// What SentencePiece writes for a space.
constexpr std::string_view kSpace = "\xe2\x96\x81";

/// 2^20 bits, 128 KiB: a vocabulary of 256k tokens has about 10^5 pairs.
constexpr uint32_t kPairBits = 20;

constexpr uint32_t kNone = UINT32_MAX;

uint32_t pairHash(std::string_view left, std::string_view right) {
  auto pack = [](std::string_view symbol) {
    uint32_t packed = 0;
    for (char c : symbol)
      packed = packed << 8 | static_cast<uint8_t>(c);
    return packed;
  };
  uint64_t both = uint64_t{pack(left)} << 32 | pack(right);
  return static_cast<uint32_t>((both * 0x9e3779b97f4a7c15u) >>
                               (64 - kPairBits));
}

std::string_view firstSymbol(std::string_view text) {
  return text.substr(0, characterLength(text));
}

std::string escapeSpaces(std::string_view text, bool addPrefix) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2 + kSpace.size());
  if (addPrefix)
    escaped += kSpace;
  for (char c : text) {
    if (c == ' ')
      escaped += kSpace;
    else
      escaped += c;
  }
  return escaped;
}

} // namespace

/// A run of the word: a character at first, later what merging made of it. A
/// symbol that was merged into its left neighbour is empty.
struct SpmTokenizer::Symbol {
  std::string_view text;
  uint32_t previous; ///< Index of the neighbour, or kNone.
  uint32_t next;
};

/// Two neighbours that together are a token. It is stale if either has
/// changed, which shows in `bytes`.
struct SpmTokenizer::Bigram {
  float score;
  uint32_t left;
  uint32_t right;
  uint32_t bytes;

  /// The heap's top is the best score, of equal scores the leftmost.
  bool operator<(const Bigram &other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

/// Buffers that all words of a text share.
struct SpmTokenizer::Scratch {
  std::vector<Symbol> symbols;
  std::vector<Bigram> heap;
};

SpmTokenizer::SpmTokenizer(Vocabulary vocabularyIn)
    : Tokenizer(std::move(vocabularyIn)),
      pairBits((size_t{1} << kPairBits) / 64, 0) {
  byteIds.fill(-1);
  const Vocabulary &tokens = vocabulary();
  std::vector<int32_t> mergeable;
  for (int32_t id = 0; id < tokens.size(); ++id) {
    TokenType type = tokens.types[id];
    if (type == TokenType::byte)
      byteIds[spelledByte(tokens.texts[id])] = id;
    if (type != TokenType::normal && type != TokenType::unused)
      continue;
    mergeable.push_back(id);
    rememberPairs(tokens.texts[id]);
  }
  index.build(tokens.texts, mergeable);
}

void SpmTokenizer::rememberPairs(std::string_view text) {
  while (!text.empty()) {
    std::string_view left = firstSymbol(text);
    text.remove_prefix(left.size());
    if (text.empty())
      return;
    uint32_t hash = pairHash(left, firstSymbol(text));
    pairBits[hash / 64] |= uint64_t{1} << (hash % 64);
  }
}

bool SpmTokenizer::isBoundary(std::string_view left,
                              std::string_view right) const {
  uint32_t hash = pairHash(left, right);
  return !(pairBits[hash / 64] >> (hash % 64) & 1);
}

modelc_code SpmTokenizer::create(const MetadataSource &source,
                                 std::unique_ptr<Tokenizer> *out,
                                 modelc_status *status) {
  // What llama.cpp assumes for this family.
  const VocabularyDefaults defaults = {.bosId = 1,
                                       .eosId = 2,
                                       .unknownId = 0,
                                       .addBos = true,
                                       .addEos = false,
                                       .addSpacePrefix = true};
  Vocabulary vocabulary;
  if (modelc_code code = readVocabulary(source, defaults, &vocabulary, status))
    return code;
  if (vocabulary.scores.empty())
    return fail(status, MODELC_NOT_FOUND,
                "the metadata has no key tokenizer.ggml.scores");
  out->reset(new SpmTokenizer(std::move(vocabulary)));
  return succeed(status);
}

modelc_code SpmTokenizer::encodeFragment(std::string_view fragment,
                                         bool atStart,
                                         std::vector<int32_t> &ids,
                                         modelc_status *status) const {
  std::string escaped =
      escapeSpaces(fragment, atStart && vocabulary().addSpacePrefix);
  Scratch scratch;
  std::string_view rest = escaped;
  while (!rest.empty()) {
    scratch.symbols.clear();
    splitSymbols(rest, scratch.symbols);
    std::string_view last = scratch.symbols.back().text;
    rest.remove_prefix(last.data() + last.size() - rest.data());
    if (modelc_code code = encodeWord(scratch, ids, status))
      return code;
  }
  return MODELC_OK;
}

/// Puts the characters of the first word of `text` into `symbols`.
void SpmTokenizer::splitSymbols(std::string_view text,
                                std::vector<Symbol> &symbols) const {
  while (!text.empty()) {
    std::string_view symbol = firstSymbol(text);
    if (!symbols.empty() && isBoundary(symbols.back().text, symbol))
      break;
    uint32_t at = static_cast<uint32_t>(symbols.size());
    symbols.push_back({symbol, at - 1, at + 1});
    text.remove_prefix(symbol.size());
  }
  symbols.front().previous = kNone;
  symbols.back().next = kNone;
}

/// Puts the two neighbours onto the heap if together they are a token.
void SpmTokenizer::tryMerge(Scratch &scratch, uint32_t left,
                            uint32_t right) const {
  if (left == kNone || right == kNone)
    return;
  std::string_view leftText = scratch.symbols[left].text;
  size_t bytes = leftText.size() + scratch.symbols[right].text.size();
  // Neighbours are adjacent in the text, too.
  int32_t id = index.find({leftText.data(), bytes});
  if (id < 0)
    return;
  scratch.heap.push_back(
      {vocabulary().scores[id], left, right, static_cast<uint32_t>(bytes)});
  std::push_heap(scratch.heap.begin(), scratch.heap.end());
}

modelc_code SpmTokenizer::encodeWord(Scratch &scratch,
                                     std::vector<int32_t> &ids,
                                     modelc_status *status) const {
  std::vector<Symbol> &symbols = scratch.symbols;
  std::vector<Bigram> &heap = scratch.heap;
  heap.clear();
  for (uint32_t at = 1; at < symbols.size(); ++at)
    tryMerge(scratch, at - 1, at);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    Bigram bigram = heap.back();
    heap.pop_back();
    Symbol &left = symbols[bigram.left];
    Symbol &right = symbols[bigram.right];
    if (left.text.empty() || right.text.empty() ||
        left.text.size() + right.text.size() != bigram.bytes)
      continue;
    left.text = {left.text.data(), bigram.bytes};
    right.text = {};
    left.next = right.next;
    if (right.next != kNone)
      symbols[right.next].previous = bigram.left;
    tryMerge(scratch, left.previous, bigram.left);
    tryMerge(scratch, bigram.left, left.next);
  }

  for (uint32_t at = 0; at != kNone; at = symbols[at].next) {
    int32_t id = index.find(symbols[at].text);
    if (id >= 0)
      ids.push_back(id);
    else if (modelc_code code = encodeBytes(symbols[at].text, ids, status))
      return code;
  }
  return MODELC_OK;
}

/// Spells a character that is no token. A space that the vocabulary lacks is
/// the byte 0x20, so that it comes back as one.
modelc_code SpmTokenizer::encodeBytes(std::string_view symbol,
                                      std::vector<int32_t> &ids,
                                      modelc_status *status) const {
  if (symbol == kSpace)
    symbol = " ";
  size_t before = ids.size();
  for (char c : symbol) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (byteIds[byte] >= 0) {
      ids.push_back(byteIds[byte]);
      continue;
    }
    // One unknown token stands for the whole character.
    ids.resize(before);
    if (vocabulary().unknownId < 0)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "the vocabulary has neither a token <0x%02X> nor an unknown "
                  "token for the text's byte 0x%02x",
                  byte, byte);
    ids.push_back(vocabulary().unknownId);
    return MODELC_OK;
  }
  return MODELC_OK;
}

void SpmTokenizer::decodePiece(int32_t id, bool atStart,
                               std::string &text) const {
  std::string_view piece = vocabulary().texts[id];
  size_t begin = text.size();
  if (vocabulary().types[id] == TokenType::byte) {
    text += static_cast<char>(spelledByte(piece));
  } else {
    for (size_t at = 0; at < piece.size();) {
      bool isSpace = piece.substr(at).starts_with(kSpace);
      text += isSpace ? ' ' : piece[at];
      at += isSpace ? kSpace.size() : 1;
    }
  }
  if (atStart && vocabulary().addSpacePrefix && text.size() > begin &&
      text[begin] == ' ')
    text.erase(begin, 1);
}

} // namespace modelc::text
