//===- Arithmetic.h - The arithmetic that Instructions.def speaks of
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding is to nearest even and denormals of all widths are kept, as LLVM
// sets the MODE register of kernels; the launch refuses other modes. Where
// AMD's documents give an approximation's error but no bits (v_exp_f32 and
// its like, 1 ULP), the result here is the correctly rounded one, denormals
// flushed on both sides, which is within that error.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_ARITHMETIC_H
#define MODELC_TEST_EMULATORS_AMDGPU_ARITHMETIC_H

#include "Lanes.h"

#include <bit>
#include <cmath>
#include <limits>

namespace modelc::amdgpu {

// Bits.

inline uint32_t bitCount(uint64_t a) { return uint32_t(std::popcount(a)); }
inline uint32_t reversed32(uint32_t a) { return __builtin_bitreverse32(a); }
inline uint64_t reversed64(uint64_t a) { return __builtin_bitreverse64(a); }
/// -1 where there is no such bit, like the next ones.
inline uint32_t firstOne32(uint32_t a) {
  return a ? uint32_t(std::countr_zero(a)) : ~0u;
}
inline uint32_t firstOne64(uint64_t a) {
  return a ? uint32_t(std::countr_zero(a)) : ~0u;
}
inline uint32_t leadingZeros32(uint32_t a) {
  return a ? uint32_t(std::countl_zero(a)) : ~0u;
}
inline uint32_t leadingZeros64(uint64_t a) {
  return a ? uint32_t(std::countl_zero(a)) : ~0u;
}
/// The number of leading bits that equal the sign; -1 if all do.
inline uint32_t leadingSigns32(uint32_t a) {
  return leadingZeros32(int32_t(a) < 0 ? ~a : a);
}

inline uint32_t field(uint32_t a, uint32_t begin, uint32_t width) {
  return uint32_t(uint64_t(a) >> begin & ((uint64_t(1) << width) - 1));
}
inline uint32_t signedField(uint32_t a, uint32_t begin, uint32_t width) {
  if (width == 0)
    return 0;
  if (begin + width >= 32)
    return uint32_t(int32_t(a) >> begin);
  return uint32_t(int32_t(a << (32 - begin - width)) >> (32 - width));
}
inline uint64_t field64(uint64_t a, uint32_t begin, uint32_t width) {
  return a >> begin & (width >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1);
}
inline uint64_t signedField64(uint64_t a, uint32_t begin, uint32_t width) {
  if (width == 0)
    return 0;
  if (begin + width >= 64)
    return uint64_t(int64_t(a) >> begin);
  return uint64_t(int64_t(a << (64 - begin - width)) >> (64 - width));
}

/// v_perm_b32: bytes 0-3 are those of b, 4-7 those of a, 8-11 signs of
/// halves, 12 is 0 and above is 0xff.
inline uint32_t bytesPermuted(uint32_t a, uint32_t b, uint32_t c) {
  const uint64_t bytes = uint64_t(a) << 32 | b;
  uint32_t result = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t select = c >> (8 * i) & 255;
    uint32_t byte;
    if (select < 8)
      byte = uint32_t(bytes >> (8 * select)) & 255;
    else if (select < 12)
      byte = bytes >> (16 * (select - 8) + 15) & 1 ? 255 : 0;
    else
      byte = select == 12 ? 0 : 255;
    result |= byte << (8 * i);
  }
  return result;
}

// Integers.

inline bool addOverflows(uint32_t a, uint32_t b) {
  int32_t sum;
  return __builtin_add_overflow(int32_t(a), int32_t(b), &sum);
}
inline bool subOverflows(uint32_t a, uint32_t b) {
  int32_t difference;
  return __builtin_sub_overflow(int32_t(a), int32_t(b), &difference);
}
inline uint32_t mulHighUnsigned(uint32_t a, uint32_t b) {
  return uint32_t(uint64_t(a) * b >> 32);
}
inline uint32_t mulHighSigned(uint32_t a, uint32_t b) {
  return uint32_t(int64_t(int32_t(a)) * int32_t(b) >> 32);
}
inline int32_t signed24(uint32_t a) { return int32_t(a << 8) >> 8; }
inline uint32_t unsigned24(uint32_t a) { return a & 0xffffff; }
template <class T> T least(T a, T b) { return a < b ? a : b; }
template <class T> T most(T a, T b) { return a > b ? a : b; }
template <class T> T middle(T a, T b, T c) {
  return most(least(a, b), least(most(a, b), c));
}

inline int32_t nearestInt32(int64_t a) {
  return int32_t(middle(a, INT64_C(-2147483648), INT64_C(2147483647)));
}

// Floats.

inline float quieted(float a) {
  return bitsAs<float>(bitsAs<uint32_t>(a) | 0x00400000);
}
inline double quieted(double a) {
  return bitsAs<double>(bitsAs<uint64_t>(a) | UINT64_C(1) << 51);
}
/// The smaller number; of a number and a NaN the number; -0 is below +0.
template <class T> T minNumber(T a, T b) {
  if (a != a)
    return b != b ? quieted(a) : b;
  if (b != b)
    return a;
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T> T maxNumber(T a, T b) {
  if (a != a)
    return b != b ? quieted(a) : b;
  if (b != b)
    return a;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
inline float minimumOrNan(float a, float b) {
  return a != a ? quieted(a) : b != b ? quieted(b) : minNumber(a, b);
}
inline float maximumOrNan(float a, float b) {
  return a != a ? quieted(a) : b != b ? quieted(b) : maxNumber(a, b);
}
/// With a NaN: the minimum of the three.
inline float middleFloat(float a, float b, float c) {
  if (a != a || b != b || c != c)
    return minNumber(minNumber(a, b), c);
  return maxNumber(minNumber(a, b), minNumber(maxNumber(a, b), c));
}

/// Towards zero, saturating; a NaN is 0.
template <class T> int32_t toInt32(T a) {
  if (a != a)
    return 0;
  if (a >= T(2147483648.0))
    return std::numeric_limits<int32_t>::max();
  return a <= T(-2147483648.0) ? std::numeric_limits<int32_t>::min()
                               : int32_t(a);
}
template <class T> uint32_t toUint32(T a) {
  if (!(a > 0))
    return 0;
  return a >= T(4294967296.0) ? ~0u : uint32_t(a);
}
inline int16_t toInt16(float a) {
  return int16_t(middle(toInt32(a), -32768, 32767));
}
inline uint16_t toUint16(float a) {
  return uint16_t(least(toUint32(a), 65535u));
}
inline uint32_t toUint8(float a) {
  return least(toUint32(std::nearbyint(a)), 255u);
}

/// The value as half, rounded towards zero.
inline uint16_t halfTowardsZero(float a) {
  const _Float16 nearest = _Float16(a);
  const uint16_t bits = bitsAs<uint16_t>(nearest);
  // An infinity that the value does not have is the largest number.
  return std::fabs(float(nearest)) > std::fabs(a) ? uint16_t(bits - 1) : bits;
}

/// A double that is rounded to odd, so that a further rounding to T with at
/// most 51 bits is the correct one.
inline double sumToOdd(double a, double b) {
  const double sum = a + b;
  const double other = sum - a;
  const double lost = (a - (sum - other)) + (b - other);
  uint64_t bits = bitsAs<uint64_t>(sum);
  if (lost == 0 || lost != lost || (bits & 1))
    return sum;
  bits += (lost > 0) == (sum > 0) ? 1 : -1;
  return bitsAs<double>(bits);
}
/// The half next to a value that is exact or rounded to odd.
inline _Float16 halfOf(double a) {
  float single = float(a);
  uint32_t bits = bitsAs<uint32_t>(single);
  if (a == a && double(single) != a && !std::isinf(single)) {
    // To odd: towards zero, then the last bit says that something is lost.
    if (std::fabs(double(single)) > std::fabs(a))
      --bits;
    bits |= 1;
    single = bitsAs<float>(bits);
  }
  return _Float16(single);
}
inline _Float16 fusedHalf(_Float16 a, _Float16 b, _Float16 c) {
  return halfOf(sumToOdd(double(a) * double(b), double(c)));
}

inline float bf16ToFloat(uint16_t a) {
  return bitsAs<float>(uint32_t(a) << 16);
}
/// Rounded to nearest even.
inline uint16_t floatToBf16(float a) {
  const uint32_t bits = bitsAs<uint32_t>(a);
  if (a != a)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float flushed(float a) {
  const uint32_t bits = bitsAs<uint32_t>(a);
  return (bits & 0x7f800000) == 0 ? bitsAs<float>(bits & 0x80000000) : a;
}
/// v_mad_f32, whatever MODE says: no denormals, the product is rounded.
inline float roundedTwice(float a, float b, float c) {
  return flushed(flushed(flushed(a) * flushed(b)) + flushed(c));
}
inline float hardwareExp2(float a) {
  return flushed(float(std::exp2(double(flushed(a)))));
}
inline float hardwareLog2(float a) {
  return flushed(float(std::log2(double(flushed(a)))));
}
inline float hardwareReciprocal(float a) { return flushed(1.0f / flushed(a)); }
inline float hardwareInverseRoot(float a) {
  return flushed(float(1.0 / std::sqrt(double(flushed(a)))));
}
inline float hardwareRoot(float a) { return flushed(std::sqrt(flushed(a))); }
/// Of whole turns, not radians.
inline float hardwareSine(float a) {
  const double turns = double(a) - std::floor(double(a));
  return float(std::sin(turns * 6.283185307179586));
}
inline float hardwareCosine(float a) {
  const double turns = double(a) - std::floor(double(a));
  return float(std::cos(turns * 6.283185307179586));
}

/// In [0, 1): a - floor(a), below 1 also where that rounds up to it.
inline float fraction(float a) {
  return minNumber(a - std::floor(a), bitsAs<float>(0x3f7fffffu));
}
inline float scaled(float a, int32_t exponent) {
  return std::ldexp(a, exponent);
}
inline float significand(float a) {
  int exponent;
  return std::isfinite(a) ? std::frexp(a, &exponent) : a;
}
inline int32_t exponentOf(float a) {
  int exponent = 0;
  if (std::isfinite(a))
    std::frexp(a, &exponent);
  return exponent;
}
/// v_div_fixup_f32: `a` is the computed quotient of c / b.
inline float divisionFixed(float a, float b, float c) {
  const uint32_t sign =
      (bitsAs<uint32_t>(b) ^ bitsAs<uint32_t>(c)) & 0x80000000;
  if (c != c)
    return quieted(c);
  if (b != b)
    return quieted(b);
  if ((b == 0 && c == 0) || (std::isinf(b) && std::isinf(c)))
    return bitsAs<float>(0xffc00000u);
  if (b == 0 || std::isinf(c))
    return bitsAs<float>(sign | 0x7f800000);
  if (std::isinf(b) || c == 0)
    return bitsAs<float>(sign);
  return bitsAs<float>((bitsAs<uint32_t>(a) & 0x7fffffff) | sign);
}

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_ARITHMETIC_H
