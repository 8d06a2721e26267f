//===- hip-toy-kernels.c - The toy model's kernels, for AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// test/runtime/toy-kernels.c once more, with the arguments that kernel_abi.h
// gives to a GPU's kernels: the fixed part, then the operands. One wave is a
// work-group. Some have a tile for each 16 lanes, some one for the wave.
//
//===----------------------------------------------------------------------===//

#include "toy-kernels.h"

#define KERNEL __attribute__((amdgpu_kernel, visibility("default")))
#define GLOBAL __attribute__((address_space(1)))

typedef uint32_t u32;
typedef GLOBAL const ModelcStepInputs *Inputs;
typedef GLOBAL const u32 *Words;

#define FIXED                                                                  \
  Inputs inputs, Words count, u32 limit, u32 divisor, u32 factor, u32 reserved

#ifdef __GFX9__
enum { kRowsPerWave = 4 };
#else
enum { kRowsPerWave = 2 };
#endif

#define ITEM ((u32)__builtin_amdgcn_workitem_id_x())
#define GROUP ((u32)__builtin_amdgcn_workgroup_id_x())

static u32 countTiles(Words count, u32 limit, u32 divisor, u32 factor) {
  const u32 c = *count < limit ? *count : limit;
  return (c + divisor - 1) / divisor * factor;
}

static u32 elementOf(Inputs inputs, u32 sequence, u32 position) {
  Words table = (Words)inputs->pageTables + sequence * inputs->pagesPerSequence;
  return table[position / MODELC_PAGE_TOKENS] * MODELC_PAGE_TOKENS +
         position % MODELC_PAGE_TOKENS;
}

/// groupTiles = kRowsPerWave. Token 31 goes where there is no memory, if the
/// kernel is hip_stray.
static void append(Inputs inputs, u32 tiles, GLOBAL u32 *ids,
                   GLOBAL uint16_t *positions, int stray) {
  const u32 t = GROUP * kRowsPerWave + ITEM / 16;
  if (ITEM % 16 != 0 || t >= tiles)
    return;
  const u32 position = ((Words)inputs->positions)[t];
  const u32 id = ((Words)inputs->tokens)[t];
  const u32 sequence = ((Words)inputs->sequences)[t];
  const u32 element = elementOf(inputs, sequence, position);
  ids[stray && id == 31 ? 1u << 31 : element] = id;
  positions[element] = (uint16_t)position;
}

KERNEL void hip_append(FIXED, GLOBAL u32 *ids, GLOBAL uint16_t *positions) {
  append(inputs, countTiles(count, limit, divisor, factor), ids, positions, 0);
}

KERNEL void hip_stray(FIXED, GLOBAL u32 *ids, GLOBAL uint16_t *positions) {
  append(inputs, countTiles(count, limit, divisor, factor), ids, positions, 1);
}

/// groupTiles = kRowsPerWave.
KERNEL void hip_fold(FIXED, Words ids, GLOBAL const uint16_t *positions,
                     Words multiplier, GLOBAL u32 *folds) {
  const u32 row = GROUP * kRowsPerWave + ITEM / 16;
  if (ITEM % 16 != 0 || row >= countTiles(count, limit, divisor, factor))
    return;
  const u32 t = ((Words)inputs->outputRows)[row];
  const u32 last = ((Words)inputs->positions)[t];
  const u32 sequence = ((Words)inputs->sequences)[t];
  u32 fold = 0;
  for (u32 p = 0; p <= last; ++p) {
    const u32 element = elementOf(inputs, sequence, p);
    fold = (fold * *multiplier + 7 * ids[element] + positions[element]) %
           kToyModulus;
  }
  folds[row] = fold;
}

/// groupTiles = 1: a column for each of the first lanes.
KERNEL void hip_logits(FIXED, Words folds, GLOBAL const float *bias,
                       GLOBAL float *logits) {
  const u32 tile = GROUP, groups = kToyVocab / kToyTileColumns;
  if (ITEM >= kToyTileColumns ||
      tile >= countTiles(count, limit, divisor, factor))
    return;
  const u32 row = tile / groups;
  const u32 v = tile % groups * kToyTileColumns + ITEM;
  logits[row * kToyVocab + v] = (float)folds[row] + bias[v];
}

/// One tile. How many outputs there are, for steps that take it from the arena.
KERNEL void hip_count(FIXED, GLOBAL u32 *counter) {
  if (ITEM == 0)
    *counter = inputs->outputCount;
}

/// One tile. Adds a sequence's ids up in `totals`, uint32 [32] a sequence, of
/// which the first is used, and to its folds.
KERNEL void hip_total(FIXED, GLOBAL u32 *totals, GLOBAL u32 *folds) {
  if (ITEM != 0)
    return;
  u32 row = 0;
  for (u32 t = 0; t < inputs->tokenCount; ++t) {
    GLOBAL u32 *total = totals + ((Words)inputs->sequences)[t] * 32;
    if (((Words)inputs->positions)[t] == 0)
      *total = 0;
    *total += ((Words)inputs->tokens)[t];
    if (row < inputs->outputCount && ((Words)inputs->outputRows)[row] == t)
      folds[row++] += *total;
  }
}
