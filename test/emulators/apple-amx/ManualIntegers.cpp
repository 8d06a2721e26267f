//===- ManualIntegers.cpp - mac16, matint, vecint, each lane of Z by itself
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane of Z is known by its row and column; the description's pictures of
// cells tell which lanes of X and Y meet there, if any do.
//
//===----------------------------------------------------------------------===//

#include "Manual.h"

using namespace modelc::appleamx;
using namespace modelc::appleamx::manual;

static int64_t floorShift(int64_t value, uint64_t shift) {
  const int64_t unit = int64_t(1) << shift;
  const int64_t rest = ((value % unit) + unit) % unit;
  return (value - rest) / unit;
}

/// The table "ALU modes" of matint and vecint.
static uint64_t alu(uint64_t mode, uint64_t shift, int xWidth, int64_t x,
                    int64_t y, int64_t z) {
  const auto clamp = [](int64_t v) {
    return uint64_t(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
  };
  // Twice the product's high half, rounded: half of 2^16 is 2^15.
  const int64_t high = floorShift(x * y * 2 + 32768, 16);
  switch (mode) {
  case 0:
  case 8:
    return uint64_t(z + floorShift(x * y, shift));
  case 1:
    return uint64_t(z - floorShift(x * y, shift));
  case 2:
    return uint64_t(z + floorShift(x + y, shift));
  case 3:
    return uint64_t(z - floorShift(x + y, shift));
  case 5:
    return clamp(z + high);
  case 6:
    return clamp(z - high);
  case 9: {
    int equal = 0;
    for (int b = 0; b < xWidth; ++b)
      equal += ((x >> b) & 1) == ((y >> b) & 1);
    return uint64_t(z + equal);
  }
  case 10:
    return uint64_t(floorShift(x * y, shift));
  case 11:
    return uint64_t(z + floorShift(x, shift));
  default:
    return uint64_t(z + floorShift(y, shift));
  }
}

/// ALU mode 4, in place: bits 63, 58, 30, 29, 26.
static uint64_t narrowInPlace(uint64_t operand, uint64_t value, int from,
                              int to) {
  const uint64_t shift = bits(operand, 62, 58);
  int64_t number = extend(value, from, bits(operand, 63, 63));
  if (bits(operand, 29, 29) && shift > 0)
    number += int64_t(1) << (shift - 1);
  number = floorShift(number, shift);
  if (!bits(operand, 30, 30))
    return uint64_t(number);
  const bool isSigned = bits(operand, 26, 26);
  const int64_t high = (int64_t(1) << (isSigned ? to - 1 : to)) - 1;
  const int64_t low = isSigned ? -high - 1 : 0;
  return uint64_t(number < low ? low : number > high ? high : number);
}

namespace {
struct InPlaceRow {
  int z, to;
};
} // namespace

static InPlaceRow inPlaceRow(uint64_t operand, bool isVector) {
  const uint64_t mode = bits(operand, 45, 42);
  if (mode == 9 && isVector)
    return {8, 8};
  return mode == 3    ? InPlaceRow{32, 16}
         : mode == 4  ? InPlaceRow{32, 32}
         : mode == 10 ? InPlaceRow{32, 8}
         : mode == 11 ? InPlaceRow{16, 8}
                      : InPlaceRow{16, 16};
}

//===----------------------------------------------------------------------===//
// mac16
//===----------------------------------------------------------------------===//

void manual::mac16(Machine &machine, uint64_t operand) {
  const bool isVector = bits(operand, 63, 63);
  const bool isWide = !isVector && bits(operand, 62, 62);
  const uint64_t zRow = bits(operand, 25, 20);
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < (isWide ? 16 : 32); ++column) {
      if (isVector ? row != int(zRow) : !isWide && row % 2 != int(zRow % 2))
        continue;
      const int i = isWide ? 2 * column + row % 2 : column;
      const int j = isVector ? column : row / 2;
      if (!isEnabled7(bits(operand, 47, 46), bits(operand, 45, 41), i, 32))
        continue;
      if (!isVector &&
          !isEnabled7(bits(operand, 38, 37), bits(operand, 36, 32), j, 32))
        continue;
      const uint64_t xBits = ringLane(machine.x, bits(operand, 18, 10), i, 16);
      const uint64_t yBits = ringLane(machine.y, bits(operand, 8, 0), j, 16);
      const int64_t x = extend(xBits, bits(operand, 61, 61) ? 8 : 16, true);
      const int64_t y = extend(yBits, bits(operand, 60, 60) ? 8 : 16, true);
      const uint64_t skipped = bits(operand, 29, 28);
      const int64_t product = skipped == 0   ? x * y
                              : skipped == 1 ? x
                              : skipped == 2 ? y
                                             : 0;
      const int width = isWide ? 32 : 16;
      const uint64_t z =
          bits(operand, 27, 27) ? 0 : lane(machine.z[row], column, width);
      setLane(machine.z[row], column, width,
              z + uint64_t(floorShift(product, bits(operand, 59, 55))));
    }
}

//===----------------------------------------------------------------------===//
// matint
//===----------------------------------------------------------------------===//

namespace {
struct Widths {
  int x, y, z;
};
} // namespace

static Widths matintWidths(Chip chip, uint64_t operand, uint64_t mode) {
  const uint64_t width = bits(operand, 45, 42);
  if (mode == 8)
    return width == 10                       ? Widths{8, 8, 32}
           : width == 12 && chip == Chip::M3 ? Widths{8, 16, 32}
                                             : Widths{8, 8, 16};
  if (mode == 5 || mode == 6)
    return {16, 16, 16};
  if (mode == 9 && width == 4)
    return {32, 32, 32};
  return width == 3 ? Widths{16, 16, 32} : Widths{16, 16, 16};
}

static void matintInPlace(Machine &machine, uint64_t operand) {
  const InPlaceRow widths = inPlaceRow(operand, false);
  const int bytes = widths.z / 8, lanes = 64 / bytes;
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < lanes; ++column) {
      if (row % bytes != int(bits(operand, 21, 20)) % bytes)
        continue;
      const int masked = bits(operand, 25, 25) ? row / bytes : column;
      if (!isEnabled9(bits(operand, 40, 38), bits(operand, 37, 32), masked,
                      lanes))
        continue;
      const uint64_t value = lane(machine.z[row], column, widths.z);
      const bool isZero = bits(operand, 40, 32) == 3;
      setLane(machine.z[row], column, widths.z,
              isZero ? 0 : narrowInPlace(operand, value, widths.z, widths.to));
    }
}

/// A cell of Z is as high as a lane of Z is wide, if Z is wider than X or X is
/// of bytes, and there is one row for each lane of X in it; for 16-bit X and
/// wider Z two such rows belong to each lane of Y.
static void matintLane(const Machine &before, Machine &machine,
                       uint64_t operand, uint64_t mode, Widths widths, int row,
                       int column) {
  int i, yByte;
  if (widths.x == widths.z) {
    const int height = widths.z / 8;
    if (row % height != int(bits(operand, 21, 20)) % height)
      return;
    i = column;
    yByte = row / height * height;
  } else {
    const int perCell = widths.z / widths.x;
    i = column * perCell + row % perCell;
    yByte = row / perCell * perCell;
  }
  const int j = yByte * 8 / widths.y;
  const uint64_t maskMode = bits(operand, 40, 38);
  const uint64_t value = bits(operand, 37, 32);
  const bool isMaskOfY = bits(operand, 25, 25);
  if (isMaskOfY ? !isEnabled9(maskMode, value, j, 512 / widths.y)
                : !isEnabled9(maskMode, value, i, 512 / widths.x))
    return;
  const bool isOverridden = maskMode == 0 && (value == 4 || value == 5);
  const uint64_t xBits = sourceLane(before, operand, false, i, widths.x);
  const uint64_t yBits = sourceLane(before, operand, true, j, widths.y);
  const int64_t x = isOverridden && !isMaskOfY
                        ? 0
                        : extend(xBits, widths.x, bits(operand, 63, 63));
  const int64_t y = isOverridden && isMaskOfY
                        ? 0
                        : extend(yBits, widths.y, bits(operand, 26, 26));
  const int64_t z =
      extend(lane(before.z[row], column, widths.z), widths.z, true);
  const uint64_t result = alu(mode, bits(operand, 62, 58), widths.x, x, y, z);
  setLane(machine.z[row], column, widths.z,
          bits(operand, 40, 32) == 3 ? 0 : result);
}

void manual::matint(Machine &machine, Chip chip, uint64_t operand) {
  const bool isIndexed = bits(operand, 53, 53);
  if (bits(operand, 56, 55) || (!isIndexed && bits(operand, 54, 54)))
    return;
  const uint64_t mode =
      isIndexed ? bits(operand, 54, 54) * 8 : bits(operand, 52, 47);
  if (mode == 4)
    return matintInPlace(machine, operand);
  if (mode == 7 || mode > 9)
    return;
  const Machine before = machine;
  const Widths widths = matintWidths(chip, operand, mode);
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < 512 / widths.z; ++column)
      matintLane(before, machine, operand, mode, widths, row, column);
}

//===----------------------------------------------------------------------===//
// vecint
//===----------------------------------------------------------------------===//

static Widths vecintWidths(uint64_t operand, uint64_t mode) {
  if (mode == 5 || mode == 6)
    return {16, 16, 16};
  switch (bits(operand, 45, 42)) {
  case 3:
    return {16, 16, 32};
  case 10:
    return {8, 8, 32};
  case 11:
    return {8, 8, 16};
  case 12:
    return {8, 16, 32};
  case 13:
    return {16, 8, 32};
  default:
    return {16, 16, 16};
  }
}

static void vecintInPlace(Machine &machine, uint64_t operand) {
  const InPlaceRow widths = inPlaceRow(operand, true);
  Register &row = machine.z[bits(operand, 25, 20)];
  const uint64_t maskMode = bits(operand, 40, 38);
  for (int i = 0; i < 512 / widths.z; ++i) {
    if (maskMode != 1 &&
        !isEnabled9(maskMode, bits(operand, 37, 32), i, 512 / widths.z))
      continue;
    const bool isZero = bits(operand, 40, 32) == 3;
    setLane(row, i, widths.z,
            isZero ? 0
                   : narrowInPlace(operand, lane(row, i, widths.z), widths.z,
                                   widths.to));
  }
}

void manual::vecint(Machine &machine, Chip chip, uint64_t operand) {
  const bool isIndexed = bits(operand, 53, 53);
  const uint64_t mode = isIndexed ? 0 : bits(operand, 52, 47);
  const bool isKnown =
      mode < 7 || (mode >= 10 && mode <= 12 && chip != Chip::M1);
  if (bits(operand, 56, 54) || !isKnown)
    return;
  if (mode == 4)
    return vecintInPlace(machine, operand);
  const Widths widths = vecintWidths(operand, mode);
  const int narrow = widths.x < widths.y ? widths.x : widths.y;
  const uint64_t maskMode = bits(operand, 40, 38);
  const uint64_t value = bits(operand, 37, 32);
  for (int i = 0; i < 512 / narrow; ++i) {
    const int xLane = i * narrow / widths.x;
    int yLane = i * narrow / widths.y;
    if (maskMode == 1)
      yLane = int(value) % (512 / widths.y);
    else if (!isEnabled9(maskMode, value, xLane, 512 / widths.x) ||
             !isEnabled9(maskMode, value, yLane, 512 / widths.y))
      continue;
    const bool isFirst = maskMode == 0;
    const int64_t x =
        isFirst && value == 4
            ? 0
            : extend(sourceLane(machine, operand, false, xLane, widths.x),
                     widths.x, bits(operand, 63, 63));
    const int64_t y =
        isFirst && value == 5
            ? 0
            : extend(sourceLane(machine, operand, true, yLane, widths.y),
                     widths.y, bits(operand, 26, 26));
    // Lanes go round the rows of a group of one, two or four.
    const int group = widths.z / narrow;
    const int zRow = int(bits(operand, 25, 20));
    Register &row = machine.z[zRow - zRow % group + i % group];
    const int64_t z = extend(lane(row, i / group, widths.z), widths.z, true);
    const uint64_t result = alu(mode, bits(operand, 62, 58), widths.x, x, y, z);
    setLane(row, i / group, widths.z, isFirst && value == 3 ? 0 : result);
  }
}
