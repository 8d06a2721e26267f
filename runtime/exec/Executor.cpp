//===- Executor.cpp - Running the steps of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ModelcStep     {kernel 7, operands 20..22, tokens in [2, 512], barrier}
//     ==> Step     {0x7f.., {arena + 0x80, weights + 0x4000, arena + 0x880}}
//
//   worker 0   step 0: tiles 0 1 2 | step 1: tiles 0 1 | barrier | step 2 ...
//   worker 1   step 0: tiles 3 4   | step 1: tiles 2 3 | barrier | step 2 ...
//
// Every worker goes through all steps on its own and waits for the others only
// where a step asks for a barrier. The last one leaves a pass when all tiles of
// all steps are computed.
//
// Assumes a checked plan: every index and offset is inside its table.
//
//===----------------------------------------------------------------------===//

#include "exec/Executor.h"
#include "exec/Clock.h"
#include "load/CpuFeatures.h"
#include <errno.h>
#include <string.h>

namespace modelc::rt {

modelc_code Executor::create(const modelc_plan &plan, uint8_t *arena,
                             const StatePages &pages,
                             const ModelcStepInputs *newInputs,
                             uint32_t workerCount, const Reporter &report) {
  inputs = newInputs;
  const auto records = plan.variant.steps;
  uint64_t scratchBytes;
  // Each worker's scratch on pages of its own.
  if (plan.variant.variant->scratchBytes > INT64_MAX ||
      !checkedMul(
          alignUp(plan.variant.variant->scratchBytes, MODELC_PLAN_PAGE_BYTES),
          workerCount, &scratchBytes) ||
      !scratch.reserve(scratchBytes) || !steps.allocate(records.size()) ||
      !operands.allocate(plan.variant.operands.size()) ||
      !profiles.allocate(records.size()) || !tiles.create(workerCount))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for a session's steps and scratch");
  scratchStride = scratchBytes / workerCount;
  const VariantTables &tables = plan.variant;
  const OperandBases bases = {tables.weightBytes.data(), nullptr,
                              tables.constants.data(), arena, inputs};
  for (size_t i = 0; i < tables.operands.size(); ++i)
    operands[i] = resolveOperand(tables.operands[i], tables, bases, pages);
  for (size_t i = 0; i < records.size(); ++i) {
    const ModelcStep &record = records[i];
    Step &step = steps[i];
    step.kernel = plan.kernels[record.kernel];
    step.operands = operands.data() + record.firstOperand;
    const bool counted = record.countSource == MODELC_COUNT_ARENA_U32;
    step.countSource = comparedCount(record);
    step.counter =
        counted ? reinterpret_cast<const uint32_t *>(arena + record.countOffset)
                : nullptr;
    step.countLimit = record.countLimit;
    step.minCount = record.minCount;
    step.maxCount = record.maxCount;
    step.tileDivisor = record.tileDivisor;
    step.tileMultiplier = record.tileMultiplier;
    step.barrier = (record.flags & MODELC_STEP_BARRIER) != 0;
  }
  if (!pool.start(workerCount, usableCpuCount()))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "cannot start %u threads: %s",
                       workerCount - 1, strerror(errno));
  return MODELC_OK;
}

void Executor::clearProfile() {
  for (StepProfile &profile : profiles)
    profile = {};
}

void Executor::runPass() {
  pool.run(
      [](void *self, uint32_t worker) {
        static_cast<Executor *>(self)->runWorker(worker);
      },
      this);
  stepNumber = lastStepNumber;
  if (timedStep)
    endTimedStep(nowNanoseconds());
}

void Executor::runWorker(uint32_t worker) {
  const PassCounts counts(*inputs);
  ModelcKernelParams params = {};
  params.inputs = inputs;
  params.scratch = scratch.data() + worker * scratchStride;
  const bool timing = profiling && worker == 0;
  uint32_t number = stepNumber; // Every worker counts the same steps.
  bool ranSinceBarrier = false;
  for (uint64_t i = 0; i < steps.size(); ++i) {
    const Step &step = steps[i];
    const uint32_t count = counts.values[step.countSource];
    if (count < step.minCount || count > step.maxCount)
      continue;
    if (step.barrier && ranSinceBarrier) {
      pool.barrier(worker);
      ranSinceBarrier = false;
    }
    params.operands = step.operands;
    // Behind the barrier, so that whoever writes the number has.
    params.count =
        step.counter ? std::min(*step.counter, step.countLimit) : count;
    if (timing) {
      beginTimedStep(&profiles[i]);
      profiles[i].counts += count;
      profiles[i].arenaCounts += step.counter ? params.count : 0;
    }
    runTiles(step, ++number, worker, &params);
    if (timing)
      timedTilesUntil = nowNanoseconds();
    ranSinceBarrier = true;
  }
  if (worker == 0)
    lastStepNumber = number;
}

/// Worker 0's view: a step ends where the next begins, so what it waits for at
/// the next one's barrier is the earlier step's time.
void Executor::beginTimedStep(StepProfile *profile) {
  const uint64_t now = nowNanoseconds();
  if (timedStep)
    endTimedStep(now);
  timedStep = profile;
  timedStep->runs += 1;
  timedSince = now;
}

void Executor::endTimedStep(uint64_t now) {
  timedStep->nanoseconds += now - timedSince;
  timedStep->waitNanoseconds += now - timedTilesUntil;
  timedStep = nullptr;
}

/// Computes this worker's share of the tiles of `step`.
void Executor::runTiles(const Step &step, uint32_t number, uint32_t worker,
                        ModelcKernelParams *params) {
  const uint32_t tileCount =
      countTiles(params->count, step.tileDivisor, step.tileMultiplier);
  if (pool.size() == 1) {
    params->tileBegin = 0;
    params->tileEnd = tileCount;
    if (tileCount > 0)
      step.kernel(params);
    return;
  }
  TileRange range;
  while (tiles.claim(number, tileCount, worker, &range)) {
    params->tileBegin = range.begin;
    params->tileEnd = range.end;
    step.kernel(params);
  }
}

} // namespace modelc::rt
