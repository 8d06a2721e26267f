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
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>

using namespace modelc;
using namespace modelc::tools;

namespace {

constexpr const char *kUsage =
    "usage: modelc compile IN.gguf --target=NAME[,NAME...] [--fallback=NAME] "
    "[-o OUT.mplan] [--ubatch=N] "
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

/// The targets of --target=A,B and then of --fallback=C.
static std::vector<driver::VariantOptions>
makeVariants(llvm::StringRef targets,
             const std::optional<std::string> &fallback) {
  std::vector<driver::VariantOptions> variants;
  for (llvm::StringRef target : llvm::split(targets, ','))
    variants.push_back({target.str(), {}});
  if (fallback)
    variants.push_back({*fallback, {}});
  return variants;
}

namespace {

/// Options of a model on several devices, which are refused until there is one.
struct DeviceOptions {
  std::optional<std::string> hostTarget;
  std::optional<int64_t> gpuLayers;

  void add(CommandLine &line) {
    line.addString("--host-target", &hostTarget);
    line.addInteger("--gpu-layers", 0, INT32_MAX, &gpuLayers);
  }
  bool check(std::string &error) const {
    if (!hostTarget && !gpuLayers)
      return true;
    error = "--gpu-layers, --host-target: a model on more than one device is "
            "not supported yet";
    return false;
  }
};

} // namespace

/// Refuses the empty names of files.
static bool checkNames(std::initializer_list<std::optional<std::string>> names,
                       std::string &error) {
  if (!llvm::is_contained(names, std::optional<std::string>("")))
    return true;
  error = "-o, --report, --depfile, --tuned-by: expected the name of a file";
  return false;
}

static bool parseOptions(Arguments arguments, Options &options,
                         std::string &error) {
  std::optional<std::string> target, fallback, output, report, depfile,
      stopAfter, tunedBy, cache;
  std::optional<int64_t> ubatch, threads;
  DeviceOptions devices;
  CommandLine line;
  addHelpFlags(line, &options.help);
  line.addFlag("--quiet", &options.quiet);
  line.addFlag("--strict", &options.compile.strict);
  line.addFlag("--tune", &options.tune);
  line.addString("--tuned-by", &tunedBy);
  line.addString("--target", &target);
  line.addString("--fallback", &fallback);
  devices.add(line);
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
  if (!devices.check(error) ||
      !checkNames({output, report, depfile, tunedBy}, error))
    return false;
  if (options.tune && tunedBy) {
    error = "--tune measures anew what --tuned-by has: expected one of them";
    return false;
  }
  if (stopAfter && !(options.stopAfter = driver::findStage(*stopAfter))) {
    error = "--stop-after: expected one of " + driver::listStages();
    return false;
  }
  auto cacheType = findCacheType(cache.value_or("f16"));
  if (!cacheType) {
    error = "--cache-type: expected f16 or q8_0";
    return false;
  }
  driver::CompileOptions &compile = options.compile;
  compile.input = line.positionals()[0];
  compile.variants = makeVariants(*target, fallback);
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
  absl::StatusOr<std::vector<driver::Compilation>> compilations =
      driver::lower(options.compile, *options.stopAfter);
  if (!compilations.ok())
    return reportFailure(compilations.status());
  for (const driver::Compilation &compilation : *compilations) {
    // What MLIR's tools split their input at.
    if (&compilation != &compilations->front())
      llvm::outs() << "// -----\n";
    if (*options.stopAfter != driver::Stage::Codegen) {
      compilation.module.get().print(llvm::outs());
      continue;
    }
    absl::StatusOr<std::string> text =
        codegen::printKernels(compilation.getKernels(), *compilation.target,
                              codegen::KernelText::Mlir);
    if (!text.ok())
      return reportFailure(text.status());
    llvm::outs() << *text;
  }
  return 0;
}

/// Finds the choices that the kernels are cut by.
static absl::Status tune(Options &options) {
  if (options.tune) {
    absl::StatusOr<std::vector<driver::KernelTimes>> times =
        driver::tuneVariants(options.compile);
    if (times.ok())
      options.times = *std::move(times);
    return times.status();
  }
  if (options.compile.tunedBy.empty())
    return absl::OkStatus();
  return driver::readTunings(options.compile);
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

static void printVariant(const driver::VariantSummary &summary,
                         const driver::VariantOptions &options,
                         int64_t ubatch) {
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
              perSequence.c_str(), static_cast<long long>(ubatch));
}

static void printSummary(const driver::CompileSummary &summary,
                         const driver::CompileOptions &options) {
  const bool hasSeveral = summary.variants.size() > 1;
  uint64_t alone = 0;
  for (const driver::VariantSummary &variant : summary.variants) {
    if (hasSeveral)
      std::printf("target %s\n", variant.target.c_str());
    std::printf("%s", emit::printReport(variant.report).c_str());
    alone += variant.weightBytes;
  }
  std::printf("%s",
              emit::printFamily(summary.family.name, summary.family.isVerified)
                  .c_str());
  for (auto [variant, its] :
       llvm::zip_equal(summary.variants, options.variants)) {
    if (hasSeveral)
      std::printf("target %s\n", variant.target.c_str());
    printVariant(variant, its, options.ubatch);
  }
  if (hasSeveral)
    std::printf("weights of all targets: %llu bytes, %llu in plans of their "
                "own\n",
                static_cast<unsigned long long>(summary.weightBytes),
                static_cast<unsigned long long>(alone));
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
