//===- ManualLanes.cpp - Lanes, masks, shuffles, moves, tables
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include <algorithm>

using namespace modelc::appleamx;
using namespace modelc::appleamx::manual;

uint64_t manual::ringLane(const Pool &pool, uint64_t offset, int lane,
                          int width) {
  uint64_t value = 0;
  for (int i = width / 8 - 1; i >= 0; --i) {
    const uint64_t at = (offset + uint64_t(lane * width / 8 + i)) & 511;
    value = value << 8 | pool.registers[at >> 6].bytes[at & 63];
  }
  return value;
}

uint64_t manual::lane(const Register &row, int lane, int width) {
  uint64_t value = 0;
  for (int i = width / 8 - 1; i >= 0; --i)
    value = value << 8 | row.bytes[lane * width / 8 + i];
  return value;
}

void manual::setLane(Register &row, int lane, int width, uint64_t value) {
  for (int i = 0; i < width / 8; ++i)
    row.bytes[lane * width / 8 + i] = uint8_t(value >> 8 * i);
}

int64_t manual::extend(uint64_t value, int width, bool isSigned) {
  if (width == 64)
    return int64_t(value);
  value &= (uint64_t(1) << width) - 1;
  const bool isNegative = isSigned && (value >> (width - 1)) != 0;
  return int64_t(value) - (isNegative ? int64_t(1) << width : 0);
}

bool manual::isEnabled9(uint64_t mode, uint64_t value, int lane, int lanes) {
  const int n = int(value) % lanes;
  switch (mode) {
  case 0:
    return value == 0 || (value == 1 && lane % 2 == 1) ||
           (value == 2 && lane % 2 == 0) || (value >= 3 && value <= 5);
  case 1:
    return lane == n;
  case 2:
    return n == 0 || lane < n;
  case 3:
    return n == 0 || lane >= lanes - n;
  case 4:
    return lane < n;
  case 5:
    return lane >= lanes - n;
  default:
    return false;
  }
}

bool manual::isEnabled7(uint64_t mode, uint64_t value, int lane, int lanes) {
  return isEnabled9(mode, value, lane, lanes) && !(mode == 0 && value > 2);
}

/// Where lane `at` comes from, by the tables of shuffles: read along, the
/// lanes of S1 step by half of all, of S2 by a quarter, of S3 by an eighth.
static int shuffledFrom(uint64_t shuffle, int at, int lanes) {
  const int step = lanes >> shuffle;
  int from = 0;
  for (int i = 0; i < at; ++i) {
    from += step;
    if (from >= lanes)
      from -= lanes - 1;
  }
  return from;
}

uint64_t manual::sourceLane(const Machine &machine, uint64_t operand, bool isY,
                            int lane, int width) {
  const Pool &pool = isY ? machine.y : machine.x;
  const uint64_t offset = isY ? bits(operand, 8, 0) : bits(operand, 18, 10);
  const uint64_t shuffle = isY ? bits(operand, 28, 27) : bits(operand, 30, 29);
  const int from = shuffledFrom(shuffle, lane, 512 / width);
  const bool isIndexed =
      bits(operand, 53, 53) && (bits(operand, 47, 47) != 0) == isY;
  if (!isIndexed)
    return ringLane(pool, offset, from, width);
  const int indexBits = bits(operand, 48, 48) ? 4 : 2;
  const int bit = from * indexBits;
  const uint64_t byte = ringLane(pool, offset, bit / 8, 8);
  const int index = int(byte >> bit % 8) & ((1 << indexBits) - 1);
  return manual::lane(pool.registers[bits(operand, 51, 49)],
                      index % (512 / width), width);
}

//===----------------------------------------------------------------------===//
// extrx, extry, extrh, extrv
//===----------------------------------------------------------------------===//

namespace {

/// One row of the table "Lane widths": widths in bits; the distance of rows.
struct WidthsRow {
  int mode;
  int xy, z, rows;
};
constexpr WidthsRow kIntWidths[] = {{0, 8, 8, 0},   {8, 32, 32, 0},
                                    {9, 16, 32, 1}, {10, 16, 32, 2},
                                    {11, 8, 32, 1}, {13, 8, 16, 1}};
constexpr WidthsRow kFloatWidths[] = {
    {1, 64, 64, 0}, {8, 32, 32, 0}, {9, 16, 32, 1}, {10, 16, 32, 2}};

} // namespace

static WidthsRow widthsOf(Chip chip, uint64_t operand) {
  const int mode = int(bits(operand, 14, 11));
  WidthsRow result = {mode, 16, 16, 0};
  if (bits(operand, 63, 63)) {
    for (const WidthsRow &row : kFloatWidths)
      if (row.mode == mode && (row.xy == row.z || chip != Chip::M1))
        result = row;
  } else {
    for (const WidthsRow &row : kIntWidths)
      if (row.mode == mode)
        result = row;
  }
  return result;
}

/// "Right shift", "rounding", "saturate", and the signs of extr*.
static uint64_t narrow(uint64_t operand, uint64_t value, int from, int to) {
  const bool isInSigned = bits(operand, 57, 57),
             isOutSigned = bits(operand, 56, 56);
  const int shift = int(bits(operand, 62, 58));
  __int128 number = extend(value, from, isInSigned);
  if (bits(operand, 54, 54) && shift > 0)
    number += __int128(1) << (shift - 1);
  // Floor.
  const __int128 unit = __int128(1) << shift;
  number = (number - ((number % unit + unit) % unit)) / unit;
  if (bits(operand, 55, 55)) {
    const __int128 high = (__int128(1) << (isOutSigned ? to - 1 : to)) - 1;
    const __int128 low = isOutSigned ? -high - 1 : 0;
    number = std::min(high, std::max(low, number));
  }
  return uint64_t(number);
}

/// The 64 bytes that go to X or Y, and which of them.
namespace {
struct Moved {
  Register value;
  uint64_t enabledBytes;
};
} // namespace

static Moved movedWide(const Machine &machine, Chip chip, bool isRow,
                       uint64_t operand) {
  const WidthsRow widths = widthsOf(chip, operand);
  const int lanes = 512 / widths.xy, ratio = widths.z / widths.xy;
  const int z = int(bits(operand, 25, 20)), zBytes = widths.z / 8;
  const uint64_t mode = bits(operand, 40, 38), value = bits(operand, 37, 32);
  Moved moved = {{}, 0};
  for (int i = 0; i < lanes; ++i) {
    // Rows of one cell begin at a multiple of the bytes of Z's lanes.
    const int inCell = (z + i % ratio * widths.rows) % zBytes;
    const int row = ratio == 1 && isRow ? z
                    : isRow ? z / zBytes * zBytes + inCell
                            : i * widths.xy / 8 / zBytes * zBytes + inCell;
    const int column = isRow ? i / ratio : z / zBytes;
    uint64_t found = lane(machine.z[row], column, widths.z);
    if (ratio > 1)
      found = bits(operand, 63, 63)
                  ? convert(Format::Single, found, Format::Half)
                  : narrow(operand, found, widths.z, widths.xy);
    if (mode == 0 && value == 3)
      found = 0;
    setLane(moved.value, i, widths.xy, found);
    if (isEnabled9(mode, value, i, lanes))
      for (int b = 0; b < widths.xy / 8; ++b)
        moved.enabledBytes |= uint64_t(1) << (i * widths.xy / 8 + b);
  }
  return moved;
}

static Moved movedPlain(const Machine &machine, bool isRow, uint64_t operand) {
  const int z = int(bits(operand, 25, 20));
  const int bytes = std::max(2, 8 >> bits(operand, 29, 28));
  const uint64_t mode = isRow ? bits(operand, 47, 46) : bits(operand, 38, 37);
  const uint64_t value = isRow ? bits(operand, 45, 41) : bits(operand, 36, 32);
  Moved moved = {{}, 0};
  for (int b = 0; b < 64; ++b) {
    const int cellRow = b / bytes * bytes + z % bytes;
    moved.value.bytes[b] =
        isRow ? machine.z[z].bytes[b]
              : machine.z[cellRow].bytes[z / bytes * bytes + b % bytes];
    const bool isMasked = bits(operand, 29, 28) == 3 && b % 2 == 1;
    if (isEnabled7(mode, value, b / bytes, 64 / bytes) && !isMasked)
      moved.enabledBytes |= uint64_t(1) << b;
  }
  return moved;
}

void manual::extr(Machine &machine, Chip chip, bool isRow, uint64_t operand) {
  if (!bits(operand, 26, 26) && bits(operand, 27, 27)) {
    if (isRow)
      machine.x.registers[bits(operand, 18, 16)] =
          machine.y.registers[bits(operand, 22, 20)];
    else
      machine.y.registers[bits(operand, 8, 6)] =
          machine.x.registers[bits(operand, 22, 20)];
    return;
  }
  const bool isWide = bits(operand, 26, 26);
  const Moved moved = isWide ? movedWide(machine, chip, isRow, operand)
                             : movedPlain(machine, isRow, operand);
  const bool isToY = isWide ? bits(operand, 10, 10) != 0 : !isRow;
  const uint64_t offset =
      !isWide && isRow ? bits(operand, 18, 10) : bits(operand, 8, 0);
  Pool &pool = isToY ? machine.y : machine.x;
  for (int b = 0; b < 64; ++b)
    if (moved.enabledBytes >> b & 1) {
      const uint64_t at = (offset + uint64_t(b)) & 511;
      pool.registers[at >> 6].bytes[at & 63] = moved.value.bytes[b];
    }
}

//===----------------------------------------------------------------------===//
// genlut
//===----------------------------------------------------------------------===//

/// table > source, in the type of a generate mode.
static bool isAbove(uint64_t mode, uint64_t table, uint64_t source) {
  constexpr Format kFormats[] = {Format::Single, Format::Half, Format::Double};
  if (mode <= 2)
    return !isNan(kFormats[mode], table) && !isNan(kFormats[mode], source) &&
           compare(kFormats[mode], table, source) > 0;
  const int width = mode % 2 == 1 ? 32 : 16;
  const bool isSigned = mode <= 4;
  return extend(table, width, isSigned) > extend(source, width, isSigned);
}

void manual::genlut(Machine &machine, uint64_t operand) {
  constexpr int kWidths[] = {32, 16, 64, 32, 16, 32, 16, 32,
                             16, 8,  64, 32, 16, 8,  16, 8};
  constexpr int kIndexBits[] = {4, 5, 4, 4, 5, 4, 5, 2, 2, 2, 4, 4, 4, 4, 5, 5};
  const uint64_t mode = bits(operand, 56, 53);
  const int width = kWidths[mode], indexBits = kIndexBits[mode];
  const int lanes = 512 / width;
  const Register table = (bits(operand, 59, 59) ? machine.y : machine.x)
                             .registers[bits(operand, 62, 60)];
  const Pool &source = bits(operand, 10, 10) ? machine.y : machine.x;
  const uint64_t offset = bits(operand, 8, 0);
  // Lanes are written one after the other, bit by bit.
  Register result = {};
  for (int i = 0; i < lanes; ++i) {
    if (mode > 6) {
      int index = 0;
      for (int b = 0; b < indexBits; ++b) {
        const int at = i * indexBits + b;
        index |= int(ringLane(source, offset, at / 8, 8) >> at % 8 & 1) << b;
      }
      setLane(result, i, width, lane(table, index % lanes, width));
      continue;
    }
    int index = -1;
    for (int v = lanes - 1; v >= 0; --v)
      if (isAbove(mode, lane(table, v, width),
                  ringLane(source, offset, i, width)))
        index = v - 1;
    for (int b = 0; b < indexBits; ++b) {
      const int at = i * indexBits + b;
      const bool isClear = width == 64 && b == 3;
      result.bytes[at / 8] |= uint8_t((isClear ? 0 : index >> b & 1) << at % 8);
    }
  }
  if (mode > 6 && bits(operand, 26, 26))
    machine.z[bits(operand, 25, 20)] = result;
  else
    (bits(operand, 25, 25) ? machine.y : machine.x)
        .registers[bits(operand, 22, 20)] = result;
}
