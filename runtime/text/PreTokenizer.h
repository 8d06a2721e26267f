//===- PreTokenizer.h - Cuts a text into the words that BPE merges within
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each model was trained on words cut by certain regexes; `tokenizer.ggml.pre`
// names them. docs/tokenizers.md has the table of names and its sources.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_PRETOKENIZER_H
#define MODELC_RUNTIME_TEXT_PRETOKENIZER_H

#include "SplitAutomaton.h"
#include "modelc/modelc.h"
#include <span>

namespace modelc::text {

/// One cut of the pieces that earlier stages left: every match becomes a piece
/// of its own, and so does what lies between two matches.
struct SplitStage {
  const char *regex;
  /// Only a match that ends its piece counts: the regex has a `$` behind it.
  bool atEnd = false;
};

/// What a value of `tokenizer.ggml.pre` stands for.
struct PreTokenizerSpec {
  const char *name;
  std::span<const SplitStage> stages;
  /// A word that is a token becomes that token, whatever merging would give.
  bool ignoreMerges = false;
  /// What holds without the key tokenizer.ggml.add_bos_token.
  bool addBos = false;
};

/// All known names.
std::span<const PreTokenizerSpec> preTokenizerSpecs();

/// The spec of `name`, or null with UNIMPLEMENTED in `status`.
const PreTokenizerSpec *findPreTokenizerSpec(std::string_view name,
                                             modelc_status *status);

class PreTokenizer {
public:
  /// INTERNAL if a regex of `spec`, which is borrowed, cannot be built; those
  /// of preTokenizerSpecs() can.
  modelc_code build(const PreTokenizerSpec &spec, modelc_status *status);

  const PreTokenizerSpec &spec() const { return *chosen; }

  /// Appends the words of `text`: none is empty, and together they are `text`.
  /// Time is O(bytes) for every known name.
  void split(std::string_view text, std::vector<std::string_view> &words) const;

private:
  void splitFrom(size_t stage, std::string_view piece,
                 std::vector<std::string_view> &words) const;

  const PreTokenizerSpec *chosen = nullptr;
  /// One for each stage.
  std::vector<SplitAutomaton> automata;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_PRETOKENIZER_H
