//===- Scheduler.h - Turns the ops of a model into steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state of the pass plan-schedule: which value of the model lies in which
// memory of the plan. Schedule.cpp has the walk and most ops,
// ScheduleExperts.cpp mixtures of experts, ScheduleAttention.cpp heads,
// ScheduleRecurrent.cpp layers with a state of one size for each sequence.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SCHEDULE_SCHEDULER_H
#define MODELC_COMPILER_SCHEDULE_SCHEDULER_H

#include "compiler/schedule/StepBuilder.h"
#include "compiler/target/Tuning.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace modelc::schedule {

using llvm::ArrayRef;
using llvm::FailureOr;
using llvm::LogicalResult;
using llvm::StringRef;
using mlir::Location;
using mlir::Operation;
using mlir::Value;
using pack::LayoutAttr;

//===----------------------------------------------------------------------===//
// Facts of values
//===----------------------------------------------------------------------===//

/// Columns of activations.
int64_t getColumns(Value value);

/// The layout of a packed weight.
LayoutAttr getLayout(Value weight);

/// Fails with an error of `user` if `weight` is no packed weight: a value that
/// some step computes has memory, but no layout.
LogicalResult verifyPacked(Operation *user, Value weight);

/// `blk.0.attn_q.weight` names steps and slots `blk.0.attn_q`.
std::string getStepName(Value weight);

/// True for layouts of block-quantised weights.
bool isBlockType(LayoutAttr layout);

/// True if all these weights are packed in pairs, for a matrix unit that
/// multiplies floats.
bool haveTilePairs(mlir::ValueRange weights);

/// True if all these weights are panels of floats, one k after the other.
bool haveFloatPanels(mlir::ValueRange weights);

/// The matrix unit that multiplies these weights, or nothing.
std::optional<target::Isa> getMatrixIsa(mlir::ValueRange weights,
                                        const CountRange &range);

/// The layout of the input that all these weights read, as kernels of this
/// regime want it.
LayoutAttr getInputLayout(mlir::ValueRange weights, const CountRange &range);

/// Rows of one tile of weights: as many as keep several accumulators busy when
/// there is one token, as few as give `wantedTiles` to share among threads. A
/// GPU wants as many tiles as it can get.
int64_t getTileRows(ArrayRef<int64_t> rows, int64_t wantedTiles,
                    const target::TargetSpec &target);
inline constexpr int64_t kWantedTiles = 16;

//===----------------------------------------------------------------------===//
// Memory of mixtures of experts
//===----------------------------------------------------------------------===//

/// What a model.route became: facts, and slots of ExpertGroups.h.
struct ExpertRouting {
  int64_t experts, slots;
  std::string ids, weights, counts, groups, rows, places;
};

/// What lies between the steps of one model.experts.
struct ExpertMemory {
  std::string input, hidden, hiddenInput, values;
};

//===----------------------------------------------------------------------===//
// Scheduler
//===----------------------------------------------------------------------===//

/// Turns the ops of @forward into steps.
class Scheduler {
public:
  Scheduler(mlir::ModuleOp module, plan::VariantOp variant,
            const target::TargetSpec &target, const target::Tuning &tuning)
      : symbols(module), steps(variant, target), tuning(tuning) {}

  /// Fails also if the tuning has a kernel that this model has not.
  LogicalResult run(mlir::func::FuncOp forward);

  StepBuilder &getSteps() { return steps; }
  const std::string &getLogits() const { return logits; }

private:
  LogicalResult schedule(Operation *op);
  LogicalResult schedule(pack::RepackOp op);
  LogicalResult schedule(model::EmbedOp op);
  LogicalResult schedule(model::RopeTableOp op);
  LogicalResult schedule(model::LinearOp op);
  LogicalResult schedule(model::RmsNormOp op);
  LogicalResult schedule(model::LayerNormOp op);
  LogicalResult schedule(model::AddOp op);
  LogicalResult schedule(model::GluOp op);
  LogicalResult schedule(model::ColumnsOp op);
  LogicalResult schedule(model::CausalConvOp op);
  LogicalResult schedule(model::DeltaRuleOp op);
  LogicalResult schedule(model::RouteOp op);
  LogicalResult schedule(model::ExpertsOp op);
  LogicalResult schedule(model::HeadMatmulOp op);
  LogicalResult schedule(model::JoinHeadsOp op);
  LogicalResult schedule(model::AttentionOp op);
  LogicalResult schedule(mlir::func::ReturnOp op);

  /// The memory of a value; fails with a message if `user` reads a value that
  /// no step computes.
  FailureOr<std::string> lookup(Operation *user, Value value);
  /// A new slot for a value of `source` rows.
  std::string addValue(Value value, StringRef name);
  FailureOr<llvm::SmallVector<CountRange>> getRegimes(model::LinearOp op);
  void scheduleRegime(model::LinearOp op, const CountRange &range,
                      StringRef name, StringRef prepared,
                      ArrayRef<std::string> results);
  plan::MatmulSpecAttr getMatmulSpec(model::LinearOp op, LayoutAttr input,
                                     const CountRange &range);
  /// The memory of a sum with `residual`, or of a value without. A residual
  /// that nothing reads later is overwritten; else there is a new slot.
  std::string addResult(Value result, Value residual, StringRef name);
  /// A step of row kernel `spec` over the tokens, whose operands are those of
  /// `op` in order, then its result, in the memory of `residual` if that may
  /// be.
  LogicalResult scheduleRows(Operation *op, plan::KernelSpecInterface spec,
                             Value residual, const std::string &name);
  /// A step of a kernel that goes through all tokens in order in each of
  /// `tiles` tiles: its operands are those of `op`, then a new state of `bytes`
  /// for each sequence, named after `state`, then the result.
  LogicalResult scheduleSequence(Operation *op, plan::KernelSpecInterface spec,
                                 StringRef state, int64_t bytes, int64_t tiles);
  std::string addPool(model::AttentionOp op, const char *part, int64_t kvHeads,
                      LayoutAttr page);
  void addRouteSteps(model::RouteOp op, StringRef name,
                     const ExpertRouting &routing);
  /// Prepares tokens for experts that read what the router reads.
  void prepareTokensBeside(model::LinearOp router);
  /// Gives the input its memory and prepares it for regimes that read tokens,
  /// unless that is done.
  void prepareTokens(model::ExpertsOp op);
  llvm::SmallVector<CountRange> getRegimes(model::ExpertsOp op);
  void addInputStep(model::ExpertsOp op, const CountRange &range,
                    StringRef input);
  void scheduleExperts(model::ExpertsOp op, const CountRange &range,
                       const ExpertMemory &slots);
  void addExpertsStep(model::ExpertsOp op, const CountRange &range,
                      ArrayRef<Value> weights, mlir::ValueRange biases,
                      StringRef input, StringRef output);
  void scheduleAttention(model::AttentionOp op, plan::AttentionSpecAttr one,
                         ArrayRef<std::string> operands);

  mlir::SymbolTable symbols;
  StepBuilder steps;
  const target::Tuning &tuning;
  llvm::StringSet<> tunedKernels; ///< Of `tuning`, those that were found.
  llvm::DenseMap<Value, std::string> memory;
  llvm::DenseMap<Value, ExpertRouting> routings; ///< By their ids.
  /// Slots of inputs of model.experts that are prepared.
  llvm::DenseMap<Operation *, std::string> expertInputs;
  llvm::DenseSet<Operation *> caches; ///< Those that have their pools.
  llvm::StringSet<> states;           ///< Those that have their memory.
  std::string logits;
};

} // namespace modelc::schedule

#endif // MODELC_COMPILER_SCHEDULE_SCHEDULER_H
