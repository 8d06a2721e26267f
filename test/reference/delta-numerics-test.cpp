//===- delta-numerics-test.cpp - The oracle of recurrent layers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace modelc::reference;

TEST(DeltaNumerics, SoftplusIsAccurate) {
  double worst = 0;
  for (float x = -80; x < 80; x += 0.00731f) {
    double exact = x > 0 ? double(x) + std::log1p(std::exp(-double(x)))
                         : std::log1p(std::exp(double(x)));
    worst = std::max(worst, std::fabs(computeSoftplus(x) - exact) / exact);
  }
  EXPECT_LT(worst, 3e-7);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(computeSoftplus(kInfinity), kInfinity);
  EXPECT_EQ(computeSoftplus(-kInfinity), 0);
  EXPECT_EQ(computeSoftplus(100), 100);
  EXPECT_TRUE(std::isnan(computeSoftplus(std::nanf(""))));
}

TEST(DeltaNumerics, SigmoidsOfBothSidesAddUp) {
  for (float x = -30; x < 30; x += 0.37f)
    EXPECT_NEAR(computeSigmoid(x) + computeSigmoid(-x), 1, 2e-7);
  EXPECT_EQ(computeSigmoid(0), 0.5f);
}

// Two channels, three taps: what is remembered are the last two inputs.
TEST(DeltaNumerics, ConvolutionRemembersItsLastInputs) {
  const std::vector<float> weight = {1, 2, 4, 0, 0, 1};
  std::vector<float> state(4), y(2);
  const float inputs[][2] = {{1, 10}, {2, 20}, {3, 30}};
  for (const float *x : inputs)
    convolve(std::span(x, 2), weight, state, y);
  EXPECT_EQ(state, (std::vector<float>{2, 20, 3, 30}));
  EXPECT_EQ(y[0], computeSilu(1 * 1 + 2 * 2 + 4 * 3));
  EXPECT_EQ(y[1], computeSilu(30));
}

/// A head that forgets nothing and believes all.
static DeltaHead makeHead(std::span<const float> q, std::span<const float> k,
                          std::span<const float> v) {
  return {q,
          k,
          v,
          /*decay=*/0,
          /*beta=*/100,
          /*rate=*/0,
          /*bias=*/0,
          /*eps=*/1e-6f};
}

// What was written under a key is read under it; writing again replaces it, and
// another key reads nothing.
TEST(DeltaNumerics, StateIsAMemoryOfValuesByKeys) {
  std::vector<float> first(16), second(16), state(16 * 3), out(3);
  first[2] = 5;
  second[7] = -3;
  const std::vector<float> v = {1, 2, 4}, w = {8, -16, 32};
  auto expectRead = [&](std::span<const float> values) {
    for (size_t j = 0; j < 3; ++j) // q' is over the root of 16 too.
      EXPECT_NEAR(out[j], values[j] / 4, 1e-5);
  };
  applyDeltaRule(makeHead(first, first, v), state, out);
  expectRead(v);
  for (size_t j = 0; j < 3; ++j) // k' has the length 1.
    EXPECT_NEAR(state[2 * 3 + j], v[j], 1e-5);
  applyDeltaRule(makeHead(second, first, w), state, out);
  expectRead(std::vector<float>(3));
  applyDeltaRule(makeHead(first, second, v), state, out);
  expectRead(w);
}

// With a rate of -1 the state is divided by 1 + exp(decay + bias).
TEST(DeltaNumerics, StateDecays) {
  std::vector<float> key(16, 1), value(2), state(16 * 2, 3), out(2);
  DeltaHead head = makeHead(key, key, value);
  head.beta = -200; // Nothing is written.
  head.rate = -1;
  head.decay = 1;
  head.bias = -1;
  applyDeltaRule(head, state, out);
  for (float s : state)
    EXPECT_NEAR(s, 1.5f, 1e-6);
}
