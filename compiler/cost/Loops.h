//===- Loops.h - Blocks and loops of a kernel's machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_LOOPS_H
#define MODELC_COMPILER_COST_LOOPS_H

#include "compiler/cost/Machine.h"

namespace modelc::cost {

/// Instructions that run one after the other: [first, end) of the kernel's.
struct Block {
  int64_t first;
  int64_t end;
  /// Blocks that may come next. A branch: what is taken, then what follows.
  llvm::SmallVector<int64_t, 2> successors;
};

/// A natural loop: what reaches a back edge to the header without passing it.
/// Loop 0 is the whole kernel, with block 0 as its header.
struct Loop {
  int64_t header;
  int64_t parent; ///< -1 for loop 0.
  int64_t depth;  ///< 0 for loop 0.
  /// Blocks of this loop that are in no loop inside it, ascending.
  llvm::SmallVector<int64_t> ownBlocks;
};

/// The control flow of a kernel.
struct Flow {
  std::vector<Instruction> instructions;
  std::vector<Block> blocks;
  /// Outer loops before those inside them.
  std::vector<Loop> loops;
};

/// Finds blocks and loops. `instructions` begin with the kernel's first and may
/// end with padding, which becomes blocks that nothing reaches. UNIMPLEMENTED
/// for jumps through registers and calls, neither of which a kernel has.
absl::StatusOr<Flow> findFlow(const Machine &machine,
                              std::vector<Instruction> instructions);

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_LOOPS_H
