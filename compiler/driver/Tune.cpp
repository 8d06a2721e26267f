//===- Tune.cpp - Times how kernels could be cut, on this machine
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   lower(model)                    the kernels that a tuning can cut: K1, K2
//   lower(model, {K1: a, K2: c})    what they are in other cuts, by the same
//   lower(model, {K1: b, K2: d})    steps of the schedule
//   Jit                             all of them in this process
//   timeKernels(K1, K1a, K1b)  ==>  {K1: b}
//
// So layouts and specifications are made by the schedule alone.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Tune.h"
#include "compiler/driver/KernelTimer.h"
#include "compiler/import/gguf/MappedFile.h"
#include "dialects/pack/Layouts.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::driver;
using target::MatmulChoice;

namespace {

/// Rows and panels of a register tile.
struct RegisterTile {
  int64_t rows;
  int64_t panels;
};

/// The steps of one kernel that a tuning can cut, and the kernel in each cut,
/// the target's own first.
struct TunedKernel {
  std::string symbol;
  std::string step; ///< The name of one of its steps.
  int64_t minCount; ///< Of that step.
  int64_t count;    ///< The most rows that it computes.
  std::vector<MatmulChoice> cuts;
  std::vector<codegen::KernelRequest> requests; ///< [cut]
};

class Tuner {
public:
  explicit Tuner(const CompileOptions &options) : options(options) {}

  absl::StatusOr<TuneResult> run();

private:
  absl::StatusOr<Compilation> lowerTuned(const target::Tuning &tuning) const;
  absl::Status findKernels();
  absl::Status cutKernels();
  absl::Status load();
  absl::Status time(TuneResult &result);

  const CompileOptions &options;
  /// Specifications live in their contexts. The first is the target's own.
  std::vector<Compilation> compilations;
  std::vector<TunedKernel> kernels;
  std::optional<codegen::Jit> jit;
  llvm::StringMap<ModelcKernel> functions; ///< By symbol.
};

} // namespace

// Twelve accumulators of integers and twelve of floats, as the target's own,
// in other shapes, and fewer; 16 registers of half the width hold a quarter.
static constexpr RegisterTile kAvx512Tiles[] = {{12, 1}, {4, 3}, {8, 1}};
static constexpr RegisterTile kAvx2Tiles[] = {{2, 1}, {4, 1}};
static constexpr RegisterTile kNeonTiles[] = {{2, 1}, {6, 1}};

std::vector<MatmulChoice>
driver::getCandidates(const target::TargetSpec &target,
                      const MatmulChoice &present) {
  constexpr int64_t kLeastRows = 16, kMostRows = 128;
  std::vector<MatmulChoice> candidates;
  auto add = [&](MatmulChoice choice) {
    if (choice != present)
      candidates.push_back(choice);
  };
  llvm::ArrayRef<RegisterTile> tiles = kAvx512Tiles;
  if (target.isa == target::Isa::Avx2)
    tiles = kAvx2Tiles;
  if (target.isa == target::Isa::NeonDotprod)
    tiles = kNeonTiles;
  for (const RegisterTile &tile : tiles)
    add({tile.rows, tile.panels, present.imageColumns, present.tileRows});
  // Whole groups of the largest types, which have 256 columns.
  for (int64_t columns : {256, 1024})
    add({present.rowTile, present.imagePanels, columns, present.tileRows});
  for (int64_t rows : {present.tileRows / 2, present.tileRows * 2})
    if (rows >= kLeastRows && rows <= kMostRows)
      add({present.rowTile, present.imagePanels, present.imageColumns, rows});
  return candidates;
}

size_t driver::chooseCut(llvm::ArrayRef<double> seconds) {
  // Times of the same kernel, each the least of some, differ by a percent.
  constexpr double kClearly = 0.97;
  size_t best = llvm::min_element(seconds) - seconds.begin();
  return seconds[best] < kClearly * seconds[0] ? best : 0;
}

/// Calls visit(step, specification) for the matmuls of `compilation` that
/// unpack images for vectors.
static void forEachImageMatmul(
    const Compilation &compilation,
    llvm::function_ref<void(plan::StepOp, plan::MatmulSpecAttr)> visit) {
  plan::VariantOp variant = compilation.getVariant();
  SymbolTable symbols(variant);
  for (auto step : variant.getBody().getOps<plan::StepOp>()) {
    auto kernel = symbols.lookup<plan::KernelOp>(step.getKernel());
    auto spec = dyn_cast<plan::MatmulSpecAttr>(kernel.getSpec());
    if (spec && spec.hasImages() && !pack::hasQuantRows(spec.getInput()) &&
        !pack::hasQuadTiles(spec.getInput()) &&
        !pack::hasQuantPairs(spec.getInput()) && !spec.hasOuterFloats() &&
        !pack::hasWidenedQuants(spec.getInput()))
      visit(step, spec);
  }
}

static MatmulChoice getCut(plan::MatmulSpecAttr spec) {
  return {spec.getInput().getRows(), spec.getImagePanels(),
          spec.getImageColumns(), spec.getTileRows()};
}

absl::StatusOr<TuneResult> Tuner::run() {
  TuneResult result;
  absl::Status status = findKernels();
  if (status.ok())
    status = cutKernels();
  if (status.ok())
    status = load();
  if (status.ok())
    status = time(result);
  if (!status.ok())
    return status;
  result.record.target = compilations.front().target->name.str();
  result.record.ubatch = options.ubatch;
  return result;
}

absl::StatusOr<Compilation>
Tuner::lowerTuned(const target::Tuning &tuning) const {
  CompileOptions tuned = options;
  tuned.variants = {{options.variants.front().target, tuning}};
  absl::StatusOr<std::vector<Compilation>> lowered =
      lower(tuned, Stage::Schedule);
  if (!lowered.ok())
    return lowered.status();
  return std::move(lowered->front());
}

absl::Status Tuner::findKernels() {
  absl::StatusOr<Compilation> compilation = lowerTuned({});
  if (!compilation.ok())
    return compilation.status();
  const target::TargetSpec &target = *compilation->target;
  if (std::string missing = target::getMissingFeatures(target);
      !missing.empty())
    return absl::FailedPreconditionError(
        llvm::formatv("--tune: this machine cannot run target {0}: it lacks "
                      "{1}",
                      target.name, missing)
            .str());
  forEachImageMatmul(
      *compilation, [&](plan::StepOp step, plan::MatmulSpecAttr spec) {
        auto isThis = [&](const TunedKernel &kernel) {
          return kernel.symbol == step.getKernel();
        };
        if (llvm::any_of(kernels, isThis))
          return;
        MatmulChoice present = getCut(spec);
        std::vector<MatmulChoice> cuts = getCandidates(target, present);
        cuts.insert(cuts.begin(), present);
        kernels.push_back({step.getKernel().str(),
                           step.getName().str(),
                           static_cast<int64_t>(step.getMin()),
                           static_cast<int64_t>(step.getMax()),
                           std::move(cuts),
                           {}});
      });
  compilations.push_back(*std::move(compilation));
  return absl::OkStatus();
}

/// Lowers the model once for each number of a cut.
absl::Status Tuner::cutKernels() {
  size_t most = 0;
  for (const TunedKernel &kernel : kernels)
    most = std::max(most, kernel.cuts.size());
  for (size_t cut = 0; cut < most; ++cut) {
    target::Tuning tuning;
    for (const TunedKernel &kernel : kernels)
      if (cut < kernel.cuts.size())
        tuning.set(kernel.symbol, kernel.cuts[cut]);
    absl::StatusOr<Compilation> compilation = lowerTuned(tuning);
    if (!compilation.ok())
      return compilation.status();
    forEachImageMatmul(
        *compilation, [&](plan::StepOp step, plan::MatmulSpecAttr spec) {
          for (TunedKernel &kernel : kernels)
            if (kernel.step == step.getName() &&
                kernel.minCount == static_cast<int64_t>(step.getMin()) &&
                cut < kernel.cuts.size())
              kernel.requests.push_back({step.getKernel().str(), spec});
        });
    compilations.push_back(*std::move(compilation));
  }
  return absl::OkStatus();
}

absl::Status Tuner::load() {
  std::vector<codegen::KernelRequest> requests;
  for (const TunedKernel &kernel : kernels)
    for (const codegen::KernelRequest &request : kernel.requests)
      if (functions.try_emplace(request.symbol, nullptr).second)
        requests.push_back(request);
  if (options.progress)
    options.progress("codegen", 0, 0);
  absl::StatusOr<codegen::Jit> loaded = codegen::Jit::create(
      requests, *compilations.front().target, getThreads(options));
  if (!loaded.ok())
    return loaded.status();
  jit.emplace(*std::move(loaded));
  for (auto [request, function] : llvm::zip_equal(requests, jit->getKernels()))
    functions[request.symbol] = function;
  return absl::OkStatus();
}

absl::Status Tuner::time(TuneResult &result) {
  for (auto [i, kernel] : llvm::enumerate(kernels)) {
    if (options.progress)
      options.progress("tune", i, kernels.size());
    std::vector<TimedKernel> timed;
    for (const codegen::KernelRequest &request : kernel.requests)
      timed.push_back({functions[request.symbol],
                       cast<plan::MatmulSpecAttr>(Attribute(request.spec))});
    std::vector<double> seconds =
        timeKernels(timed, kernel.count, getThreads(options));
    if (seconds.empty())
      return absl::ResourceExhaustedError(
          options.input + ": --tune: no memory for the operands of step " +
          kernel.step);
    if (size_t cut = chooseCut(seconds))
      result.record.tuning.set(kernel.symbol, kernel.cuts[cut]);
    result.times.push_back({kernel.symbol, kernel.cuts, std::move(seconds)});
  }
  return absl::OkStatus();
}

absl::StatusOr<TuneResult> driver::tuneModel(const CompileOptions &options) {
  return Tuner(options).run();
}

absl::StatusOr<std::vector<KernelTimes>>
driver::tuneVariants(CompileOptions &options) {
  std::vector<KernelTimes> times;
  absl::Status refused;
  bool hasTuned = false;
  for (VariantOptions &variant : options.variants) {
    CompileOptions alone = options;
    alone.variants = {variant};
    absl::StatusOr<TuneResult> result = tuneModel(alone);
    if (result.ok()) {
      hasTuned = true;
      variant.tuning = std::move(result->record.tuning);
      llvm::append_range(times, result->times);
    } else if (!absl::IsFailedPrecondition(result.status())) {
      return result.status();
    } else {
      refused.Update(result.status());
    }
  }
  if (!hasTuned)
    return refused;
  return times;
}

/// What the file at `path` holds.
static absl::StatusOr<std::vector<target::TuningRecord>>
readRecords(const std::string &path) {
  constexpr size_t kMostBytes = 1 << 20;
  auto file = gguf::MappedFile::open(path);
  if (!file.ok())
    return file.status();
  llvm::StringRef text = llvm::toStringRef(file->bytes());
  auto fail = [&](const std::string &what) {
    return absl::InvalidArgumentError(path + ": " + what);
  };
  if (text.size() > kMostBytes)
    return fail(llvm::formatv("found {0} bytes, expected a tuning record of at "
                              "most {1}",
                              text.size(), kMostBytes));
  absl::StatusOr<std::vector<target::TuningRecord>> records =
      target::parseTuningRecords(text);
  if (!records.ok())
    return fail(std::string(records.status().message()));
  return records;
}

absl::Status driver::readTunings(CompileOptions &options) {
  absl::StatusOr<std::vector<target::TuningRecord>> records =
      readRecords(options.tunedBy);
  if (!records.ok())
    return records.status();
  absl::StatusOr<std::vector<const target::TargetSpec *>> targets =
      findTargets(options);
  if (!targets.ok())
    return targets.status();
  llvm::SmallVector<llvm::StringRef> names;
  for (const target::TargetSpec *target : *targets)
    names.push_back(target->name);
  llvm::BitVector isTuned(names.size());
  for (target::TuningRecord &record : *records) {
    const size_t index = llvm::find(names, record.target) - names.begin();
    if (index == names.size() || record.ubatch != options.ubatch)
      return absl::InvalidArgumentError(
          llvm::formatv("{0}: found a tuning for target {1} and ubatch {2}, "
                        "expected {3} and {4}",
                        options.tunedBy, llvm::json::fixUTF8(record.target),
                        record.ubatch, llvm::join(names, " or "),
                        options.ubatch)
              .str());
    if (isTuned.test(index))
      return absl::InvalidArgumentError(
          llvm::formatv("{0}: found two tunings for target {1}, expected one",
                        options.tunedBy, record.target)
              .str());
    isTuned.set(index);
    options.variants[index].tuning = std::move(record.tuning);
  }
  return absl::OkStatus();
}
