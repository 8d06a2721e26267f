//===- MatmulCases.h - What the maker of matmul cases hands to the guest
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file of cases: MatmulCase, then for each operand MatmulOperand and its
// bytes; the next case.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_MATMULCASES_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_MATMULCASES_H

#include <stdint.h>

namespace modelc::appleamx {

struct MatmulCase {
  char group[16]; ///< The name of the test that runs it.
  char name[48];
  uint32_t kernel; ///< `kernel<n>` of the dylib.
  uint32_t operands;
  uint32_t tiles;
  /// Rows of activations that there are; all counts from 1 on are run, or only
  /// those around the edges of tiles.
  uint32_t rows;
  uint32_t isForAllCounts;
  uint32_t reserved;
  uint64_t scratchBytes;
  /// Outer products of one row tile of 32.
  uint64_t mac16, fma32;
};

struct MatmulOperand {
  uint64_t bytes;
  /// Of an output: bytes of one row; the bytes are what it must be, floats.
  /// Else 0.
  uint64_t rowBytes;
};

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_MATMULCASES_H
