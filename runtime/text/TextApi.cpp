//===- TextApi.cpp - The C API of text.h but for plans
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Thin: checks what a C caller can get wrong, then calls the classes. What
// needs the runtime core is in TokenizerFromPlan.cpp, so that programs without
// a plan (tests) link without it.
//
//===----------------------------------------------------------------------===//

#include "TextApi.h"
#include "Sampler.h"
#include "Status.h"
#include "Utf8.h"
#include "modelc/grammar.h"
#include <algorithm>
#include <cstring>

using namespace modelc::text;

struct modelc_detokenizer {
  const Tokenizer *tokenizer;
  Tokenizer::DecodeState state;
  /// Bytes not yet given out, then bytes given out by the last call.
  std::string held;
  std::string given;
};

struct modelc_sampler {
  Sampler implementation;
};

namespace {

modelc_code checkId(const Tokenizer &tokenizer, int32_t id,
                    modelc_status *status) {
  if (tokenizer.vocabulary().contains(id))
    return MODELC_OK;
  return fail(status, MODELC_OUT_OF_RANGE,
              "token %d is outside the vocabulary of %zu", id,
              tokenizer.vocabulary().texts.size());
}

} // namespace

void modelc_tokenizer_destroy(modelc_tokenizer *tokenizer) { delete tokenizer; }

void modelc_tokenizer_get_info(const modelc_tokenizer *tokenizer,
                               modelc_tokenizer_info *out_info) {
  const Vocabulary &tokens = tokenizer->implementation->vocabulary();
  out_info->model = tokenizer->implementation->model();
  out_info->tokenCount = static_cast<uint32_t>(tokens.size());
  out_info->bosId = tokens.bosId;
  out_info->eosId = tokens.eosId;
  out_info->eotId = tokens.eotId;
  out_info->unknownId = tokens.unknownId;
  out_info->addBos = tokens.addBos && tokens.bosId >= 0;
  out_info->addEos = tokens.addEos && tokens.eosId >= 0;
}

uint32_t modelc_token_is_end(const modelc_tokenizer *tokenizer, int32_t id) {
  return tokenizer->implementation->isEnd(id);
}

modelc_code modelc_token_text(const modelc_tokenizer *tokenizer, int32_t id,
                              const char **out_text, size_t *out_bytes,
                              modelc_status *status) {
  if (modelc_code code = checkId(*tokenizer->implementation, id, status))
    return code;
  std::string_view text = tokenizer->implementation->vocabulary().texts[id];
  *out_text = text.data();
  *out_bytes = text.size();
  return succeed(status);
}

modelc_code modelc_tokenize(const modelc_tokenizer *tokenizer, const char *text,
                            size_t bytes, uint32_t flags, int32_t *out_ids,
                            size_t capacity, size_t *out_count,
                            modelc_status *status) {
  std::vector<int32_t> ids;
  if (modelc_code code =
          tokenizer->implementation->encode({text, bytes}, flags, ids, status))
    return code;
  *out_count = ids.size();
  if (ids.size() > capacity)
    return fail(status, MODELC_RESOURCE_EXHAUSTED,
                "the text has %zu tokens, there is room for %zu", ids.size(),
                capacity);
  std::copy(ids.begin(), ids.end(), out_ids);
  return succeed(status);
}

modelc_code modelc_detokenize(const modelc_tokenizer *tokenizer,
                              const int32_t *ids, size_t count, uint32_t flags,
                              char *out_text, size_t capacity,
                              size_t *out_bytes, modelc_status *status) {
  std::string text;
  Tokenizer::DecodeState state;
  for (size_t at = 0; at < count; ++at) {
    if (modelc_code code = checkId(*tokenizer->implementation, ids[at], status))
      return code;
    tokenizer->implementation->decode(ids[at], flags, state, text);
  }
  *out_bytes = text.size();
  if (text.size() > capacity)
    return fail(status, MODELC_RESOURCE_EXHAUSTED,
                "the text has %zu bytes, there is room for %zu", text.size(),
                capacity);
  std::copy(text.begin(), text.end(), out_text);
  return succeed(status);
}

modelc_code modelc_detokenizer_create(const modelc_tokenizer *tokenizer,
                                      modelc_detokenizer **out_detokenizer,
                                      modelc_status *status) {
  *out_detokenizer =
      new modelc_detokenizer{tokenizer->implementation.get(), {}, {}, {}};
  return succeed(status);
}

void modelc_detokenizer_destroy(modelc_detokenizer *detokenizer) {
  delete detokenizer;
}

modelc_code modelc_detokenizer_push(modelc_detokenizer *detokenizer, int32_t id,
                                    uint32_t flags, const char **out_text,
                                    size_t *out_bytes, modelc_status *status) {
  if (modelc_code code = checkId(*detokenizer->tokenizer, id, status))
    return code;
  std::string &held = detokenizer->held;
  detokenizer->tokenizer->decode(id, flags, detokenizer->state, held);
  size_t whole = held.size() - incompleteUtf8Suffix(held);
  detokenizer->given.assign(held, 0, whole);
  held.erase(0, whole);
  *out_text = detokenizer->given.data();
  *out_bytes = detokenizer->given.size();
  return succeed(status);
}

void modelc_detokenizer_finish(modelc_detokenizer *detokenizer,
                               const char **out_text, size_t *out_bytes) {
  detokenizer->given.swap(detokenizer->held);
  detokenizer->held.clear();
  detokenizer->state = {};
  *out_text = detokenizer->given.data();
  *out_bytes = detokenizer->given.size();
}

modelc_code modelc_sampler_create(const modelc_sampler_options *options,
                                  uint32_t vocabSize,
                                  modelc_sampler **out_sampler,
                                  modelc_status *status) {
  const modelc_sampler_options greedy = {};
  const modelc_sampler_options &chosen = options ? *options : greedy;
  if (modelc_code code = Sampler::check(chosen, vocabSize, status))
    return code;
  *out_sampler = new modelc_sampler{Sampler(chosen, vocabSize)};
  return succeed(status);
}

void modelc_sampler_destroy(modelc_sampler *sampler) { delete sampler; }

void modelc_sampler_accept(modelc_sampler *sampler, int32_t id) {
  sampler->implementation.accept(id);
}

modelc_code modelc_sample(modelc_sampler *sampler, const float *logits,
                          int32_t *out_id, modelc_status *status) {
  return sampler->implementation.sample(logits, out_id, status);
}

modelc_code modelc_sample_allowed(modelc_sampler *sampler, const float *logits,
                                  const uint64_t *allowed, int32_t *out_id,
                                  modelc_status *status) {
  return sampler->implementation.sample(logits, allowed, out_id, status);
}
