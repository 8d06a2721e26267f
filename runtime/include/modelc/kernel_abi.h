//===- kernel_abi.h - What a kernel of a plan is called with
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between the code that modelc emits and the runtime that calls
// it. Both sides include this file; the emitter takes every offset from it by
// offsetof, so there is no second statement of these structs.
//
// A kernel is `void`, takes one struct, allocates nothing, calls nothing and
// touches no globals. It is called by every worker that has tiles of its step
// to do, with MXCSR (x86) or FPCR (AArch64) at round-to-nearest-even, no
// flushing of subnormals, and exceptions masked.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_KERNEL_ABI_H
#define MODELC_KERNEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// Tokens of one page of paged state. Chunks of attention have this size
  /// too (docs/numerics.md), so a chunk never straddles pages.
  MODELC_PAGE_TOKENS = 64,
  /// Alignment of every arena slot, state page and thread scratch, in bytes.
  MODELC_BUFFER_ALIGN = 128
};

/// What one step call brings: T tokens, of which O want logits. Arrays belong
/// to the session and are valid during the call.
typedef struct ModelcStepInputs {
  /// [T] token ids, each below the vocabulary size.
  const int32_t *tokens;
  /// [T] positions, 0-based, each below the session's context length.
  const int32_t *positions;
  /// [T] sequence slots. Tokens of one sequence stand in ascending positions.
  const uint32_t *sequences;
  /// [O] indices into the T tokens whose logits are wanted, ascending.
  const uint32_t *outputRows;
  /// [sequence slots][pagesPerSequence] page numbers in every paged state.
  const uint32_t *pageTables;
  /// Row stride of pageTables, in entries.
  uint32_t pagesPerSequence;
  /// T, 1 .. the plan's ubatch.
  uint32_t tokenCount;
  /// O, 0 .. T.
  uint32_t outputCount;
  /// Largest position of the call + 1.
  uint32_t maxLength;
} ModelcStepInputs;

/// One call: tiles [tileBegin, tileEnd) of one step, on one worker.
typedef struct ModelcKernelParams {
  /// The step's operands, resolved to addresses, in the order that the
  /// kernel's specification (dialects/plan/PlanAttrs.td) gives them.
  void *const *operands;
  const ModelcStepInputs *inputs;
  /// This worker's scratch, `scratchBytes` of the plan, MODELC_BUFFER_ALIGN
  /// aligned, contents undefined at entry.
  void *scratch;
  uint32_t tileBegin;
  uint32_t tileEnd;
  /// The step's count: T, O, 1, or what an earlier step wrote.
  uint32_t count;
  uint32_t reserved;
} ModelcKernelParams;

typedef void (*ModelcKernel)(const ModelcKernelParams *params);

/// The kernel arguments of a step on a GPU: this, then the addresses of the
/// step's operands, one after the other, in the order of ModelcKernelParams.
/// All addresses are the device's, and all of it stays the same for a session's
/// life, so that launches can be recorded once. With c = min(*count,
/// countLimit) the step has ceil(c / tileDivisor) * tileMultiplier tiles;
/// work-group g computes tiles [g * groupTiles, (g + 1) * groupTiles) of these
/// (ModelcKernelRecord), and nothing where there are none.
typedef struct ModelcDeviceParams {
  /// A copy of the struct, whose arrays lie on the device too.
  const ModelcStepInputs *inputs;
  const uint32_t *count;
  uint32_t countLimit;
  uint32_t tileDivisor;
  uint32_t tileMultiplier;
  uint32_t reserved;
} ModelcDeviceParams;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_KERNEL_ABI_H
