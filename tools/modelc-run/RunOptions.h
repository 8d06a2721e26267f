//===- RunOptions.h - What modelc-run is asked to do
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DESIGN.md section 8 fixes this command line. `modelc run` takes the same
// options for a model instead of a plan.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_RUNOPTIONS_H
#define MODELC_TOOLS_MODELC_RUN_RUNOPTIONS_H

#include "modelc/text.h"
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace modelc::tools {

struct RunOptions {
  enum class Mode {
    help,
    version,
    generate, ///< -p, -f: the prompt and what follows it.
    chat,     ///< --chat: a conversation.
    logits,   ///< --tokens, --logits-out: logits of every token.
    tokenize  ///< --tokenize: ids of a text.
  };

  Mode mode = Mode::generate;
  /// The plan, or for `modelc run` the model. Empty for help and version.
  std::string file;
  /// The text of -p or --tokenize.
  std::string text;
  /// Where the text is instead, "-" for stdin: -f. Empty: nowhere else.
  std::string textFile;
  /// Where the session is kept between runs; empty: nowhere.
  std::string promptCache;

  // --chat
  /// What the system says; empty: nothing.
  std::string systemText;
  /// The text of -p or -f is the first thing that the user says.
  bool hasText = false;
  /// A template to be used instead of the model's; empty: the model's.
  std::string templateFile;
  /// More variables of the template, a JSON object; empty: none.
  std::string templateVariables;

  std::vector<int32_t> tokens;
  std::string logitsOut;
  /// Tokens to generate; -1: until the model ends or the context is full.
  int64_t predictTokens = -1;
  /// Most tokens of one call for --tokens; 0: the plan's ubatch.
  uint32_t batch = 0;
  /// 0: the CPUs that this process may use.
  uint32_t threads = 0;
  /// 0: the model's own context (--tokens: as many as there are).
  uint32_t contextTokens = 0;
  /// Defaults of llama.cpp. `seed` counts if hasSeed, else one is picked.
  modelc_sampler_options sampler = {.temperature = 0.8f,
                                    .topK = 40,
                                    .topP = 0.95f,
                                    .minP = 0.05f,
                                    .seed = 0,
                                    .penaltyLastN = 64,
                                    .repeatPenalty = 1,
                                    .frequencyPenalty = 0,
                                    .presencePenalty = 0,
                                    .biases = nullptr,
                                    .biasCount = 0,
                                    .typicalP = 1,
                                    .xtcProbability = 0,
                                    .xtcThreshold = 0.1f,
                                    .dryMultiplier = 0,
                                    .dryBase = 1.75f,
                                    .dryAllowedLength = 2,
                                    .dryLastN = 0,
                                    .dryBreakers = nullptr,
                                    .dryBreakerCount = 0};
  /// Tokens that DRY looks at; -1: all.
  int64_t dryLastN = -1;
  /// DRY compares nothing before tokens in which one of these is.
  std::vector<std::string> dryBreakers;
  bool hasSeed = false;
  /// Whether a full context forgets, and how many tokens of the prompt it does
  /// not; -1: all.
  bool shiftsContext = false;
  int64_t keptTokens = 0;
  /// Texts at which an answer ends, not part of it.
  std::vector<std::string> stopTexts;
  bool ignoresEnd = false;
  /// Whether generate prints the prompt.
  bool displaysPrompt = true;
  /// What text must follow: a grammar or a JSON schema, and where it is
  /// instead if it is in a file. Empty: nothing.
  std::string constraint;
  std::string constraintFile;
  bool isSchema = false;
  /// The sampler's; their ids are not checked yet.
  std::vector<modelc_logit_bias> biases;
};

/// Reads the arguments after the program's name. False for a wrong command
/// line, with `*error` saying what is wrong.
bool parseRunOptions(std::span<const char *const> arguments,
                     RunOptions *options, std::string *error);

/// One line: "usage: PROGRAM FILE -p TEXT ...". `program` is "modelc-run" or
/// "modelc run", `file` what it takes.
std::string runUsage(const char *program, const char *file);

/// The usage line and one line for each option.
std::string runHelp(const char *program, const char *file);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_RUNOPTIONS_H
