//===- BpeTokenizer.cpp - Byte-level BPE vocabularies (model "gpt2")
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "to be"  ==>  "to" | " be"          words of the pre-tokenizer
//            ==>  t o  ==> to           lowest rank first, leftmost of equals
//            ==>  ids; what is no token becomes its bytes
//
// A symbol is the number of a text, so that a merge is found by two numbers.
// Time is O(n log n) of a word, however long it is: neighbours wait in a heap,
// and those that merging has changed are dropped when their turn comes.
//
//===----------------------------------------------------------------------===//

#include "BpeTokenizer.h"
#include "ByteAlphabet.h"
#include "Status.h"
#include "modelc/plan_format.h"
#include <algorithm>
#include <cinttypes>
#include <functional>
#include <map>

namespace modelc::text {
namespace {

constexpr const char *kMergesKey = "tokenizer.ggml.merges";
constexpr const char *kPreKey = "tokenizer.ggml.pre";

constexpr uint32_t kNone = UINT32_MAX;

/// Each merge has three texts, so that with 2^31 tokens numbers stay below
/// 2^32.
constexpr uint64_t kMaxMerges = uint64_t{1} << 29;

/// What stands for a byte that the vocabulary has no token for: U+FFFD.
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

} // namespace

/// Numbers the texts that occur in merges.
struct BpeTokenizer::MergeReader {
  const TextIndex &index;
  uint32_t vocabularySize;
  std::map<std::string, uint32_t, std::less<>> others = {};

  uint32_t symbolOf(std::string_view text) {
    int32_t id = index.find(text);
    if (id >= 0)
      return static_cast<uint32_t>(id);
    auto found = others.find(text);
    if (found != others.end())
      return found->second;
    uint32_t next = vocabularySize + static_cast<uint32_t>(others.size());
    others.emplace(text, next);
    return next;
  }
};

/// A run of the word: a byte at first, later what merging made of it. A symbol
/// that was merged into its left neighbour has the number kNone.
struct BpeTokenizer::Symbol {
  uint32_t number;
  uint32_t begin;    ///< Where it begins in the word, in bytes.
  uint32_t previous; ///< Index of the neighbour, or kNone.
  uint32_t next;
};

/// Buffers that all words of a text share.
struct BpeTokenizer::Scratch {
  std::vector<std::string_view> words;
  std::vector<Symbol> symbols;
  /// Neighbours that could merge when they were put here: the rank of the merge
  /// and the index of the left one, in one number, so that the heap stays small
  /// in memory. Its top is the lowest rank, of equal ranks the leftmost.
  std::vector<uint64_t> heap;
  std::string spelled;
};

BpeTokenizer::BpeTokenizer(Vocabulary vocabularyIn)
    : Tokenizer(std::move(vocabularyIn)) {
  const Vocabulary &tokens = vocabulary();
  std::vector<int32_t> mergeable;
  for (int32_t id = 0; id < tokens.size(); ++id)
    if (tokens.types[id] == TokenType::normal ||
        tokens.types[id] == TokenType::unused)
      mergeable.push_back(id);
  index.build(tokens.texts, mergeable);
}

modelc_code BpeTokenizer::create(const MetadataSource &source,
                                 std::unique_ptr<Tokenizer> *out,
                                 modelc_status *status) {
  std::string_view name;
  if (modelc_code code = readString(source, kPreKey, &name, status))
    return code;
  const PreTokenizerSpec *spec = findPreTokenizerSpec(name, status);
  if (!spec)
    return MODELC_UNIMPLEMENTED;
  Vocabulary vocabulary;
  if (modelc_code code =
          readVocabulary(source, {.addBos = spec->addBos}, &vocabulary, status))
    return code;
  std::unique_ptr<BpeTokenizer> tokenizer(
      new BpeTokenizer(std::move(vocabulary)));
  if (modelc_code code = tokenizer->readMerges(source, status))
    return code;
  if (modelc_code code = tokenizer->preTokenizer.build(*spec, status))
    return code;
  *out = std::move(tokenizer);
  return succeed(status);
}

/// Reads the merges, "left right" in the order of their ranks.
modelc_code BpeTokenizer::readMerges(const MetadataSource &source,
                                     modelc_status *status) {
  modelc_metadata value;
  if (!source.find(kMergesKey, &value))
    return fail(status, MODELC_NOT_FOUND, "the metadata has no key %s",
                kMergesKey);
  if (value.type != MODELC_META_STRING || !value.isArray)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %s of type %u, expected an array of strings",
                kMergesKey, value.isArray ? "an array" : "one value",
                value.type);
  if (value.count > kMaxMerges)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %" PRIu64 " merges, expected at most %" PRIu64,
                kMergesKey, value.count, kMaxMerges);
  MergeReader reader = {index, static_cast<uint32_t>(vocabulary().size())};
  std::string joined;
  for (size_t byte = 0; byte < byteSymbols.size(); ++byte) {
    joined.clear();
    appendSpelled(static_cast<uint8_t>(byte), joined);
    byteSymbols[byte] = reader.symbolOf(joined);
  }
  ranked.reserve(value.count);
  for (uint64_t rank = 0; rank < value.count; ++rank) {
    std::string_view text;
    bool isReadable = source.string(value, rank, &text);
    size_t space = isReadable ? text.find(' ', 1) : text.npos;
    if (space == text.npos || space + 1 == text.size() ||
        text.size() > 2 * kMaxTokenBytes)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s[%" PRIu64 "]: expected two texts with a space between "
                  "them, of at most %zu bytes",
                  kMergesKey, rank, 2 * kMaxTokenBytes);
    std::string_view left = text.substr(0, space);
    std::string_view right = text.substr(space + 1);
    joined.assign(left).append(right);
    ranked.push_back({reader.symbolOf(left), reader.symbolOf(right),
                      static_cast<uint32_t>(rank), reader.symbolOf(joined)});
  }
  merges.build(ranked);
  return MODELC_OK;
}

modelc_code BpeTokenizer::encodeFragment(std::string_view fragment, bool,
                                         std::vector<int32_t> &ids,
                                         modelc_status *status) const {
  Scratch scratch;
  preTokenizer.split(fragment, scratch.words);
  for (std::string_view word : scratch.words) {
    int32_t whole = wholeToken(word, scratch);
    if (whole >= 0) {
      ids.push_back(whole);
      continue;
    }
    mergeWord(word, scratch);
    const std::vector<Symbol> &symbols = scratch.symbols;
    for (uint32_t at = 0; at != kNone; at = symbols[at].next) {
      const Symbol &symbol = symbols[at];
      if (symbol.number < vocabulary().size()) {
        ids.push_back(static_cast<int32_t>(symbol.number));
        continue;
      }
      size_t end =
          symbol.next == kNone ? word.size() : symbols[symbol.next].begin;
      std::string_view bytes = word.substr(symbol.begin, end - symbol.begin);
      if (modelc_code code = spell(bytes, ids, status))
        return code;
    }
  }
  return MODELC_OK;
}

/// The token that `word` becomes without merging, or -1.
int32_t BpeTokenizer::wholeToken(std::string_view word,
                                 Scratch &scratch) const {
  if (!preTokenizer.spec().ignoreMerges || word.size() > kMaxTokenBytes)
    return -1;
  scratch.spelled.clear();
  for (char c : word)
    appendSpelled(static_cast<uint8_t>(c), scratch.spelled);
  return index.find(scratch.spelled);
}

/// Appends the two neighbours to the heap's memory if they merge.
bool BpeTokenizer::tryMerge(Scratch &scratch, uint32_t left,
                            uint32_t right) const {
  if (left == kNone || right == kNone)
    return false;
  const Merge *merge =
      merges.find(scratch.symbols[left].number, scratch.symbols[right].number);
  if (!merge)
    return false;
  scratch.heap.push_back(uint64_t{merge->rank} << 32 | left);
  return true;
}

/// Leaves the symbols that `word`, not empty, ends as in `scratch.symbols`, a
/// list that begins at index 0.
void BpeTokenizer::mergeWord(std::string_view word, Scratch &scratch) const {
  std::vector<Symbol> &symbols = scratch.symbols;
  std::vector<uint64_t> &heap = scratch.heap;
  symbols.clear();
  heap.clear();
  for (char c : word) {
    uint32_t at = static_cast<uint32_t>(symbols.size());
    symbols.push_back(
        {byteSymbols[static_cast<uint8_t>(c)], at, at - 1, at + 1});
  }
  symbols.front().previous = kNone;
  symbols.back().next = kNone;
  for (uint32_t at = 1; at < symbols.size(); ++at)
    tryMerge(scratch, at - 1, at);
  std::make_heap(heap.begin(), heap.end(), std::greater());

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater());
    const Merge &merge = ranked[heap.back() >> 32];
    uint32_t at = static_cast<uint32_t>(heap.back());
    heap.pop_back();
    // Whatever merged here meanwhile has left other numbers.
    Symbol &left = symbols[at];
    if (left.number != merge.left || left.next == kNone ||
        symbols[left.next].number != merge.right)
      continue;
    Symbol &right = symbols[left.next];
    left.number = merge.merged;
    right.number = kNone;
    left.next = right.next;
    if (right.next != kNone)
      symbols[right.next].previous = at;
    if (tryMerge(scratch, left.previous, at))
      std::push_heap(heap.begin(), heap.end(), std::greater());
    if (tryMerge(scratch, at, left.next))
      std::push_heap(heap.begin(), heap.end(), std::greater());
  }
}

/// Appends the tokens of single bytes. A byte without one, in real vocabularies
/// such as never occur in UTF-8, becomes U+FFFD: no control token, and nothing
/// lost in silence.
modelc_code BpeTokenizer::spell(std::string_view bytes,
                                std::vector<int32_t> &ids,
                                modelc_status *status) const {
  auto isToken = [&](uint32_t symbol) { return symbol < vocabulary().size(); };
  for (char c : bytes) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (isToken(byteSymbols[byte])) {
      ids.push_back(static_cast<int32_t>(byteSymbols[byte]));
      continue;
    }
    for (char part : kReplacement) {
      uint32_t symbol = byteSymbols[static_cast<uint8_t>(part)];
      if (!isToken(symbol))
        return fail(status, MODELC_INVALID_ARGUMENT,
                    "the vocabulary has neither a token for the text's byte "
                    "0x%02x nor one for U+FFFD in its place",
                    byte);
      ids.push_back(static_cast<int32_t>(symbol));
    }
  }
  return MODELC_OK;
}

void BpeTokenizer::decodePiece(int32_t id, bool, std::string &text) const {
  // A text of other characters is one that no word becomes; it says itself.
  std::string_view spelled = vocabulary().texts[id];
  if (!appendBytes(spelled, text))
    text += spelled;
}

} // namespace modelc::text
