//===- Walk.h - How often each block of a kernel runs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_WALK_H
#define MODELC_COMPILER_COST_WALK_H

#include "compiler/cost/Loops.h"
#include <array>
#include <span>

namespace modelc::cost {

/// Bytes that the kernel finds at an address.
struct MemoryRange {
  uint64_t address;
  std::span<const uint8_t> bytes;
};

/// Rows of the eight tile registers, as LDTILECFG set them; 0 before.
using TileRows = std::array<uint8_t, 8>;

struct WalkResult {
  /// How often each block of the flow ran.
  std::vector<uint64_t> counts;
  /// How often a loop was entered or went round on a condition that depends on
  /// data; the way that was taken then is a guess.
  uint64_t guesses = 0;
  TileRows tileRows = {};
};

/// Runs the kernel's integer instructions, which decide how its loops go: the
/// rest is skipped, and what it gives is unknown. `params` is the address of a
/// ModelcKernelParams; memory outside `memory` and the kernel's own stack is
/// unknown. A branch on an unknown condition goes on with what follows, and
/// leaves a loop rather than going round. DEADLINE_EXCEEDED after
/// `maxInstructions`.
absl::StatusOr<WalkResult> walk(const Machine &machine, const Flow &flow,
                                uint64_t params,
                                std::span<const MemoryRange> memory,
                                uint64_t maxInstructions);

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_WALK_H
