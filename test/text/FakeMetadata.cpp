//===- FakeMetadata.cpp - Metadata that a test makes up
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   setStrings("k", {"ab", "c"})
//     ==> uint64_t{0, 2, 3}, then "abc"
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "modelc/plan_format.h"
#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

namespace modelc::text::test {
namespace {

template <typename T> std::string bytesOf(const std::vector<T> &values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// Reads little-endian values one after the other; `good` turns false at the
/// first that is not there.
struct Reader {
  std::string_view rest;
  bool good = true;

  std::string_view bytes(uint64_t count) {
    if (count > rest.size())
      good = false;
    if (!good)
      return {};
    std::string_view result = rest.substr(0, count);
    rest.remove_prefix(count);
    return result;
  }

  template <typename T> T number() {
    T value{};
    std::string_view from = bytes(sizeof(T));
    if (good)
      std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }

  std::string string() { return std::string(bytes(number<uint64_t>())); }
};

/// Bytes of one number of GGUF type `type`; 0 for other types.
uint64_t numberBytes(uint32_t type) {
  constexpr uint8_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < sizeof(kBytes) ? kBytes[type] : 0;
}

void readValue(Reader &reader, const std::string &key, FakeMetadata *out) {
  uint32_t type = reader.number<uint32_t>();
  bool isArray = type == MODELC_META_ARRAY;
  uint64_t count = 1;
  if (isArray) {
    type = reader.number<uint32_t>();
    count = reader.number<uint64_t>();
  }
  if (type == MODELC_META_STRING) {
    std::vector<std::string> strings;
    while (reader.good && strings.size() < count)
      strings.push_back(reader.string());
    out->setStrings(key, strings, isArray);
    return;
  }
  uint64_t size = numberBytes(type);
  if (size == 0 || count > reader.rest.size() / size) {
    reader.good = false;
    return;
  }
  out->setNumbers(key, type, isArray, count,
                  std::string(reader.bytes(count * size)));
}

} // namespace

void FakeMetadata::setNumbers(const std::string &key, uint32_t type,
                              bool isArray, uint64_t count, std::string bytes) {
  entries[key] = {type, isArray, count, std::move(bytes)};
}

void FakeMetadata::setStrings(const std::string &key,
                              const std::vector<std::string> &strings,
                              bool isArray) {
  std::vector<uint64_t> offsets = {0};
  std::string text;
  for (const std::string &string : strings) {
    text += string;
    offsets.push_back(text.size());
  }
  setNumbers(key, MODELC_META_STRING, isArray, strings.size(),
             bytesOf(offsets) + text);
}

void FakeMetadata::setString(const std::string &key, const std::string &value) {
  setStrings(key, {value}, false);
}

void FakeMetadata::setU32(const std::string &key, uint32_t value) {
  setNumbers(key, MODELC_META_U32, false, 1, bytesOf<uint32_t>({value}));
}

void FakeMetadata::setBool(const std::string &key, bool value) {
  setNumbers(key, MODELC_META_BOOL, false, 1, std::string(1, value));
}

void FakeMetadata::setFloats(const std::string &key,
                             const std::vector<float> &values) {
  setNumbers(key, MODELC_META_F32, true, values.size(), bytesOf(values));
}

void FakeMetadata::setInts(const std::string &key,
                           const std::vector<int32_t> &values) {
  setNumbers(key, MODELC_META_I32, true, values.size(), bytesOf(values));
}

bool FakeMetadata::find(const char *key, modelc_metadata *value) const {
  auto found = entries.find(key);
  if (found == entries.end())
    return false;
  const Entry &entry = found->second;
  *value = {entry.type, entry.isArray, entry.count, entry.data.data()};
  return true;
}

bool FakeMetadata::string(const modelc_metadata &value, uint64_t index,
                          std::string_view *result) const {
  return stringAt(value, index, result);
}

uint64_t FakeMetadata::vocabSize() const {
  modelc_metadata tokens;
  if (fixedVocabSize != 0 || !find("tokenizer.ggml.tokens", &tokens))
    return fixedVocabSize;
  return tokens.count;
}

bool stringAt(const modelc_metadata &value, uint64_t index,
              std::string_view *result) {
  if (value.type != MODELC_META_STRING || index >= value.count)
    return false;
  const char *data = static_cast<const char *>(value.data);
  uint64_t bounds[2];
  std::memcpy(bounds, data + index * sizeof(uint64_t), sizeof(bounds));
  const char *text = data + (value.count + 1) * sizeof(uint64_t);
  *result = {text + bounds[0], bounds[1] - bounds[0]};
  return true;
}

FakeMetadata makeSpmMetadata(const std::vector<std::string> &pieces) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  std::vector<float> scores = {0, 0, 0};
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    tokens.push_back(text);
    types.push_back(6);
    scores.push_back(0);
  }
  for (const std::string &piece : pieces) {
    scores.push_back(-static_cast<float>(tokens.size()));
    tokens.push_back(piece);
    types.push_back(1);
  }
  FakeMetadata metadata;
  metadata.setString("tokenizer.ggml.model", "llama");
  metadata.setStrings("tokenizer.ggml.tokens", tokens);
  metadata.setInts("tokenizer.ggml.token_type", types);
  metadata.setFloats("tokenizer.ggml.scores", scores);
  return metadata;
}

std::string spelledForBpe(int byte) {
  auto isPrintable = [](int code) {
    return (code > ' ' && code < 0x7f) || (code > 0xa0 && code != 0xad);
  };
  int code = byte;
  if (!isPrintable(byte)) {
    code = 0x100;
    for (int other = 0; other < byte; ++other)
      code += !isPrintable(other);
  }
  if (code < 0x80)
    return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 + code / 64),
          static_cast<char>(0x80 + code % 64)};
}

FakeMetadata makeBpeMetadata(const std::vector<std::string> &merges) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte)
    tokens.push_back(spelledForBpe(byte));
  for (const std::string &merge : merges) {
    std::string joined = merge;
    joined.erase(joined.find(' '), 1);
    if (std::find(tokens.begin(), tokens.end(), joined) == tokens.end())
      tokens.push_back(joined);
  }
  FakeMetadata metadata;
  metadata.setString("tokenizer.ggml.model", "gpt2");
  metadata.setString("tokenizer.ggml.pre", "gpt-2");
  metadata.setStrings("tokenizer.ggml.tokens", tokens);
  metadata.setInts("tokenizer.ggml.token_type",
                   std::vector<int32_t>(tokens.size(), 1));
  metadata.setStrings("tokenizer.ggml.merges", merges);
  return metadata;
}

bool readGgufMetadata(const std::string &path, FakeMetadata *out,
                      std::string *error) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream contents;
  contents << file.rdbuf();
  std::string bytes = contents.str();
  Reader reader{bytes};
  bool isGguf = reader.bytes(4) == "GGUF";
  uint32_t version = reader.number<uint32_t>();
  if (!isGguf || version < 2 || version > 3) {
    *error = path + ": not a GGUF file of version 2 or 3";
    return false;
  }
  reader.number<uint64_t>(); // Tensors.
  uint64_t keys = reader.number<uint64_t>();
  for (uint64_t at = 0; at < keys && reader.good; ++at) {
    std::string key = reader.string();
    readValue(reader, key, out);
  }
  if (!reader.good)
    *error = path + ": the metadata is damaged";
  return reader.good;
}

} // namespace modelc::text::test
