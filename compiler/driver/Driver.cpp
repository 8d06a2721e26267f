//===- Driver.cpp - Compiles a model: the whole way, and its errors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   compileModel = lower(import .. schedule) > compileKernels > writePlan
//   compileInMemory = lower(import .. schedule) > Jit > writePlan to memory
//
// With several targets the model is imported once; then each has a module, a
// report and code of its own, and all have one plan.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Driver.h"
#include "compiler/driver/Diagnostics.h"
#include "compiler/driver/Outputs.h"
#include "compiler/emit/PlanWriter.h"
#include "compiler/import/Import.h"
#include "compiler/import/ModuleAttributes.h"
#include "compiler/schedule/WeightPlacement.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "modelc/kernel_abi.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <mutex>
#include <sched.h>
#include <sys/mman.h>

using namespace mlir;
using namespace modelc;
using namespace modelc::driver;

unsigned driver::getThreads(const CompileOptions &options) {
  if (options.threads != 0)
    return options.threads;
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

static void report(const CompileOptions &options, StringRef stage,
                   uint64_t done, uint64_t total) {
  if (options.progress)
    options.progress(stage, done, total);
}

//===----------------------------------------------------------------------===//
// Import to schedule
//===----------------------------------------------------------------------===//

plan::VariantOp Compilation::getVariant() const {
  return *module.get().getOps<plan::VariantOp>().begin();
}

std::vector<codegen::KernelRequest> Compilation::getKernels() const {
  std::vector<codegen::KernelRequest> requests;
  for (auto kernel : getVariant().getBody().getOps<plan::KernelOp>())
    requests.push_back({kernel.getSymName().str(),
                        cast<plan::KernelSpecInterface>(kernel.getSpec())});
  return requests;
}

absl::StatusOr<const target::TargetSpec *> driver::findTarget(StringRef name) {
  const target::TargetSpec *target =
      name == "native" ? target::getHostTarget() : target::findTarget(name);
  if (target)
    return target;
  if (name == "native")
    return absl::FailedPreconditionError(
        "--target=native: this machine fits no target; see modelc targets");
  return absl::InvalidArgumentError(
      ("--target=" + name + ": no such target; see modelc targets").str());
}

absl::StatusOr<std::vector<const target::TargetSpec *>>
driver::findTargets(const CompileOptions &options) {
  std::vector<const target::TargetSpec *> targets;
  for (const VariantOptions &variant : options.variants) {
    absl::StatusOr<const target::TargetSpec *> target =
        findTarget(variant.target);
    if (!target.ok())
      return target.status();
    if (llvm::is_contained(targets, *target))
      return absl::InvalidArgumentError(
          llvm::formatv("--target: found {0} twice, expected each target once",
                        (*target)->name)
              .str());
    targets.push_back(*target);
  }
  if (targets.size() > MODELC_MAX_VARIANTS)
    return absl::InvalidArgumentError(
        llvm::formatv("--target: found {0} targets, expected at most {1}",
                      targets.size(), int(MODELC_MAX_VARIANTS))
            .str());
  return targets;
}

/// The model as it is imported, for `target`.
static absl::StatusOr<Compilation> openModel(const CompileOptions &options,
                                             const target::TargetSpec *target) {
  Compilation compilation;
  compilation.target = target;
  absl::StatusOr<std::unique_ptr<gguf::GgufModel>> source =
      gguf::GgufModel::open(options.input);
  if (!source.ok())
    return source.status();
  compilation.source = std::move(*source);

  DialectRegistry registry;
  registry.insert<func::FuncDialect, model::ModelDialect, pack::PackDialect,
                  plan::PlanDialect>();
  compilation.context =
      std::make_shared<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  compilation.context->loadAllAvailableDialects();
  DiagnosticCollector diagnostics(compilation.context.get());
  absl::StatusOr<OwningOpRef<ModuleOp>> module = importModel(
      *compilation.context, *compilation.source, {options.cacheType});
  if (!module.ok())
    return module.status();
  compilation.module = std::move(*module);
  return compilation;
}

absl::StatusOr<std::vector<Compilation>>
driver::lower(const CompileOptions &options, Stage last) {
  absl::StatusOr<std::vector<const target::TargetSpec *>> targets =
      findTargets(options);
  if (!targets.ok())
    return targets.status();
  report(options, "import", 0, 0);
  absl::StatusOr<Compilation> imported = openModel(options, targets->front());
  if (!imported.ok())
    return imported.status();
  std::vector<Compilation> compilations;
  compilations.push_back(*std::move(imported));
  for (const target::TargetSpec *target : llvm::drop_begin(*targets)) {
    const Compilation &first = compilations.front();
    compilations.push_back({target, first.source, first.context,
                            OwningOpRef<ModuleOp>(first.module.get().clone())});
  }

  report(options, "layout", 0, 0);
  std::vector<plan::VariantOp> variants;
  for (auto [compilation, variant] :
       llvm::zip_equal(compilations, options.variants)) {
    MLIRContext *context = compilation.context.get();
    DiagnosticCollector diagnostics(context);
    PassManager passes(context);
    for (Stage stage : {Stage::Fuse, Stage::Layout, Stage::Schedule})
      if (stage <= last)
        addPasses(passes, stage,
                  {compilation.target, options.ubatch, variant.tuning.print()});
    if (failed(passes.run(*compilation.module)))
      return diagnostics.makeStatus(options.input);
    if (last >= Stage::Schedule)
      variants.push_back(compilation.getVariant());
  }
  if (variants.size() > 1)
    schedule::placeSharedWeights(variants);
  return compilations;
}

//===----------------------------------------------------------------------===//
// Report and summary
//===----------------------------------------------------------------------===//

/// The tensors that fell back, of one target.
static std::string describeFallbacks(const Compilation &compilation,
                                     ArrayRef<emit::ReportRow> rows,
                                     bool isOneOfSeveral) {
  SmallVector<StringRef> fallbacks;
  for (const emit::ReportRow &row : rows)
    if (row.isFallback)
      fallbacks.push_back(row.tensor);
  if (fallbacks.empty())
    return "";
  std::string text =
      llvm::formatv("{0} tensors fell back from their first layout: {1}",
                    fallbacks.size(), llvm::join(fallbacks, ", "));
  return isOneOfSeveral
             ? (compilation.target->name + ": " + StringRef(text)).str()
             : text;
}

static absl::Status
checkStrict(ArrayRef<Compilation> compilations,
            ArrayRef<std::vector<emit::ReportRow>> reports) {
  SmallVector<std::string> fallbacks;
  for (auto [compilation, rows] : llvm::zip_equal(compilations, reports))
    if (std::string text =
            describeFallbacks(compilation, rows, compilations.size() > 1);
        !text.empty())
      fallbacks.push_back(std::move(text));
  if (fallbacks.empty())
    return absl::OkStatus();
  return absl::FailedPreconditionError("--strict: " +
                                       llvm::join(fallbacks, "; "));
}

static VariantSummary summarize(const Compilation &compilation,
                                std::vector<emit::ReportRow> rows) {
  plan::VariantOp variant = compilation.getVariant();
  VariantSummary summary;
  summary.target = compilation.target->name.str();
  for (auto state : variant.getBody().getOps<plan::StateOp>()) {
    summary.stateBytesPerToken +=
        state.getPageBytes().value_or(0) / MODELC_PAGE_TOKENS;
    summary.stateBytesPerSequence += state.getSequenceBytes().value_or(0);
  }
  summary.arenaBytes = *variant.getArenaBytes();
  summary.scratchBytesPerThread = variant.getScratchBytes();
  summary.kernelCount = compilation.getKernels().size();
  summary.report = std::move(rows);
  return summary;
}

/// What shaped the plan, for its provenance: options that change no byte of
/// the plan (threads, paths) are not among them.
static std::string describeOptions(ArrayRef<Compilation> compilations,
                                   const CompileOptions &options) {
  auto names = llvm::map_range(
      compilations, [](const Compilation &c) { return c.target->name.str(); });
  std::string text = llvm::formatv("--target={0} --ubatch={1}",
                                   llvm::join(names, ","), options.ubatch);
  for (auto [compilation, variant] :
       llvm::zip_equal(compilations, options.variants))
    text += target::printTuningOption(
        compilations.size() > 1 ? compilation.target->name : "",
        variant.tuning);
  if (options.cacheType != model::GgmlType::F16)
    text += (" --cache-type=" + model::getGgmlTypeInfo(options.cacheType).name)
                .str();
  return text;
}

/// `code` is empty for a plan whose kernels are in memory.
static emit::PlanContents
makeContents(ArrayRef<Compilation> compilations, const CompileOptions &options,
             ArrayRef<codegen::CodeImage> code,
             ArrayRef<std::vector<emit::ReportRow>> reports) {
  std::vector<emit::VariantContents> variants;
  for (auto [i, compilation] : llvm::enumerate(compilations))
    variants.push_back({*compilation.module, compilation.getVariant(),
                        code.empty() ? nullptr : &code[i], reports[i]});
  return {*compilations.front().source, std::move(variants),
          describeOptions(compilations, options), getThreads(options),
          [&options](uint64_t done, uint64_t total) {
            report(options, "pack", done, total);
          }};
}

static std::vector<std::vector<emit::ReportRow>>
makeReports(ArrayRef<Compilation> compilations) {
  std::vector<std::vector<emit::ReportRow>> reports;
  for (const Compilation &c : compilations)
    reports.push_back(emit::makeReport(*c.source, *c.module, c.getVariant()));
  return reports;
}

//===----------------------------------------------------------------------===//
// The whole way
//===----------------------------------------------------------------------===//

/// The code of each target.
static absl::StatusOr<std::vector<codegen::CodeImage>>
compileCode(ArrayRef<Compilation> compilations, const CompileOptions &options) {
  std::vector<std::vector<codegen::KernelRequest>> kernels;
  uint64_t count = 0;
  for (const Compilation &compilation : compilations) {
    kernels.push_back(compilation.getKernels());
    count += kernels.back().size();
  }
  std::mutex mutex;
  uint64_t done = 0;
  std::vector<codegen::CodeImage> images;
  for (auto [compilation, requests] : llvm::zip_equal(compilations, kernels)) {
    absl::StatusOr<codegen::CodeImage> code = codegen::compileKernels(
        requests, *compilation.target, getThreads(options), [&] {
          std::lock_guard<std::mutex> lock(mutex);
          report(options, "codegen", ++done, count);
        });
    if (!code.ok())
      return code.status();
    images.push_back(*std::move(code));
  }
  return images;
}

absl::StatusOr<CompileSummary>
driver::compileModel(const CompileOptions &options) {
  absl::StatusOr<std::vector<Compilation>> compilations =
      lower(options, Stage::Schedule);
  if (!compilations.ok())
    return compilations.status();
  const gguf::GgufModel &source = *compilations->front().source;
  std::vector<std::vector<emit::ReportRow>> reports =
      makeReports(*compilations);
  if (options.strict)
    if (absl::Status status = checkStrict(*compilations, reports); !status.ok())
      return status;
  absl::StatusOr<Outputs> outputs = Outputs::create(options, source);
  if (!outputs.ok())
    return outputs.status();
  absl::StatusOr<std::vector<codegen::CodeImage>> code =
      compileCode(*compilations, options);
  if (!code.ok())
    return code.status();

  absl::StatusOr<emit::WrittenPlan> written = emit::writePlan(
      makeContents(*compilations, options, *code, reports), outputs->getPlan());
  if (!written.ok())
    return written.status();
  CompileSummary summary;
  summary.weightBytes = written->weightBytes;
  for (auto [i, compilation] : llvm::enumerate(*compilations)) {
    summary.variants.push_back(summarize(compilation, std::move(reports[i])));
    summary.variants.back().codeBytes = (*code)[i].bytes.size();
    summary.variants.back().weightBytes = written->variantWeightBytes[i];
  }
  absl::StatusOr<FamilyFacts> family = getFamilyFacts(source);
  if (!family.ok())
    return family.status();
  summary.family = *std::move(family);
  if (absl::Status status = outputs->writeSideFiles(options, source, summary);
      !status.ok())
    return status;
  if (absl::Status status = outputs->commit(); !status.ok())
    return status;
  return summary;
}

MemoryPlan::MemoryPlan(codegen::Jit jit, support::AtomicFile file, void *bytes,
                       size_t sizeBytes)
    : jit(std::move(jit)), file(std::move(file)), bytes(bytes),
      sizeBytes(sizeBytes) {}

MemoryPlan::MemoryPlan(MemoryPlan &&other) noexcept
    : jit(std::move(other.jit)), file(std::move(other.file)),
      bytes(other.bytes), sizeBytes(other.sizeBytes) {
  other.bytes = nullptr;
}

MemoryPlan::~MemoryPlan() {
  if (bytes)
    munmap(bytes, sizeBytes);
}

absl::StatusOr<MemoryPlan>
driver::compileInMemory(const CompileOptions &options) {
  absl::StatusOr<std::vector<Compilation>> compilations =
      lower(options, Stage::Schedule);
  if (!compilations.ok())
    return compilations.status();
  const Compilation &c = compilations->front();
  absl::StatusOr<codegen::Jit> jit =
      codegen::Jit::create(c.getKernels(), *c.target, getThreads(options));
  if (!jit.ok())
    return jit.status();
  absl::StatusOr<support::AtomicFile> file =
      support::AtomicFile::createInMemory("modelc-plan");
  if (!file.ok())
    return file.status();
  std::vector<std::vector<emit::ReportRow>> reports =
      makeReports(*compilations);
  absl::StatusOr<emit::WrittenPlan> written = emit::writePlan(
      makeContents(*compilations, options, /*code=*/{}, reports), *file);
  if (!written.ok())
    return written.status();
  void *mapping = mmap(nullptr, written->fileBytes, PROT_READ, MAP_SHARED,
                       file->getDescriptor(), 0);
  if (mapping == MAP_FAILED)
    return absl::ResourceExhaustedError(options.input +
                                        ": cannot map the plan in memory");
  return MemoryPlan(std::move(*jit), std::move(*file), mapping,
                    written->fileBytes);
}
