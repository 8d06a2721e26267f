//===- Tokenizer.cpp - What all tokenizer families share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "Hi</s>you", PARSE_SPECIAL, ADD_SPECIAL
//     ==> BOS | encodeFragment("Hi", atStart) | </s> |
//         encodeFragment("you", atStart)
//
// decode() mirrors it: a text that begins anew after a special token loses the
// space that its encoding got.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer.h"
#include "BpeTokenizer.h"
#include "EndTokens.h"
#include "SpmTokenizer.h"
#include "Status.h"
#include "modelc/text.h"
#include <algorithm>

namespace modelc::text {
namespace {

/// 1 GiB: offsets stay below 2^32 when each byte becomes three.
constexpr size_t kMaxTextBytes = size_t{1} << 30;

std::vector<int32_t> idsOfTypes(const Vocabulary &tokens,
                                std::initializer_list<TokenType> types) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < tokens.size(); ++id)
    for (TokenType type : types)
      if (tokens.types[id] == type)
        ids.push_back(id);
  return ids;
}

} // namespace

Tokenizer::Tokenizer(Vocabulary vocabulary) : tokens(std::move(vocabulary)) {
  endIds = findEndTokens(tokens);
  userDefined.build(tokens, idsOfTypes(tokens, {TokenType::userDefined}));
  allSpecial.build(
      tokens, idsOfTypes(tokens, {TokenType::userDefined, TokenType::control}));
}

bool Tokenizer::isEnd(int32_t id) const {
  return std::binary_search(endIds.begin(), endIds.end(), id);
}

modelc_code Tokenizer::encode(std::string_view text, uint32_t flags,
                              std::vector<int32_t> &ids,
                              modelc_status *status) const {
  if (text.size() > kMaxTextBytes)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "the text has %zu bytes, at most %zu can be tokenized",
                text.size(), kMaxTextBytes);
  bool addSpecial = flags & MODELC_TOKENIZE_ADD_SPECIAL;
  if (addSpecial && tokens.addBos && tokens.bosId >= 0)
    ids.push_back(tokens.bosId);

  const SpecialMatcher &matcher =
      flags & MODELC_TOKENIZE_PARSE_SPECIAL ? allSpecial : userDefined;
  bool atStart = true;
  size_t at = 0;
  while (at < text.size()) {
    SpecialMatcher::Match match = matcher.find(text, at);
    if (match.begin > at) {
      std::string_view fragment = text.substr(at, match.begin - at);
      if (modelc_code code = encodeFragment(fragment, atStart, ids, status))
        return code;
      atStart = false;
    }
    if (match.id >= 0) {
      ids.push_back(match.id);
      atStart = true;
    }
    at = match.begin + match.bytes;
  }

  if (addSpecial && tokens.addEos && tokens.eosId >= 0)
    ids.push_back(tokens.eosId);
  return succeed(status);
}

void Tokenizer::decode(int32_t id, uint32_t flags, DecodeState &state,
                       std::string &text) const {
  switch (tokens.types[id]) {
  case TokenType::control:
    if (flags & MODELC_DETOKENIZE_SPECIAL)
      text += tokens.texts[id];
    state.atStart = true;
    return;
  case TokenType::unknown:
    if (flags & MODELC_DETOKENIZE_SPECIAL)
      text += tokens.texts[id];
    state.atStart = false;
    return;
  case TokenType::userDefined:
    text += tokens.texts[id];
    state.atStart = true;
    return;
  case TokenType::normal:
  case TokenType::unused:
  case TokenType::byte:
    decodePiece(id, state.atStart, text);
    state.atStart = false;
    return;
  }
}

modelc_code createTokenizer(const MetadataSource &source,
                            std::unique_ptr<Tokenizer> *out,
                            modelc_status *status) {
  constexpr const char *kModelKey = "tokenizer.ggml.model";
  std::string_view model;
  if (modelc_code code = readString(source, kModelKey, &model, status))
    return code;
  if (model == SpmTokenizer::kModel)
    return SpmTokenizer::create(source, out, status);
  if (model == BpeTokenizer::kModel)
    return BpeTokenizer::create(source, out, status);
  return fail(status, MODELC_UNIMPLEMENTED,
              "%s: found \"%.*s\", expected \"%s\" or \"%s\"", kModelKey,
              static_cast<int>(std::min<size_t>(model.size(), 64)),
              model.data(), SpmTokenizer::kModel, BpeTokenizer::kModel);
}

} // namespace modelc::text
