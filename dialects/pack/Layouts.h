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

#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/PackDialect.h"
#include <set>
#include <string>
#include <utility>

namespace modelc::pack {

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
/// VPDPBUSD and of the B tile of TDPBSSD; Intel SDM vol. 2), quants of fewer
/// bits several quads a byte, scales apart. Signed bytes are stored
/// exclusive-or `flip` (0 or 0x80). Float types: one k of 16 rows after the
/// other. Null for types that have no such layout yet.
LayoutAttr getPanelLayout(mlir::MLIRContext *context, mlir::Type elementType,
                          int64_t flip);

/// The same for GPUs, whose sixteen lanes have a row each and load up to 16
/// bytes at once (GLOBAL_LOAD_DWORDX4; AMD, "CDNA3 Instruction Set
/// Architecture", 9.3): up to four words of a row's quads lie side by side. Of
/// block types only; others have their panel layout.
LayoutAttr getLanePanelLayout(mlir::MLIRContext *context,
                              mlir::Type elementType);

/// Panels of BF16 for matrix units: pairs of consecutive k, 32 of them a group,
/// so that a group is the B tile of TDPBF16PS (Intel SDM vol. 2).
LayoutAttr getPairPanelLayout(mlir::MLIRContext *context);

/// True for panels whose k come in pairs.
bool hasPairs(LayoutAttr panel);

/// What kernels unpack panels of a block type to, for many rows of activations
/// to share: in quads like the panel, a byte an element, ready to be
/// multiplied (what is added to the quant is up to the instruction set), then
/// the float scales of each sub-block and, if the type has minima, these.
/// Where `operandK` is 8 and not 4, octets take the place of quads: 16 bytes
/// hold 8 consecutive k of two rows, as SMMLA multiplies them (Arm Architecture
/// Reference Manual, DDI 0487, C7.2). Of types that join sub-blocks, operands
/// are products with subscales, or else the image `keepsSubscales` as floats.
LayoutAttr getImageLayout(LayoutAttr panel, int64_t operandK = 4,
                          bool keepsSubscales = false);

/// The same for TDPBF16PS: each operand is the true quant as a bf16 number, k
/// and k + 2 of a quad are pairs, as the words of a quad's bytes are, and a
/// group has two sub-blocks.
LayoutAttr getWidenedImageLayout(LayoutAttr panel);

/// True if panels of these block types, in rows of `columns` elements, are
/// worth such images: sub-blocks are as long as a row of a tile is, and fill
/// whole groups.
bool canWiden(llvm::ArrayRef<LayoutAttr> panels, int64_t columns);

/// Panels that one image for outer products holds side by side.
inline constexpr int64_t kOuterPanels = 4;

/// The image of kOuterPanels panels for the outer products of Apple AMX: pairs
/// of consecutive k of all rows, [32 pairs][64 rows][2] bytes, then floats as
/// in other images. Bytes are quants, or products with subscales, less
/// getOuterSums().center.
LayoutAttr getOuterImageLayout(LayoutAttr panel);

/// What kernels read of a quantised activation beside quants and scale.
struct ActivationNeeds {
  /// (offset, unit): -offset * sum(quants) of every `unit` elements, the start
  /// value of an integer dot product with quants that are `offset` too large.
  std::set<std::pair<int64_t, int64_t>> starts;
  /// unit: scale * sum(quants) of every `unit` elements, for minima.
  std::set<int64_t> sums;

  void add(const ActivationNeeds &other) {
    starts.insert(other.starts.begin(), other.starts.end());
    sums.insert(other.sums.begin(), other.sums.end());
  }
};

/// What a matmul with this block-quantised weight reads.
ActivationNeeds getActivationNeeds(LayoutAttr weight);

/// Names of the fields for these needs: "start8x32", "sum32".
std::string getStartField(int64_t offset, int64_t unit);
std::string getSumField(int64_t unit);

/// Activations quantised to int8 in blocks of kActivationBlock: tiles of
/// `rowTile` rows; for each block quants[8 quads][rowTile][4], then for each
/// of the needs [32 / unit][rowTile] words (int32 starts, float sums), then a
/// float scale per row.
LayoutAttr getQuantizedActivationLayout(mlir::MLIRContext *context,
                                        int64_t rowTile,
                                        const ActivationNeeds &needs);

/// The same for matrix units, which read a row's quants one behind the other
/// and weights that are true quants: quants[rowTile][32] instead of quads, and
/// no starts.
LayoutAttr getRowActivationLayout(mlir::MLIRContext *context, int64_t rowTile,
                                  const ActivationNeeds &needs);

/// True for layouts of the latter kind.
bool hasQuantRows(LayoutAttr activation);

/// Rows of a tile of quads for SME: a quad of all of them is a register of 512
/// bits.
inline constexpr int64_t kQuadTileRows = 16;

/// The layout of quads for matrix units that multiply these: tiles of
/// kQuadTileRows rows, and no starts, as weights are true quants.
LayoutAttr getQuadTileActivationLayout(mlir::MLIRContext *context,
                                       const ActivationNeeds &needs);

/// True for layouts of that kind.
bool hasQuadTiles(LayoutAttr activation);

/// The same for the matrix units of AMD's GPUs: groups fill cache lines of 128
/// bytes.
LayoutAttr getWaveTileActivationLayout(mlir::MLIRContext *context,
                                       const ActivationNeeds &needs);

/// True for layouts of that kind.
bool hasWaveTiles(LayoutAttr activation);

/// Rows of a tile of pairs for Apple AMX: a pair of all of them is a register
/// of 512 bits.
inline constexpr int64_t kPairTileRows = 32;

/// Quants in pairs of consecutive k, [16 pairs][kPairTileRows][2], with starts
/// that undo the centers of getOuterSums().
LayoutAttr getPairActivationLayout(mlir::MLIRContext *context,
                                   const ActivationNeeds &needs);

/// True for layouts of that kind.
bool hasQuantPairs(LayoutAttr activation);

/// What outer products with this block-quantised weight read.
ActivationNeeds getOuterNeeds(LayoutAttr weight);

/// The same with quants as bf16 numbers, the A tiles of TDPBF16PS, in the pairs
/// that widened images have.
LayoutAttr getWidenedActivationLayout(mlir::MLIRContext *context,
                                      int64_t rowTile,
                                      const ActivationNeeds &needs);

/// True for layouts of that kind.
bool hasWidenedQuants(LayoutAttr activation);

/// The needs that a layout of these kinds holds; nothing for other layouts.
std::optional<ActivationNeeds> getHeldNeeds(LayoutAttr activation);

/// Float activations in tiles of `rowTile` rows: values[k][rowTile].
LayoutAttr getFloatActivationLayout(mlir::MLIRContext *context,
                                    int64_t rowTile);

/// Activations as three bf16 parts each, for matrix units and panels of pairs:
/// for every 32 k three times parts[rowTile][32], the A tiles of TDPBF16PS.
LayoutAttr getPartActivationLayout(mlir::MLIRContext *context, int64_t rowTile);

/// True for layouts of that kind.
bool hasParts(LayoutAttr activation);

/// Keys of one head on one page of the cache: [keyDim][tokens], so that
/// scores of consecutive tokens lie in lanes. Row n is the token. Q8_0: quants
/// so, then scales [keyDim / 32][tokens]; null unless 32 divides keyDim.
LayoutAttr getKeyPageLayout(mlir::MLIRContext *context, mlir::Type elementType,
                            int64_t pageTokens, int64_t keyDim);

/// Values of one head on one page of the cache: [tokens][valueDim]. Q8_0:
/// quants so, then scales [tokens][valueDim / 32]; null unless 32 divides
/// valueDim.
LayoutAttr getValuePageLayout(mlir::MLIRContext *context,
                              mlir::Type elementType, int64_t pageTokens,
                              int64_t valueDim);

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_LAYOUTS_H
