//===- MoveProgram.h - Repacking as strided copies
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is a rectangle of a matrix that starts on a group of both layouts. A
// move program says which bytes of a tile go where, and holds for every such
// tile of the matrix, in both directions.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_MOVEPROGRAM_H
#define MODELC_COMPILER_REPACK_MOVEPROGRAM_H

#include "compiler/repack/BytePlanes.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::repack {

/// rows x columns copies of `bytes` bytes. Copy (r, c) joins
///   source  sourceOffset + c * sourceColumn + (firstRow + r) * source row
///   packed  packedOffset + c * packedColumn + r * packedRow
/// and each packed byte takes the bits
///   shift(source & mask) ^ flip
/// where a positive shift is to the left. Other bits are not this move's.
struct Move {
  int64_t sourceOffset, packedOffset;
  int64_t bytes;
  int64_t firstRow, rows, packedRow;
  int64_t columns, sourceColumn, packedColumn;
  int8_t shift;
  uint8_t mask; ///< Of source bits.
  uint8_t flip; ///< Of packed bits, within the shifted mask.

  bool isPlain() const { return shift == 0 && mask == 0xff; }
};

/// The moves of one tile, or the planes that stand for them.
struct MoveProgram {
  llvm::SmallVector<Move> moves; ///< None if there are planes.
  /// If bits change places, and in the same way in all rows.
  std::optional<PlaneProgram> planes;
  int64_t rows;
  int64_t sourceBytes; ///< Of one row of the tile.
  int64_t packedBytes; ///< Of the tile.
  /// Whether every byte is written whole; if not, the tile needs zeros first.
  bool fillsPacked, fillsSource;

  /// Whether packing is copying one row's bytes.
  bool isCopy() const;
};

/// The program for a tile of `rows` x `k` elements. Expects a source layout of
/// one row a group, `rows` of at most the target's rows, and a `k` that ends
/// on a group of both layouts or with the matrix.
MoveProgram buildMoveProgram(pack::LayoutAttr source, pack::LayoutAttr target,
                             int64_t rows, int64_t k);

/// Writes the tile program.packedBytes at `packed` from rows that lie
/// `rowBytes` apart.
void packTile(const MoveProgram &program, const uint8_t *source,
              int64_t rowBytes, uint8_t *packed);

/// The inverse: writes program.sourceBytes of each row.
void unpackTile(const MoveProgram &program, const uint8_t *packed,
                uint8_t *source, int64_t rowBytes);

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_MOVEPROGRAM_H
