//===- MatmulTile.h - The register tile of a matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H
#define MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// `panels` consecutive panels of weights times one row tile of activations.
struct MatmulTile {
  pack::LayoutAttr weight;
  pack::LayoutAttr input;
  int64_t columns;        ///< K.
  int64_t panels;         ///< At least 1.
  mlir::Value weightBase; ///< First byte of the first panel.
  mlir::Value inputBase;  ///< First byte of the row tile.
};

/// True if emitMatmulTile can multiply these on this target.
bool canMultiply(pack::LayoutAttr weight, pack::LayoutAttr input,
                 const target::TargetSpec &target);

/// Panels to take at once for tiles of `input.rows` rows, at most `limit`.
int64_t choosePanels(pack::LayoutAttr weight, pack::LayoutAttr input,
                     const target::TargetSpec &target, int64_t limit);

/// The loop over k; nothing of it touches memory that belongs to no group of
/// the K columns. Gives float vectors of kLanes outputs (weight rows),
/// [panel][row of the activation tile].
llvm::SmallVector<mlir::Value> emitMatmulTile(KernelBuilder &b,
                                              const MatmulTile &tile);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H
