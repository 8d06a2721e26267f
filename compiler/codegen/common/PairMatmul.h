//===- PairMatmul.h - BF16 weights in pairs times activations in parts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a matrix unit brings to a matmul of BF16 weights. The order of its sums
// is its own: docs/numerics.md, "Matmul", names it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_PAIRMATMUL_H
#define MODELC_COMPILER_CODEGEN_COMMON_PAIRMATMUL_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// `panels` consecutive panels, at most MatmulSpecAttr::kPairPanels, times one
/// row tile.
struct PairTile {
  pack::LayoutAttr weight;
  pack::LayoutAttr input;
  int64_t columns;        ///< K.
  int64_t panels;         ///< At least 1.
  mlir::Value weightBase; ///< First byte of the first panel.
  mlir::Value inputBase;  ///< First byte of the row tile.
  /// Scratch for the sums, f32 [panel][row of the tile][kLanes].
  mlir::Value sums;
};

/// True if the target has a matrix unit that multiplies these.
bool canMultiplyPairs(pack::LayoutAttr weight, pack::LayoutAttr input,
                      const target::TargetSpec &target);

/// Once in a kernel, before and behind all tiles by inputs of this layout.
void beginPairTiles(KernelBuilder &b, pack::LayoutAttr input);
void endPairTiles(KernelBuilder &b);

/// Leaves the sums of all columns in `sums`.
void emitPairTile(KernelBuilder &b, const PairTile &tile);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_PAIRMATMUL_H
