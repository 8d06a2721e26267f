//===- ManualFloats.cpp - fma16 to fms64, matfp, vecfp, in integers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A finite number is sign, integer, power of two. A product and a sum are
// exact in a wide enough integer whose last bit is the smallest product of the
// format; then one rounding.
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include "WideInteger.h"

using namespace modelc::appleamx;
using namespace modelc::appleamx::manual;

namespace {

struct Layout {
  int width, fractionBits, bias;

  int exponentBits() const { return width - 1 - fractionBits; }
  uint64_t exponentOnes() const { return (uint64_t(1) << exponentBits()) - 1; }
  uint64_t infinity() const { return exponentOnes() << fractionBits; }
  uint64_t nan() const {
    return infinity() | uint64_t(1) << (fractionBits - 1);
  }
  uint64_t signBit() const { return uint64_t(1) << (width - 1); }
  /// The power of two of the last bit of subnormals.
  int lowest() const { return 1 - bias - fractionBits; }
};

struct Number {
  bool isNan, isInfinite, isNegative;
  uint64_t integer;
  int power;
};

} // namespace

static Layout layoutOf(Format format) {
  switch (format) {
  case Format::Half:
    return {16, 10, 15};
  case Format::Single:
    return {32, 23, 127};
  default:
    return {64, 52, 1023};
  }
}

static Number unpack(Layout layout, uint64_t value) {
  const uint64_t fraction = value & ((uint64_t(1) << layout.fractionBits) - 1);
  const uint64_t exponent =
      value >> layout.fractionBits & layout.exponentOnes();
  Number number = {};
  number.isNegative = (value & layout.signBit()) != 0;
  number.isNan = exponent == layout.exponentOnes() && fraction != 0;
  number.isInfinite = exponent == layout.exponentOnes() && fraction == 0;
  number.integer =
      exponent == 0 ? fraction : fraction | uint64_t(1) << layout.fractionBits;
  number.power = layout.lowest() + (exponent == 0 ? 0 : int(exponent) - 1);
  return number;
}

/// Rounds `integer` * 2^power, which is not 0 and may have bits below those of
/// the format.
template <int kBits>
static uint64_t pack(Layout layout, bool isNegative,
                     const WideInteger<kBits> &integer, int power) {
  // The power of two of the last bit that is kept.
  int last = integer.top() + power - layout.fractionBits;
  if (last < layout.lowest())
    last = layout.lowest();
  const int dropped = last - power;
  uint64_t kept = 0;
  for (int i = 0; i <= layout.fractionBits; ++i)
    if (integer.bit(dropped + i))
      kept |= uint64_t(1) << i;
  const bool isHalfOrMore = dropped > 0 && integer.bit(dropped - 1);
  if (isHalfOrMore && (kept % 2 == 1 || integer.anyBelow(dropped - 1)))
    ++kept;
  // Adding, as the integer's leading bit counts one exponent.
  uint64_t result =
      kept + (uint64_t(last - layout.lowest()) << layout.fractionBits);
  if (result > layout.infinity())
    result = layout.infinity();
  return result | (isNegative ? layout.signBit() : 0);
}

template <int kBits>
static uint64_t exactFma(Layout xy, uint64_t xBits, uint64_t yBits, Layout to,
                         uint64_t zBits) {
  const Number x = unpack(xy, xBits), y = unpack(xy, yBits);
  const Number z = unpack(to, zBits);
  const bool isNegative = x.isNegative != y.isNegative;
  const bool isInfinite = x.isInfinite || y.isInfinite;
  const auto isZero = [](const Number &n) {
    return !n.isNan && !n.isInfinite && n.integer == 0;
  };
  if (x.isNan || y.isNan || z.isNan || (isInfinite && (isZero(x) || isZero(y))))
    return to.nan();
  if (isInfinite && z.isInfinite && isNegative != z.isNegative)
    return to.nan();
  if (isInfinite || z.isInfinite)
    return to.infinity() |
           ((isInfinite ? isNegative : z.isNegative) ? to.signBit() : 0);
  const int unit =
      2 * xy.lowest() < to.lowest() ? 2 * xy.lowest() : to.lowest();
  using Wide = WideInteger<kBits>;
  const Wide product = Wide::shifted((unsigned __int128)x.integer * y.integer,
                                     x.power + y.power - unit);
  const Wide addend = Wide::shifted(z.integer, z.power - unit);
  if (product.isZero() && addend.isZero())
    return isNegative && z.isNegative ? to.signBit() : 0;
  if (isNegative == z.isNegative)
    return pack(to, isNegative, product + addend, unit);
  const int order = product.compare(addend);
  if (order == 0)
    return 0;
  return order > 0 ? pack(to, isNegative, product - addend, unit)
                   : pack(to, z.isNegative, addend - product, unit);
}

uint64_t manual::fma(Format xyFormat, uint64_t x, uint64_t y, Format zFormat,
                     uint64_t z) {
  const Layout xy = layoutOf(xyFormat), to = layoutOf(zFormat);
  // From the smallest product's last bit to the largest product's first, and
  // one for the sum: 2 * (24 + 16), 2 * (149 + 128), 2 * (1074 + 1024), + 2.
  if (zFormat == Format::Double)
    return exactFma<4224>(xy, x, y, to, z);
  return exactFma<576>(xy, x, y, to, z);
}

static uint64_t oneOf(Format format) {
  const Layout layout = layoutOf(format);
  return uint64_t(layout.bias) << layout.fractionBits;
}

static uint64_t negated(Format format, uint64_t value) {
  return value ^ layoutOf(format).signBit();
}

static uint64_t sum(Format format, uint64_t a, uint64_t b) {
  return manual::fma(format, a, oneOf(format), format, b);
}

/// Plus a zero of the product's sign, which changes nothing.
static uint64_t product(Format format, uint64_t a, uint64_t b) {
  return manual::fma(format, a, b, format,
                     (a ^ b) & layoutOf(format).signBit());
}

uint64_t manual::convert(Format from, uint64_t value, Format to) {
  const Layout layout = layoutOf(to);
  const Number number = unpack(layoutOf(from), value);
  const uint64_t sign = number.isNegative ? layout.signBit() : 0;
  if (number.isNan)
    return layout.nan();
  if (number.isInfinite)
    return layout.infinity() | sign;
  if (number.integer == 0)
    return sign;
  return pack(layout, number.isNegative,
              WideInteger<64>::shifted(number.integer, 0), number.power);
}

bool manual::isNan(Format format, uint64_t value) {
  return unpack(layoutOf(format), value).isNan;
}

int manual::compare(Format format, uint64_t a, uint64_t b) {
  // As sign and magnitude.
  const uint64_t sign = layoutOf(format).signBit();
  const auto ordered = [&](uint64_t v) {
    const auto magnitude = __int128(v & ~sign);
    return v & sign ? -magnitude : magnitude;
  };
  return (ordered(a) > ordered(b)) - (ordered(a) < ordered(b));
}

//===----------------------------------------------------------------------===//
// fma, fms
//===----------------------------------------------------------------------===//

/// The tables of bits 27 to 29.
static uint64_t fmaLane(Format format, bool isSubtracting, uint64_t skipped,
                        uint64_t x, uint64_t y, uint64_t z) {
  const auto signedOf = [&](uint64_t value) {
    return isSubtracting ? negated(format, value) : value;
  };
  switch (skipped) {
  case 0:
    return manual::fma(format, signedOf(x), y, format, z);
  case 1:
    return product(format, signedOf(x), y);
  case 2:
    return sum(format, signedOf(x), z);
  case 3:
    return signedOf(x);
  case 4:
    return sum(format, signedOf(y), z);
  case 5:
    return signedOf(y);
  case 6:
    return z;
  default:
    return signedOf(0);
  }
}

void manual::fma(Machine &machine, Format format, bool isSubtracting,
                 uint64_t operand) {
  const bool isVector = bits(operand, 63, 63);
  const bool isWide =
      format == Format::Half && !isVector && bits(operand, 62, 62);
  const int xyWidth = int(format), zWidth = isWide ? 32 : int(format);
  const Format zFormat = isWide ? Format::Single : format;
  const int lanes = 512 / xyWidth, zRow = int(bits(operand, 25, 20));
  // fma32 has halves in its place of 32 bits; fma16 with f32 in all its lanes.
  const bool isXHalf =
      isWide || (format == Format::Single && bits(operand, 61, 61));
  const bool isYHalf =
      isWide || (format == Format::Single && bits(operand, 60, 60));
  const auto read = [&](const Pool &pool, uint64_t offset, int at,
                        bool isHalf) {
    const uint64_t value = ringLane(pool, offset, at, xyWidth);
    return isHalf ? convert(Format::Half, value & 0xffff, Format::Single)
                  : value;
  };
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < 512 / zWidth; ++column) {
      const int height = zWidth / 8;
      if (isVector ? row != zRow : !isWide && row % height != zRow % height)
        continue;
      const int i = isWide ? 2 * column + row % 2 : column;
      const int j = isVector ? i : isWide ? row / 2 : row / height;
      if (!isEnabled7(bits(operand, 47, 46), bits(operand, 45, 41), i, lanes))
        continue;
      if (!isVector &&
          !isEnabled7(bits(operand, 38, 37), bits(operand, 36, 32), j, lanes))
        continue;
      setLane(machine.z[row], column, zWidth,
              fmaLane(zFormat, isSubtracting, bits(operand, 29, 27),
                      read(machine.x, bits(operand, 18, 10), i, isXHalf),
                      read(machine.y, bits(operand, 8, 0), j, isYHalf),
                      lane(machine.z[row], column, zWidth)));
    }
}

//===----------------------------------------------------------------------===//
// matfp, vecfp
//===----------------------------------------------------------------------===//

/// The tables "ALU modes".
static uint64_t alu(uint64_t mode, Format format, uint64_t x, uint64_t y,
                    uint64_t z) {
  const Layout layout = layoutOf(format);
  const bool isAnyNan = isNan(format, x) || isNan(format, z);
  switch (mode) {
  case 0:
    return manual::fma(format, x, y, format, z);
  case 1:
    return manual::fma(format, negated(format, x), y, format, z);
  case 4:
    return !isNan(format, x) && compare(format, x, 0) <= 0 ? 0 : y;
  case 5:
  case 7: {
    if (isAnyNan)
      return layout.nan();
    const int order = compare(format, x, z);
    if (order == 0) // Zeros may differ in sign: or, and of the bits.
      return mode == 5 ? x | z : x & z;
    return (order < 0) == (mode == 5) ? x : z;
  }
  case 10:
    return product(format, x, y);
  case 11:
    return sum(format, x, z);
  default:
    return sum(format, y, z);
  }
}

namespace {
struct Formats {
  Format xy, z;
};
} // namespace

static Formats formatsOf(uint64_t operand) {
  switch (bits(operand, 45, 42)) {
  case 3:
    return {Format::Half, Format::Single};
  case 4:
    return {Format::Single, Format::Single};
  case 7:
    return {Format::Double, Format::Double};
  default:
    return {Format::Half, Format::Half};
  }
}

static uint64_t floatLane(const Machine &machine, uint64_t operand, bool isY,
                          int at, Formats formats) {
  const uint64_t value = sourceLane(machine, operand, isY, at, int(formats.xy));
  return formats.xy == formats.z ? value
                                 : convert(formats.xy, value, formats.z);
}

void manual::matfp(Machine &machine, uint64_t operand) {
  const uint64_t mode = bits(operand, 53, 53) ? 0 : bits(operand, 52, 47);
  if (bits(operand, 56, 54) || (mode != 0 && mode != 1 && mode != 4))
    return;
  const Formats formats = formatsOf(operand);
  const int xyBytes = int(formats.xy) / 8, zWidth = int(formats.z);
  const int lanes = 64 / xyBytes, ratio = zWidth / int(formats.xy);
  const uint64_t xMode = bits(operand, 40, 38), xValue = bits(operand, 36, 32);
  const uint64_t yMode = bits(operand, 25, 23), yValue = bits(operand, 62, 58);
  for (int row = 0; row < 64; ++row)
    for (int column = 0; column < 512 / zWidth; ++column) {
      if (ratio == 1 && row % xyBytes != int(bits(operand, 22, 20)) % xyBytes)
        continue;
      const int i = ratio == 1 ? column : 2 * column + row % 2;
      const int j = row / xyBytes;
      if (!isEnabled9(xMode, xValue, i, lanes) ||
          !isEnabled9(yMode, yValue, j, lanes))
        continue;
      const auto is = [](uint64_t m, uint64_t v, uint64_t low, uint64_t high) {
        return m == 0 && v >= low && v <= high;
      };
      const uint64_t x = is(xMode, xValue, 4, 5)
                             ? 0
                             : floatLane(machine, operand, false, i, formats);
      const uint64_t y = is(yMode, yValue, 4, 5)
                             ? 0
                             : floatLane(machine, operand, true, j, formats);
      const bool isZero = is(xMode, xValue, 3, 3) || is(yMode, yValue, 3, 3);
      const uint64_t z = lane(machine.z[row], column, zWidth);
      setLane(machine.z[row], column, zWidth,
              isZero ? 0 : alu(mode, formats.z, x, y, z));
    }
}

void manual::vecfp(Machine &machine, Chip chip, uint64_t operand) {
  const uint64_t mode = bits(operand, 53, 53) ? 0 : bits(operand, 52, 47);
  const bool isKnown = mode == 0 || mode == 1 || mode == 4 || mode == 5 ||
                       mode == 7 ||
                       (mode >= 10 && mode <= 12 && chip != Chip::M1);
  if (bits(operand, 56, 54) || !isKnown)
    return;
  const Formats formats = formatsOf(operand);
  const int lanes = 512 / int(formats.xy), zWidth = int(formats.z);
  const int group = zWidth / int(formats.xy);
  const uint64_t maskMode = bits(operand, 40, 38);
  const uint64_t value = bits(operand, 36, 32);
  for (int i = 0; i < lanes; ++i) {
    if (maskMode != 1 && !isEnabled9(maskMode, value, i, lanes))
      continue;
    const int j = maskMode == 1 ? int(value) % lanes : i;
    const uint64_t x = maskMode == 0 && value == 4
                           ? 0
                           : floatLane(machine, operand, false, i, formats);
    const uint64_t y = maskMode == 0 && value == 5
                           ? 0
                           : floatLane(machine, operand, true, j, formats);
    const int zRow = int(bits(operand, 25, 20));
    Register &row = machine.z[zRow - zRow % group + i % group];
    const uint64_t z = lane(row, i / group, zWidth);
    setLane(row, i / group, zWidth,
            maskMode == 0 && value == 3 ? 0 : alu(mode, formats.z, x, y, z));
  }
}
