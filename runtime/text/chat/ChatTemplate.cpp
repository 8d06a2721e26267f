//===- ChatTemplate.cpp - The C API of chat.h but for plans
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"user", "Hello"}, addGenerationPrompt
//     ==> {"messages": [{"role": "user", "content": "Hello"}],
//          "add_generation_prompt": true, "bos_token": "<s>", ...}
//     ==> Template::render
//
//===----------------------------------------------------------------------===//

#include "../Status.h"
#include "../jinja/Json.h"
#include "../jinja/Template.h"
#include "modelc/chat.h"
#include <ctime>
#include <memory>

using namespace modelc::jinja;
using modelc::text::fail;
using modelc::text::succeed;

struct modelc_chat_template {
  Template parsed;
  std::string bos;
  std::string eos;
  /// The last rendering.
  std::string text;
};

namespace {

/// The text of token `id`; empty if there is none.
std::string tokenText(const modelc_tokenizer *tokenizer, int32_t id) {
  const char *text;
  size_t bytes;
  if (id < 0 || modelc_token_text(tokenizer, id, &text, &bytes, nullptr))
    return {};
  return {text, bytes};
}

Value messageList(const modelc_chat_message *messages, size_t count,
                  Heap *heap) {
  std::vector<Value> list;
  for (size_t at = 0; at < count; ++at) {
    const modelc_chat_message &message = messages[at];
    Dict *dict = heap->makeDict();
    auto add = [&](std::string_view key, const char *text, size_t bytes) {
      dict->set(Value::of(key), Value::of(std::string_view(text, bytes)));
    };
    add("role", message.role, message.roleBytes);
    add("content", message.content, message.contentBytes);
    list.push_back(Value::of(dict));
  }
  return heap->makeList(std::move(list));
}

} // namespace

modelc_code modelc_chat_template_create(const char *source, size_t bytes,
                                        const modelc_tokenizer *tokenizer,
                                        modelc_chat_template **out_template,
                                        modelc_status *status) {
  auto chat = std::make_unique<modelc_chat_template>();
  std::string error;
  if (!chat->parsed.parse({source, bytes}, &error))
    return fail(status, MODELC_INVALID_ARGUMENT, "chat template: %s",
                error.c_str());
  if (tokenizer) {
    modelc_tokenizer_info info;
    modelc_tokenizer_get_info(tokenizer, &info);
    chat->bos = tokenText(tokenizer, info.bosId);
    chat->eos = tokenText(tokenizer, info.eosId);
  }
  *out_template = chat.release();
  return succeed(status);
}

void modelc_chat_template_destroy(modelc_chat_template *chat) { delete chat; }

modelc_code modelc_chat_render(modelc_chat_template *chat,
                               const modelc_chat_message *messages,
                               size_t count, const modelc_chat_options *given,
                               const char **out_text, size_t *out_bytes,
                               modelc_status *status) {
  const modelc_chat_options options = given ? *given : modelc_chat_options();
  // What the caller holds is not what the template makes.
  Heap input(UINT64_MAX);
  std::string error;
  Dict variables;
  auto set = [&](std::string_view name, const Value &value) {
    variables.set(Value::of(name), value);
  };
  set("messages", messageList(messages, count, &input));
  set("add_generation_prompt", Value::of(options.addGenerationPrompt != 0));
  set("bos_token", Value::of(std::string_view(chat->bos)));
  set("eos_token", Value::of(std::string_view(chat->eos)));
  if (options.variables) {
    Value more;
    if (!parseJson({options.variables, options.variablesBytes}, &input, &more,
                   &error))
      return fail(status, MODELC_INVALID_ARGUMENT, "variables: %s",
                  error.c_str());
    if (!more.is(Kind::dict))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "variables: found %s, expected an object", kindName(more));
    for (const auto &[name, value] : more.dict->items)
      variables.set(name, value);
  }
  int64_t now = options.now ? options.now : int64_t{std::time(nullptr)};
  Heap heap(kRenderBudget);
  chat->text.clear();
  if (!chat->parsed.render(variables, now, &heap, &chat->text, &error))
    return fail(status, MODELC_INVALID_ARGUMENT, "chat template: %s",
                error.c_str());
  *out_text = chat->text.data();
  *out_bytes = chat->text.size();
  return succeed(status);
}
