//===- BpeTokenizer.h - Byte-level BPE vocabularies (model "gpt2")
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tokenizer of GPT-2 and of most models since: a pre-tokenizer cuts the
// text into words, and merges with ranks join the bytes of a word. Method:
// Sennrich et al. 2016; ids agree with llama.cpp's LLAMA_VOCAB_TYPE_BPE.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_BPETOKENIZER_H
#define MODELC_RUNTIME_TEXT_BPETOKENIZER_H

#include "MergeIndex.h"
#include "PreTokenizer.h"
#include "TextIndex.h"
#include "Tokenizer.h"
#include <array>

namespace modelc::text {

class BpeTokenizer final : public Tokenizer {
public:
  static constexpr const char *kModel = "gpt2";

  static modelc_code create(const MetadataSource &source,
                            std::unique_ptr<Tokenizer> *out,
                            modelc_status *status);

  const char *model() const override { return kModel; }

protected:
  modelc_code encodeFragment(std::string_view fragment, bool atStart,
                             std::vector<int32_t> &ids,
                             modelc_status *status) const override;
  void decodePiece(int32_t id, bool atStart, std::string &text) const override;

private:
  struct MergeReader;
  struct Symbol;
  struct Scratch;

  explicit BpeTokenizer(Vocabulary vocabulary);
  modelc_code readMerges(const MetadataSource &source, modelc_status *status);
  int32_t wholeToken(std::string_view word, Scratch &scratch) const;
  bool tryMerge(Scratch &scratch, uint32_t left, uint32_t right) const;
  void mergeWord(std::string_view word, Scratch &scratch) const;
  modelc_code spell(std::string_view bytes, std::vector<int32_t> &ids,
                    modelc_status *status) const;

  PreTokenizer preTokenizer;
  /// Texts that merging can yield: normal and unused tokens.
  TextIndex index;
  /// [rank].
  std::vector<Merge> ranked;
  MergeIndex merges;
  /// [byte] -> the symbol of a word's beginning. A symbol below the size of the
  /// vocabulary is a token; the others are texts that only merges know.
  std::array<uint32_t, 256> byteSymbols;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_BPETOKENIZER_H
