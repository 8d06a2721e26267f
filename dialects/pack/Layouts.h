//===- Layouts.h - The catalogue of layouts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every layout that modelc knows is made here, as a `#pack.layout` value.
// docs/layouts.md draws each one.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_LAYOUTS_H
#define MODELC_DIALECTS_PACK_LAYOUTS_H

#include "dialects/pack/PackDialect.h"

namespace modelc::pack {

/// Names of fields that packers and kernels agree on.
inline constexpr llvm::StringLiteral kValues = "values"; ///< Plain numbers.
inline constexpr llvm::StringLiteral kQuants = "quants"; ///< Integers.
inline constexpr llvm::StringLiteral kScale = "scale";   ///< Of one block.

/// Rows of one panel: the output elements that lie in the lanes of one
/// vector, on every target.
inline constexpr int64_t kPanelRows = 16;

/// Elements of an activation block that shares one scale (docs/numerics.md).
inline constexpr int64_t kActivationBlock = 32;

/// Bytes on whose multiples expert matrices start.
inline constexpr int64_t kExpertAlign = 4096;

/// The layout of a GGUF tensor with this element type, one row a group. Null
/// for types that have no layout yet.
LayoutAttr getMappedLayout(mlir::MLIRContext *context, mlir::Type elementType);

/// Panels of kPanelRows rows. Block types: k in quads of 4 bytes, so that one
/// 64-byte vector holds 4 consecutive k of 16 rows (the operand order of
/// VPDPBUSD and of the B tile of TDPBSSD; Intel SDM vol. 2), nibbles two
/// quads a byte, scales apart. Signed bytes are stored exclusive-or `flip`
/// (0 or 0x80). Float types: one k of 16 rows after the other. Null for types
/// that have no such layout yet.
LayoutAttr getPanelLayout(mlir::MLIRContext *context, mlir::Type elementType,
                          int64_t flip);

/// What the stored quants of a packed block type exceed the true ones by: 8
/// for q4_0, 128 for q8_0 with flip 0x80, 0 for signed quants.
int64_t getQuantOffset(LayoutAttr layout);

/// Field of a quantised activation that holds -offset * sum(quants) of each
/// block, the start value of an integer dot product with quants stored
/// `offset` too large: "start8".
std::string getStartField(int64_t offset);

/// Activations quantised to int8 in blocks of kActivationBlock: tiles of
/// `rowTile` rows; for each block quants[8 quads][rowTile][4], then an int32
/// start value per row for each of `offsets` (ascending, positive), then a
/// float scale per row.
LayoutAttr getQuantizedActivationLayout(mlir::MLIRContext *context,
                                        int64_t rowTile,
                                        llvm::ArrayRef<int64_t> offsets);

/// Float activations in tiles of `rowTile` rows: values[k][rowTile].
LayoutAttr getFloatActivationLayout(mlir::MLIRContext *context,
                                    int64_t rowTile);

/// Keys of one head on one page of the cache: [keyDim][tokens], so that
/// scores of consecutive tokens lie in lanes. Row n is the token.
LayoutAttr getKeyPageLayout(mlir::MLIRContext *context, mlir::Type elementType,
                            int64_t pageTokens, int64_t keyDim);

/// Values of one head on one page of the cache: [tokens][valueDim].
LayoutAttr getValuePageLayout(mlir::MLIRContext *context,
                              mlir::Type elementType, int64_t pageTokens,
                              int64_t valueDim);

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_LAYOUTS_H
