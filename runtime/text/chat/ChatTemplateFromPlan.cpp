//===- ChatTemplateFromPlan.cpp - A plan's chat template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc_plan_metadata(plan, "tokenizer.chat_template")  ==>  a template
//
// Needs the runtime core, as TokenizerFromPlan.cpp does.
//
//===----------------------------------------------------------------------===//

#include "../Status.h"
#include "modelc/chat.h"

using modelc::text::fail;

modelc_code modelc_chat_template_from_plan(const modelc_plan *plan,
                                           const modelc_tokenizer *tokenizer,
                                           modelc_chat_template **out_template,
                                           modelc_status *status) {
  constexpr const char *kKey = "tokenizer.chat_template";
  modelc_metadata value;
  if (modelc_plan_metadata(plan, kKey, &value, nullptr))
    return fail(status, MODELC_NOT_FOUND, "the model has no chat template (%s)",
                kKey);
  const char *source;
  size_t bytes;
  if (value.isArray || modelc_metadata_string(&value, 0, &source, &bytes))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "%s: found type %u, expected one string", kKey, value.type);
  return modelc_chat_template_create(source, bytes, tokenizer, out_template,
                                     status);
}
