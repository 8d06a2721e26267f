//===- Statements.h - What an instruction does, said for one lane
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_STATEMENTS_H
#define MODELC_TEST_EMULATORS_AMDGPU_STATEMENTS_H

#include "Bench.h"

#include <bit>
#include <cmath>

namespace modelc::amdgpu {

inline float f(uint32_t bits) { return std::bit_cast<float>(bits); }
inline uint32_t u(float value) { return std::bit_cast<uint32_t>(value); }
inline uint32_t u(double value) { return u(float(value)); }
inline bool isNan(uint32_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }
inline int32_t s(uint32_t bits) { return int32_t(bits); }

/// a = v0, b = v1, c = v2, d = the old v3.
struct Inputs {
  uint32_t a, b, c, d;
};

/// Of floats, or of both halves, all NaN are alike.
enum Kind { Integer, Float, Halves };

/// An instruction whose result is v3.
struct Row {
  const char *gfx9, *gfx11; ///< assembler text; null: not there
  uint32_t (*state)(const Inputs &in);
  Kind kind = Integer;
  const char *gfx10 = nullptr; ///< where gfx11's does not do
};

#define STATE(expression)                                                      \
  [](const Inputs &in) -> uint32_t {                                           \
    [[maybe_unused]] const uint32_t a = in.a, b = in.b, c = in.c, d = in.d;    \
    return expression;                                                         \
  }
#define BOTH(text) text, text

inline uint32_t bits(uint32_t word, uint32_t high, uint32_t low) {
  return uint32_t((uint64_t(word) >> low) &
                  ((uint64_t(1) << (high - low + 1)) - 1));
}
/// The halves of a word. A double holds sums and products of them exactly, or
/// well enough to round once more.
inline double half(uint32_t bits) {
  return double(std::bit_cast<_Float16>(uint16_t(bits)));
}
inline double low(uint32_t word) { return half(word); }
inline double high(uint32_t word) { return half(word >> 16); }
inline uint32_t pair(double low, double high) {
  return std::bit_cast<uint16_t>(_Float16(low)) |
         uint32_t(std::bit_cast<uint16_t>(_Float16(high))) << 16;
}
inline bool isNanHalf(uint32_t bits) { return (bits & 0x7fff) > 0x7c00; }
/// Whether two results are the same.
inline bool same(Kind kind, uint32_t a, uint32_t b) {
  if (kind == Float)
    return a == b || (isNan(a) && isNan(b));
  if (kind == Integer)
    return a == b;
  for (uint32_t shift : {0, 16})
    if (((a >> shift ^ b >> shift) & 0xffff) &&
        !(isNanHalf(a >> shift) && isNanHalf(b >> shift)))
      return false;
  return true;
}
/// The number of the two, as IEEE 754-2008 maxNum and minNum.
inline uint32_t numberMax(uint32_t a, uint32_t b) {
  return isNan(a) ? b : isNan(b) ? a : u(std::fmax(f(a), f(b)));
}
inline uint32_t numberMin(uint32_t a, uint32_t b) {
  return isNan(a) ? b : isNan(b) ? a : u(std::fmin(f(a), f(b)));
}
inline uint32_t roundedToInt(uint32_t a, double low, double high) {
  if (isNan(a))
    return 0;
  const double value = std::trunc(double(f(a)));
  return uint32_t(int64_t(value < low ? low : value > high ? high : value));
}
inline uint32_t saturated(int64_t value) {
  return value < -2147483648LL  ? 0x80000000
         : value > 2147483647LL ? 0x7fffffff
                                : uint32_t(value);
}
/// Executes the row's instruction on random registers, with a random EXEC, and
/// compares all lanes. A chip that does not have it is left out.
void testRow(Bench &bench, const Row &row);

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_STATEMENTS_H
