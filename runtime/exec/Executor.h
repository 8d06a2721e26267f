//===- Executor.h - Running the steps of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_EXECUTOR_H
#define MODELC_RUNTIME_EXEC_EXECUTOR_H

#include "exec/StatePages.h"
#include "exec/Steps.h"
#include "exec/TileQueue.h"
#include "exec/WorkerPool.h"
#include "load/Plan.h"
#include "modelc/kernel_abi.h"

namespace modelc::rt {

/// The plan's steps, resolved to addresses for one session.
class Executor {
public:
  /// Resolves each step of `plan` and starts the workers. What is passed
  /// outlives this. RESOURCE_EXHAUSTED.
  [[nodiscard]] modelc_code create(const modelc_plan &plan, uint8_t *arena,
                                   const StatePages &pages,
                                   const ModelcStepInputs *inputs,
                                   uint32_t workerCount,
                                   const Reporter &report);

  /// Runs all steps whose count fits, for the tokens that `inputs` describes.
  /// Allocates nothing and cannot fail.
  void runPass();

  void setProfiling(bool enabled) { profiling = enabled; }
  /// Forgets what was measured.
  void clearProfile();
  /// One entry for each step of the plan; runs is 0 for those that did not.
  const HeapArray<StepProfile> &profile() const { return profiles; }

private:
  /// Between the first and the last step of a pass nothing else is read.
  struct Step {
    ModelcKernel kernel;
    void *const *operands;
    /// Of what is compared with the bounds: one, tokens or outputs.
    uint32_t countSource;
    /// The count, which earlier steps write; null: what was compared.
    const uint32_t *counter;
    uint32_t countLimit;
    uint32_t minCount;
    uint32_t maxCount;
    uint32_t tileDivisor;
    uint32_t tileMultiplier;
    bool barrier;
  };

  void runWorker(uint32_t worker);
  void runTiles(const Step &step, uint32_t number, uint32_t worker,
                ModelcKernelParams *params);
  void beginTimedStep(StepProfile *profile);
  void endTimedStep(uint64_t now);

  const ModelcStepInputs *inputs = nullptr;
  HeapArray<Step> steps;
  HeapArray<void *> operands;
  Mapping scratch;
  uint64_t scratchStride = 0;
  TileQueue tiles;
  /// Steps that have run before this pass, modulo 2^32.
  uint32_t stepNumber = 0;
  /// The same after it; worker 0 writes it.
  uint32_t lastStepNumber = 0;
  bool profiling = false;
  HeapArray<StepProfile> profiles;
  /// The step being timed, by worker 0; null between passes.
  StepProfile *timedStep = nullptr;
  uint64_t timedSince = 0;
  uint64_t timedTilesUntil = 0;
  /// Last, so that its threads end before what they use.
  WorkerPool pool;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_EXECUTOR_H
