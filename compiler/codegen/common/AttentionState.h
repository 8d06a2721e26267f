//===- AttentionState.h - The softmax of attention, page by page
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a block of query rows carries from page to page: the maximum of the
// scores so far and the sum of their weights (docs/numerics.md, "Attention").
// It lies in scratch, as vectors with a row in each lane, so that the factors
// of all rows are one exp.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_ATTENTIONSTATE_H
#define MODELC_COMPILER_CODEGEN_COMMON_ATTENTIONSTATE_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/plan/PlanDialect.h"

namespace modelc::codegen {

/// Byte offsets of the vectors; row r is at + 4 * r.
struct RowState {
  static constexpr int64_t kPositions = 0; ///< i32.
  static constexpr int64_t kMaxima = 64;   ///< f32, as the rest.
  static constexpr int64_t kSums = 128;
  static constexpr int64_t kPageMaxima = 192; ///< Of this page's scores.
  static constexpr int64_t kPageSums = 256;   ///< Of this page's weights.
  static constexpr int64_t kKeep = 320;       ///< Factor of what was before it.
  static constexpr int64_t kGain = 384;       ///< Factor of this page.
};
static_assert(RowState::kGain + kLanes * 4 ==
              plan::AttentionSpecAttr::kStateVectors * kLanes * 4);
static_assert(plan::AttentionSpecAttr::kBlockRows <= kLanes);

/// Turns the 64 scores of a row into weights, and sets the row's page maximum
/// and page sum; `state` is the row's place in the first vector. Positions
/// [first, count) of the page exist, i64 of 0 .. 64, at least one; `first` may
/// be null for 0.
void emitPageSoftmax(KernelBuilder &b, mlir::Value scores, mlir::Value state,
                     mlir::Value first, mlir::Value count);

/// Adds the page to the state of the rows that `exists` says it is seen by (a
/// vector of i1), and sets keep and gain: 1 and -0 for the others.
void emitPageFactors(KernelBuilder &b, mlir::Value states, mlir::Value exists);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_ATTENTIONSTATE_H
