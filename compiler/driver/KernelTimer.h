//===- KernelTimer.h - Times a matmul kernel in this process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_KERNELTIMER_H
#define MODELC_COMPILER_DRIVER_KERNELTIMER_H

#include "dialects/plan/PlanDialect.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace modelc::driver {

/// One way to compute a step.
struct TimedKernel {
  ModelcKernel kernel;
  plan::MatmulSpecAttr spec;
};

/// Seconds that each of `kernels`, which compute the same step for `count`
/// rows, takes at the least of some rounds, in which they take turns. Each of
/// `threads` threads computes its share of the tiles; the time is the CPU time
/// of the thread that needs most, so that others on this machine disturb
/// little. Operands are made up: the same numbers everywhere. Empty if there
/// is no memory for them.
std::vector<double> timeKernels(llvm::ArrayRef<TimedKernel> kernels,
                                int64_t count, unsigned threads);

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_KERNELTIMER_H
