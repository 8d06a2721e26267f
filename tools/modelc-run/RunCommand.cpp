//===- RunCommand.cpp - Runs an open plan as the options say
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   --tokenize TEXT   ==> ids to out
//   --tokens          ==> logits to a file
//   -p TEXT           ==> generate (Generate.cpp)
//   --chat            ==> chat (Chat.cpp)
//
//===----------------------------------------------------------------------===//

#include "RunCommand.h"
#include "Chat.h"
#include "Generate.h"
#include "Generator.h"
#include "OutputFile.h"
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace modelc::tools {
namespace {

int printIds(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages) {
  modelc_status status;
  modelc_tokenizer *rawTokenizer;
  if (modelc_tokenizer_create(plan, &rawTokenizer, &status))
    return reportError(messages, options.file + ": " + status.message);
  TokenizerPointer tokenizer(rawTokenizer);
  std::vector<int32_t> ids;
  if (!tokenizeText(*tokenizer, options.text,
                    MODELC_TOKENIZE_ADD_SPECIAL | MODELC_TOKENIZE_PARSE_SPECIAL,
                    &ids, &status))
    return reportError(messages, options.file + ": " + status.message);
  std::string line;
  for (int32_t id : ids)
    line += (line.empty() ? "" : ",") + std::to_string(id);
  line += "\n";
  if (std::fwrite(line.data(), 1, line.size(), out) != line.size() ||
      std::fflush(out) != 0)
    return reportError(messages,
                       std::string("stdout: ") + std::strerror(errno));
  return 0;
}

/// Computes `tokens` from position `begin` on and appends their logits.
bool writeLogits(modelc_session *session, std::span<const int32_t> tokens,
                 size_t begin, uint32_t vocabSize, OutputFile &file,
                 modelc_status *status) {
  static_assert(std::endian::native == std::endian::little);
  std::vector<modelc_token> step;
  for (size_t at = 0; at < tokens.size(); ++at)
    step.push_back({tokens[at], static_cast<int32_t>(begin + at), 0, 1});
  if (modelc_session_step(session, step.data(), step.size(), status))
    return false;
  for (size_t at = 0; at < tokens.size(); ++at) {
    const float *logits;
    if (modelc_session_logits(session, at, &logits, status))
      return false;
    if (!file.write(logits, sizeof(float) * vocabSize)) {
      std::snprintf(status->message, sizeof(status->message), "%s",
                    file.error().c_str());
      return false;
    }
  }
  return true;
}

int computeLogits(modelc_plan *plan, const RunOptions &options,
                  FILE *messages) {
  modelc_plan_info info;
  modelc_plan_get_info(plan, &info);
  for (size_t at = 0; at < options.tokens.size(); ++at)
    if (static_cast<uint32_t>(options.tokens[at]) >= info.vocabSize)
      return reportError(messages, "--tokens: token " + std::to_string(at) +
                                       " is " +
                                       std::to_string(options.tokens[at]) +
                                       ", the vocabulary has " +
                                       std::to_string(info.vocabSize));

  uint32_t count = static_cast<uint32_t>(options.tokens.size());
  modelc_session_options sessionOptions = {};
  sessionOptions.contextTokens =
      options.contextTokens ? options.contextTokens : count;
  sessionOptions.threads = options.threads;
  modelc_status status;
  modelc_session *rawSession;
  if (modelc_session_create(plan, &sessionOptions, &rawSession, &status))
    return reportError(messages, status.message);
  SessionPointer session(rawSession);
  OutputFile file(options.logitsOut);
  if (!file.open())
    return reportError(messages, file.error());
  // At most ubatch tokens of a call may want logits.
  size_t batch =
      options.batch ? std::min(options.batch, info.ubatch) : info.ubatch;
  std::span<const int32_t> tokens = options.tokens;
  for (size_t begin = 0; begin < tokens.size(); begin += batch) {
    size_t length = std::min(batch, tokens.size() - begin);
    if (!writeLogits(session.get(), tokens.subspan(begin, length), begin,
                     info.vocabSize, file, &status))
      return reportError(messages, status.message);
  }
  if (!file.commit())
    return reportError(messages, file.error());
  std::fprintf(messages, "logits: %u tokens x %u\n", count, info.vocabSize);
  return 0;
}

} // namespace

int runCommand(modelc_plan *plan, const RunOptions &options, FILE *out,
               FILE *messages, int input) {
  printWarning(messages, plan);
  switch (options.mode) {
  case RunOptions::Mode::tokenize:
    return printIds(plan, options, out, messages);
  case RunOptions::Mode::logits:
    return computeLogits(plan, options, messages);
  case RunOptions::Mode::generate:
    return generate(plan, options, out, messages, input);
  case RunOptions::Mode::chat:
    return chat(plan, options, out, messages, input);
  case RunOptions::Mode::help:
  case RunOptions::Mode::version:
    break;
  }
  return reportError(messages, "this mode needs no plan");
}

int reportError(FILE *messages, const std::string &message) {
  std::fprintf(messages, "error: %s\n", message.c_str());
  return 1;
}

void printWarning(FILE *messages, const modelc_plan *plan) {
  const char *warning = modelc_plan_warning(plan);
  if (*warning != '\0')
    std::fprintf(messages, "warning: %s\n", warning);
}

} // namespace modelc::tools
