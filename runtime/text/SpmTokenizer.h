//===- SpmTokenizer.h - SentencePiece vocabularies (model "llama")
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bigram-merging tokenizer of Llama 1 and 2, Mistral, Phi-3, TinyStories.
// Method: Sennrich et al. 2016 with SentencePiece's scores (Kudo and
// Richardson 2018); ids agree with llama.cpp's LLAMA_VOCAB_TYPE_SPM.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_SPMTOKENIZER_H
#define MODELC_RUNTIME_TEXT_SPMTOKENIZER_H

#include "TextIndex.h"
#include "Tokenizer.h"
#include <array>

namespace modelc::text {

class SpmTokenizer final : public Tokenizer {
public:
  static constexpr const char *kModel = "llama";

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
  struct Symbol;
  struct Bigram;
  struct Scratch;

  explicit SpmTokenizer(Vocabulary vocabulary);
  void rememberPairs(std::string_view text);
  bool isBoundary(std::string_view left, std::string_view right) const;
  void splitSymbols(std::string_view text, std::vector<Symbol> &symbols) const;
  void tryMerge(Scratch &scratch, uint32_t left, uint32_t right) const;
  modelc_code encodeWord(Scratch &scratch, std::vector<int32_t> &ids,
                         modelc_status *status) const;
  modelc_code encodeBytes(std::string_view symbol, std::vector<int32_t> &ids,
                          modelc_status *status) const;

  /// Texts that merging can yield: normal and unused tokens.
  TextIndex index;
  /// [byte] -> id, -1 if there is none.
  std::array<int32_t, 256> byteIds;
  /// Bits at pairHash(a, b) for characters a, b that are neighbours in some
  /// token. Where a bit is clear, no token spans that place.
  std::vector<uint64_t> pairBits;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_SPMTOKENIZER_H
