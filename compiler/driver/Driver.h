//===- Driver.h - Compiles a model: the whole way, and its errors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `modelc compile` and `modelc run` call. Diagnostics of MLIR become
// absl::Status here and nowhere else.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_DRIVER_H
#define MODELC_COMPILER_DRIVER_DRIVER_H

#include "absl/status/statusor.h"
#include "compiler/codegen/jit/Jit.h"
#include "compiler/driver/Pipeline.h"
#include "compiler/emit/Report.h"
#include "compiler/import/Import.h"
#include "compiler/import/gguf/GgufModel.h"
#include "compiler/support/AtomicFile.h"
#include "compiler/target/Tuning.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <functional>
#include <memory>
#include <string>

namespace modelc::driver {

/// Called while a stage works, from any thread, one call at a time. `total` is
/// bytes when packing, kernels in codegen, 0 where there is nothing to count.
using ProgressFn =
    std::function<void(llvm::StringRef stage, uint64_t done, uint64_t total)>;

/// How the model shall run on one kind of machine.
struct VariantOptions {
  std::string target;    ///< A name of getTargets(), or "native".
  target::Tuning tuning; ///< In place of the target's regimes.
};

struct CompileOptions {
  std::string input; ///< GGUF file, the first of several parts.
  /// One or more, in the order in which a runtime tries them.
  std::vector<VariantOptions> variants;
  std::string output;      ///< Plan file.
  int64_t ubatch = 512;    ///< Most tokens of one pass.
  unsigned threads = 0;    ///< 0: the CPUs this process may use.
  std::string tunedBy;     ///< The file that tunings are from; empty: none.
  bool strict = false;     ///< Fall-backs are errors.
  std::string reportPath;  ///< JSON; empty: none.
  std::string depfilePath; ///< For Make and Ninja; empty: none.
  ProgressFn progress;     ///< May be empty.
  /// What keys and values are kept in: F16 or Q8_0.
  model::GgmlType cacheType = model::GgmlType::F16;
};

/// Threads that `options` ask for.
unsigned getThreads(const CompileOptions &options);

/// The target of this name, or of this machine for "native".
absl::StatusOr<const target::TargetSpec *> findTarget(llvm::StringRef name);

/// The targets of `options`, which are different ones, in their order.
absl::StatusOr<std::vector<const target::TargetSpec *>>
findTargets(const CompileOptions &options);

/// A model on its way to one target. Members die in reverse order.
struct Compilation {
  const target::TargetSpec *target = nullptr;
  std::shared_ptr<gguf::GgufModel> source;    ///< One for all targets,
  std::shared_ptr<mlir::MLIRContext> context; ///< and so is this.
  mlir::OwningOpRef<mlir::ModuleOp> module;

  /// The variant, after Stage::Schedule.
  plan::VariantOp getVariant() const;
  /// Its kernels, in their order.
  std::vector<codegen::KernelRequest> getKernels() const;
};

/// Opens the model and runs all stages up to and including `last`, Codegen and
/// Emit excepted, for each target. Errors name the input and what is wrong with
/// it.
absl::StatusOr<std::vector<Compilation>> lower(const CompileOptions &options,
                                               Stage last);

/// What a compile tells its user of one variant.
struct VariantSummary {
  std::string target;
  std::vector<emit::ReportRow> report;
  uint64_t weightBytes = 0;
  uint64_t arenaBytes = 0;
  uint64_t scratchBytesPerThread = 0;
  uint64_t stateBytesPerToken = 0;
  uint64_t stateBytesPerSequence = 0; ///< Beside those of its tokens.
  uint64_t kernelCount = 0;
  uint64_t codeBytes = 0;
};

struct CompileSummary {
  FamilyFacts family;
  std::vector<VariantSummary> variants; ///< As the options have them.
  uint64_t weightBytes = 0;             ///< Of all variants together.
};

/// The whole way: writes options.output, the report and the depfile. Nothing
/// is left behind on an error.
absl::StatusOr<CompileSummary> compileModel(const CompileOptions &options);

/// A plan in memory with its code, ready for modelc_open_memory.
struct MemoryPlan {
  codegen::Jit jit;
  support::AtomicFile file;
  void *bytes; ///< Mapping of `file`, until the object dies.
  size_t sizeBytes;

  MemoryPlan(codegen::Jit jit, support::AtomicFile file, void *bytes,
             size_t sizeBytes);
  MemoryPlan(MemoryPlan &&other) noexcept;
  MemoryPlan &operator=(MemoryPlan &&) = delete;
  ~MemoryPlan();
};

/// The whole way without a file; there is one target, which must run here.
absl::StatusOr<MemoryPlan> compileInMemory(const CompileOptions &options);

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_DRIVER_H
