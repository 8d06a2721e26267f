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

/// Byte offsets of the vectors of 16 rows, a set; row r of a block is in set
/// r / 16, lane r % 16.
struct RowState {
  static constexpr int64_t kPositions = 0; ///< i32.
  static constexpr int64_t kMaxima = 64;   ///< f32, as the rest.
  static constexpr int64_t kSums = 128;
  static constexpr int64_t kPageMaxima = 192; ///< Of this page's scores.
  static constexpr int64_t kPageSums = 256;   ///< Of this page's weights.
  static constexpr int64_t kKeep = 320;       ///< Factor of what was before it.
  static constexpr int64_t kGain = 384;       ///< Factor of this page.
  static constexpr int64_t kSetBytes = 448;

  /// Where row r has its word of a field.
  static constexpr int64_t getByte(int64_t field, int64_t row) {
    return row / kLanes * kSetBytes + field + row % kLanes * 4;
  }
};
static_assert(RowState::kGain + kLanes * 4 == RowState::kSetBytes);
static_assert(RowState::kSetBytes ==
              plan::AttentionSpecAttr::kStateVectors * kLanes * 4);

/// Positions, 0 .. 64, of the page from position `begin` on that exist for the
/// query at `position`, i64.
mlir::Value countPositions(KernelBuilder &b, mlir::Value position,
                           mlir::Value begin);

/// The first position of that page, 0 .. 64, that the query's window has.
mlir::Value findFirstVisible(KernelBuilder &b, mlir::Value position,
                             mlir::Value begin, int64_t window);

/// The state of no position at all, for a set whose rows have queries at these
/// positions, i64. `sinks` are their scores before all others, f32, or empty.
void emitStartStates(KernelBuilder &b, mlir::Value set,
                     llvm::ArrayRef<mlir::Value> positions,
                     llvm::ArrayRef<mlir::Value> sinks);

/// Turns the 64 scores of a row into weights, and sets the row's page maximum
/// and page sum, if it sees the page, which begins with position `begin`;
/// `state` is the row's place in the first vector. A window of 0 is none.
void emitPageSoftmax(KernelBuilder &b, mlir::Value scores, mlir::Value state,
                     mlir::Value begin, int64_t window);

/// The same for a row that sees all of a page: no masks.
void emitWholePageSoftmax(KernelBuilder &b, mlir::Value scores,
                          mlir::Value state);

/// Adds the page to the state of the rows of a set that see it, and sets keep
/// and gain: 1 and -0 for the others.
void emitPageFactors(KernelBuilder &b, mlir::Value set, mlir::Value begin,
                     int64_t window);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_ATTENTIONSTATE_H
