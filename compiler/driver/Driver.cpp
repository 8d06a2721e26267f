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
//===----------------------------------------------------------------------===//

#include "compiler/driver/Driver.h"
#include "compiler/driver/Diagnostics.h"
#include "compiler/driver/Outputs.h"
#include "compiler/emit/PlanWriter.h"
#include "compiler/import/Import.h"
#include "compiler/import/ModuleAttributes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "modelc/kernel_abi.h"
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

absl::StatusOr<std::unique_ptr<Compilation>>
driver::lower(const CompileOptions &options, Stage last) {
  auto compilation = std::make_unique<Compilation>();
  absl::StatusOr<const target::TargetSpec *> target =
      findTarget(options.target);
  if (!target.ok())
    return target.status();
  compilation->target = *target;
  report(options, "import", 0, 0);
  absl::StatusOr<std::unique_ptr<gguf::GgufModel>> source =
      gguf::GgufModel::open(options.input);
  if (!source.ok())
    return source.status();
  compilation->source = std::move(*source);

  DialectRegistry registry;
  registry.insert<func::FuncDialect, model::ModelDialect, pack::PackDialect,
                  plan::PlanDialect>();
  compilation->context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  compilation->context->loadAllAvailableDialects();
  DiagnosticCollector diagnostics(compilation->context.get());
  absl::StatusOr<OwningOpRef<ModuleOp>> module = importModel(
      *compilation->context, *compilation->source, {options.cacheType});
  if (!module.ok())
    return module.status();
  compilation->module = std::move(*module);

  PassManager passes(compilation->context.get());
  for (Stage stage : {Stage::Fuse, Stage::Layout, Stage::Schedule})
    if (stage <= last)
      addPasses(passes, stage,
                {compilation->target, options.ubatch, options.tuning.print()});
  report(options, "layout", 0, 0);
  if (failed(passes.run(*compilation->module)))
    return diagnostics.makeStatus(options.input);
  return compilation;
}

//===----------------------------------------------------------------------===//
// Report and summary
//===----------------------------------------------------------------------===//

static absl::Status checkStrict(ArrayRef<emit::ReportRow> rows) {
  SmallVector<StringRef> fallbacks;
  for (const emit::ReportRow &row : rows)
    if (row.isFallback)
      fallbacks.push_back(row.tensor);
  if (fallbacks.empty())
    return absl::OkStatus();
  return absl::FailedPreconditionError(
      llvm::formatv("--strict: {0} tensors fell back from their first layout: "
                    "{1}",
                    fallbacks.size(), llvm::join(fallbacks, ", "))
          .str());
}

static CompileSummary summarize(const Compilation &compilation,
                                std::vector<emit::ReportRow> rows) {
  plan::VariantOp variant = compilation.getVariant();
  CompileSummary summary;
  for (auto weight : variant.getBody().getOps<plan::WeightOp>())
    summary.weightBytes =
        *weight.getOffset() + weight.getPackedType().getPackedBytes();
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
static std::string describeOptions(const Compilation &compilation,
                                   const CompileOptions &options) {
  std::string text = llvm::formatv("--target={0} --ubatch={1}",
                                   compilation.target->name, options.ubatch);
  if (std::string tuning = options.tuning.print(); !tuning.empty())
    text += (" " + target::kTuningOption + tuning).str();
  if (options.cacheType != model::GgmlType::F16)
    text += (" --cache-type=" + model::getGgmlTypeInfo(options.cacheType).name)
                .str();
  return text;
}

static emit::PlanContents makeContents(const Compilation &compilation,
                                       const CompileOptions &options,
                                       const codegen::CodeImage *code,
                                       ArrayRef<emit::ReportRow> rows) {
  return {*compilation.source,
          *compilation.module,
          compilation.getVariant(),
          code,
          rows,
          describeOptions(compilation, options),
          getThreads(options),
          [&options](uint64_t done, uint64_t total) {
            report(options, "pack", done, total);
          }};
}

//===----------------------------------------------------------------------===//
// The whole way
//===----------------------------------------------------------------------===//

absl::StatusOr<CompileSummary>
driver::compileModel(const CompileOptions &options) {
  absl::StatusOr<std::unique_ptr<Compilation>> compilation =
      lower(options, Stage::Schedule);
  if (!compilation.ok())
    return compilation.status();
  const Compilation &c = **compilation;
  std::vector<emit::ReportRow> rows =
      emit::makeReport(*c.source, *c.module, c.getVariant());
  if (options.strict)
    if (absl::Status status = checkStrict(rows); !status.ok())
      return status;
  absl::StatusOr<Outputs> outputs = Outputs::create(options, *c.source);
  if (!outputs.ok())
    return outputs.status();

  std::vector<codegen::KernelRequest> kernels = c.getKernels();
  std::mutex mutex;
  uint64_t done = 0;
  absl::StatusOr<codegen::CodeImage> code =
      codegen::compileKernels(kernels, *c.target, getThreads(options), [&] {
        std::lock_guard<std::mutex> lock(mutex);
        report(options, "codegen", ++done, kernels.size());
      });
  if (!code.ok())
    return code.status();

  absl::StatusOr<uint64_t> bytes = emit::writePlan(
      makeContents(c, options, &*code, rows), outputs->getPlan());
  if (!bytes.ok())
    return bytes.status();
  if (absl::Status status = outputs->writeSideFiles(options, *c.source, rows);
      !status.ok())
    return status;
  if (absl::Status status = outputs->commit(); !status.ok())
    return status;
  CompileSummary summary = summarize(c, std::move(rows));
  absl::StatusOr<FamilyFacts> family = getFamilyFacts(*c.source);
  if (!family.ok())
    return family.status();
  summary.family = *std::move(family);
  summary.codeBytes = code->bytes.size();
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
  absl::StatusOr<std::unique_ptr<Compilation>> compilation =
      lower(options, Stage::Schedule);
  if (!compilation.ok())
    return compilation.status();
  const Compilation &c = **compilation;
  absl::StatusOr<codegen::Jit> jit =
      codegen::Jit::create(c.getKernels(), *c.target, getThreads(options));
  if (!jit.ok())
    return jit.status();
  absl::StatusOr<support::AtomicFile> file =
      support::AtomicFile::createInMemory("modelc-plan");
  if (!file.ok())
    return file.status();
  std::vector<emit::ReportRow> rows =
      emit::makeReport(*c.source, *c.module, c.getVariant());
  absl::StatusOr<uint64_t> bytes =
      emit::writePlan(makeContents(c, options, nullptr, rows), *file);
  if (!bytes.ok())
    return bytes.status();
  void *mapping =
      mmap(nullptr, *bytes, PROT_READ, MAP_SHARED, file->getDescriptor(), 0);
  if (mapping == MAP_FAILED)
    return absl::ResourceExhaustedError(options.input +
                                        ": cannot map the plan in memory");
  return MemoryPlan(std::move(*jit), std::move(*file), mapping, *bytes);
}
