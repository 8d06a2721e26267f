//===- ImageMatmul.h - Panels unpacked once for many row tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_IMAGEMATMUL_H
#define MODELC_COMPILER_CODEGEN_COMMON_IMAGEMATMUL_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// `panels` consecutive panels of one weight, block-quantised or, for a unit of
/// outer products, of floats, times consecutive row tiles of activations.
struct ImageMatmul {
  pack::LayoutAttr panel;
  pack::LayoutAttr input;
  int64_t columns;        ///< K.
  int64_t imageColumns;   ///< Columns that are unpacked at once.
  int64_t panels;         ///< At least 1.
  mlir::Value weightBase; ///< First byte of the first panel.
  mlir::Value inputBase;  ///< First byte of the first row tile.
  mlir::Value rowTiles;   ///< How many, i64.
  mlir::Value rows;       ///< Rows that these have, i64, or null: all.
  /// Scratch for the images of `panels` panels of `imageColumns` columns.
  mlir::Value image;
  mlir::Value products; ///< As DotBlock has it.
  mlir::Value zeros;    ///< Scratch of the matmul's getZeroBytes().
  /// Scratch for the sums, f32 [row tile][panel][row of the tile][kLanes].
  mlir::Value sums;
};

/// Leaves the sums of all row tiles in `sums`: with the same bits as
/// emitMatmulTile would give.
void emitImageMatmul(KernelBuilder &b, const ImageMatmul &matmul);

/// Calls `body` for the row tiles that the kernel's wave has of those of its
/// work-group, on CPUs for all.
void forEachOwnRowTile(KernelBuilder &b, mlir::Value rowTiles,
                       llvm::function_ref<void(mlir::Value)> body);

/// First byte of the sums of row tile `rowTile`.
mlir::Value getImageSums(KernelBuilder &b, const ImageMatmul &matmul,
                         mlir::Value rowTile);

/// The sums of row tile `rowTile`, [panel][row of the part's share].
llvm::SmallVector<mlir::Value>
loadImageSums(KernelBuilder &b, const ImageMatmul &matmul, mlir::Value rowTile);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_IMAGEMATMUL_H
