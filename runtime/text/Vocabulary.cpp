//===- Vocabulary.cpp - The tokens of a model, as its metadata lists them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   tokenizer.ggml.tokens        ["<unk>", "<s>", "</s>", "<0x00>", ...]
//   tokenizer.ggml.scores        [0, 0, 0, 0, ...]
//   tokenizer.ggml.token_type    [2, 3, 3, 6, ...]
//   tokenizer.ggml.bos_token_id  1
//     ==> Vocabulary{texts, types, scores, bosId = 1, ...}
//
// Assumes nothing about the source: types, counts, ids and numbers are checked
// here, so that no tokenizer has to.
//
//===----------------------------------------------------------------------===//

#include "Vocabulary.h"
#include "Status.h"
#include "modelc/plan_format.h"
#include <cinttypes>
#include <cmath>
#include <cstring>

namespace modelc::text {
namespace {

constexpr const char *kTokensKey = "tokenizer.ggml.tokens";
constexpr const char *kScoresKey = "tokenizer.ggml.scores";
constexpr const char *kTypesKey = "tokenizer.ggml.token_type";

/// Number `index` of `value` widened to 64 bits. False if `value` does not
/// hold integers, or the number is outside int64_t.
bool integerAt(const modelc_metadata &value, uint64_t index, int64_t *out) {
  const uint8_t *data = static_cast<const uint8_t *>(value.data);
  auto load = [&](auto number) {
    std::memcpy(&number, data + index * sizeof(number), sizeof(number));
    *out = static_cast<int64_t>(number);
    return true;
  };
  switch (value.type) {
  case MODELC_META_U8:
    return load(uint8_t{});
  case MODELC_META_I8:
    return load(int8_t{});
  case MODELC_META_U16:
    return load(uint16_t{});
  case MODELC_META_I16:
    return load(int16_t{});
  case MODELC_META_U32:
    return load(uint32_t{});
  case MODELC_META_I32:
    return load(int32_t{});
  case MODELC_META_U64:
    return load(uint64_t{}) && *out >= 0;
  case MODELC_META_I64:
    return load(int64_t{});
  default:
    return false;
  }
}

modelc_code readTexts(const MetadataSource &source, Vocabulary &vocabulary,
                      modelc_status *status) {
  modelc_metadata value;
  if (!source.find(kTokensKey, &value))
    return fail(status, MODELC_NOT_FOUND, "the metadata has no key %s",
                kTokensKey);
  if (value.type != MODELC_META_STRING || !value.isArray)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %s of type %u, expected an array of strings",
                kTokensKey, value.isArray ? "an array" : "one value",
                value.type);
  if (value.count != source.vocabSize() || value.count == 0 ||
      value.count > INT32_MAX)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %" PRIu64 " tokens, expected %" PRIu64
                " as the model has",
                kTokensKey, value.count, source.vocabSize());
  vocabulary.texts.reserve(value.count);
  for (uint64_t id = 0; id < value.count; ++id) {
    std::string_view text;
    if (!source.string(value, id, &text))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s[%" PRIu64 "]: not a readable string", kTokensKey, id);
    if (text.size() > kMaxTokenBytes)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s[%" PRIu64 "]: found %zu bytes, expected at most %zu",
                  kTokensKey, id, text.size(), kMaxTokenBytes);
    vocabulary.texts.push_back(text);
  }
  return MODELC_OK;
}

modelc_code checkCount(const Vocabulary &vocabulary, const char *key,
                       const modelc_metadata &value, modelc_status *status) {
  if (!value.isArray || value.count != vocabulary.texts.size())
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %" PRIu64
                " values, expected an array of %zu, one for each token",
                key, value.count, vocabulary.texts.size());
  return MODELC_OK;
}

/// The type of a token in a file without token types.
TokenType guessType(std::string_view text) {
  return spelledByte(text) >= 0 ? TokenType::byte : TokenType::normal;
}

modelc_code readTypes(const MetadataSource &source, Vocabulary &vocabulary,
                      modelc_status *status) {
  vocabulary.types.reserve(vocabulary.texts.size());
  modelc_metadata value;
  if (!source.find(kTypesKey, &value)) {
    for (std::string_view text : vocabulary.texts)
      vocabulary.types.push_back(guessType(text));
    return MODELC_OK;
  }
  if (modelc_code code = checkCount(vocabulary, kTypesKey, value, status))
    return code;
  for (uint64_t id = 0; id < value.count; ++id) {
    int64_t number;
    if (!integerAt(value, id, &number))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s: found type %u, expected integers", kTypesKey,
                  value.type);
    if (number < 0 || number > static_cast<int64_t>(TokenType::byte))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s[%" PRIu64 "]: found %" PRId64
                  ", expected a token type (0 to 6)",
                  kTypesKey, id, number);
    TokenType type =
        number == 0 ? TokenType::normal : static_cast<TokenType>(number);
    if (type == TokenType::byte && spelledByte(vocabulary.texts[id]) < 0)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s[%" PRIu64
                  "]: is a byte, but its text is not <0x00> to <0xFF>",
                  kTypesKey, id);
    vocabulary.types.push_back(type);
  }
  return MODELC_OK;
}

modelc_code readScores(const MetadataSource &source, Vocabulary &vocabulary,
                       modelc_status *status) {
  modelc_metadata value;
  if (!source.find(kScoresKey, &value))
    return MODELC_OK;
  if (value.type != MODELC_META_F32)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found type %u, expected float32", kScoresKey, value.type);
  if (modelc_code code = checkCount(vocabulary, kScoresKey, value, status))
    return code;
  vocabulary.scores.resize(value.count);
  std::memcpy(vocabulary.scores.data(), value.data,
              value.count * sizeof(float));
  for (uint64_t id = 0; id < value.count; ++id)
    if (std::isnan(vocabulary.scores[id]))
      return fail(status, MODELC_INVALID_ARGUMENT, "%s[%" PRIu64 "]: is NaN",
                  kScoresKey, id);
  return MODELC_OK;
}

/// Reads the id `key`. -1, also as an unsigned number of 32 bits, says that
/// there is no such token.
modelc_code readId(const MetadataSource &source, const Vocabulary &vocabulary,
                   const char *key, int32_t defaultId, int32_t *out,
                   modelc_status *status) {
  modelc_metadata value;
  if (!source.find(key, &value)) {
    *out = vocabulary.contains(defaultId) ? defaultId : -1;
    return MODELC_OK;
  }
  int64_t id;
  if (value.isArray || !integerAt(value, 0, &id))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %s of type %u, expected one integer", key,
                value.isArray ? "an array" : "one value", value.type);
  if (id == -1 || id == UINT32_MAX) {
    *out = -1;
    return MODELC_OK;
  }
  if (id < 0 || id >= vocabulary.size())
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %" PRId64 ", expected an id below %" PRId64, key, id,
                vocabulary.size());
  *out = static_cast<int32_t>(id);
  return MODELC_OK;
}

modelc_code readFlag(const MetadataSource &source, const char *key,
                     bool defaultFlag, bool *out, modelc_status *status) {
  *out = defaultFlag;
  modelc_metadata value;
  if (!source.find(key, &value))
    return MODELC_OK;
  if (value.isArray || value.type != MODELC_META_BOOL)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %s of type %u, expected one bool", key,
                value.isArray ? "an array" : "one value", value.type);
  *out = *static_cast<const uint8_t *>(value.data) != 0;
  return MODELC_OK;
}

} // namespace

modelc_code readVocabulary(const MetadataSource &source,
                           const VocabularyDefaults &defaults, Vocabulary *out,
                           modelc_status *status) {
  *out = {};
  if (modelc_code code = readTexts(source, *out, status))
    return code;
  if (modelc_code code = readTypes(source, *out, status))
    return code;
  if (modelc_code code = readScores(source, *out, status))
    return code;

  const struct {
    const char *key;
    int32_t defaultId;
    int32_t *id;
  } ids[] = {
      {"tokenizer.ggml.bos_token_id", defaults.bosId, &out->bosId},
      {"tokenizer.ggml.eos_token_id", defaults.eosId, &out->eosId},
      {"tokenizer.ggml.unknown_token_id", defaults.unknownId, &out->unknownId},
      {"tokenizer.ggml.eot_token_id", -1, &out->eotId},
      {"tokenizer.ggml.eom_token_id", -1, &out->eomId},
  };
  for (const auto &[key, defaultId, id] : ids)
    if (modelc_code code = readId(source, *out, key, defaultId, id, status))
      return code;

  const struct {
    const char *key;
    bool defaultFlag;
    bool *flag;
  } flags[] = {
      {"tokenizer.ggml.add_bos_token", defaults.addBos, &out->addBos},
      {"tokenizer.ggml.add_eos_token", defaults.addEos, &out->addEos},
      {"tokenizer.ggml.add_space_prefix", defaults.addSpacePrefix,
       &out->addSpacePrefix},
  };
  for (const auto &[key, defaultFlag, flag] : flags)
    if (modelc_code code = readFlag(source, key, defaultFlag, flag, status))
      return code;
  return succeed(status);
}

modelc_code readString(const MetadataSource &source, const char *key,
                       std::string_view *out, modelc_status *status) {
  modelc_metadata value;
  if (!source.find(key, &value))
    return fail(status, MODELC_NOT_FOUND, "the metadata has no key %s", key);
  if (value.isArray || value.type != MODELC_META_STRING ||
      !source.string(value, 0, out))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found %s of type %u, expected one string", key,
                value.isArray ? "an array" : "one value", value.type);
  return MODELC_OK;
}

int32_t spelledByte(std::string_view text) {
  auto digit = [](char c) {
    if (c >= '0' && c <= '9')
      return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>')
    return -1;
  int high = digit(text[3]), low = digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

} // namespace modelc::text
