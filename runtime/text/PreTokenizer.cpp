//===- PreTokenizer.cpp - Cuts a text into the words that BPE merges within
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "starcoder": \p{N}, then 's|...| ?\p{L}+| ?\p{N}+|...
//   "page 12"  ==>  "page " "1" "2"  ==>  "page" " " "1" "2"
//
// A stage sees one piece at a time, so that looking ahead ends with the piece,
// as in Hugging Face's tokenizers and llama.cpp.
//
//===----------------------------------------------------------------------===//

#include "PreTokenizer.h"
#include "Status.h"
#include <algorithm>

namespace modelc::text {

const PreTokenizerSpec *findPreTokenizerSpec(std::string_view name,
                                             modelc_status *status) {
  for (const PreTokenizerSpec &spec : preTokenizerSpecs())
    if (spec.name == name)
      return &spec;
  fail(status, MODELC_UNIMPLEMENTED,
       "tokenizer.ggml.pre: found \"%.*s\", expected a name of the list in "
       "docs/tokenizers.md",
       static_cast<int>(std::min<size_t>(name.size(), 64)), name.data());
  return nullptr;
}

modelc_code PreTokenizer::build(const PreTokenizerSpec &spec,
                                modelc_status *status) {
  chosen = &spec;
  automata.resize(chosen->stages.size());
  for (size_t stage = 0; stage < automata.size(); ++stage)
    if (!automata[stage].build(chosen->stages[stage].regex))
      return fail(status, MODELC_INTERNAL,
                  "regex %zu of \"%s\" cannot be built", stage, chosen->name);
  return MODELC_OK;
}

void PreTokenizer::split(std::string_view text,
                         std::vector<std::string_view> &words) const {
  splitFrom(0, text, words);
}

void PreTokenizer::splitFrom(size_t stage, std::string_view piece,
                             std::vector<std::string_view> &words) const {
  if (stage == automata.size()) {
    words.push_back(piece);
    return;
  }
  // [begin, at) has no match.
  size_t begin = 0, at = 0;
  while (at < piece.size()) {
    std::string_view rest = piece.substr(at);
    size_t bytes = automata[stage].match(rest);
    bool isMatch = bytes > 0;
    if (chosen->stages[stage].atEnd)
      isMatch &= bytes == rest.size();
    if (!isMatch) {
      // Where a match was refused, none begins inside of it either.
      at += std::max<size_t>(bytes, firstCodePoint(rest).bytes);
      continue;
    }
    if (at > begin)
      splitFrom(stage + 1, piece.substr(begin, at - begin), words);
    splitFrom(stage + 1, rest.substr(0, bytes), words);
    at += bytes;
    begin = at;
  }
  if (at > begin)
    splitFrom(stage + 1, piece.substr(begin), words);
}

} // namespace modelc::text
