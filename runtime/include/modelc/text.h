//===- text.h - Tokenizer, detokenizer and sampler beside the runtime core
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The core of the runtime knows only token ids. This library turns text into
// ids and back with the vocabulary that the plan carries, and picks the next
// id from logits.
//
//   modelc_tokenizer *tokenizer;
//   modelc_tokenizer_create(plan, &tokenizer, &status);
//   int32_t ids[64]; size_t count;
//   modelc_tokenize(tokenizer, "Once", 4, MODELC_TOKENIZE_ADD_SPECIAL, ids, 64,
//                   &count, &status);
//
// Conventions are those of modelc.h: codes are returned, `status` may be NULL,
// outputs are written on success only. Text is bytes with a length: UTF-8 by
// intent, but any bytes are accepted and come back as they were.
//
// Threads: a tokenizer may be used by several threads; a detokenizer and a
// sampler by one at a time.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEXT_H
#define MODELC_TEXT_H

#include "modelc/modelc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct modelc_tokenizer modelc_tokenizer;
typedef struct modelc_detokenizer modelc_detokenizer;
typedef struct modelc_sampler modelc_sampler;

/// Builds the tokenizer that the metadata of `plan` describes. The plan must
/// outlive it: token texts are borrowed. Errors: NOT_FOUND (a key is missing),
/// INVALID_ARGUMENT (a key's type or value is wrong), UNIMPLEMENTED (a
/// `tokenizer.ggml.model` or `tokenizer.ggml.pre` that docs/tokenizers.md does
/// not list); the message names key and value.
modelc_code modelc_tokenizer_create(const modelc_plan *plan,
                                    modelc_tokenizer **out_tokenizer,
                                    modelc_status *status);
/// NULL is allowed.
void modelc_tokenizer_destroy(modelc_tokenizer *tokenizer);

/// Facts of a tokenizer. An id is -1 where the vocabulary has no such token.
typedef struct modelc_tokenizer_info {
  const char *model; ///< "llama" (SentencePiece) or "gpt2" (byte-level BPE).
  uint32_t tokenCount;
  int32_t bosId;     ///< Begins a text.
  int32_t eosId;     ///< Ends a text.
  int32_t eotId;     ///< Ends a turn of a chat.
  int32_t unknownId; ///< Stands for what a "llama" vocabulary cannot spell.
  uint32_t addBos;   ///< ADD_SPECIAL puts bosId before the text.
  uint32_t addEos;   ///< ADD_SPECIAL puts eosId after it.
} modelc_tokenizer_info;

void modelc_tokenizer_get_info(const modelc_tokenizer *tokenizer,
                               modelc_tokenizer_info *out_info);

/// 1 if generation ends at `id`: the tokens that end a text, a turn or a
/// message, by the model's metadata or by their names; else 0.
uint32_t modelc_token_is_end(const modelc_tokenizer *tokenizer, int32_t id);

/// The text of a token as the vocabulary spells it ("\xe2\x96\x81the",
/// "<0x0A>"), not NUL-terminated, borrowed from the plan. OUT_OF_RANGE for a
/// foreign id.
modelc_code modelc_token_text(const modelc_tokenizer *tokenizer, int32_t id,
                              const char **out_text, size_t *out_bytes,
                              modelc_status *status);

enum {
  /// Put the tokens around the text that the vocabulary asks for (BOS, EOS).
  MODELC_TOKENIZE_ADD_SPECIAL = 1,
  /// Control tokens spelled out in the text ("</s>") become those tokens.
  /// Without it they are plain text; user-defined tokens are always found.
  MODELC_TOKENIZE_PARSE_SPECIAL = 2
};

/// Turns `bytes` bytes of `text` into ids. Up to `capacity` ids are written,
/// *out_count is how many there are; 4 * bytes + 8 are always enough. If there
/// are more than `capacity`: RESOURCE_EXHAUSTED, with *out_count set. Time is
/// O(bytes log bytes). INVALID_ARGUMENT for more than 1 GiB, or for a byte
/// that the vocabulary can neither spell nor call unknown.
modelc_code modelc_tokenize(const modelc_tokenizer *tokenizer, const char *text,
                            size_t bytes, uint32_t flags, int32_t *out_ids,
                            size_t capacity, size_t *out_count,
                            modelc_status *status);

enum {
  /// Spell control tokens out; without it they give no text.
  MODELC_DETOKENIZE_SPECIAL = 1
};

/// The inverse of modelc_tokenize: the text that gives these ids. Exact, but
/// for what vocabularies cannot say: a "llama" one gives U+2581 back as a space
/// and no text for unknown tokens, a "gpt2" one U+FFFD for a byte that it has
/// no token for. Up to `capacity` bytes are written, not terminated; *out_bytes
/// is how many there are. If there are more: RESOURCE_EXHAUSTED, with
/// *out_bytes set. OUT_OF_RANGE for an id outside the vocabulary.
modelc_code modelc_detokenize(const modelc_tokenizer *tokenizer,
                              const int32_t *ids, size_t count, uint32_t flags,
                              char *out_text, size_t capacity,
                              size_t *out_bytes, modelc_status *status);

/// A detokenizer for streams: tokens go in one by one, and text comes out as
/// soon as it is whole. A UTF-8 character whose bytes are spread over tokens
/// is held back until its last byte has come. Bytes that cannot become UTF-8
/// pass as they are.
modelc_code modelc_detokenizer_create(const modelc_tokenizer *tokenizer,
                                      modelc_detokenizer **out_detokenizer,
                                      modelc_status *status);
/// NULL is allowed.
void modelc_detokenizer_destroy(modelc_detokenizer *detokenizer);

/// Appends a token. The text is borrowed until the next call on this
/// detokenizer, not terminated, and may be empty. OUT_OF_RANGE for an id
/// outside the vocabulary.
modelc_code modelc_detokenizer_push(modelc_detokenizer *detokenizer, int32_t id,
                                    uint32_t flags, const char **out_text,
                                    size_t *out_bytes, modelc_status *status);

/// Gives out what is held back, and begins a new text.
void modelc_detokenizer_finish(modelc_detokenizer *detokenizer,
                               const char **out_text, size_t *out_bytes);

/// A number added to a token's logit; minus infinity: it is never picked.
typedef struct modelc_logit_bias {
  int32_t id;
  float bias;
} modelc_logit_bias;

/// How the next token is picked. Biases are added to logits, then tokens among
/// the last ones are penalized: the logit of a token that is there c > 0 times
/// is divided by repeatPenalty (multiplied if negative), and c *
/// frequencyPenalty + presencePenalty is subtracted. Then a token that would
/// make a repetition longer ("DRY", of text-generation-webui) loses
/// dryMultiplier * dryBase^(L - dryAllowedLength), if L, the most tokens at the
/// end of the text that also stand right before an earlier one of it, is
/// dryAllowedLength or more; breakers, which end what is compared, lose
/// nothing. Filters apply to what this leaves, in this order: the topK largest
/// logits; of those the fewest most typical ones (whose surprise is nearest to
/// its mean; Meister et al. 2022) whose probabilities sum to typicalP; of those
/// the fewest whose probabilities sum to topP; of those the ones at least minP
/// times as probable as the likeliest; and with xtcProbability, where several
/// have a probability of at least xtcThreshold, all of these but the last are
/// left out ("exclude top choices", of text-generation-webui). Then the
/// temperature divides the logits and one is drawn.
typedef struct modelc_sampler_options {
  float temperature; ///< 0: greedy, no filter applies. Else > 0, finite.
  uint32_t topK;     ///< 0: no limit.
  float topP;        ///< Above 0 up to 1; 1: no limit.
  float minP;        ///< 0 .. 1; 0: no limit.
  uint64_t seed;
  uint32_t penaltyLastN;  ///< Accepted tokens that are looked at; 0: none.
  float repeatPenalty;    ///< Above 1 against repetition; 0 or 1: none.
  float frequencyPenalty; ///< Finite; 0: none.
  float presencePenalty;  ///< Finite; 0: none.
  const modelc_logit_bias *biases; ///< [biasCount], copied.
  size_t biasCount;
  float typicalP;       ///< Above 0 up to 1; 0 or 1: no limit.
  float xtcProbability; ///< 0 .. 1; 0: never.
  float xtcThreshold;   ///< 0 .. 1.
  float dryMultiplier;  ///< Finite, from 0 on; 0: none.
  float dryBase;        ///< Finite, from 1 on; counts if dryMultiplier does.
  uint32_t dryAllowedLength;
  uint32_t dryLastN;          ///< Accepted tokens that are looked at; 0: none.
  const int32_t *dryBreakers; ///< [dryBreakerCount], copied.
  size_t dryBreakerCount;
} modelc_sampler_options;

/// A sampler of logits [vocabSize]. `options` may be NULL: greedy. The drawn
/// tokens depend on options, logits, accepted tokens and the number of earlier
/// draws alone, not on machine or C library: the generator is xoshiro256**
/// (Blackman and Vigna, 2018) seeded by splitmix64, and exp is our own.
modelc_code modelc_sampler_create(const modelc_sampler_options *options,
                                  uint32_t vocabSize,
                                  modelc_sampler **out_sampler,
                                  modelc_status *status);
/// NULL is allowed.
void modelc_sampler_destroy(modelc_sampler *sampler);

/// Tells of a token that the text now holds, of the prompt or picked: the
/// penalties look at the last of these. Allocates nothing. Foreign
/// ids are ignored.
void modelc_sampler_accept(modelc_sampler *sampler, int32_t id);

/// Picks a token. Equal logits: the lower id is the larger one. NaN logits
/// are never picked; INVALID_ARGUMENT if there is nothing above minus
/// infinity. Allocates nothing.
modelc_code modelc_sample(modelc_sampler *sampler, const float *logits,
                          int32_t *out_id, modelc_status *status);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_TEXT_H
