//===- Chat.cpp - A conversation
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   line ==> message ==> all messages through the chat template ==> ids ==>
//   Generator: hold (only what is new is computed), answer ==> message
//
// The whole conversation is spelled anew for each turn, because templates may
// change what was said before (they drop the thoughts of earlier answers).
//
//===----------------------------------------------------------------------===//

#include "Chat.h"
#include "Generator.h"
#include "InputText.h"
#include "Interrupt.h"
#include "modelc/chat.h"
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace modelc::tools {
namespace {

using ChatTemplatePointer =
    std::unique_ptr<modelc_chat_template,
                    Destroyer<modelc_chat_template_destroy>>;

class Chat {
public:
  Chat(modelc_plan *plan, const RunOptions &options, FILE *out, FILE *messages,
       int input)
      : plan(plan), options(options), messages(messages),
        generator(plan, options, out, messages), lines(input),
        isTerminal(isatty(input)) {}

  int run();

private:
  struct Message {
    std::string role;
    std::string content;
  };
  enum class Next { message, leave, failed };

  bool create();
  bool createTemplate();
  void clear();
  Next readMessage(std::string *text);
  bool readFirst(std::string *text);
  bool takeTurn(const std::string &text);
  bool spell(std::vector<int32_t> *ids);
  bool refuse(std::string text) {
    error = std::move(text);
    return false;
  }

  modelc_plan *plan;
  const RunOptions &options;
  FILE *messages;
  Generator generator;
  LineReader lines;
  bool isTerminal;
  ChatTemplatePointer chatTemplate;
  std::vector<Message> said;
  std::string error;
};

int Chat::run() {
  Interrupt interrupt;
  if (!create())
    return reportError(messages, error);
  std::string text;
  bool isFirst = options.hasText;
  while (true) {
    Next next = Next::message;
    if (isFirst && !readFirst(&text))
      return reportError(messages, error);
    if (!isFirst)
      next = readMessage(&text);
    isFirst = false;
    if (next == Next::leave)
      break;
    if (next == Next::failed || !takeTurn(text)) {
      reportError(messages, error);
      // Somebody who types may say something else.
      if (next == Next::failed || !isTerminal)
        return 1;
    }
  }
  generator.printStatistics();
  if (!generator.save())
    return reportError(messages, generator.error());
  return 0;
}

bool Chat::create() {
  if (!generator.create())
    return refuse(generator.error());
  clear();
  return createTemplate();
}

bool Chat::createTemplate() {
  modelc_chat_template *raw;
  modelc_status status;
  if (options.templateFile.empty()) {
    if (modelc_chat_template_from_plan(plan, &generator.tokenizer(), &raw,
                                       &status)) {
      std::string hint = status.code == MODELC_NOT_FOUND
                             ? ": give one with --chat-template-file"
                             : "";
      return refuse(options.file + ": " + status.message + hint);
    }
  } else {
    std::string source;
    if (!readText(options.templateFile, -1, &source, &error))
      return false;
    if (modelc_chat_template_create(source.data(), source.size(),
                                    &generator.tokenizer(), &raw, &status))
      return refuse(options.templateFile + ": " + status.message);
  }
  chatTemplate.reset(raw);
  return true;
}

/// Begins a new conversation.
void Chat::clear() {
  said.clear();
  if (!options.systemText.empty())
    said.push_back({"system", options.systemText});
}

bool Chat::readFirst(std::string *text) {
  *text = options.text;
  return options.textFile.empty() ||
         readText(options.textFile, -1, text, &error);
}

/// Lines up to one that does not end in a backslash. Empty ones are skipped.
Chat::Next Chat::readMessage(std::string *text) {
  text->clear();
  std::string line;
  Interrupt::clear();
  while (true) {
    if (isTerminal) {
      std::fputs(text->empty() ? "> " : "  ", messages);
      std::fflush(messages);
    }
    switch (lines.read(&line)) {
    case LineReader::Result::failed:
      refuse(std::string("stdin: ") + std::strerror(errno));
      return Next::failed;
    case LineReader::Result::interrupted:
    case LineReader::Result::end:
      if (isTerminal)
        std::fputc('\n', messages);
      return text->empty() || Interrupt::isSet() ? Next::leave : Next::message;
    case LineReader::Result::line:
      break;
    }
    if (text->empty() && line == "/exit")
      return Next::leave;
    if (text->empty() && line == "/clear") {
      clear();
      continue;
    }
    if (line.ends_with('\\')) {
      line.back() = '\n';
      *text += line;
      continue;
    }
    *text += line;
    if (!text->empty())
      return Next::message;
  }
}

/// Says `text` and prints the answer.
bool Chat::takeTurn(const std::string &text) {
  said.push_back({"user", text});
  std::vector<int32_t> ids;
  // What fails here is as if it had not been said.
  if (!spell(&ids)) {
    said.pop_back();
    return false;
  }
  Interrupt::clear();
  std::string answer;
  bool good = generator.hold(ids);
  for (size_t at = 0; good && at < ids.size(); ++at)
    good = generator.pass(ids[at], 0, false);
  if (!good || !generator.answer(&answer) || !generator.print("\n")) {
    said.pop_back();
    return refuse(generator.error());
  }
  if (answer.empty() && Interrupt::isSet())
    said.pop_back();
  else
    said.push_back({"assistant", answer});
  if (std::strcmp(generator.reason(), "the context is full") == 0)
    std::fprintf(messages,
                 "the context of %zu tokens is full; /clear begins a new "
                 "conversation\n",
                 generator.contextTokens());
  return true;
}

/// The ids of the conversation and of what begins an answer.
bool Chat::spell(std::vector<int32_t> *ids) {
  std::vector<modelc_chat_message> list;
  for (const Message &message : said)
    list.push_back({message.role.data(), message.role.size(),
                    message.content.data(), message.content.size()});
  modelc_chat_options chatOptions = {};
  chatOptions.addGenerationPrompt = 1;
  if (!options.templateVariables.empty()) {
    chatOptions.variables = options.templateVariables.data();
    chatOptions.variablesBytes = options.templateVariables.size();
  }
  const char *text;
  size_t bytes;
  modelc_status status;
  const modelc_tokenizer &tokenizer = generator.tokenizer();
  if (modelc_chat_render(chatTemplate.get(), list.data(), list.size(),
                         &chatOptions, &text, &bytes, &status) ||
      !tokenizeText(tokenizer, std::string(text, bytes),
                    MODELC_TOKENIZE_PARSE_SPECIAL, ids, &status))
    return refuse(options.file + ": " + status.message);
  // Templates that leave BOS to the tokenizer get it, others not twice.
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(&tokenizer, &info);
  if (info.addBos && (ids->empty() || ids->front() != info.bosId))
    ids->insert(ids->begin(), info.bosId);
  if (ids->empty())
    return refuse("the chat template gives no tokens");
  if (ids->size() > generator.contextTokens())
    return refuse("the conversation has " + std::to_string(ids->size()) +
                  " tokens, the context " +
                  std::to_string(generator.contextTokens()) +
                  "; /clear begins a new one");
  return true;
}

} // namespace

int chat(modelc_plan *plan, const RunOptions &options, FILE *out,
         FILE *messages, int input) {
  return Chat(plan, options, out, messages, input).run();
}

} // namespace modelc::tools
