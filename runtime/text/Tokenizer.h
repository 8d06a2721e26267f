//===- Tokenizer.h - The interface of all tokenizer families
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One class per family (the values of `tokenizer.ggml.model`). What families
// share lives in the base: special tokens, BOS and EOS, the way back to text.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_TOKENIZER_H
#define MODELC_RUNTIME_TEXT_TOKENIZER_H

#include "SpecialMatcher.h"
#include <memory>
#include <span>
#include <string>

namespace modelc::text {

class Tokenizer {
public:
  Tokenizer(const Tokenizer &) = delete;
  Tokenizer &operator=(const Tokenizer &) = delete;
  virtual ~Tokenizer() = default;

  /// Value of `tokenizer.ggml.model`.
  virtual const char *model() const = 0;

  const Vocabulary &vocabulary() const { return tokens; }

  /// True if generation ends at `id`.
  bool isEnd(int32_t id) const;
  /// Those ids, sorted.
  std::span<const int32_t> endTokens() const { return endIds; }

  /// Appends the ids of `text` to `ids`; `flags` are MODELC_TOKENIZE_*. See
  /// modelc_tokenize for the errors.
  modelc_code encode(std::string_view text, uint32_t flags,
                     std::vector<int32_t> &ids, modelc_status *status) const;

  /// Where a decoder stands: whether a text begins here, that is at the very
  /// start and after each special token.
  struct DecodeState {
    bool atStart = true;
  };

  /// Appends to `text` what token `id`, an id of the vocabulary, says after
  /// what came before it; `flags` are MODELC_DETOKENIZE_*.
  void decode(int32_t id, uint32_t flags, DecodeState &state,
              std::string &text) const;

protected:
  explicit Tokenizer(Vocabulary vocabulary);

  /// Appends the ids of a text between special tokens, not empty. `atStart` as
  /// in DecodeState.
  virtual modelc_code encodeFragment(std::string_view fragment, bool atStart,
                                     std::vector<int32_t> &ids,
                                     modelc_status *status) const = 0;

  /// Appends the text of a token that is neither control, unknown nor
  /// user-defined.
  virtual void decodePiece(int32_t id, bool atStart,
                           std::string &text) const = 0;

private:
  Vocabulary tokens;
  /// Sorted; see findEndTokens.
  std::vector<int32_t> endIds;
  SpecialMatcher userDefined;
  SpecialMatcher allSpecial;
};

/// Builds the tokenizer that `tokenizer.ggml.model` asks for. The source's
/// strings must outlive it. See modelc_tokenizer_create for the errors.
modelc_code createTokenizer(const MetadataSource &source,
                            std::unique_ptr<Tokenizer> *out,
                            modelc_status *status);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_TOKENIZER_H
