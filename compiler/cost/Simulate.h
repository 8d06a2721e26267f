//===- Simulate.h - Cycles of a sequence of instructions, by LLVM's MCA
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_SIMULATE_H
#define MODELC_COMPILER_COST_SIMULATE_H

#include "compiler/cost/Walk.h"

namespace modelc::cost {

/// A resource of the CPU and the part of all cycles in which it is taken, 1 for
/// always.
struct Pressure {
  std::string resource; ///< LLVM's name: "SPRPort05".
  double share;
};

struct SimulationResult {
  double cycles = 0;              ///< One time through the sequence.
  std::vector<Pressure> pressure; ///< The most taken first.
};

/// Cycles of `sequence` when it runs over and over, on the out-of-order core of
/// `machine` with all data in the first-level cache: LLVM's pipeline with its
/// scheduling model and the corrections of target/Timing.h. Loads do not wait
/// for stores. `rows` are those of tile registers. INTERNAL if LLVM cannot
/// simulate an instruction.
absl::StatusOr<SimulationResult>
simulate(const Machine &machine, std::span<const Instruction *const> sequence,
         const TileRows &rows);

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_SIMULATE_H
