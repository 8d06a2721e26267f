//===- FloatLanes.h - Float arithmetic under an MXCSR of its own
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_FLOATLANES_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_FLOATLANES_H

#include <stdint.h>

namespace modelc::amxemu {

/// While it lives: round to nearest even, denormal inputs are zeros, denormal
/// results become zeros, no exceptions (the comments "DAZ=FTZ=1, RNE rounding"
/// of the SDM). The functions below stand in a file of their own, so that the
/// compiler cannot move their arithmetic out of this scope.
class FlushScope {
public:
  FlushScope();
  ~FlushScope();
  FlushScope(const FlushScope &) = delete;
  FlushScope &operator=(const FlushScope &) = delete;

private:
  uint32_t before;
};

/// The dwords of one row of a tile: Clang's vectors, which are arithmetic
/// element by element.
inline constexpr uint32_t kLanes = 16;
typedef float FloatLanes __attribute__((vector_size(4 * kLanes)));
typedef uint32_t DwordLanes __attribute__((vector_size(4 * kLanes)));

/// sum[n] = fma(a, b[n], sum[n])
void multiplyAdd(FloatLanes &sum, float a, const FloatLanes &b);

/// sum[n] = sum[n] + (a[n] + b[n])
void addPairs(FloatLanes &sum, const FloatLanes &a, const FloatLanes &b);

/// fma(a, b, c)
float multiplyAdd(float a, float b, float c);

/// The value of an F16; exact, denormals too, whatever MXCSR says.
float widenF16(uint16_t half);
/// The value of a BF16; exact.
float widenBf16(uint16_t half);

/// Both halves of each dword of a row.
struct Pairs {
  FloatLanes even, odd;
};
Pairs widenBf16Pairs(const uint8_t row[4 * kLanes]);
Pairs widenF16Pairs(const uint8_t row[4 * kLanes]);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_FLOATLANES_H
