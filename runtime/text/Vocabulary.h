//===- Vocabulary.h - The tokens of a model, as its metadata lists them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What every tokenizer family reads: texts, types, scores, special ids. Keys
// are those of the GGUF specification (ggml/docs/gguf.md, "Tokenizer").
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_VOCABULARY_H
#define MODELC_RUNTIME_TEXT_VOCABULARY_H

#include "MetadataSource.h"
#include <string_view>
#include <vector>

namespace modelc::text {

/// Values of tokenizer.ggml.token_type (llama.cpp's llama_token_type). 0, which
/// converters write for "undefined", is read as normal.
enum class TokenType : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  userDefined = 4,
  unused = 5,
  byte = 6
};

/// Longest text of one token, in bytes. Bounds the time of look-ups; real
/// vocabularies stay below 512 (SentencePiece's own limit).
inline constexpr size_t kMaxTokenBytes = 1024;

struct Vocabulary {
  /// [token id]; borrowed from the source.
  std::vector<std::string_view> texts;
  std::vector<TokenType> types;
  /// Empty if the source has none.
  std::vector<float> scores;
  /// -1 where there is none.
  int32_t bosId = -1;
  int32_t eosId = -1;
  int32_t eotId = -1;
  int32_t eomId = -1;
  int32_t unknownId = -1;
  bool addBos = false;
  bool addEos = false;
  bool addSpacePrefix = false;

  int64_t size() const { return static_cast<int64_t>(texts.size()); }
  bool contains(int32_t id) const { return id >= 0 && id < size(); }
};

/// What a family assumes for keys that are absent. Default ids that lie
/// outside the vocabulary become -1.
struct VocabularyDefaults {
  int32_t bosId = -1;
  int32_t eosId = -1;
  int32_t unknownId = -1;
  bool addBos = false;
  bool addEos = false;
  bool addSpacePrefix = false;
};

/// Reads and checks all keys above. `*out` is overwritten in any case.
modelc_code readVocabulary(const MetadataSource &source,
                           const VocabularyDefaults &defaults, Vocabulary *out,
                           modelc_status *status);

/// Reads the string `key`; NOT_FOUND if the source has none.
modelc_code readString(const MetadataSource &source, const char *key,
                       std::string_view *out, modelc_status *status);

/// The byte that "<0x0A>" spells, or -1 if `text` is no such spelling.
int32_t spelledByte(std::string_view text);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_VOCABULARY_H
