//===- MatmulTile.h - The register tile of a matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H
#define MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H

#include "compiler/codegen/common/IntDot.h"
#include "dialects/pack/PackDialect.h"
#include <optional>

namespace modelc::codegen {

/// `panels` consecutive panels of weights times one row tile of activations.
struct MatmulTile {
  pack::LayoutAttr panel; ///< The weight's.
  /// Where weightBase points to: panels of this layout, or their images.
  pack::LayoutAttr weight;
  pack::LayoutAttr input;
  int64_t columns;        ///< K of a panel, or of an image.
  int64_t panels;         ///< At least 1.
  mlir::Value weightBase; ///< First byte of the first panel.
  mlir::Value inputBase;  ///< First byte of the row tile.
  /// Rows that the first panel has, i64, at least 1; other lanes repeat the
  /// last. Null if it has kLanes, as all but mapped weights have.
  mlir::Value panelRows;
  mlir::Value products; ///< As DotBlock has it, for the first step.
  /// A group of rows: how many from inputBase on, and how far apart the
  /// products of two steps are. 0: all rows of the tile.
  int64_t groupRows = 0;
  int64_t productStepBytes = 0;
  /// The rows that `IntDot::emit` has sums of; unset: all, or the group's.
  std::optional<RowShare> share = std::nullopt;
};

/// The part of the columns that a loop over k takes: `steps` whole steps, then
/// `rest` elements.
struct ColumnRange {
  mlir::Value steps; ///< i64, or null for none.
  int64_t rest = 0;
};

/// Elements of k that one turn of a loop over panels of this layout takes: two
/// blocks of activations, so that the code stays small however long the groups
/// are; or a group, if that cannot be divided so.
int64_t getStep(pack::LayoutAttr weight);

/// All of `columns` columns.
ColumnRange getWholeRange(KernelBuilder &b, pack::LayoutAttr weight,
                          int64_t columns);

/// True if emitMatmulTile can multiply these on this target.
bool canMultiply(pack::LayoutAttr weight, pack::LayoutAttr input,
                 const target::TargetSpec &target);

/// Panels, as they lie in memory, to take at once for tiles of `input.rows`
/// rows: at most `limit`.
int64_t choosePanels(pack::LayoutAttr weight, pack::LayoutAttr input,
                     const target::TargetSpec &target, int64_t limit);

/// Adds the products of `range` to `sums`, zeros at first: float vectors of
/// kLanes outputs (weight rows), [panel][row of the activation tile]. Nothing
/// of it touches memory that belongs to no group of the columns.
llvm::SmallVector<mlir::Value> emitMatmulTile(KernelBuilder &b,
                                              const MatmulTile &tile,
                                              const ColumnRange &range,
                                              mlir::ValueRange sums);

/// The first `elements` columns of step `step` alone.
llvm::SmallVector<mlir::Value> emitTileStep(KernelBuilder &b,
                                            const MatmulTile &tile,
                                            mlir::Value step, int64_t elements,
                                            mlir::ValueRange sums);

/// sums[sum] = fma(x, y, sums[sum]): float vectors of kLanes.
struct TileLink {
  int64_t sum;
  mlir::Value x, y;
};

/// What a whole step of a block type adds, in the order of the chains.
llvm::SmallVector<TileLink>
emitTileLinks(KernelBuilder &b, const MatmulTile &tile, mlir::Value step);

/// Calls `body` for the steps of `range` that the kernel's DPP row has of those
/// of its work-group, on CPUs for all.
void forEachOwnStep(
    KernelBuilder &b, int64_t step, const ColumnRange &range,
    llvm::function_ref<void(mlir::Value number, int64_t elements)> body);

/// The layout of a panel's image that is multiplied by such activations.
pack::LayoutAttr getImageLayout(const target::TargetSpec &target,
                                pack::LayoutAttr panel, pack::LayoutAttr input);

/// How far apart two panels have this field: in images that lie one behind the
/// other, or side by side in one that they share.
int64_t getImageStride(pack::LayoutAttr image, llvm::StringRef field,
                       int64_t imageColumns);

/// Panels of a block type, one behind the other, to be unpacked to images, or
/// to the image that they share.
struct UnpackTile {
  pack::LayoutAttr panel;
  pack::LayoutAttr input; ///< What the images are multiplied by.
  int64_t columns;        ///< K of a panel.
  int64_t imageColumns;   ///< K of an image.
  int64_t panels;
  mlir::Value base;  ///< First step of the first panel.
  mlir::Value image; ///< First byte of the first image.
};

/// Unpacks `range` of each panel to the beginning of its image. Both begin
/// with a group.
void emitUnpack(KernelBuilder &b, const UnpackTile &tile,
                const ColumnRange &range);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_MATMULTILE_H
