//===- main.cpp - modelc-bench: measures a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc-bench FILE.mplan -p 512 -n 64 -t 2 [-d 4096] [-b 2,4,8] [-r 5]
//                [--json] [--profile] [--svg=FILE] [--reads]
//
// Exit status: 0; 1 with a line "error: ..." on stderr; 2 for wrong usage.
//
//===----------------------------------------------------------------------===//

#include "ProfilePicture.h"
#include "Report.h"
#include "tools/modelc-run/CommandLine.h"
#include "tools/modelc-run/OutputFile.h"
#include "tools/modelc-run/RunCommand.h"
#include "tools/modelc-run/StandardFiles.h"

using namespace modelc::tools;

namespace {

constexpr const char *kUsage =
    "usage: modelc-bench FILE.mplan [-p PROMPT_TOKENS] [-n DECODE_TOKENS]"
    " [-d DEPTH] [-b SEQUENCES,...] [-t THREADS] [-r REPETITIONS] [--json]"
    " [--profile] [--svg=FILE] [--reads]\n";

constexpr const char *kHelp = R"(
  -p N        tokens of the prompt (512)
  -n N        tokens to decode, 0 for none (64)
  -d N        tokens of context before the prompt, and before decoding (0)
  -b N,...    also decode N sequences together, one token of each in a step
  -t THREADS  workers, also for the ceilings (all CPUs)
  -r N        repetitions; medians are reported (5)
  --json      one JSON object instead of text
  --profile   also time, bytes and operations of the steps, by kind
  --svg=FILE  a picture of that
  --reads     also read memory after each decode: the ceiling of that moment
  --version, --help
)";

enum class Outcome { run, help, version, wrong };

/// Most sequences of a batch.
constexpr int32_t kMaxBatch = 4096;

bool setBatches(const std::optional<std::vector<int32_t>> &batches,
                std::optional<int64_t> decode, BenchOptions *options,
                std::string *error) {
  if (!batches)
    return true;
  if (decode == 0) {
    *error = "-b: there is nothing to decode with -n 0";
    return false;
  }
  for (int32_t batch : *batches) {
    if (batch < 1 || batch > kMaxBatch) {
      *error = "-b: found " + std::to_string(batch) + ", expected 1 to " +
               std::to_string(kMaxBatch) + " sequences";
      return false;
    }
    options->batches.push_back(static_cast<uint32_t>(batch));
  }
  return true;
}

Outcome parseOptions(std::span<const char *const> arguments,
                     BenchOptions *options, std::string *error) {
  bool help = false, version = false;
  std::optional<int64_t> prompt, decode, depth, threads, repetitions;
  std::optional<std::vector<int32_t>> batches;
  std::optional<std::string> picture;
  CommandLine line;
  line.addFlag("-h", &help);
  line.addFlag("--help", &help);
  line.addFlag("--version", &version);
  line.addFlag("--json", &options->json);
  line.addFlag("--profile", &options->profile);
  line.addFlag("--reads", &options->reads);
  line.addInteger("-p", 1, 1 << 24, &prompt);
  line.addInteger("-n", 0, 1 << 24, &decode);
  for (const char *name : {"-d", "--depth"})
    line.addInteger(name, 0, 1 << 24, &depth);
  for (const char *name : {"-b", "--batch"})
    line.addIds(name, &batches, "numbers of sequences like 2,4,8");
  line.addString("--svg", &picture);
  line.addInteger("-t", 1, 4096, &threads);
  line.addInteger("-r", 1, 100000, &repetitions);
  if (!line.parse(arguments, error))
    return Outcome::wrong;
  if (help || version)
    return help ? Outcome::help : Outcome::version;
  if (line.positionals().size() != 1) {
    *error =
        "expected one file, found " + std::to_string(line.positionals().size());
    return Outcome::wrong;
  }
  options->file = line.positionals()[0];
  if (picture == "") {
    *error = "--svg: expected the name of a file";
    return Outcome::wrong;
  }
  if (!setBatches(batches, decode, options, error))
    return Outcome::wrong;
  options->picturePath = picture.value_or("");
  options->depth = static_cast<uint32_t>(depth.value_or(0));
  options->promptTokens =
      static_cast<uint32_t>(prompt.value_or(options->promptTokens));
  options->decodeTokens =
      static_cast<uint32_t>(decode.value_or(options->decodeTokens));
  options->threads = static_cast<uint32_t>(threads.value_or(0));
  options->repetitions =
      static_cast<uint32_t>(repetitions.value_or(options->repetitions));
  return Outcome::run;
}

} // namespace

int main(int argc, char **argv) {
  prepareStandardFiles();
  BenchOptions options;
  std::string error;
  std::span<const char *const> arguments(argv + 1, argc > 0 ? argc - 1 : 0);
  switch (parseOptions(arguments, &options, &error)) {
  case Outcome::wrong:
    reportError(stderr, error);
    std::fputs(kUsage, stderr);
    return 2;
  case Outcome::help:
    return printToStdout(std::string(kUsage) + kHelp);
  case Outcome::version:
    return printToStdout("modelc-bench " MODELC_VERSION "\n");
  case Outcome::run:
    break;
  }
  std::optional<BenchResult> result = runBench(options, &error);
  if (!result)
    return reportError(stderr, error);
  if (!options.picturePath.empty()) {
    std::string picture = drawProfile(*result);
    OutputFile file(options.picturePath);
    if (!file.open() || !file.write(picture.data(), picture.size()) ||
        !file.commit())
      return reportError(stderr, file.error());
  }
  return printToStdout(options.json ? formatJson(options, *result)
                                    : formatTable(options, *result));
}
