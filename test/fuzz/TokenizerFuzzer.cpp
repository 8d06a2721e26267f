//===- TokenizerFuzzer.cpp - Foreign vocabularies, foreign texts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input's bytes choose the values of all tokenizer keys and a text. What
// creates a tokenizer, SentencePiece or BPE with any pre-tokenizer, must
// tokenize that text and give it back.
//
//===----------------------------------------------------------------------===//

#include "modelc/plan_format.h"
#include "runtime/text/PreTokenizer.h"
#include "runtime/text/TextApi.h"
#include "test/text/FakeMetadata.h"
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>

using namespace modelc::text;
using modelc::text::test::FakeMetadata;

namespace {

const std::string kSpace = "\xe2\x96\x81";

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

/// Sets `key` to a number of any type, or leaves it out.
void setAnyNumber(FuzzedDataProvider &data, FakeMetadata &metadata,
                  const char *key) {
  if (data.ConsumeBool())
    return;
  uint32_t type = data.ConsumeIntegralInRange<uint32_t>(0, 12);
  if (type == MODELC_META_STRING || type == MODELC_META_ARRAY)
    return metadata.setString(key, data.ConsumeRandomLengthString(4));
  int64_t value = data.ConsumeIntegralInRange<int64_t>(-2, 16);
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  metadata.setNumbers(key, type, false, 1, bytes);
}

std::string anyText(FuzzedDataProvider &data) {
  // Few letters, so that texts and tokens meet.
  const std::string letters[] = {
      "a",  "b",    " ",    kSpace,     "\xc3\xa9",    "<",
      ">",  "\xe2", "\x96", "\xc4\xa0", "1",           "A",
      "\n", "'s",   ".",    "\xcc\x81", "\xe6\xbc\xa2"};
  std::string text;
  for (int count = data.ConsumeIntegralInRange(0, 24); count > 0; --count)
    text += data.PickValueInArray(letters);
  return text;
}

/// Sets what byte-level BPE has besides tokens: a known pre-tokenizer or any
/// name, and merges of the tokens or any texts.
void setAnyMerges(FuzzedDataProvider &data, FakeMetadata &metadata,
                  const std::vector<std::string> &tokens) {
  std::span<const PreTokenizerSpec> specs = preTokenizerSpecs();
  metadata.setString(
      "tokenizer.ggml.pre",
      data.ConsumeBool()
          ? specs[data.ConsumeIntegralInRange<size_t>(0, specs.size() - 1)].name
          : data.ConsumeRandomLengthString(8));
  std::vector<std::string> merges;
  for (int count = data.ConsumeIntegralInRange(0, 40); count > 0; --count) {
    if (tokens.empty() || data.ConsumeIntegralInRange(0, 15) == 0) {
      merges.push_back(anyText(data));
      continue;
    }
    size_t last = tokens.size() - 1;
    merges.push_back(tokens[data.ConsumeIntegralInRange<size_t>(0, last)] +
                     " " +
                     tokens[data.ConsumeIntegralInRange<size_t>(0, last)]);
  }
  if (data.ConsumeBool())
    metadata.setStrings("tokenizer.ggml.merges", merges);
  else
    setAnyNumber(data, metadata, "tokenizer.ggml.merges");
}

FakeMetadata anyMetadata(FuzzedDataProvider &data) {
  FakeMetadata metadata;
  const std::string models[] = {"llama", "gpt2",
                                data.ConsumeRandomLengthString(8)};
  const std::string model = data.PickValueInArray(models);
  metadata.setString("tokenizer.ggml.model", model);
  bool isBpe = model == "gpt2";
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<float> scores;
  bool haveBytes = data.ConsumeBool();
  for (int byte = 0; haveBytes && byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    tokens.push_back(isBpe ? test::spelledForBpe(byte) : text);
    types.push_back(isBpe ? 1 : 6);
    scores.push_back(0);
  }
  for (int count = data.ConsumeIntegralInRange(0, 40); count > 0; --count) {
    tokens.push_back(data.ConsumeBool() ? anyText(data)
                                        : data.ConsumeRandomLengthString(8));
    types.push_back(data.ConsumeIntegralInRange(0, 6));
    scores.push_back(data.ConsumeBool() ? data.ConsumeFloatingPoint<float>()
                                        : static_cast<float>(types.back()));
  }
  metadata.setStrings("tokenizer.ggml.tokens", tokens);
  if (isBpe)
    setAnyMerges(data, metadata, tokens);
  if (data.ConsumeBool())
    types.resize(data.ConsumeIntegralInRange(0, 300));
  metadata.setInts("tokenizer.ggml.token_type", types);
  if (data.ConsumeBool())
    scores.resize(data.ConsumeIntegralInRange(0, 300));
  metadata.setFloats("tokenizer.ggml.scores", scores);
  for (const char *key :
       {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.eom_token_id", "tokenizer.ggml.add_bos_token",
        "tokenizer.ggml.add_eos_token", "tokenizer.ggml.add_space_prefix",
        "tokenizer.ggml.token_type", "tokenizer.ggml.scores"})
    setAnyNumber(data, metadata, key);
  if (data.ConsumeBool())
    metadata.setVocabSize(data.ConsumeIntegralInRange(0, 300));
  return metadata;
}

/// True if BPE has a token for each byte of `text`.
bool canSpell(const Vocabulary &vocabulary, const std::string &text) {
  for (char c : text) {
    std::string spelled = test::spelledForBpe(static_cast<uint8_t>(c));
    bool isFound = false;
    for (int32_t id = 0; id < vocabulary.size(); ++id)
      isFound |= vocabulary.texts[id] == spelled &&
                 (vocabulary.types[id] == TokenType::normal ||
                  vocabulary.types[id] == TokenType::unused);
    if (!isFound)
      return false;
  }
  return true;
}

/// The text of `ids` by the stream, which must be that of the whole.
std::string detokenize(const modelc_tokenizer &tokenizer,
                       const std::vector<int32_t> &ids) {
  std::string streamed;
  modelc_detokenizer *detokenizer;
  require(!modelc_detokenizer_create(&tokenizer, &detokenizer, nullptr));
  const char *text;
  size_t bytes;
  for (int32_t id : ids) {
    require(!modelc_detokenizer_push(detokenizer, id, MODELC_DETOKENIZE_SPECIAL,
                                     &text, &bytes, nullptr));
    streamed.append(text, bytes);
  }
  modelc_detokenizer_finish(detokenizer, &text, &bytes);
  streamed.append(text, bytes);
  modelc_detokenizer_destroy(detokenizer);

  std::string whole(streamed.size(), '\0');
  require(!modelc_detokenize(&tokenizer, ids.data(), ids.size(),
                             MODELC_DETOKENIZE_SPECIAL, whole.data(),
                             whole.size(), &bytes, nullptr));
  require(whole == streamed);
  return streamed;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  FakeMetadata metadata = anyMetadata(data);
  modelc_tokenizer tokenizer;
  modelc_status status;
  if (createTokenizer(metadata, &tokenizer.implementation, &status)) {
    require(status.message[0] != '\0' && !std::strchr(status.message, '\n'));
    return 0;
  }
  const Vocabulary &vocabulary = tokenizer.implementation->vocabulary();
  std::string text =
      data.ConsumeBool() ? anyText(data) : data.ConsumeRandomLengthString(64);
  uint32_t flags = data.ConsumeIntegralInRange<uint32_t>(0, 3);
  std::vector<int32_t> ids(4 * text.size() + 8);
  size_t count;
  if (modelc_tokenize(&tokenizer, text.data(), text.size(), flags, ids.data(),
                      ids.size(), &count, &status)) {
    require(status.code == MODELC_INVALID_ARGUMENT);
    return 0;
  }
  ids.resize(count);
  bool isBpe = !std::strcmp(tokenizer.implementation->model(), "gpt2");
  bool isExact =
      isBpe ? canSpell(vocabulary, text) : text.find(kSpace) == text.npos;
  for (int32_t id : ids) {
    require(vocabulary.contains(id));
    isExact &= isBpe || (vocabulary.types[id] != TokenType::unknown &&
                         id != vocabulary.unknownId);
  }
  std::string back = detokenize(tokenizer, ids);
  if (isExact && !(flags & MODELC_TOKENIZE_ADD_SPECIAL))
    require(back == text);
  return 0;
}
