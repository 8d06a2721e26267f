//===- grammar.h - Text that follows a grammar or a JSON schema
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A grammar says which tokens may come next, so that whatever the model would
// like to say, the text has the wanted form:
//
//   modelc_grammar *grammar;
//   modelc_grammar_create(tokenizer, "root ::= \"yes\" | \"no\"", 21, &grammar,
//                         &status);
//   const uint64_t *allowed;
//   modelc_grammar_mask(grammar, &allowed, &status);
//   modelc_sample_allowed(sampler, logits, allowed, &id, &status);
//   modelc_grammar_accept(grammar, id, &status);
//
// Tokens that end generation may come where the grammar may end, and only
// there. docs/howto/constrain.md says what grammars and schemas may be.
//
// Conventions are those of modelc.h. A grammar is for one thread at a time.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_GRAMMAR_H
#define MODELC_GRAMMAR_H

#include "modelc/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct modelc_grammar modelc_grammar;

/// Reads `bytes` bytes of GBNF, llama.cpp's notation of grammars. `tokenizer`
/// must outlive the grammar. INVALID_ARGUMENT, with the line, for what is no
/// grammar, a left-recursive or a missing rule, or beyond the limits.
modelc_code modelc_grammar_create(const modelc_tokenizer *tokenizer,
                                  const char *text, size_t bytes,
                                  modelc_grammar **out_grammar,
                                  modelc_status *status);

/// The grammar of the JSON texts that `schema`, a JSON Schema (2020-12), takes.
/// INVALID_ARGUMENT, with the place, for what is no schema, and UNIMPLEMENTED
/// for a keyword that would have to be ignored.
modelc_code modelc_grammar_create_json(const modelc_tokenizer *tokenizer,
                                       const char *schema, size_t bytes,
                                       modelc_grammar **out_grammar,
                                       modelc_status *status);
/// NULL is allowed.
void modelc_grammar_destroy(modelc_grammar *grammar);

/// The tokens that may come next: bit id % 64 of word id / 64, for each token
/// of the vocabulary. Borrowed until the next call. FAILED_PRECONDITION after
/// the end, and if the vocabulary cannot go on; RESOURCE_EXHAUSTED if the text
/// can be read in too many ways.
modelc_code modelc_grammar_mask(modelc_grammar *grammar,
                                const uint64_t **out_allowed,
                                modelc_status *status);

/// The text goes on with `id`. INVALID_ARGUMENT, and nothing changes, if it
/// may not come here.
modelc_code modelc_grammar_accept(modelc_grammar *grammar, int32_t id,
                                  modelc_status *status);

/// 1 if the text may end here, or has ended; else 0.
uint32_t modelc_grammar_is_complete(const modelc_grammar *grammar);

/// Begins a new text.
void modelc_grammar_reset(modelc_grammar *grammar);

/// modelc_sample among the tokens whose bits are set in `allowed`, [ceil(
/// vocabSize / 64)].
modelc_code modelc_sample_allowed(modelc_sampler *sampler, const float *logits,
                                  const uint64_t *allowed, int32_t *out_id,
                                  modelc_status *status);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_GRAMMAR_H
