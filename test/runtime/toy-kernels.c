//===- toy-kernels.c - Kernels written by hand for the runtime's tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled twice: into the test program, and as a shared object without
// imports whose segments become the code of a plan file.
//
//===----------------------------------------------------------------------===//

#include "toy-kernels.h"

/// Index, in a pool of MODELC_PAGE_TOKENS elements a page, of a token.
static uint64_t elementOf(const ModelcStepInputs *inputs, uint32_t sequence,
                          uint32_t position) {
  const uint32_t *table =
      inputs->pageTables + (uint64_t)sequence * inputs->pagesPerSequence;
  return (uint64_t)table[position / MODELC_PAGE_TOKENS] * MODELC_PAGE_TOKENS +
         position % MODELC_PAGE_TOKENS;
}

void toy_append(const ModelcKernelParams *params) {
  const ModelcStepInputs *inputs = params->inputs;
  uint32_t *ids = (uint32_t *)params->operands[0];
  uint16_t *positions = (uint16_t *)params->operands[1];
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t) {
    const uint32_t position = (uint32_t)inputs->positions[t];
    const uint64_t element = elementOf(inputs, inputs->sequences[t], position);
    ids[element] = (uint32_t)inputs->tokens[t];
    positions[element] = (uint16_t)position;
  }
}

void toy_fold(const ModelcKernelParams *params) {
  const ModelcStepInputs *inputs = params->inputs;
  const uint32_t *ids = (const uint32_t *)params->operands[0];
  const uint16_t *positions = (const uint16_t *)params->operands[1];
  const uint32_t multiplier = *(const uint32_t *)params->operands[2];
  uint32_t *folds = (uint32_t *)params->operands[3];
  for (uint32_t row = params->tileBegin; row < params->tileEnd; ++row) {
    const uint32_t t = inputs->outputRows[row];
    uint32_t fold = 0;
    for (uint32_t p = 0; p <= (uint32_t)inputs->positions[t]; ++p) {
      const uint64_t element = elementOf(inputs, inputs->sequences[t], p);
      fold = (fold * multiplier + 7 * ids[element] + positions[element]) %
             kToyModulus;
    }
    folds[row] = fold;
  }
}

void toy_logits(const ModelcKernelParams *params) {
  const uint32_t *folds = (const uint32_t *)params->operands[0];
  const float *bias = (const float *)params->operands[1];
  float *logits = (float *)params->operands[2];
  const uint32_t groups = kToyVocab / kToyTileColumns;
  for (uint32_t tile = params->tileBegin; tile < params->tileEnd; ++tile) {
    const uint32_t row = tile / groups;
    const uint32_t begin = tile % groups * kToyTileColumns;
    for (uint32_t v = begin; v < begin + kToyTileColumns; ++v)
      logits[row * kToyVocab + v] = (float)folds[row] + bias[v];
  }
}
