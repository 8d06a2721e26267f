//===- BytePlanes.h - Repacking of bits, sixteen rows at a time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where elements of less than a byte change places, a byte is made of bits of
// several. The sixteen bytes that the rows of a tile have at one place are a
// plane, one vector. Both sides of a tile are lists of planes, and
//
//   plane of `to` = OR of shift(plane of `from` & mask), ^ flip
//
// is a handful of vector instructions for sixteen rows, whatever the bits.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_BYTEPLANES_H
#define MODELC_COMPILER_REPACK_BYTEPLANES_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace modelc::repack {

/// What one packed byte takes from one byte of a source row.
struct Atom {
  int64_t row, source, packed;
  int shift;           ///< Positive shifts are to the left.
  unsigned mask, flip; ///< Of source bits, and of packed bits.
};

/// `bytes` consecutive planes: byte b of row r lies at offset + b + r * stride.
struct Strip {
  int64_t offset, stride, bytes;
};

/// Planes first .. first + count - 1 of one side, each made alike from planes
/// that follow one another on the other side.
struct Weave {
  struct Term {
    int64_t plane; ///< That the first takes from.
    int shift;
    uint8_t mask; ///< Of bits before the shift.

    bool operator==(const Term &other) const = default;
  };
  int64_t first, count;
  llvm::SmallVector<Term, 2> terms;
  uint8_t flip;
};

/// One tile, in both directions. The planes of the source are the bytes of its
/// rows.
struct PlaneProgram {
  int64_t rows, sourcePlanes, packedPlanes;
  llvm::SmallVector<Strip> packed; ///< In the order of their planes.
  std::vector<Weave> pack, unpack;
};

/// The program for the atoms of a tile of `rows` rows of `sourceBytes`. None if
/// rows are too many or take unlike ways, or if a tile has too many planes.
std::optional<PlaneProgram> buildPlaneProgram(llvm::ArrayRef<Atom> atoms,
                                              int64_t rows,
                                              int64_t sourceBytes);

/// As packTile() and unpackTile(). Bytes that no plane stands for are left.
void packPlanes(const PlaneProgram &program, const uint8_t *source,
                int64_t rowBytes, uint8_t *packed);
void unpackPlanes(const PlaneProgram &program, const uint8_t *packed,
                  uint8_t *source, int64_t rowBytes);

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_BYTEPLANES_H
