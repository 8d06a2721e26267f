//===- numerics-test.cpp - Logarithms, powers and rope frequencies
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Expected values are the nearest doubles of what mpmath computes with 300
// bits.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Numerics.h"
#include "compiler/support/Rope.h"
#include <cmath>
#include <gtest/gtest.h>

namespace modelc::support::test {
namespace {

struct PowerCase {
  double base;
  int64_t numerator, denominator;
  double expected;
};

TEST(Numerics, Power) {
  const PowerCase cases[] = {
      {10000, 0, 64, 1},
      {10000, -2, 64, 0x1.7ff2224115d9ap-1},
      {10000, -126, 128, 0x1.e459c57e28a47p-14},
      {500000, -62, 64, 0x1.948360a975f3dp-19},
      {1e6, -2, 128, 0x1.9c9758e458666p-1},
      {10000, -64, 80, 0x1.4acda94717d68p-11},
      {1, -2, 4, 1},
      {2, -1, 2, 0x1.6a09e667f3bcdp-1},
      {4, 3, 2, 8},
  };
  for (const PowerCase &c : cases)
    EXPECT_EQ(computePower(c.base, c.numerator, c.denominator), c.expected)
        << c.base << "^(" << c.numerator << "/" << c.denominator << ")";
}

TEST(Numerics, Log) {
  EXPECT_EQ(computeLog(1), 0);
  EXPECT_EQ(computeLog(2), 0x1.62e42fefa39efp-1);
  EXPECT_EQ(computeLog(0.5), -0x1.62e42fefa39efp-1);
  EXPECT_EQ(computeLog(1.5), 0x1.9f323ecbf984cp-2);
  EXPECT_EQ(computeLog(10000), 0x1.26bb1bbb55516p+3);
  EXPECT_EQ(computeLog(0.001), -0x1.ba18a998fffa0p+2);
  EXPECT_EQ(computeLog(3.14159), 0x1.250cf662abf9ap+0);
}

RopeParams makeParams(RopeScaling scaling) {
  return {/*dims=*/64,     /*base=*/10000,
          scaling,
          /*factor=*/4,    /*originalContext=*/2048,
          /*extFactor=*/1,
          /*betaFast=*/32, /*betaSlow=*/1};
}

TEST(Rope, PlainLinearAndDivided) {
  std::vector<double> plain =
      computeRopeFrequencies(makeParams(RopeScaling::None), {});
  ASSERT_EQ(plain.size(), 32u);
  EXPECT_EQ(plain[0], 1);
  EXPECT_EQ(plain[1], 0x1.7ff2224115d9ap-1);

  std::vector<double> linear =
      computeRopeFrequencies(makeParams(RopeScaling::Linear), {});
  std::vector<float> divisors(32, 1);
  divisors[31] = 8;
  std::vector<double> divided =
      computeRopeFrequencies(makeParams(RopeScaling::None), divisors);
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(linear[i], plain[i] / 4) << i;
    EXPECT_EQ(divided[i], i == 31 ? plain[i] / 8 : plain[i]) << i;
  }
}

// The pairs that turn more than 32 times in 2048 positions are 0 .. 8.06, and
// those that turn less than once are 20.09 ..; so the blend runs from 8 to 21.
TEST(Rope, YarnBlendsBetweenItsEnds) {
  std::vector<double> plain =
      computeRopeFrequencies(makeParams(RopeScaling::None), {});
  std::vector<double> yarn =
      computeRopeFrequencies(makeParams(RopeScaling::Yarn), {});
  for (int i = 0; i <= 8; ++i)
    EXPECT_EQ(yarn[i], plain[i]) << i;
  for (int i = 21; i < 32; ++i)
    EXPECT_EQ(yarn[i], plain[i] / 4) << i;
  for (int i = 9; i < 21; ++i) {
    double keep = 1 - (i - 8) / 13.0;
    EXPECT_NEAR(yarn[i], plain[i] * (keep + (1 - keep) / 4), plain[i] * 1e-15)
        << i;
  }

  // Without the blend, YaRN is linear.
  RopeParams params = makeParams(RopeScaling::Yarn);
  params.extFactor = 0;
  EXPECT_EQ(computeRopeFrequencies(params, {}),
            computeRopeFrequencies(makeParams(RopeScaling::Linear), {}));
}

// 1 + 0.1 * ln(40) = 1.36888794541139...
TEST(Rope, YarnFactor) {
  EXPECT_EQ(computeYarnFactor(1, 40), 1.36888794541139f);
  EXPECT_EQ(computeYarnFactor(0.5, 40), 0.68444397270569f);
  EXPECT_EQ(computeYarnFactor(1, 1), 1);
}

} // namespace
} // namespace modelc::support::test
