//===- RunOptions.cpp - What modelc-run is asked to do
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"story.mplan", "-p", "Once", "-n", "20", "--temp=0"}
//     ==> RunOptions{mode generate, file, text, predictTokens 20, greedy}
//
//===----------------------------------------------------------------------===//

#include "RunOptions.h"
#include "CommandLine.h"

namespace modelc::tools {
namespace {

/// Options as they stand on the line, before they make sense together.
struct RawOptions {
  bool help = false;
  bool version = false;
  std::optional<std::string> prompt;
  std::optional<std::string> tokenize;
  std::optional<std::string> logitsOut;
  std::optional<std::vector<int32_t>> tokens;
  std::optional<int64_t> predictTokens;
  std::optional<int64_t> threads;
  std::optional<int64_t> batch;
  std::optional<int64_t> contextTokens;
  std::optional<int64_t> topK;
  std::optional<uint64_t> seed;
};

void declareOptions(CommandLine &line, RawOptions &raw, RunOptions *options) {
  line.addFlag("-h", &raw.help);
  line.addFlag("--help", &raw.help);
  line.addFlag("--version", &raw.version);
  line.addString("-p", &raw.prompt);
  line.addString("--tokenize", &raw.tokenize);
  line.addString("--logits-out", &raw.logitsOut);
  line.addIds("--tokens", &raw.tokens);
  line.addInteger("-n", -1, INT32_MAX, &raw.predictTokens);
  line.addInteger("-t", 1, 4096, &raw.threads);
  line.addInteger("--batch", 1, INT32_MAX, &raw.batch);
  line.addInteger("-c", 1, INT32_MAX, &raw.contextTokens);
  line.addInteger("--top-k", 0, INT32_MAX, &raw.topK);
  line.addUnsigned("--seed", &raw.seed);
  line.addReal("--temp", &options->sampler.temperature);
  line.addReal("--top-p", &options->sampler.topP);
  line.addReal("--min-p", &options->sampler.minP);
}

/// Decides what to do. Exactly one of -p, --tokens and --tokenize is given.
bool chooseMode(const RawOptions &raw, RunOptions *options,
                std::string *error) {
  int asked = raw.prompt.has_value() + raw.tokens.has_value() +
              raw.tokenize.has_value();
  if (asked != 1) {
    *error = "expected exactly one of -p, --tokens and --tokenize";
    return false;
  }
  if (raw.tokens.has_value() != raw.logitsOut.has_value()) {
    *error = "--tokens and --logits-out belong together";
    return false;
  }
  if (raw.batch && !raw.tokens) {
    *error = "--batch belongs to --tokens";
    return false;
  }
  options->mode = raw.prompt   ? RunOptions::Mode::generate
                  : raw.tokens ? RunOptions::Mode::logits
                               : RunOptions::Mode::tokenize;
  options->text = raw.prompt ? *raw.prompt : raw.tokenize.value_or("");
  options->tokens = raw.tokens.value_or(std::vector<int32_t>());
  options->logitsOut = raw.logitsOut.value_or("");
  return true;
}

/// Asks the sampler itself whether it takes these numbers.
bool checkSampler(const modelc_sampler_options &options, std::string *error) {
  modelc_sampler *sampler;
  modelc_status status;
  if (modelc_sampler_create(&options, 1, &sampler, &status)) {
    *error = status.message;
    return false;
  }
  modelc_sampler_destroy(sampler);
  return true;
}

} // namespace

bool parseRunOptions(std::span<const char *const> arguments,
                     RunOptions *options, std::string *error) {
  *options = {};
  CommandLine line;
  RawOptions raw;
  declareOptions(line, raw, options);
  if (!line.parse(arguments, error))
    return false;
  if (raw.help || raw.version) {
    options->mode =
        raw.help ? RunOptions::Mode::help : RunOptions::Mode::version;
    return true;
  }
  if (line.positionals().size() != 1) {
    *error =
        "expected one file, found " + std::to_string(line.positionals().size());
    return false;
  }
  if (!chooseMode(raw, options, error))
    return false;

  options->file = line.positionals()[0];
  options->predictTokens = raw.predictTokens.value_or(-1);
  options->threads = static_cast<uint32_t>(raw.threads.value_or(0));
  options->batch = static_cast<uint32_t>(raw.batch.value_or(0));
  options->contextTokens = static_cast<uint32_t>(raw.contextTokens.value_or(0));
  options->sampler.topK =
      static_cast<uint32_t>(raw.topK.value_or(options->sampler.topK));
  options->sampler.seed = raw.seed.value_or(0);
  options->hasSeed = raw.seed.has_value();
  return checkSampler(options->sampler, error);
}

std::string runUsage(const char *program, const char *file) {
  return std::string("usage: ") + program + " " + file +
         " (-p TEXT [-n N] [--temp T --top-k K --top-p P --min-p P --seed S]"
         " | --tokens=1,2,3 --logits-out=FILE [--batch=N] | --tokenize TEXT)"
         " [-t THREADS] [-c CONTEXT]\n";
}

std::string runHelp(const char *program, const char *file) {
  return runUsage(program, file) + R"(
  -p TEXT            continue TEXT; prompt and continuation go to stdout, all
                     else to stderr
  -n N               tokens to generate (-1, the default: until the model ends
                     or the context is full)
  --temp T           temperature, 0 for greedy (0.8)
  --top-k K          keep the K likeliest tokens, 0 for all (40)
  --top-p P          keep the likeliest tokens up to probability P (0.95)
  --min-p P          keep tokens at least P times as likely as the first (0.05)
  --seed S           seed of the sampler (one is picked, and printed)
  --tokens=1,2,3     compute these tokens ...
  --logits-out=FILE  ... and write their logits, little-endian float32
                     [tokens][vocabulary]
  --batch=N          tokens per call, at most the plan's ubatch (that)
  --tokenize TEXT    print the ids of TEXT, with BOS if the model wants it
  -t THREADS         workers (all CPUs)
  -c CONTEXT         tokens that the session may hold (the model's context)
  --version, --help
)";
}

} // namespace modelc::tools
