//===- StepBuilder.h - Makes the records of a plan.variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keeps a variant's symbols and appends records to it. Equal kernels are made
// once.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SCHEDULE_STEPBUILDER_H
#define MODELC_COMPILER_SCHEDULE_STEPBUILDER_H

#include "compiler/target/TargetSpec.h"
#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"
#include <optional>
#include <string>

namespace modelc::schedule {

/// The counts for which a step runs, and the row tile that serves them.
struct CountRange {
  plan::CountSource source;
  int64_t min;
  int64_t max;
  int64_t rowTile = 1;
  int64_t imagePanels = 0; ///< As target::Regime has it.
  int64_t imageColumns = 0;
  std::optional<target::Isa> matrixIsa = std::nullopt;
  int64_t tileRows = 0;   ///< Rows of a matmul's tiles; 0: Scheduler says.
  bool isWidened = false; ///< The regime is the target's `widened`.
};

/// A number of the arena that is a step's count: the u32 at `byte` of a slot,
/// at most `limit`.
struct Counter {
  std::string slot;
  int64_t byte = 0;
  int64_t limit = 0;
};

/// What a step is beside its kernel.
struct StepInfo {
  std::string name;
  CountRange range;
  int64_t tileDivisor = 1;
  int64_t tileMultiplier = 1;
  /// With a counter: bytes for one of it, operations for one token.
  int64_t bytesFixed = 0;
  int64_t opsPerCount = 0;
  std::optional<Counter> counter = std::nullopt;
  /// The kernel's instruction set, if it is not the target's.
  std::optional<target::Isa> isa = std::nullopt;
};

class StepBuilder {
public:
  /// Appends to the body of `variant`.
  StepBuilder(plan::VariantOp variant, const target::TargetSpec &target);

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::MLIRContext *getContext() { return builder.getContext(); }
  const target::TargetSpec &getTarget() const { return target; }

  /// Appends a slot of `bytes` and returns its name: `name`, made unique.
  std::string addSlot(mlir::Location loc, llvm::StringRef name, int64_t bytes);

  /// Appends a state, of a window if that is not 0, and returns its name, made
  /// as for slots.
  std::string addState(mlir::Location loc, llvm::StringRef name,
                       int64_t pageBytes, int64_t window);

  /// Appends a state of `bytes` for each sequence and returns its name, made as
  /// for slots.
  std::string addSequenceState(mlir::Location loc, llvm::StringRef name,
                               int64_t bytes);

  /// Appends a constant and returns its name, made as for slots.
  std::string addConstant(mlir::Location loc, llvm::StringRef name,
                          mlir::ElementsAttr value);

  /// The symbol of the kernel with this specification; `isa` as in StepInfo.
  std::string getKernelSymbol(plan::KernelSpecInterface spec,
                              std::optional<target::Isa> isa) const;

  /// Appends a step of the kernel with specification `spec`, which is made if
  /// it is new.
  void addStep(mlir::Location loc, const StepInfo &info,
               plan::KernelSpecInterface spec,
               llvm::ArrayRef<std::string> operands);

  /// The ranges of counts, 1 .. ubatch in all, for which kernels of these
  /// regimes of the target differ. Those of block-quantised weights, and of
  /// floats for a matrix unit, may unpack images.
  llvm::SmallVector<CountRange>
  getRegimes(plan::CountSource source, llvm::ArrayRef<target::Regime> regimes,
             bool hasImages) const;

  /// Gives the last of these ranges' rows to the target's regime that widens
  /// quants, as far as it wants them. The target has one.
  void addWidened(llvm::SmallVector<CountRange> &ranges) const;

  /// The same as getRegimes for the tokens of experts, each of which gets the
  /// rows of `slots` / `experts` of the tokens if all are chosen alike: regimes
  /// go by these rows. Row tiles are those of the same tokens without images.
  llvm::SmallVector<CountRange>
  getExpertRegimes(bool hasImages, int64_t experts, int64_t slots) const;

  /// 1 .. ubatch as one range.
  CountRange getWholeRange(plan::CountSource source) const;

  int64_t getUbatch() const { return ubatch; }
  int64_t getStepCount() const { return stepCount; }
  int64_t getKernelCount() const { return kernels.size(); }

private:
  std::string makeUnique(llvm::StringRef name);

  mlir::OpBuilder builder;
  const target::TargetSpec &target;
  int64_t ubatch;
  int64_t stepCount = 0;
  llvm::StringSet<> names;
  llvm::StringSet<> kernels;
};

} // namespace modelc::schedule

#endif // MODELC_COMPILER_SCHEDULE_STEPBUILDER_H
