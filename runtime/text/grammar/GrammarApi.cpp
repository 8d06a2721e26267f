//===- GrammarApi.cpp - The C API of grammar.h
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   text ==> Grammar ==> GrammarProgram ==> Constraint of a tokenizer
//   schema ==> text, and so on
//
//===----------------------------------------------------------------------===//

#include "../Status.h"
#include "../TextApi.h"
#include "Constraint.h"
#include "JsonSchema.h"
#include "modelc/grammar.h"

using namespace modelc;
using text::fail;
using text::succeed;

struct modelc_grammar {
  grammar::Constraint implementation;
};

modelc_code modelc_grammar_create(const modelc_tokenizer *tokenizer,
                                  const char *text, size_t bytes,
                                  modelc_grammar **out_grammar,
                                  modelc_status *status) {
  grammar::Grammar rules;
  grammar::GrammarProgram program;
  std::string error;
  if (!grammar::readGbnf({text, bytes}, &rules, &error) ||
      !grammar::compileGrammar(rules, &program, &error))
    return fail(status, MODELC_INVALID_ARGUMENT, "%s", error.c_str());
  *out_grammar = new modelc_grammar{
      grammar::Constraint(*tokenizer->implementation, std::move(program))};
  return succeed(status);
}

modelc_code modelc_grammar_create_json(const modelc_tokenizer *tokenizer,
                                       const char *schema, size_t bytes,
                                       modelc_grammar **out_grammar,
                                       modelc_status *status) {
  std::string text, error;
  switch (grammar::translateSchema({schema, bytes}, &text, &error)) {
  case grammar::SchemaResult::wrong:
    return fail(status, MODELC_INVALID_ARGUMENT, "%s", error.c_str());
  case grammar::SchemaResult::unsupported:
    return fail(status, MODELC_UNIMPLEMENTED, "%s", error.c_str());
  case grammar::SchemaResult::good:
    break;
  }
  return modelc_grammar_create(tokenizer, text.data(), text.size(), out_grammar,
                               status);
}

void modelc_grammar_destroy(modelc_grammar *grammar) { delete grammar; }

modelc_code modelc_grammar_mask(modelc_grammar *grammar,
                                const uint64_t **out_allowed,
                                modelc_status *status) {
  return grammar->implementation.mask(out_allowed, status);
}

modelc_code modelc_grammar_accept(modelc_grammar *grammar, int32_t id,
                                  modelc_status *status) {
  return grammar->implementation.accept(id, status);
}

uint32_t modelc_grammar_is_complete(const modelc_grammar *grammar) {
  return grammar->implementation.isComplete();
}

void modelc_grammar_reset(modelc_grammar *grammar) {
  grammar->implementation.reset();
}
