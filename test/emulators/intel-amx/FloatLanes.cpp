//===- FloatLanes.cpp - Float arithmetic under an MXCSR of its own
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Assumes FMA and F16C, which every CPU with AVX2 has. NaNs: which of two NaN
// operands survives is what this machine's fma does, which may differ from a
// tile unit's choice.
//
//===----------------------------------------------------------------------===//

#include "FloatLanes.h"
#include <immintrin.h>
#include <string.h>

namespace modelc::amxemu {

/// All exceptions masked (1F80H), flush to zero (bit 15), denormals are zeros
/// (bit 6), rounding to nearest even (bits 14:13 = 0).
static constexpr uint32_t kFlushMxcsr = 0x1F80 | 1 << 15 | 1 << 6;

FlushScope::FlushScope() : before(_mm_getcsr()) { _mm_setcsr(kFlushMxcsr); }

FlushScope::~FlushScope() { _mm_setcsr(before); }

void multiplyAdd(FloatLanes &sum, float a, const FloatLanes &b) {
  FloatLanes all;
  for (uint32_t n = 0; n < kLanes; ++n)
    all[n] = a;
  sum = __builtin_elementwise_fma(all, b, sum);
}

void addPairs(FloatLanes &sum, const FloatLanes &a, const FloatLanes &b) {
  sum = sum + (a + b);
}

float multiplyAdd(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

float widenF16(uint16_t half) { return _cvtsh_ss(half); }

float widenBf16(uint16_t half) {
  const uint32_t bits = uint32_t(half) << 16;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

Pairs widenBf16Pairs(const uint8_t row[4 * kLanes]) {
  DwordLanes bits;
  memcpy(&bits, row, sizeof(bits));
  const DwordLanes even = bits << 16, odd = bits & 0xFFFF0000;
  Pairs pairs;
  memcpy(&pairs.even, &even, sizeof(even));
  memcpy(&pairs.odd, &odd, sizeof(odd));
  return pairs;
}

Pairs widenF16Pairs(const uint8_t row[4 * kLanes]) {
  Pairs pairs;
  for (uint32_t n = 0; n < kLanes; ++n) {
    uint16_t halves[2];
    memcpy(halves, row + 4 * n, sizeof(halves));
    pairs.even[n] = widenF16(halves[0]);
    pairs.odd[n] = widenF16(halves[1]);
  }
  return pairs;
}

} // namespace modelc::amxemu
