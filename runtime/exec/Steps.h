//===- Steps.h - What every device makes of a plan's steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_STEPS_H
#define MODELC_RUNTIME_EXEC_STEPS_H

#include "exec/StatePages.h"
#include "load/PlanTables.h"
#include "modelc/kernel_abi.h"

namespace modelc::rt {

/// Time and counts of one step over the passes of one modelc_session_step.
struct StepProfile {
  uint64_t nanoseconds;
  /// Of these, those after worker 0 had computed its last tile; 0 on a GPU.
  uint64_t waitNanoseconds;
  /// Passes in which the step ran.
  uint64_t runs;
  /// Sum over these passes of what the step's bounds are compared with.
  uint64_t counts;
  /// Sum of the counts themselves, where they lie in the arena.
  uint64_t arenaCounts;
};

/// Where what operands name begins: all addresses are the host's, or all are a
/// device's.
struct OperandBases {
  /// Of WEIGHTS; null if each weight has an address of its own.
  const uint8_t *weights;
  const uint8_t *const *eachWeight;
  const uint8_t *constants;
  uint8_t *arena;
  const void *inputs;
};

/// The address of an operand of a checked variant. Kernels take all operands
/// as void *; they do not write to the plan's.
void *resolveOperand(const ModelcOperand &operand, const VariantTables &tables,
                     const OperandBases &bases, const StatePages &pages);

/// A count that a pass compares with a step's bounds.
struct PassCounts {
  explicit PassCounts(const ModelcStepInputs &inputs) {
    values[MODELC_COUNT_ONE] = 1;
    values[MODELC_COUNT_TOKENS] = inputs.tokenCount;
    values[MODELC_COUNT_OUTPUTS] = inputs.outputCount;
  }
  uint32_t values[3];
};

/// The one of PassCounts that is compared with the bounds of `step`.
inline uint32_t comparedCount(const ModelcStep &step) {
  return step.countSource == MODELC_COUNT_ARENA_U32
             ? uint32_t(MODELC_COUNT_TOKENS)
             : step.countSource;
}

/// Tiles of a step; the largest count of a checked one has at most 2^31 - 1.
inline uint32_t countTiles(uint32_t count, uint32_t divisor,
                           uint32_t multiplier) {
  return uint32_t((uint64_t(count) + divisor - 1) / divisor) * multiplier;
}

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_STEPS_H
