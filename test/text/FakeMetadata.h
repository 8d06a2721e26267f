//===- FakeMetadata.h - Metadata that a test makes up
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A MetadataSource in memory, in the layout that a plan has (plan_format.h).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_TEXT_FAKEMETADATA_H
#define MODELC_TEST_TEXT_FAKEMETADATA_H

#include "runtime/text/MetadataSource.h"
#include <map>
#include <string>
#include <vector>

namespace modelc::text::test {

class FakeMetadata final : public MetadataSource {
public:
  /// Sets `key` to `count` packed numbers of type `type` (MODELC_META_*).
  void setNumbers(const std::string &key, uint32_t type, bool isArray,
                  uint64_t count, std::string bytes);
  void setStrings(const std::string &key,
                  const std::vector<std::string> &strings, bool isArray = true);
  void setString(const std::string &key, const std::string &value);
  void setU32(const std::string &key, uint32_t value);
  void setBool(const std::string &key, bool value);
  void setFloats(const std::string &key, const std::vector<float> &values);
  void setInts(const std::string &key, const std::vector<int32_t> &values);
  void erase(const std::string &key) { entries.erase(key); }

  bool find(const char *key, modelc_metadata *value) const override;
  bool string(const modelc_metadata &value, uint64_t index,
              std::string_view *result) const override;
  uint64_t vocabSize() const override;

  /// Overrides what vocabSize() says; else it counts tokenizer.ggml.tokens.
  void setVocabSize(uint64_t size) { fixedVocabSize = size; }

private:
  struct Entry {
    uint32_t type;
    bool isArray;
    uint64_t count;
    std::string data;
  };
  std::map<std::string, Entry> entries;
  uint64_t fixedVocabSize = 0;
};

/// Names a string of `value` in the layout of ModelcMetadata; false if
/// `index` is none.
bool stringAt(const modelc_metadata &value, uint64_t index,
              std::string_view *result);

/// A small SentencePiece vocabulary: <unk> 0, <s> 1, </s> 2, the 256 bytes 3
/// to 258, then `pieces`, each with a lower score than the one before, normal.
FakeMetadata makeSpmMetadata(const std::vector<std::string> &pieces);

/// The character that byte-level BPE writes for `byte`, in UTF-8: itself if it
/// is printable in Latin-1, else U+0100 and so on in order.
std::string spelledForBpe(int byte);

/// A small BPE vocabulary that cuts words as "gpt-2": the 256 bytes 0 to 255,
/// then what `merges`, "left right" each, join, in their order, all normal.
FakeMetadata makeBpeMetadata(const std::vector<std::string> &merges);

/// Reads the metadata of a GGUF file (v2, v3). On failure false, with
/// `*error` saying why.
bool readGgufMetadata(const std::string &path, FakeMetadata *out,
                      std::string *error);

} // namespace modelc::text::test

#endif // MODELC_TEST_TEXT_FAKEMETADATA_H
