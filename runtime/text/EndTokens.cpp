//===- EndTokens.cpp - The tokens at which generation ends
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   eosId 2, "<|im_end|>" at 7  ==>  {2, 7}
//
// The names are those of llama.cpp (src/llama-vocab.cpp, special_eog_ids), so
// that both end at the same tokens.
//
//===----------------------------------------------------------------------===//

#include "EndTokens.h"
#include <algorithm>

namespace modelc::text {
namespace {

constexpr std::string_view kEndNames[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
    "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>",
    "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
    "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    // <|end_of_sentence|> as DeepSeek spells it, with U+FF5C and U+2581.
    "<\xef\xbd\x9c"
    "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"};

/// They end a piece of code, where the model writes several.
constexpr std::string_view kCodeNames[] = {
    "<|fim_pad|>",   "<fim-pad>",  "<fim_pad>", "<PAD>",      "<|fim_repo|>",
    "<|repo_name|>", "<fim-repo>", "<REPO>",    "<reponame>", "<|file_sep|>"};

template <size_t count>
bool isAny(std::string_view text, const std::string_view (&names)[count]) {
  return std::find(std::begin(names), std::end(names), text) != std::end(names);
}

} // namespace

std::vector<int32_t> findEndTokens(const Vocabulary &vocabulary) {
  std::vector<int32_t> ids;
  int32_t end = -1, returns = -1, call = -1;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    std::string_view text = vocabulary.texts[id];
    bool isControl = vocabulary.types[id] == TokenType::control;
    if (isAny(text, kEndNames) || (isControl && isAny(text, kCodeNames)))
      ids.push_back(id);
    if (text == "<|end|>")
      end = id;
    if (text == "<|return|>")
      returns = id;
    if (text == "<|call|>")
      call = id;
  }
  // gpt-oss ends a message, not its answer, with <|end|>.
  if (end >= 0 && returns >= 0 && call >= 0)
    std::erase(ids, end);
  for (int32_t id : {vocabulary.eosId, vocabulary.eotId, vocabulary.eomId})
    if (id >= 0)
      ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

} // namespace modelc::text
