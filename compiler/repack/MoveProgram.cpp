//===- MoveProgram.cpp - Repacking as strided copies: finding the moves
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The index maps are asked for every element of a tile once, and what they say
// is joined step by step. Q8_0 into groups of 16 rows x 64 k, one group:
//
//   elements   1024 quants, 32 scales
//   atoms      row 3: source byte 2 -> packed byte 12, byte 3 -> 13, ...
//   runs       row 3: source bytes 2..5 -> packed bytes 12..15, ...
//   moves      16 rows x 8 columns of 4 bytes, twice;
//              16 rows x 2 columns of 2 bytes
//
// If bits change places, or many bytes without neighbours, BytePlanes.h takes
// the atoms in place of the last two steps, as long as all rows are alike.
//
// Assumes verified layouts. Nothing is assumed of their maps: what does not
// join stays apart, and is slower but right.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/MoveProgram.h"
#include <algorithm>
#include <tuple>

using namespace modelc;
using namespace modelc::pack;
using namespace modelc::repack;

/// Atoms that agree in this move bits alike.
static auto getKind(const Atom &a) {
  return std::make_tuple(a.row, a.shift, a.mask, a.flip);
}

/// Atoms that agree in this join the same two bytes.
static auto getPlace(const Atom &a) {
  return std::make_tuple(a.row, a.source, a.packed, a.shift);
}

static void addAtoms(FieldAttr from, FieldAttr to, int64_t row,
                     int64_t sourceBit, int64_t packedBit,
                     std::vector<Atom> &atoms) {
  uint64_t flip = from.getFlip() ^ to.getFlip();
  int64_t source = sourceBit / 8, packed = packedBit / 8;
  if (int64_t bytes = from.getBits() / 8) {
    for (int64_t i = 0; i < bytes; ++i)
      atoms.push_back({row, source + i, packed + i, 0, 0xff,
                       static_cast<unsigned>(flip >> (8 * i) & 0xff)});
    return;
  }
  int sourceShift = sourceBit % 8, packedShift = packedBit % 8;
  unsigned ones = (1u << from.getBits()) - 1;
  atoms.push_back({row, source, packed, packedShift - sourceShift,
                   ones << sourceShift,
                   static_cast<unsigned>(flip) << packedShift});
}

static std::vector<Atom> collectAtoms(LayoutAttr source, LayoutAttr target,
                                      int64_t rows, int64_t tileK) {
  auto getBit = [](LayoutAttr layout, FieldAttr field, int64_t n, int64_t k) {
    return k / layout.getK() * layout.getBytes() * 8 +
           layout.getBitOffset(field.getName(), n, k);
  };
  std::vector<Atom> atoms;
  for (auto from : source.getFields().getAsRange<FieldAttr>()) {
    FieldAttr to = target.getField(from.getName());
    for (int64_t k = 0; k < tileK; k += from.getUnit()) {
      int64_t sourceBit = getBit(source, from, 0, k);
      for (int64_t n = 0; n < rows; ++n)
        addAtoms(from, to, n, sourceBit, getBit(target, to, n, k), atoms);
    }
  }
  return atoms;
}

/// Joins atoms between the same two bytes, so that both nibbles of a byte that
/// move together become a whole byte.
static void joinBits(std::vector<Atom> &atoms) {
  llvm::sort(atoms, [](const Atom &a, const Atom &b) {
    return getPlace(a) < getPlace(b);
  });
  size_t last = 0;
  for (size_t i = 1; i < atoms.size(); ++i) {
    if (getPlace(atoms[i]) == getPlace(atoms[last])) {
      atoms[last].mask |= atoms[i].mask;
      atoms[last].flip |= atoms[i].flip;
    } else {
      atoms[++last] = atoms[i];
    }
  }
  atoms.resize(last + 1);
}

/// Joins consecutive bytes. The result is one list of moves of one row and one
/// column per row.
static std::vector<std::vector<Move>> joinBytes(std::vector<Atom> &atoms,
                                                int64_t rows) {
  llvm::sort(atoms, [](const Atom &a, const Atom &b) {
    return std::make_tuple(getKind(a), a.source) <
           std::make_tuple(getKind(b), b.source);
  });
  std::vector<std::vector<Move>> runs(rows);
  const Atom *previous = nullptr;
  for (const Atom &a : atoms) {
    if (previous && getKind(*previous) == getKind(a) &&
        previous->source + 1 == a.source && previous->packed + 1 == a.packed)
      ++runs[a.row].back().bytes;
    else
      runs[a.row].push_back({a.source, a.packed, 1, a.row, 1, 0, 1, 0, 0,
                             static_cast<int8_t>(a.shift),
                             static_cast<uint8_t>(a.mask),
                             static_cast<uint8_t>(a.flip)});
    previous = &a;
  }
  return runs;
}

static bool isAlike(const Move &a, const Move &b) {
  return a.bytes == b.bytes && a.shift == b.shift && a.mask == b.mask &&
         a.flip == b.flip;
}

/// Joins the lists of all rows into one if they differ only in packed offsets
/// that grow evenly with the row; otherwise puts them one behind the other.
static std::vector<Move> joinRows(std::vector<std::vector<Move>> runs) {
  std::vector<Move> joined = runs[0];
  int64_t rows = runs.size();
  for (Move &move : joined) {
    size_t i = &move - joined.data();
    move.rows = rows;
    if (rows > 1 && i < runs[1].size())
      move.packedRow = runs[1][i].packedOffset - move.packedOffset;
  }
  bool isEven = llvm::all_of(runs, [&](const std::vector<Move> &row) {
    int64_t n = &row - runs.data();
    if (row.size() != joined.size())
      return false;
    return llvm::all_of(llvm::zip(joined, row), [&](auto pair) {
      auto &[first, other] = pair;
      return isAlike(first, other) &&
             first.sourceOffset == other.sourceOffset &&
             first.packedOffset + n * first.packedRow == other.packedOffset;
    });
  });
  if (isEven)
    return joined;
  joined.clear();
  for (std::vector<Move> &row : runs)
    joined.insert(joined.end(), row.begin(), row.end());
  return joined;
}

/// Joins moves whose offsets grow evenly into columns of one. Scales lie
/// between quants in the source, so moves are put together by size first.
static llvm::SmallVector<Move> joinColumns(std::vector<Move> moves) {
  auto key = [](const Move &m) {
    return std::make_tuple(m.firstRow, m.bytes, m.shift, m.mask, m.flip,
                           m.sourceOffset);
  };
  llvm::sort(moves,
             [&](const Move &a, const Move &b) { return key(a) < key(b); });
  llvm::SmallVector<Move> joined;
  for (const Move &move : moves) {
    if (!joined.empty()) {
      Move &last = joined.back();
      int64_t n = last.columns;
      int64_t source = move.sourceOffset - last.sourceOffset;
      int64_t packed = move.packedOffset - last.packedOffset;
      bool isNext = n == 1 || (source == n * last.sourceColumn &&
                               packed == n * last.packedColumn);
      if (isNext && isAlike(last, move) && last.firstRow == move.firstRow &&
          last.rows == move.rows && last.packedRow == move.packedRow) {
        last.sourceColumn = source / n;
        last.packedColumn = packed / n;
        ++last.columns;
        continue;
      }
    }
    joined.push_back(move);
  }
  return joined;
}

/// True if more than a quarter of the tile are moves of single bytes that make
/// no square to transpose: planes of bytes are faster then.
static bool hasLooseBytes(llvm::ArrayRef<Move> moves, int64_t packedBytes) {
  constexpr int64_t kSquare = 16;
  int64_t loose = 0;
  for (const Move &move : moves)
    if (move.bytes == 1 && move.columns < kSquare)
      loose += move.rows * move.columns;
  return loose * 4 > packedBytes;
}

bool MoveProgram::isCopy() const {
  return rows == 1 && !planes && moves.size() == 1 && moves[0].columns == 1 &&
         moves[0].isPlain() && moves[0].flip == 0 &&
         moves[0].bytes == sourceBytes && sourceBytes == packedBytes;
}

MoveProgram repack::buildMoveProgram(LayoutAttr source, LayoutAttr target,
                                     int64_t rows, int64_t k) {
  std::vector<Atom> atoms = collectAtoms(source, target, rows, k);
  joinBits(atoms);
  int64_t wholeBytes =
      llvm::count_if(atoms, [](const Atom &a) { return a.mask == 0xff; });
  MoveProgram program;
  program.rows = rows;
  program.sourceBytes = source.getGroupsPerPanel(k) * source.getBytes();
  program.packedBytes = target.getGroupsPerPanel(k) * target.getBytes();
  program.moves = joinColumns(joinRows(joinBytes(atoms, rows)));
  if (wholeBytes != static_cast<int64_t>(atoms.size()) ||
      hasLooseBytes(program.moves, program.packedBytes))
    program.planes = buildPlaneProgram(atoms, rows, program.sourceBytes);
  if (program.planes) {
    program.moves.clear();
    // Every plane is written whole, bits that nothing goes to as zeros.
    program.fillsPacked =
        program.planes->packedPlanes * rows == program.packedBytes;
    program.fillsSource = true;
    return program;
  }
  program.fillsPacked = wholeBytes == program.packedBytes;
  program.fillsSource = wholeBytes == program.sourceBytes * rows;
  return program;
}
