//===- CompileCommand.cpp - modelc compile
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the options, calls the driver, and prints the report and the memory
// that a run of the plan needs.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Tune.h"
#include "tools/modelc/Commands.h"
#include "tools/modelc/ProgressBar.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>

using namespace modelc;
using namespace modelc::tools;

namespace {

constexpr const char *kUsage =
    "usage: modelc compile IN.gguf --target=NAME [-o OUT.mplan] [--ubatch=N] "
    "[--cache-type=f16|q8_0] [--threads=N] [--tune | --tuned-by=FILE] "
    "[--strict] [--report=FILE.json] "
    "[--depfile=FILE] [--stop-after=STAGE] [--quiet]";

/// The arena grows with every token of a pass; plans could say up to
/// MODELC_MAX_UBATCH.
constexpr int64_t kMaxUbatch = 65536;
constexpr int64_t kMaxThreads = 1024;

struct Options {
  driver::CompileOptions compile;
  std::optional<driver::Stage> stopAfter;
  bool tune = false;
  std::vector<driver::KernelTimes> times; ///< What --tune measured.
  bool quiet = false;
  bool help = false;
};

} // namespace

/// A type that keys and values can be kept in, or nothing.
static std::optional<model::GgmlType> findCacheType(llvm::StringRef name) {
  std::optional<model::GgmlType> type = model::getGgmlTypeByName(name);
  if (type == model::GgmlType::F16 || type == model::GgmlType::Q8_0)
    return type;
  return std::nullopt;
}

/// IN.gguf becomes IN.mplan in the working directory.
static std::string getDefaultOutput(llvm::StringRef input) {
  llvm::StringRef stem = llvm::sys::path::filename(input);
  stem.consume_back(".gguf");
  return (stem + ".mplan").str();
}

static bool parseOptions(Arguments arguments, Options &options,
                         std::string &error) {
  std::optional<std::string> target, output, report, depfile, stopAfter,
      tunedBy, cache;
  std::optional<int64_t> ubatch, threads;
  CommandLine line;
  addHelpFlags(line, &options.help);
  line.addFlag("--quiet", &options.quiet);
  line.addFlag("--strict", &options.compile.strict);
  line.addFlag("--tune", &options.tune);
  line.addString("--tuned-by", &tunedBy);
  line.addString("--target", &target);
  line.addString("-o", &output);
  line.addString("--report", &report);
  line.addString("--depfile", &depfile);
  line.addString("--stop-after", &stopAfter);
  line.addString("--cache-type", &cache);
  line.addInteger("--ubatch", 1, kMaxUbatch, &ubatch);
  line.addInteger("--threads", 1, kMaxThreads, &threads);
  if (!line.parse(arguments, &error) || options.help)
    return options.help;
  if (line.positionals().size() != 1) {
    error = "expected one model";
    return false;
  }
  if (!target) {
    error = "--target is missing; see modelc targets";
    return false;
  }
  if (output == "" || report == "" || depfile == "" || tunedBy == "") {
    error = "-o, --report, --depfile, --tuned-by: expected the name of a file";
    return false;
  }
  if (options.tune && tunedBy) {
    error = "--tune measures anew what --tuned-by has: expected one of them";
    return false;
  }
  if (stopAfter && !(options.stopAfter = driver::findStage(*stopAfter))) {
    error = "--stop-after: expected one of " + driver::listStages();
    return false;
  }
  std::optional<model::GgmlType> cacheType =
      findCacheType(cache.value_or("f16"));
  if (!cacheType) {
    error = "--cache-type: expected f16 or q8_0";
    return false;
  }
  driver::CompileOptions &compile = options.compile;
  compile.input = line.positionals()[0];
  compile.target = *target;
  compile.output = output.value_or(getDefaultOutput(compile.input));
  compile.reportPath = report.value_or("");
  compile.depfilePath = depfile.value_or("");
  compile.cacheType = *cacheType;
  compile.ubatch = ubatch.value_or(compile.ubatch);
  compile.threads = threads.value_or(0);
  compile.tunedBy = tunedBy.value_or("");
  return true;
}

/// Prints the IR after a stage, or the kernels as their emitters wrote them.
static int printStage(const Options &options) {
  absl::StatusOr<std::unique_ptr<driver::Compilation>> compilation =
      driver::lower(options.compile, *options.stopAfter);
  if (!compilation.ok())
    return reportFailure(compilation.status());
  if (*options.stopAfter != driver::Stage::Codegen) {
    (*compilation)->module->print(llvm::outs());
    return 0;
  }
  absl::StatusOr<std::string> text =
      codegen::printKernels((*compilation)->getKernels(),
                            *(*compilation)->target, codegen::KernelText::Mlir);
  if (!text.ok())
    return reportFailure(text.status());
  llvm::outs() << *text;
  return 0;
}

/// Finds the choices that the kernels are cut by.
static absl::Status tune(Options &options) {
  driver::CompileOptions &compile = options.compile;
  if (options.tune) {
    absl::StatusOr<driver::TuneResult> result = driver::tuneModel(compile);
    if (!result.ok())
      return result.status();
    compile.tuning = std::move(result->record.tuning);
    options.times = std::move(result->times);
    return absl::OkStatus();
  }
  if (compile.tunedBy.empty())
    return absl::OkStatus();
  absl::StatusOr<target::Tuning> tuning =
      driver::readTuning(compile.tunedBy, compile);
  if (tuning.ok())
    compile.tuning = *std::move(tuning);
  return tuning.status();
}

/// One line a kernel: the times of all cuts, the target's own first.
static void printTimes(const std::vector<driver::KernelTimes> &times) {
  for (const driver::KernelTimes &kernel : times) {
    std::printf("%s ms:", kernel.kernel.c_str());
    for (auto [cut, seconds] : llvm::zip_equal(kernel.cuts, kernel.seconds))
      std::printf(" %s %.3f", cut.print().c_str(), 1e3 * seconds);
    std::printf("\n");
  }
}

static void printSummary(const driver::CompileSummary &summary,
                         const driver::CompileOptions &options) {
  std::printf("%s", emit::printReport(summary.report).c_str());
  std::printf("%s",
              emit::printFamily(summary.family.name, summary.family.isVerified)
                  .c_str());
  for (const auto &[kernel, choice] : options.tuning.getChoices())
    std::printf("tuned %s:%s\n", kernel.c_str(), choice.print().c_str());
  std::printf("%llu kernels, %llu bytes of code\n",
              static_cast<unsigned long long>(summary.kernelCount),
              static_cast<unsigned long long>(summary.codeBytes));
  std::string perSequence;
  if (summary.stateBytesPerSequence > 0)
    perSequence =
        ", " + std::to_string(summary.stateBytesPerSequence) + " a sequence";
  std::printf("memory: weights %llu bytes mapped and shared; per session "
              "arena %llu, scratch %llu a thread, state %llu a token and "
              "sequence%s (ubatch %lld)\n",
              static_cast<unsigned long long>(summary.weightBytes),
              static_cast<unsigned long long>(summary.arenaBytes),
              static_cast<unsigned long long>(summary.scratchBytesPerThread),
              static_cast<unsigned long long>(summary.stateBytesPerToken),
              perSequence.c_str(), static_cast<long long>(options.ubatch));
  std::printf("wrote %s\n", options.output.c_str());
}

int tools::compileCommand(Arguments arguments) {
  Options options;
  std::string error;
  if (!parseOptions(arguments, options, error))
    return reportUsage(error, kUsage);
  if (options.help) {
    std::printf("%s\n", kUsage);
    return 0;
  }
  if (options.stopAfter && *options.stopAfter != driver::Stage::Emit) {
    if (absl::Status status = tune(options); !status.ok())
      return reportFailure(status);
    return printStage(options);
  }
  absl::StatusOr<driver::CompileSummary> summary =
      [&]() -> absl::StatusOr<driver::CompileSummary> {
    ProgressBar bar;
    if (!options.quiet)
      options.compile.progress = [&](llvm::StringRef stage, uint64_t done,
                                     uint64_t total) {
        bar.update(stage, done, total);
      };
    if (absl::Status status = tune(options); !status.ok())
      return status;
    return driver::compileModel(options.compile);
  }();
  if (!summary.ok())
    return reportFailure(summary.status());
  if (!options.quiet) {
    printTimes(options.times);
    printSummary(*summary, options.compile);
  }
  return 0;
}
