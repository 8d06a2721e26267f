//===- RunMoves.cpp - Repacking as strided copies: doing the moves
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both directions of a move are one copy with two strides on each side:
//
//   to(r, c) = shift(from(r, c) & mask) ^ flip
//
// Each size of copy has its own loop. The one that almost all weights take,
// whole bytes that are contiguous along the columns on one side and along the
// rows on the other, is a transposition in registers. Tiles whose bits change
// places are for BytePlanes.cpp, save those that it does not take.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/MoveProgram.h"
#include "compiler/repack/Transpose.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <utility>

using namespace modelc;
using namespace modelc::repack;

namespace {

struct Copy {
  const uint8_t *from;
  int64_t fromRow, fromColumn; ///< Strides in bytes.
  uint8_t *to;
  int64_t toRow, toColumn;
  int64_t rows, columns;
  int shift;
  uint8_t mask, flip; ///< mask is of `from`, flip of `to`.

  const uint8_t *getFrom(int64_t r, int64_t c) const {
    return from + r * fromRow + c * fromColumn;
  }
  uint8_t *getTo(int64_t r, int64_t c) const {
    return to + r * toRow + c * toColumn;
  }

  /// The same copies with rows and columns exchanged.
  Copy getTransposed() const {
    Copy other = *this;
    std::swap(other.fromRow, other.fromColumn);
    std::swap(other.toRow, other.toColumn);
    std::swap(other.rows, other.columns);
    return other;
  }

  /// Of rows [beginRow, endRow) and columns [beginColumn, endColumn).
  Copy getPart(int64_t beginRow, int64_t endRow, int64_t beginColumn,
               int64_t endColumn) const {
    Copy part = *this;
    part.from = getFrom(beginRow, beginColumn);
    part.to = getTo(beginRow, beginColumn);
    part.rows = endRow - beginRow;
    part.columns = endColumn - beginColumn;
    return part;
  }
};

} // namespace

template <typename Word> static Word splat(uint8_t byte) {
  return static_cast<Word>(static_cast<Word>(~Word(0)) / 0xff * byte);
}

/// Bits cannot cross bytes: `mask` holds none that would.
template <typename Word> static Word moveBits(Word word, int shift) {
  return static_cast<Word>(shift >= 0 ? word << shift : word >> -shift);
}

static uint8_t moveByte(uint8_t byte, int shift) {
  return moveBits<uint8_t>(byte, shift);
}

/// Copies whole words.
template <typename Word> static void copyWords(const Copy &copy) {
  const Word flip = splat<Word>(copy.flip);
  for (int64_t c = 0; c < copy.columns; ++c)
    for (int64_t r = 0; r < copy.rows; ++r) {
      Word word;
      memcpy(&word, copy.getFrom(r, c), sizeof(Word));
      word ^= flip;
      memcpy(copy.getTo(r, c), &word, sizeof(Word));
    }
}

/// Transposes the square whose first copy is (r, c).
template <typename Word>
static void copySquare(const Copy &copy, int64_t r, int64_t c) {
  constexpr int64_t kWords = sizeof(Vector<Word>) / sizeof(Word);
  Vector<Word> square[kWords];
  for (int64_t i = 0; i < kWords; ++i)
    memcpy(&square[i], copy.getFrom(r + i, c), sizeof(Vector<Word>));
  zipRounds<Word, kWords>(square, llvm::ConstantLog2<kWords>());
  for (int64_t i = 0; i < kWords; ++i) {
    square[i] ^= splat<Word>(copy.flip);
    memcpy(copy.getTo(r, c + i), &square[i], sizeof(Vector<Word>));
  }
}

/// Copies whole words that lie side by side along the columns of `from` and
/// along the rows of `to`. The squares beside each other on the side with the
/// longer stride, which is that of a weight's rows, come last: sixteen rows
/// that lie 4096 bytes apart share one set of the first-level cache, which has
/// eight to twelve ways.
template <typename Word> static void transposeWords(const Copy &copy) {
  constexpr int64_t kWords = sizeof(Vector<Word>) / sizeof(Word);
  int64_t rows = copy.rows / kWords * kWords;
  int64_t columns = copy.columns / kWords * kWords;
  if (copy.fromRow > copy.toColumn) {
    for (int64_t r = 0; r < rows; r += kWords)
      for (int64_t c = 0; c < columns; c += kWords)
        copySquare<Word>(copy, r, c);
  } else {
    for (int64_t c = 0; c < columns; c += kWords)
      for (int64_t r = 0; r < rows; r += kWords)
        copySquare<Word>(copy, r, c);
  }
  copyWords<Word>(copy.getPart(0, rows, columns, copy.columns));
  copyWords<Word>(copy.getPart(rows, copy.rows, 0, copy.columns));
}

/// Adds the bits under the mask to what the destination has.
template <typename Word> static void copyBits(const Copy &copy) {
  const Word mask = splat<Word>(copy.mask), flip = splat<Word>(copy.flip);
  for (int64_t c = 0; c < copy.columns; ++c)
    for (int64_t r = 0; r < copy.rows; ++r) {
      Word word, old;
      memcpy(&word, copy.getFrom(r, c), sizeof(Word));
      memcpy(&old, copy.getTo(r, c), sizeof(Word));
      old |= moveBits<Word>(word & mask, copy.shift) ^ flip;
      memcpy(copy.getTo(r, c), &old, sizeof(Word));
    }
}

template <typename Word> static void copyOneSize(const Copy &copy) {
  constexpr int64_t kBytes = sizeof(Word);
  if (copy.shift != 0 || copy.mask != 0xff)
    return copyBits<Word>(copy);
  if (copy.fromColumn == kBytes && copy.toRow == kBytes)
    return transposeWords<Word>(copy);
  if (copy.fromRow == kBytes && copy.toColumn == kBytes)
    return transposeWords<Word>(copy.getTransposed());
  copyWords<Word>(copy);
}

static void copyLong(const Copy &copy, int64_t bytes) {
  if (copy.shift == 0 && copy.mask == 0xff && copy.flip == 0) {
    for (int64_t c = 0; c < copy.columns; ++c)
      for (int64_t r = 0; r < copy.rows; ++r)
        memcpy(copy.getTo(r, c), copy.getFrom(r, c), bytes);
    return;
  }
  Copy part = copy;
  for (; bytes >= 8; bytes -= 8, part.from += 8, part.to += 8)
    copyOneSize<uint64_t>(part);
  for (; bytes > 0; --bytes, ++part.from, ++part.to)
    copyOneSize<uint8_t>(part);
}

static void runCopy(const Copy &copy, int64_t bytes) {
  switch (bytes) {
  case 1:
    return copyOneSize<uint8_t>(copy);
  case 2:
    return copyOneSize<uint16_t>(copy);
  case 4:
    return copyOneSize<uint32_t>(copy);
  case 8:
    return copyOneSize<uint64_t>(copy);
  default:
    return copyLong(copy, bytes);
  }
}

void repack::packTile(const MoveProgram &program, const uint8_t *source,
                      int64_t rowBytes, uint8_t *packed) {
  if (!program.fillsPacked)
    memset(packed, 0, program.packedBytes);
  if (program.planes)
    return packPlanes(*program.planes, source, rowBytes, packed);
  for (const Move &m : program.moves) {
    Copy copy = {source + m.sourceOffset + m.firstRow * rowBytes,
                 rowBytes,
                 m.sourceColumn,
                 packed + m.packedOffset,
                 m.packedRow,
                 m.packedColumn,
                 m.rows,
                 m.columns,
                 m.shift,
                 m.mask,
                 m.flip};
    runCopy(copy, m.bytes);
  }
}

void repack::unpackTile(const MoveProgram &program, const uint8_t *packed,
                        uint8_t *source, int64_t rowBytes) {
  if (!program.fillsSource)
    for (int64_t n = 0; n < program.rows; ++n)
      memset(source + n * rowBytes, 0, program.sourceBytes);
  if (program.planes)
    return unpackPlanes(*program.planes, packed, source, rowBytes);
  for (const Move &m : program.moves) {
    Copy copy = {packed + m.packedOffset,
                 m.packedRow,
                 m.packedColumn,
                 source + m.sourceOffset + m.firstRow * rowBytes,
                 rowBytes,
                 m.sourceColumn,
                 m.rows,
                 m.columns,
                 -m.shift,
                 moveByte(m.mask, m.shift),
                 moveByte(m.flip, -m.shift)};
    runCopy(copy, m.bytes);
  }
}
