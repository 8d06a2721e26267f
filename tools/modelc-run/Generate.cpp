//===- Generate.cpp - Continues a prompt
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   prompt ids ==> one step (prefill), logits of the last
//   repeat: sample ==> text to out ==> one step of one token
//   until the model ends, -n tokens are there, or the context is full
//
//===----------------------------------------------------------------------===//

#include "Generate.h"
#include "RunCommand.h"
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unistd.h>

namespace modelc::tools {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A seed that differs from run to run, short enough to type again.
uint32_t pickSeed() {
  uint32_t seed;
  if (getentropy(&seed, sizeof(seed)) == 0)
    return seed;
  return static_cast<uint32_t>(Clock::now().time_since_epoch().count());
}

/// Everything that one run of the loop holds.
class Generation {
public:
  Generation(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages)
      : plan(plan), options(options), out(out), messages(messages) {}

  int run();

private:
  bool create();
  bool checkPrompt();
  bool printPrompt();
  bool prefill();
  bool step(std::span<const int32_t> ids);
  bool decode();
  bool print(const char *text, size_t bytes);
  bool pushToken(int32_t id, uint32_t flags);
  void printStatistics() const;

  /// Notes what went wrong, as "error: ..." wants it; returns false.
  bool refuse(std::string message) {
    error = std::move(message);
    return false;
  }
  /// The same for messages of the text library, which name no file.
  bool refuseText() { return refuse(options.file + ": " + status.message); }

  modelc_plan *plan;
  const RunOptions &options;
  FILE *out;
  FILE *messages;
  modelc_status status;
  std::string error;
  TokenizerPointer tokenizer;
  DetokenizerPointer detokenizer;
  SamplerPointer sampler;
  SessionPointer session;
  std::vector<int32_t> prompt;
  size_t contextTokens = 0;
  size_t length = 0; ///< Tokens that the session holds.
  size_t generated = 0;
  size_t decodeSteps = 0; ///< One less, as the prompt gives the first token.
  const char *reason = "";
  double prefillSeconds = 0;
  double decodeSeconds = 0;
};

int Generation::run() {
  if (!create() || !checkPrompt())
    return reportError(messages, error);
  if (!printPrompt() || !prefill() || !decode()) {
    // The text so far ends in the middle of a line.
    std::fputc('\n', out);
    std::fflush(out);
    return reportError(messages, error);
  }
  printStatistics();
  return 0;
}

bool Generation::create() {
  modelc_tokenizer *rawTokenizer;
  if (modelc_tokenizer_create(plan, &rawTokenizer, &status))
    return refuseText();
  tokenizer.reset(rawTokenizer);
  modelc_detokenizer *rawDetokenizer;
  if (modelc_detokenizer_create(rawTokenizer, &rawDetokenizer, &status))
    return refuseText();
  detokenizer.reset(rawDetokenizer);

  modelc_plan_info info;
  modelc_plan_get_info(plan, &info);
  modelc_sampler_options chosen = options.sampler;
  if (!options.hasSeed)
    chosen.seed = pickSeed();
  modelc_sampler *rawSampler;
  if (modelc_sampler_create(&chosen, info.vocabSize, &rawSampler, &status))
    return refuse(status.message);
  sampler.reset(rawSampler);
  if (chosen.temperature > 0)
    std::fprintf(messages, "seed: %llu\n",
                 static_cast<unsigned long long>(chosen.seed));

  modelc_session_options sessionOptions = {};
  sessionOptions.contextTokens = options.contextTokens;
  sessionOptions.threads = options.threads;
  modelc_session *rawSession;
  if (modelc_session_create(plan, &sessionOptions, &rawSession, &status))
    return refuse(status.message);
  session.reset(rawSession);
  contextTokens =
      options.contextTokens ? options.contextTokens : info.contextLength;
  return true;
}

bool Generation::checkPrompt() {
  if (!tokenizePrompt(*tokenizer, options.text, &prompt, &status))
    return refuseText();
  if (prompt.empty())
    return refuse("the prompt has no tokens, and the model asks for none in "
                  "front of it");
  if (prompt.size() > contextTokens)
    return refuse("the prompt has " + std::to_string(prompt.size()) +
                  " tokens, the context " + std::to_string(contextTokens));
  return true;
}

/// The prompt goes through the detokenizer like what follows it, so that text
/// is joined right.
bool Generation::printPrompt() {
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(tokenizer.get(), &info);
  for (size_t at = 0; at < prompt.size(); ++at) {
    bool isAdded =
        (info.addBos && at == 0) || (info.addEos && at + 1 == prompt.size());
    if (!pushToken(prompt[at], isAdded ? 0 : MODELC_DETOKENIZE_SPECIAL))
      return false;
  }
  return true;
}

bool Generation::pushToken(int32_t id, uint32_t flags) {
  const char *text;
  size_t bytes;
  if (modelc_detokenizer_push(detokenizer.get(), id, flags, &text, &bytes,
                              &status))
    return refuseText();
  return print(text, bytes);
}

bool Generation::print(const char *text, size_t bytes) {
  if (std::fwrite(text, 1, bytes, out) == bytes && std::fflush(out) == 0)
    return true;
  return refuse(std::string("stdout: ") + std::strerror(errno));
}

bool Generation::prefill() {
  Clock::time_point begin = Clock::now();
  bool good = step(prompt);
  prefillSeconds = secondsSince(begin);
  return good;
}

/// Appends `ids` to the session; the last one's logits are wanted.
bool Generation::step(std::span<const int32_t> ids) {
  std::vector<modelc_token> tokens;
  for (int32_t id : ids)
    tokens.push_back({id, static_cast<int32_t>(length++), 0, 0});
  tokens.back().wantLogits = 1;
  if (modelc_session_step(session.get(), tokens.data(), tokens.size(), &status))
    return refuse(status.message);
  return true;
}

bool Generation::decode() {
  Clock::time_point begin = Clock::now();
  size_t limit = options.predictTokens < 0
                     ? SIZE_MAX
                     : static_cast<size_t>(options.predictTokens);
  reason = "-n tokens are generated";
  while (generated != limit) {
    const float *logits;
    if (modelc_session_logits(session.get(), 0, &logits, &status))
      return refuse(status.message);
    int32_t id;
    if (modelc_sample(sampler.get(), logits, &id, &status))
      return refuseText();
    ++generated;
    if (modelc_token_is_end(tokenizer.get(), id)) {
      reason = "the model ended its text";
      break;
    }
    if (!pushToken(id, 0))
      return false;
    if (generated == limit)
      break;
    if (length == contextTokens) {
      reason = "the context is full";
      break;
    }
    if (!step({&id, 1}))
      return false;
    ++decodeSteps;
  }
  decodeSeconds = secondsSince(begin);
  const char *text;
  size_t bytes;
  modelc_detokenizer_finish(detokenizer.get(), &text, &bytes);
  return print(text, bytes) && print("\n", 1);
}

void Generation::printStatistics() const {
  auto rate = [](size_t tokens, double seconds) {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
  };
  std::fprintf(messages, "stopped: %s (%zu of %zu tokens of context used)\n",
               reason, length, contextTokens);
  std::fprintf(messages, "prefill: %zu tokens, %.3f s, %.1f tokens/s\n",
               prompt.size(), prefillSeconds,
               rate(prompt.size(), prefillSeconds));
  std::fprintf(messages, "decode:  %zu tokens, %.3f s, %.1f tokens/s\n",
               decodeSteps, decodeSeconds, rate(decodeSteps, decodeSeconds));
}

} // namespace

int generate(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages) {
  return Generation(plan, options, out, messages).run();
}

bool tokenizePrompt(const modelc_tokenizer &tokenizer, const std::string &text,
                    std::vector<int32_t> *ids, modelc_status *status) {
  // Always enough, see modelc_tokenize.
  ids->resize(4 * text.size() + 8);
  size_t count;
  if (modelc_tokenize(&tokenizer, text.data(), text.size(),
                      MODELC_TOKENIZE_ADD_SPECIAL |
                          MODELC_TOKENIZE_PARSE_SPECIAL,
                      ids->data(), ids->size(), &count, status))
    return false;
  ids->resize(count);
  return true;
}

} // namespace modelc::tools
