//===- chat.h - The prompt of a conversation
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model that was trained for chats wants conversations spelled in its own
// way. Its template, a program in a part of Jinja, spells them:
//
//   modelc_chat_template *chat;
//   modelc_chat_template_from_plan(plan, tokenizer, &chat, &status);
//   modelc_chat_message hello = {"user", 4, "Hello", 5};
//   modelc_chat_options options = {.addGenerationPrompt = 1};
//   const char *text; size_t bytes;
//   modelc_chat_render(chat, &hello, 1, &options, &text, &bytes, &status);
//
// The text spells control tokens out: tokenize it with
// MODELC_TOKENIZE_PARSE_SPECIAL. It holds BOS, if the template wants one.
//
// Conventions are those of modelc.h. A chat template is for one thread at a
// time.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_CHAT_H
#define MODELC_CHAT_H

#include "modelc/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct modelc_chat_template modelc_chat_template;

/// Parses `bytes` bytes of `source`. `tokenizer`, which gives the template
/// BOS and EOS, may be NULL. INVALID_ARGUMENT, with the line, for what is no
/// template or beyond the part of Jinja that is understood.
modelc_code modelc_chat_template_create(const char *source, size_t bytes,
                                        const modelc_tokenizer *tokenizer,
                                        modelc_chat_template **out_template,
                                        modelc_status *status);

/// The same with the plan's `tokenizer.chat_template`; NOT_FOUND if the model
/// has none.
modelc_code modelc_chat_template_from_plan(const modelc_plan *plan,
                                           const modelc_tokenizer *tokenizer,
                                           modelc_chat_template **out_template,
                                           modelc_status *status);
/// NULL is allowed.
void modelc_chat_template_destroy(modelc_chat_template *chat);

typedef struct modelc_chat_message {
  const char *role; ///< "system", "user", "assistant", or what the model knows.
  size_t roleBytes;
  const char *content;
  size_t contentBytes;
} modelc_chat_message;

typedef struct modelc_chat_options {
  /// Non-zero: end with what begins an answer.
  uint32_t addGenerationPrompt;
  /// A JSON object whose members become variables of the template, as "tools"
  /// or "enable_thinking"; NULL: none. They win over those that this library
  /// sets: messages, add_generation_prompt, bos_token, eos_token.
  const char *variables;
  size_t variablesBytes;
  /// The time for strftime_now, in seconds since 1970; 0: now.
  int64_t now;
} modelc_chat_options;

/// Spells `count` messages. `options` may be NULL. The text is borrowed until
/// the next call with this template, not terminated. INVALID_ARGUMENT if the
/// template refuses the conversation or fails, with its line and reason; a
/// template that takes too long (about a second) or makes too much fails.
modelc_code modelc_chat_render(modelc_chat_template *chat,
                               const modelc_chat_message *messages,
                               size_t count, const modelc_chat_options *options,
                               const char **out_text, size_t *out_bytes,
                               modelc_status *status);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_CHAT_H
