//===- Generator.h - A session, and what is needed to continue it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the plain continuation of a prompt and by chats:
//
//   generator.create()
//   generator.hold(ids)    the session holds these tokens, logits are there
//   generator.answer(...)  sampled tokens, until an end
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_GENERATOR_H
#define MODELC_TOOLS_MODELC_RUN_GENERATOR_H

#include "RunCommand.h"

namespace modelc::tools {

/// The ids of a text; `flags` are MODELC_TOKENIZE_*.
bool tokenizeText(const modelc_tokenizer &tokenizer, const std::string &text,
                  uint32_t flags, std::vector<int32_t> *ids,
                  modelc_status *status);

class Generator {
public:
  /// All are borrowed.
  Generator(modelc_plan *plan, const RunOptions &options, FILE *out,
            FILE *messages)
      : plan(plan), options(options), out(out), messages(messages) {}

  // Everything that returns bool: false, with error() as "error: ..." wants
  // it.
  const std::string &error() const { return message; }

  /// Makes all of it; restores the session of --prompt-cache if there is one,
  /// and prints the seed.
  bool create();

  const modelc_tokenizer &tokenizer() const { return *tokens; }
  size_t contextTokens() const { return context; }

  /// Makes the session hold `ids`, 1 or more, at most contextTokens(): what it
  /// holds is kept as far as it agrees, the rest is computed. Stops early, all
  /// the same true, where SIGINT came (Interrupt).
  bool hold(std::span<const int32_t> ids);

  /// Passes a token of the prompt to the detokenizer; its text is printed if
  /// `isPrinted`, else it only stands before what follows.
  bool pass(int32_t id, uint32_t flags, bool isPrinted);

  /// Samples and prints up to -n tokens after those that the session holds,
  /// and appends their text to *text. reason() says why it ended. With
  /// --context-shift a full context is no reason: half of its tokens are
  /// forgotten.
  bool answer(std::string *text);
  const char *reason() const { return why; }

  /// Prints to stdout.
  bool print(std::string_view text);

  /// Writes the session to --prompt-cache, if that was given.
  bool save();

  /// "stopped: ...", "prefill: ...", "decode: ...".
  void printStatistics() const;

private:
  bool createSampler(uint32_t vocabSize);
  bool findBreakers(std::vector<int32_t> *ids);
  bool createGrammar();
  bool restore();
  bool compute(std::span<const int32_t> ids, size_t *kept);
  bool shift(size_t firstKept);
  size_t countFirstKept() const;
  bool step(std::span<const int32_t> ids);
  bool sample(int32_t *id);

  bool refuse(std::string text) {
    message = std::move(text);
    return false;
  }
  /// The same for messages of the text library, which name no file.
  bool refuseText() { return refuse(options.file + ": " + status.message); }

  modelc_plan *plan;
  const RunOptions &options;
  FILE *out;
  FILE *messages;
  modelc_status status;
  std::string message;
  TokenizerPointer tokens;
  DetokenizerPointer detokenizer;
  SamplerPointer sampler;
  /// Null: any text.
  GrammarPointer grammar;
  SessionPointer session;
  size_t context = 0;
  size_t ubatch = 1;
  /// What the session holds.
  std::vector<int32_t> held;
  /// Tokens of `held` that the sampler has been told of.
  size_t accepted = 0;
  const char *why = "";
  size_t prefilled = 0, reused = 0, decoded = 0, shifts = 0;
  double prefillSeconds = 0, decodeSeconds = 0;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_GENERATOR_H
