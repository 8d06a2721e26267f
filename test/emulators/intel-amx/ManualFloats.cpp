//===- ManualFloats.cpp - Float arithmetic of the SDM in integers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include <bit>
#include <cmath>

namespace modelc::manual {
namespace {

constexpr uint32_t kNan = 0x7FC00000, kInfinity = 0x7F800000;

struct Parts {
  bool negative, nan, infinite;
  uint32_t fraction; ///< with the implicit bit; 0: the value is zero
  int exponent;      ///< value = fraction * 2^exponent
};

Parts split(uint32_t bits) {
  const uint32_t exponent = bits >> 23 & 255, fraction = bits & 0x7FFFFF;
  Parts parts = {};
  parts.negative = bits >> 31;
  parts.nan = exponent == 255 && fraction;
  parts.infinite = exponent == 255 && !fraction;
  if (exponent > 0 && exponent < 255) // DAZ: a denormal is a zero.
    parts.fraction = fraction | 0x800000;
  parts.exponent = int(exponent) - 150;
  return parts;
}

/// A magnitude whose highest bit is bit 100, so that 100 bits of the smaller
/// addend survive; what is shifted out is or-ed into bit 0.
struct Magnitude {
  unsigned __int128 value = 0;
  int exponent = 0;

  Magnitude(uint64_t fraction, int scale) : value(fraction), exponent(scale) {
    while (value && !(value >> 100)) {
      value <<= 1;
      --exponent;
    }
  }
  void shiftRight(int count) {
    for (; count > 0 && value > 1; --count)
      value = value >> 1 | (value & 1);
  }
};

/// Rounds value * 2^exponent to 24 bits, as if exponents had no limits, and
/// then applies the limits: FTZ, and infinity.
uint32_t round(bool negative, unsigned __int128 value, int exponent) {
  const uint32_t sign = negative ? 0x80000000 : 0;
  int dropped = 0;
  while (value >> (24 + dropped))
    ++dropped;
  while (!(value >> 23)) {
    value <<= 1;
    --exponent;
  }
  unsigned __int128 kept = value >> dropped;
  if (dropped) {
    const unsigned __int128 half = static_cast<unsigned __int128>(1)
                                   << (dropped - 1);
    const unsigned __int128 rest = value - (kept << dropped);
    if (rest > half || (rest == half && kept & 1))
      ++kept;
  }
  exponent += dropped;
  if (kept == 0x1000000) {
    kept >>= 1;
    ++exponent;
  }
  const int biased = exponent + 150;
  if (biased < 1)
    return sign;
  if (biased > 254)
    return sign | kInfinity;
  return sign | uint32_t(biased) << 23 | (uint32_t(kept) & 0x7FFFFF);
}

uint32_t addExactly(bool productNegative, uint64_t product, int scale,
                    const Parts &c, uint32_t cBits) {
  if (!product && !c.fraction)
    return productNegative && c.negative ? 0x80000000 : 0;
  if (!product)
    return cBits;
  Magnitude p(product, scale), q(c.fraction, c.exponent);
  if (!c.fraction)
    return round(productNegative, p.value, p.exponent);
  const int exponent = std::max(p.exponent, q.exponent);
  p.shiftRight(exponent - p.exponent);
  q.shiftRight(exponent - q.exponent);
  if (productNegative == c.negative)
    return round(c.negative, p.value + q.value, exponent);
  if (p.value == q.value)
    return 0;
  return p.value > q.value ? round(productNegative, p.value - q.value, exponent)
                           : round(c.negative, q.value - p.value, exponent);
}

} // namespace

uint32_t fp32Fma(uint32_t aBits, uint32_t bBits, uint32_t cBits) {
  const Parts a = split(aBits), b = split(bBits), c = split(cBits);
  const bool negative = a.negative != b.negative;
  if (a.nan || b.nan || c.nan)
    return kNan;
  if (a.infinite || b.infinite) {
    const bool zeroTimesInfinity =
        (!a.infinite && !a.fraction) || (!b.infinite && !b.fraction);
    if (zeroTimesInfinity || (c.infinite && c.negative != negative))
      return kNan;
    return (negative ? 0x80000000 : 0) | kInfinity;
  }
  if (c.infinite)
    return cBits;
  return addExactly(negative, uint64_t(a.fraction) * b.fraction,
                    a.exponent + b.exponent, c, cBits);
}

uint32_t fp32Add(uint32_t a, uint32_t b) {
  return fp32Fma(a, std::bit_cast<uint32_t>(1.0f), b);
}

uint32_t convertFp16ToFp32(uint16_t x) {
  const uint32_t sign = uint32_t(x & 0x8000) << 16;
  const int exponent = x >> 10 & 31, fraction = x & 1023;
  if (exponent == 31)
    return sign | kInfinity | uint32_t(fraction) << 13;
  const float value = exponent
                          ? std::ldexp(float(1024 + fraction), exponent - 25)
                          : std::ldexp(float(fraction), -24);
  return sign | std::bit_cast<uint32_t>(value);
}

uint32_t makeFp32(uint16_t bfloat16) { return uint32_t(bfloat16) << 16; }

uint16_t convertFp32ToBfloat16(uint32_t x) {
  const Parts parts = split(x);
  if (!parts.nan && !parts.infinite && !parts.fraction)
    return uint16_t((x & 0x80000000) >> 16);
  if (parts.infinite)
    return uint16_t(x >> 16);
  if (parts.nan)
    return uint16_t(x >> 16) | 1 << 6;
  const uint32_t lsb = x >> 16 & 1;
  const uint32_t roundingBias = 0x7FFF + lsb;
  return uint16_t((x + roundingBias) >> 16);
}

bool sameFp32(uint32_t a, uint32_t b) {
  return a == b || (split(a).nan && split(b).nan);
}

} // namespace modelc::manual
