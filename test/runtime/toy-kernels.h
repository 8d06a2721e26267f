//===- toy-kernels.h - Kernels written by hand for the runtime's tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The toy model remembers tokens and gives logits that depend on all of them
// and on their order:
//
//   fold(t_0 .. t_n) = (fold(t_0 .. t_n-1) * 31 + 7 * t_n + n) mod 65521
//   logits[v]        = fold + bias[v]
//
// All numbers are exact in float, so what a session should give is known.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_RUNTIME_TOY_KERNELS_H
#define MODELC_TEST_RUNTIME_TOY_KERNELS_H

#include "modelc/kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  kToyVocab = 32,
  kToyUbatch = 8,
  kToyContext = 200,
  /// Logits of one tile of toy_logits.
  kToyTileColumns = 8,
  kToyModulus = 65521,
  kToyMultiplier = 31
};

/// Operands: ids (state, uint32 [64] a page), positions (state, uint16 [64] a
/// page). Tiles: one per token.
void toy_append(const ModelcKernelParams *params);

/// Operands: ids, positions (states), multiplier (uint32 constant), folds
/// (uint32 [O], written). Tiles: one per output.
void toy_fold(const ModelcKernelParams *params);

/// Operands: folds, bias (float [kToyVocab] weight), logits (float
/// [O][kToyVocab], written). Tiles: kToyTileColumns columns of one output.
void toy_logits(const ModelcKernelParams *params);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_TEST_RUNTIME_TOY_KERNELS_H
