//===- Generate.cpp - Continues a prompt
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   text of -p or -f ==> ids ==> Generator: hold, answer ==> stdout
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "Generator.h"
#include "InputText.h"
#include "Interrupt.h"

namespace modelc::tools {
namespace {

/// The ids of the prompt: with the tokens that the model puts around a text,
/// and with control tokens where they are spelled out.
bool readPrompt(const RunOptions &options, int input,
                const Generator &generator, std::vector<int32_t> *ids,
                std::string *error) {
  std::string text = options.text;
  if (!options.textFile.empty()) {
    if (!readText(options.textFile, input, &text, error))
      return false;
    if (text.ends_with('\n'))
      text.pop_back();
  }
  modelc_status status;
  if (!tokenizeText(generator.tokenizer(), text,
                    MODELC_TOKENIZE_ADD_SPECIAL | MODELC_TOKENIZE_PARSE_SPECIAL,
                    ids, &status))
    *error = options.file + ": " + status.message;
  else if (ids->empty())
    *error = "the prompt has no tokens, and the model asks for none in "
             "front of it";
  else if (ids->size() > generator.contextTokens())
    *error = "the prompt has " + std::to_string(ids->size()) +
             " tokens, the context " +
             std::to_string(generator.contextTokens());
  else
    return true;
  return false;
}

/// The prompt goes through the detokenizer like what follows it, so that text
/// is joined right.
bool passPrompt(Generator &generator, std::span<const int32_t> prompt,
                bool isPrinted) {
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(&generator.tokenizer(), &info);
  for (size_t at = 0; at < prompt.size(); ++at) {
    bool isAdded =
        (info.addBos && at == 0) || (info.addEos && at + 1 == prompt.size());
    if (!generator.pass(prompt[at], isAdded ? 0 : MODELC_DETOKENIZE_SPECIAL,
                        isPrinted))
      return false;
  }
  return true;
}

} // namespace

int generate(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages, int input) {
  Generator generator(plan, options, out, messages);
  if (!generator.create())
    return reportError(messages, generator.error());
  std::vector<int32_t> prompt;
  std::string error;
  if (!readPrompt(options, input, generator, &prompt, &error))
    return reportError(messages, error);
  // From here on Ctrl-C ends the text, and what is at its end still comes.
  Interrupt interrupt;
  std::string answer;
  if (!passPrompt(generator, prompt, options.displaysPrompt) ||
      !generator.hold(prompt) || !generator.answer(&answer) ||
      !generator.print("\n")) {
    // The text so far ends in the middle of a line.
    std::fputc('\n', out);
    std::fflush(out);
    return reportError(messages, generator.error());
  }
  generator.printStatistics();
  if (!generator.save())
    return reportError(messages, generator.error());
  // As shells number what a signal ended.
  return Interrupt::isSet() ? 128 + SIGINT : 0;
}

} // namespace modelc::tools
