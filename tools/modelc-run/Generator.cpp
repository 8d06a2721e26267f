//===- Generator.cpp - A session, and what is needed to continue it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   held 1 5 9 7, hold(1 5 8) ==> truncate to 1 5, compute 8
//   answer: sample ==> text to out ==> one step of one token, until the model
//   ends, -n tokens are there, the context is full, or SIGINT came
//
//===----------------------------------------------------------------------===//

#include "Generator.h"
#include "InputText.h"
#include "Interrupt.h"
#include "StopTexts.h"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
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

} // namespace

bool tokenizeText(const modelc_tokenizer &tokenizer, const std::string &text,
                  uint32_t flags, std::vector<int32_t> *ids,
                  modelc_status *status) {
  // Always enough, see modelc_tokenize.
  ids->resize(4 * text.size() + 8);
  size_t count;
  if (modelc_tokenize(&tokenizer, text.data(), text.size(), flags, ids->data(),
                      ids->size(), &count, status))
    return false;
  ids->resize(count);
  return true;
}

bool Generator::create() {
  modelc_tokenizer *rawTokenizer;
  if (modelc_tokenizer_create(plan, &rawTokenizer, &status))
    return refuseText();
  tokens.reset(rawTokenizer);
  modelc_detokenizer *rawDetokenizer;
  if (modelc_detokenizer_create(rawTokenizer, &rawDetokenizer, &status))
    return refuseText();
  detokenizer.reset(rawDetokenizer);
  modelc_plan_info info;
  modelc_plan_get_info(plan, &info);
  context = options.contextTokens ? options.contextTokens : info.contextLength;
  if (!createSampler(info.vocabSize) || !createGrammar())
    return false;

  modelc_session_options sessionOptions = {};
  sessionOptions.contextTokens = options.contextTokens;
  sessionOptions.threads = options.threads;
  modelc_session *rawSession;
  if (modelc_session_create(plan, &sessionOptions, &rawSession, &status))
    return refuse(status.message);
  session.reset(rawSession);
  ubatch = std::max<size_t>(info.ubatch, 1);
  return restore();
}

bool Generator::createSampler(uint32_t vocabSize) {
  modelc_sampler_options chosen = options.sampler;
  std::vector<modelc_logit_bias> biases = options.biases;
  if (options.ignoresEnd)
    for (uint32_t id = 0; id < vocabSize; ++id)
      if (modelc_token_is_end(tokens.get(), static_cast<int32_t>(id)))
        biases.push_back({static_cast<int32_t>(id),
                          -std::numeric_limits<float>::infinity()});
  chosen.biases = biases.data();
  chosen.biasCount = biases.size();
  std::vector<int32_t> breakers;
  if (chosen.dryMultiplier > 0 && !findBreakers(&breakers))
    return false;
  chosen.dryBreakers = breakers.data();
  chosen.dryBreakerCount = breakers.size();
  chosen.dryLastN = static_cast<uint32_t>(
      options.dryLastN < 0 ? context
                           : std::min<int64_t>(options.dryLastN, context));
  if (!options.hasSeed)
    chosen.seed = pickSeed();
  modelc_sampler *rawSampler;
  if (modelc_sampler_create(&chosen, vocabSize, &rawSampler, &status))
    return refuse(status.message);
  sampler.reset(rawSampler);
  if (chosen.temperature > 0)
    std::fprintf(messages, "seed: %llu\n",
                 static_cast<unsigned long long>(chosen.seed));
  return true;
}

/// The tokens in whose text one of the breakers is.
bool Generator::findBreakers(std::vector<int32_t> *ids) {
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(tokens.get(), &info);
  std::string text;
  for (int32_t id = 0; static_cast<uint32_t>(id) < info.tokenCount; ++id) {
    const char *piece;
    size_t bytes;
    if (modelc_detokenizer_push(detokenizer.get(), id,
                                MODELC_DETOKENIZE_SPECIAL, &piece, &bytes,
                                &status))
      return refuseText();
    text.assign(piece, bytes);
    modelc_detokenizer_finish(detokenizer.get(), &piece, &bytes);
    text.append(piece, bytes);
    if (std::ranges::any_of(options.dryBreakers, [&](const std::string &part) {
          return text.find(part) != text.npos;
        }))
      ids->push_back(id);
  }
  return true;
}

bool Generator::createGrammar() {
  std::string text = options.constraint, error;
  if (!options.constraintFile.empty() &&
      !readText(options.constraintFile, -1, &text, &error))
    return refuse(error);
  if (text.empty() && options.constraintFile.empty())
    return true;
  modelc_grammar *rawGrammar;
  auto *create =
      options.isSchema ? modelc_grammar_create_json : modelc_grammar_create;
  if (create(tokens.get(), text.data(), text.size(), &rawGrammar, &status)) {
    std::string name = options.isSchema ? "--json-schema" : "--grammar";
    return refuse(
        (options.constraintFile.empty() ? name : options.constraintFile) +
        ": " + status.message);
  }
  grammar.reset(rawGrammar);
  return true;
}

/// Begins with the session of the prompt cache; without the file, with none.
bool Generator::restore() {
  if (options.promptCache.empty())
    return true;
  modelc_code code = modelc_session_restore(
      session.get(), options.promptCache.c_str(), &status);
  if (code == MODELC_NOT_FOUND)
    return true;
  held.resize(context);
  size_t count;
  if (code || modelc_session_tokens(session.get(), 0, held.data(), held.size(),
                                    &count, &status))
    return refuse(std::string("--prompt-cache: ") + status.message);
  held.resize(count);
  return true;
}

/// What hold() says, but for telling the sampler; *kept are not computed.
bool Generator::compute(std::span<const int32_t> ids, size_t *kept) {
  auto [stop, _] =
      std::mismatch(held.begin(), held.end(), ids.begin(), ids.end());
  // The last token is computed in any case: its logits are wanted.
  *kept = std::min<size_t>(stop - held.begin(), ids.size() - 1);
  modelc_code code = modelc_session_truncate(
      session.get(), 0, static_cast<uint32_t>(*kept), &status);
  if (code == MODELC_FAILED_PRECONDITION && *kept > 0) {
    // A state that cannot be rolled back: begin anew.
    *kept = 0;
    code = modelc_session_truncate(session.get(), 0, 0, &status);
  }
  if (code)
    return refuse(status.message);
  held.resize(*kept);
  while (held.size() < ids.size() && !Interrupt::isSet()) {
    size_t count = std::min(ubatch, ids.size() - held.size());
    if (!step(ids.subspan(held.size(), count)))
      return false;
  }
  return true;
}

bool Generator::hold(std::span<const int32_t> ids) {
  Clock::time_point begin = Clock::now();
  size_t kept;
  if (!compute(ids, &kept))
    return false;
  reused += kept;
  prefilled += held.size() - kept;
  accepted = std::min(accepted, kept);
  for (; accepted < held.size(); ++accepted)
    modelc_sampler_accept(sampler.get(), held[accepted]);
  prefillSeconds += secondsSince(begin);
  return true;
}

/// Forgets half of the tokens behind the first `firstKept`, the older half, and
/// computes the others anew at their new places, as caches hold keys that are
/// rotated by their old ones. The sampler has been told of them.
bool Generator::shift(size_t firstKept) {
  std::vector<int32_t> ids = held;
  auto begin = ids.begin() + static_cast<ptrdiff_t>(firstKept);
  ids.erase(begin, begin + (ids.end() - begin + 1) / 2);
  size_t kept;
  if (!compute(ids, &kept))
    return false;
  accepted = held.size();
  ++shifts;
  return true;
}

/// Appends `ids` to the session; the last one's logits are wanted.
bool Generator::step(std::span<const int32_t> ids) {
  std::vector<modelc_token> step;
  for (int32_t id : ids)
    step.push_back({id, static_cast<int32_t>(held.size() + step.size()), 0, 0});
  step.back().wantLogits = 1;
  if (modelc_session_step(session.get(), step.data(), step.size(), &status))
    return refuse(status.message);
  held.insert(held.end(), ids.begin(), ids.end());
  return true;
}

bool Generator::pass(int32_t id, uint32_t flags, bool isPrinted) {
  const char *text;
  size_t bytes;
  if (modelc_detokenizer_push(detokenizer.get(), id, flags, &text, &bytes,
                              &status))
    return refuseText();
  return !isPrinted || print({text, bytes});
}

bool Generator::print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out) == text.size() &&
      std::fflush(out) == 0)
    return true;
  return refuse(std::string("stdout: ") + std::strerror(errno));
}

bool Generator::sample(int32_t *id) {
  const float *logits;
  if (modelc_session_logits(session.get(), 0, &logits, &status))
    return refuse(status.message);
  if (!grammar) {
    if (modelc_sample(sampler.get(), logits, id, &status))
      return refuseText();
    return true;
  }
  const uint64_t *allowed;
  if (modelc_grammar_mask(grammar.get(), &allowed, &status) ||
      modelc_sample_allowed(sampler.get(), logits, allowed, id, &status) ||
      modelc_grammar_accept(grammar.get(), *id, &status))
    return refuseText();
  return true;
}

/// Tokens of the prompt that no shift forgets: those of --keep, and BOS.
size_t Generator::countFirstKept() const {
  if (options.keptTokens < 0)
    return held.size();
  modelc_tokenizer_info info;
  modelc_tokenizer_get_info(tokens.get(), &info);
  const size_t bos = info.addBos ? 1 : 0;
  return std::min(held.size(), static_cast<size_t>(options.keptTokens) + bos);
}

bool Generator::answer(std::string *text) {
  Clock::time_point begin = Clock::now();
  size_t limit = options.predictTokens < 0
                     ? SIZE_MAX
                     : static_cast<size_t>(options.predictTokens);
  const char *piece;
  size_t bytes;
  StopTexts stops(options.stopTexts);
  auto give = [&](const std::string &given) {
    text->append(given);
    return print(given);
  };
  why = "-n tokens are generated";
  const size_t firstKept = countFirstKept();
  if (grammar)
    modelc_grammar_reset(grammar.get());
  for (size_t generated = 0; generated != limit;) {
    int32_t id;
    if (Interrupt::isSet()) {
      why = "Ctrl-C";
      break;
    }
    if (!sample(&id))
      return false;
    ++generated;
    if (modelc_token_is_end(tokens.get(), id)) {
      why = "the model ended its text";
      break;
    }
    if (modelc_detokenizer_push(detokenizer.get(), id, 0, &piece, &bytes,
                                &status))
      return refuseText();
    if (!give(stops.push({piece, bytes})))
      return false;
    if (stops.isFound()) {
      why = "a text of --stop came";
      break;
    }
    if (generated == limit)
      break;
    if (held.size() == context) {
      if (!options.shiftsContext || firstKept + 1 >= context) {
        why = "the context is full";
        break;
      }
      if (!shift(firstKept))
        return false;
      if (Interrupt::isSet())
        continue;
    }
    if (!step({&id, 1}))
      return false;
    modelc_sampler_accept(sampler.get(), id);
    accepted = held.size();
    ++decoded;
  }
  decodeSeconds += secondsSince(begin);
  modelc_detokenizer_finish(detokenizer.get(), &piece, &bytes);
  return give(stops.push({piece, bytes})) && give(stops.finish());
}

bool Generator::save() {
  if (options.promptCache.empty())
    return true;
  if (modelc_session_save(session.get(), options.promptCache.c_str(), &status))
    return refuse(std::string("--prompt-cache: ") + status.message);
  return true;
}

void Generator::printStatistics() const {
  auto rate = [](size_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0.0;
  };
  std::fprintf(messages, "stopped: %s (%zu of %zu tokens of context used)\n",
               why, held.size(), context);
  if (shifts > 0)
    std::fprintf(messages, "shifts:  %zu\n", shifts);
  if (reused > 0)
    std::fprintf(messages, "reused:  %zu tokens\n", reused);
  std::fprintf(messages, "prefill: %zu tokens, %.3f s, %.1f tokens/s\n",
               prefilled, prefillSeconds, rate(prefilled, prefillSeconds));
  std::fprintf(messages, "decode:  %zu tokens, %.3f s, %.1f tokens/s\n",
               decoded, decodeSeconds, rate(decoded, decodeSeconds));
}

} // namespace modelc::tools
