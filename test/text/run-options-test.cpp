//===- run-options-test.cpp - The command line of modelc-run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both spellings of every option, and one case for each refusal.
//
//===----------------------------------------------------------------------===//

#include "tools/modelc-run/CommandLine.h"
#include "tools/modelc-run/RunOptions.h"
#include <gtest/gtest.h>
#include <limits>

namespace modelc::tools {
namespace {

RunOptions parse(std::vector<const char *> arguments) {
  RunOptions options;
  std::string error;
  EXPECT_TRUE(parseRunOptions(arguments, &options, &error)) << error;
  return options;
}

std::string refusal(std::vector<const char *> arguments) {
  RunOptions options;
  std::string error;
  EXPECT_FALSE(parseRunOptions(arguments, &options, &error));
  return error;
}

TEST(RunOptions, TakesBothSpellings) {
  RunOptions spaced =
      parse({"f.mplan", "-p", "a b", "-n", "7", "-t", "3", "-c", "99", "--temp",
             "0.5", "--top-k", "11", "--top-p", "0.75", "--min-p", "0.25",
             "--seed", "18446744073709551615"});
  RunOptions joined = parse({"-p=a b", "-n=7", "-t=3", "-c=99", "--temp=0.5",
                             "--top-k=11", "--top-p=0.75", "--min-p=0.25",
                             "--seed=18446744073709551615", "f.mplan"});
  for (const RunOptions &options : {spaced, joined}) {
    EXPECT_EQ(options.mode, RunOptions::Mode::generate);
    EXPECT_EQ(options.file, "f.mplan");
    EXPECT_EQ(options.text, "a b");
    EXPECT_EQ(options.predictTokens, 7);
    EXPECT_EQ(options.threads, 3u);
    EXPECT_EQ(options.contextTokens, 99u);
    EXPECT_EQ(options.sampler.temperature, 0.5f);
    EXPECT_EQ(options.sampler.topK, 11u);
    EXPECT_EQ(options.sampler.topP, 0.75f);
    EXPECT_EQ(options.sampler.minP, 0.25f);
    EXPECT_EQ(options.sampler.seed, UINT64_MAX);
    EXPECT_TRUE(options.hasSeed);
  }
}

TEST(RunOptions, TakesWhatEndsAText) {
  RunOptions options =
      parse({"f", "-p", "x", "--stop", "a", "--stop=b", "--ignore-eos",
             "--no-display-prompt", "--typical-p=0.5", "--xtc-probability=0.25",
             "--xtc-threshold=0.75"});
  EXPECT_EQ(options.stopTexts, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(options.ignoresEnd);
  EXPECT_FALSE(options.displaysPrompt);
  EXPECT_EQ(options.sampler.typicalP, 0.5f);
  EXPECT_EQ(options.sampler.xtcProbability, 0.25f);
  EXPECT_EQ(options.sampler.xtcThreshold, 0.75f);
  EXPECT_EQ(refusal({"f", "--tokenize", "x", "--stop", "a"}),
            "--stop and --ignore-eos belong to -p, -f and --chat");
  EXPECT_EQ(refusal({"f", "--chat", "--no-display-prompt"}),
            "--no-display-prompt belongs to -p and -f");
  EXPECT_EQ(refusal({"f", "-p", "x", "--ignore-eos", "-j", "{}"}),
            "--ignore-eos would forbid a grammar's end");
  EXPECT_EQ(refusal({"f", "-p", "x", "--stop="}), "--stop needs a text");
}

TEST(RunOptions, TakesOneGrammarOrSchema) {
  RunOptions options = parse({"f", "-p", "x", "--grammar=root ::= \"a\""});
  EXPECT_EQ(options.constraint, "root ::= \"a\"");
  EXPECT_FALSE(options.isSchema);
  options = parse({"f", "--chat", "--grammar-file", "g"});
  EXPECT_EQ(options.constraintFile, "g");
  options = parse({"f", "-p", "x", "--json-schema", "{}"});
  EXPECT_EQ(options.constraint, "{}");
  EXPECT_TRUE(options.isSchema);
  EXPECT_TRUE(parse({"f", "-p", "x", "--json-schema-file=s"}).isSchema);
  const std::string expected =
      "at most one of --grammar, --grammar-file, --json-schema and "
      "--json-schema-file belongs to -p, -f and --chat";
  EXPECT_EQ(refusal({"f", "-p", "x", "-j", "{}", "-jf", "s"}), expected);
  EXPECT_EQ(refusal({"f", "--tokenize", "x", "-j", "{}"}), expected);
  EXPECT_EQ(refusal({"f", "-p", "x", "--grammar", ""}),
            "--grammar and --json-schema need a text");
}

TEST(RunOptions, HasTheDefaultsOfLlamaCpp) {
  RunOptions options = parse({"f", "-p", ""});
  EXPECT_EQ(options.predictTokens, -1);
  EXPECT_EQ(options.threads, 0u);
  EXPECT_EQ(options.contextTokens, 0u);
  EXPECT_EQ(options.sampler.temperature, 0.8f);
  EXPECT_EQ(options.sampler.topK, 40u);
  EXPECT_EQ(options.sampler.topP, 0.95f);
  EXPECT_EQ(options.sampler.minP, 0.05f);
  EXPECT_FALSE(options.hasSeed);
}

TEST(RunOptions, ChoosesTheMode) {
  RunOptions options =
      parse({"f", "--tokens=1,22,3", "--logits-out", "o", "--batch=4"});
  EXPECT_EQ(options.mode, RunOptions::Mode::logits);
  EXPECT_EQ(options.tokens, (std::vector<int32_t>{1, 22, 3}));
  EXPECT_EQ(options.logitsOut, "o");
  EXPECT_EQ(options.batch, 4u);
  options = parse({"f", "--tokenize", "-text"});
  EXPECT_EQ(options.mode, RunOptions::Mode::tokenize);
  EXPECT_EQ(options.text, "-text");
  EXPECT_EQ(parse({"--help"}).mode, RunOptions::Mode::help);
  EXPECT_EQ(parse({"-h"}).mode, RunOptions::Mode::help);
  EXPECT_EQ(parse({"--version"}).mode, RunOptions::Mode::version);
  EXPECT_EQ(parse({"-p", "x", "--", "-f"}).file, "-f");
}

TEST(RunOptions, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal({}), "expected one file, found 0");
  EXPECT_EQ(refusal({"a", "b", "-p", "x"}), "expected one file, found 2");
  const std::string one =
      "expected exactly one of -p, -f, --tokens and --tokenize, or --chat";
  EXPECT_EQ(refusal({"f"}), one);
  EXPECT_EQ(refusal({"f", "-p", "x", "--tokenize", "y"}), one);
  const std::string both = "--tokens and --logits-out belong together";
  EXPECT_EQ(refusal({"f", "--tokens=1"}), both);
  EXPECT_EQ(refusal({"f", "-p", "x", "--logits-out=o"}), both);
  EXPECT_EQ(refusal({"f", "-p", "x", "--batch=3"}),
            "--batch belongs to --tokens");
  EXPECT_EQ(refusal({"f", "--what=3"}), "unknown option --what");
  EXPECT_EQ(refusal({"f", "--help=3"}), "--help takes no value");
  EXPECT_EQ(refusal({"f", "-p"}), "-p needs a value: a text");
}

TEST(RunOptions, ParsesNumbersStrictly) {
  for (const char *wrong :
       {"", "x", "1x", " 1", "+1", "0", "5000", "1.0", "99999999999999999999"})
    EXPECT_EQ(refusal({"f", "-p", "x", "-t", wrong}),
              "-t: found '" + std::string(wrong) +
                  "', expected a number of 1 to 4096");
  for (const char *wrong : {"", "nan", "inf", "1e99", "0.5f", "0x1"})
    EXPECT_EQ(refusal({"f", "-p", "x", "--temp", wrong}),
              "--temp: found '" + std::string(wrong) +
                  "', expected a decimal number");
  for (const char *wrong : {"", "1,", ",1", "1,,2", "-1", "1 ,2", "2147483648"})
    EXPECT_EQ(refusal({"f", "--logits-out=o", "--tokens", wrong}),
              "--tokens: found '" + std::string(wrong) +
                  "', expected token ids like 1,2,3");
  EXPECT_EQ(refusal({"f", "-p", "x", "--seed=-1"}),
            "--seed: found '-1', expected a number of 0 to 2^64 - 1");
  EXPECT_EQ(refusal({"f", "-p", "x", "--temp=-1"}),
            "temperature: found -1, expected 0 or more");
  EXPECT_EQ(refusal({"f", "-p", "x", "--top-p=2"}),
            "topP: found 2, expected above 0, up to 1");
}

TEST(RunOptions, ContextShift) {
  EXPECT_FALSE(parse({"f", "-p", "x"}).shiftsContext);
  RunOptions options = parse({"f", "-p", "x", "--context-shift", "--keep=7"});
  EXPECT_TRUE(options.shiftsContext);
  EXPECT_EQ(options.keptTokens, 7);
  EXPECT_EQ(refusal({"f", "-p", "x", "--keep=7"}),
            "--keep belongs to --context-shift");
  EXPECT_EQ(refusal({"f", "--chat", "--context-shift"}),
            "--context-shift belongs to -p and -f");
}

TEST(RunOptions, Dry) {
  using Texts = std::vector<std::string>;
  RunOptions options = parse({"f", "-p", "x"});
  EXPECT_EQ(options.sampler.dryMultiplier, 0);
  EXPECT_EQ(options.sampler.dryBase, 1.75f);
  EXPECT_EQ(options.sampler.dryAllowedLength, 2u);
  EXPECT_EQ(options.dryLastN, -1);
  EXPECT_EQ(options.dryBreakers, (Texts{"\n", ":", "\"", "*"}));
  options = parse({"f", "-p", "x", "--dry-multiplier=0.8", "--dry-base=2",
                   "--dry-allowed-length=3", "--dry-penalty-last-n=100",
                   "--dry-sequence-breaker=.", "--dry-sequence-breaker=,"});
  EXPECT_EQ(options.sampler.dryMultiplier, 0.8f);
  EXPECT_EQ(options.sampler.dryBase, 2);
  EXPECT_EQ(options.sampler.dryAllowedLength, 3u);
  EXPECT_EQ(options.dryLastN, 100);
  EXPECT_EQ(options.dryBreakers, (Texts{".", ","}));
  EXPECT_EQ(
      parse({"f", "-p", "x", "--dry-sequence-breaker", "none"}).dryBreakers,
      Texts());
  EXPECT_EQ(refusal({"f", "-p", "x", "--dry-multiplier=-1"}),
            "dryMultiplier: found -1, expected 0 or more");
  EXPECT_EQ(refusal({"f", "-p", "x", "--dry-multiplier=1", "--dry-base=0"}),
            "dryBase: found 0, expected 1 or more");
}

TEST(RunOptions, PenaltiesAndBiases) {
  RunOptions options = parse({"f", "-p", "x", "--repeat-penalty=1.5",
                              "--repeat-last-n=7", "--presence-penalty=-1",
                              "--frequency-penalty=0.5", "--logit-bias=5+1.5",
                              "--logit-bias", "7-2", "--logit-bias=9-inf"});
  EXPECT_EQ(options.sampler.repeatPenalty, 1.5f);
  EXPECT_EQ(options.sampler.penaltyLastN, 7u);
  EXPECT_EQ(options.sampler.presencePenalty, -1);
  EXPECT_EQ(options.sampler.frequencyPenalty, 0.5f);
  ASSERT_EQ(options.biases.size(), 3u);
  EXPECT_EQ(options.biases[0].id, 5);
  EXPECT_EQ(options.biases[0].bias, 1.5f);
  EXPECT_EQ(options.biases[1].bias, -2);
  EXPECT_EQ(options.biases[2].bias, -std::numeric_limits<float>::infinity());
  EXPECT_EQ(parse({"f", "-p", "x"}).sampler.repeatPenalty, 1);
  for (const char *wrong :
       {"", "5", "+1", "-5+1", "5+", "5+x", "5+inf", "5--1"})
    EXPECT_EQ(refusal({"f", "-p", "x", "--logit-bias", wrong}),
              "--logit-bias: found '" + std::string(wrong) +
                  "', expected TOKEN+BIAS or TOKEN-BIAS, as 29905-1.5 or "
                  "2-inf");
}

TEST(RunOptions, Chats) {
  RunOptions options = parse({"f", "--chat", "--system=S", "-p", "first"});
  EXPECT_EQ(options.mode, RunOptions::Mode::chat);
  EXPECT_EQ(options.systemText, "S");
  EXPECT_TRUE(options.hasText);
  EXPECT_FALSE(parse({"f", "-cnv"}).hasText);
  EXPECT_EQ(refusal({"f", "--chat", "--tokenize", "x"}),
            "--chat takes at most one of -p and -f, and neither --tokens nor "
            "--tokenize");
  EXPECT_EQ(refusal({"f", "--chat", "-f", "-"}),
            "with --chat stdin is the conversation: -p or -f cannot read it");
  EXPECT_EQ(refusal({"f", "-p", "x", "--system", "S"}),
            "--system and --chat-template-... belong to --chat");
  EXPECT_EQ(refusal({"f", "--tokenize", "x", "--prompt-cache", "c"}),
            "--prompt-cache belongs to -p, -f and --chat");
}

TEST(RunOptions, PromptsFromFiles) {
  EXPECT_EQ(parse({"f", "-f", "prompt.txt"}).textFile, "prompt.txt");
  EXPECT_EQ(parse({"f", "-p", "-"}).textFile, "-");
  EXPECT_EQ(parse({"f", "-f", "-"}).mode, RunOptions::Mode::generate);
  EXPECT_EQ(refusal({"f", "-f", "x", "-p", "y"}),
            "expected exactly one of -p, -f, --tokens and --tokenize, or "
            "--chat");
}

// Each option of the help text is one that the parser knows, and the other way
// round for the ones that the design fixes.
TEST(RunOptions, HelpNamesEveryOption) {
  std::string help = runHelp("modelc-run", "FILE.mplan");
  EXPECT_EQ(help.rfind("usage: modelc-run FILE.mplan ", 0), 0u);
  for (const char *option : {"-p",
                             "-n",
                             "-t",
                             "-c",
                             "--temp",
                             "--top-k",
                             "--top-p",
                             "--min-p",
                             "--seed",
                             "--tokens",
                             "--logits-out",
                             "--batch",
                             "--tokenize",
                             "--version",
                             "--help",
                             "-f",
                             "--chat",
                             "--system",
                             "--chat-template-file",
                             "--chat-template-kwargs",
                             "--prompt-cache",
                             "--repeat-penalty",
                             "--presence-penalty",
                             "--frequency-penalty",
                             "--repeat-last-n",
                             "--logit-bias",
                             "--context-shift",
                             "--keep",
                             "--dry-multiplier",
                             "--dry-base",
                             "--dry-allowed-length",
                             "--dry-penalty-last-n",
                             "--dry-sequence-breaker"})
    EXPECT_NE(help.find(option), help.npos) << option;
  EXPECT_EQ(runUsage("modelc run", "IN.gguf").find('\n'),
            runUsage("modelc run", "IN.gguf").size() - 1);
}

} // namespace
} // namespace modelc::tools
