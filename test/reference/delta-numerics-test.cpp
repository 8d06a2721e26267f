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
#include <random>

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
  std::vector<float> first(16), second(16), out(3);
  DeltaState state(16, 3);
  first[2] = 5;
  second[7] = -3;
  const std::vector<float> v = {1, 2, 4}, w = {8, -16, 32};
  auto expectRead = [&](std::span<const float> values) {
    for (size_t j = 0; j < 3; ++j) // q' is over the root of 16 too.
      EXPECT_NEAR(out[j], values[j] / 4, 1e-5);
  };
  applyDeltaRule(makeHead(first, first, v), 13, state, out);
  expectRead(v);
  applyDeltaRule(makeHead(second, first, w), 14, state, out);
  expectRead(std::vector<float>(3));
  for (size_t j = 0; j < 3; ++j)
    EXPECT_EQ(state.matrix[2 * 3 + j], 0);
  applyDeltaRule(makeHead(first, second, v), 15, state, out);
  expectRead(w);
  // The chunk is full; k' has the length 1.
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(state.matrix[2 * 3 + j], w[j], 1e-5);
    EXPECT_NEAR(state.matrix[7 * 3 + j], -v[j], 1e-5);
  }
  applyDeltaRule(makeHead(first, second, v), 16, state, out);
  expectRead(w);
}

// With a rate of -1 the state is divided by 1 + exp(decay + bias).
TEST(DeltaNumerics, StateDecays) {
  std::vector<float> key(16, 1), value(2), out(2);
  DeltaState state(16, 2);
  state.matrix.assign(16 * 2, 3);
  DeltaHead head = makeHead(key, key, value);
  head.beta = -200; // Nothing is written.
  head.rate = -1;
  head.decay = 1;
  head.bias = -1;
  for (int64_t t = 0; t < 20; ++t) {
    applyDeltaRule(head, t, state, out);
    for (float o : out) // q' is 1 / 16.
      EXPECT_NEAR(std::ldexp(o, int(t) + 1), 3, 1e-5);
  }
  for (float s : state.matrix)
    EXPECT_NEAR(std::ldexp(s, 16), 3, 1e-5);
}

namespace {

constexpr size_t kKeyDim = 64, kValueDim = 8;

/// Random tokens of one head, and what the delta rule gives for them.
struct Head {
  explicit Head(size_t count) : count(count) {
    for (std::vector<float> *values : {&q, &k})
      fill(*values, count * kKeyDim);
    fill(v, count * kValueDim);
    fill(decay, count);
    fill(beta, count);
  }

  void fill(std::vector<float> &values, size_t size) {
    std::normal_distribution<float> normal;
    values.resize(size);
    for (float &value : values)
      value = normal(random);
  }

  DeltaHead getToken(size_t t) const {
    return {std::span(q).subspan(t * kKeyDim, kKeyDim),
            std::span(k).subspan(t * kKeyDim, kKeyDim),
            std::span(v).subspan(t * kValueDim, kValueDim),
            decay[t],
            beta[t],
            rate,
            /*bias=*/0.5f,
            /*eps=*/1e-6f};
  }

  /// Results [count][kValueDim].
  std::vector<float> apply() const {
    DeltaState state(kKeyDim, kValueDim);
    std::vector<float> out(count * kValueDim);
    for (size_t t = 0; t < count; ++t)
      applyDeltaRule(getToken(t), int64_t(t), state,
                     std::span(out).subspan(t * kValueDim, kValueDim));
    return out;
  }

  /// The same by the recurrent form, which has no chunks.
  std::vector<double> applyInDouble() const {
    std::vector<double> state(kKeyDim * kValueDim), out;
    auto scale = [](std::span<const float> x, double factor) {
      double sum = 1e-6;
      for (float value : x)
        sum += double(value) * value;
      std::vector<double> y(x.begin(), x.end());
      for (double &value : y)
        value *= factor / std::sqrt(sum);
      return y;
    };
    for (size_t t = 0; t < count; ++t) {
      DeltaHead token = getToken(t);
      std::vector<double> a = scale(token.q, 1 / std::sqrt(double(kKeyDim)));
      std::vector<double> b = scale(token.k, 1);
      double gate = double(token.decay) + token.bias;
      double kept = std::exp(rate * std::log1p(std::exp(gate)));
      for (size_t j = 0; j < kValueDim; ++j) {
        double delta = token.v[j], result = 0;
        for (size_t i = 0; i < kKeyDim; ++i)
          delta -= b[i] * (state[i * kValueDim + j] *= kept);
        delta /= 1 + std::exp(-double(token.beta));
        for (size_t i = 0; i < kKeyDim; ++i)
          result += a[i] * (state[i * kValueDim + j] += b[i] * delta);
        out.push_back(result);
      }
    }
    return out;
  }

  std::mt19937 random{1};
  size_t count;
  float rate = -0.05f;
  std::vector<float> q, k, v, decay, beta;
};

/// The largest difference, over the largest magnitude.
double getDistance(const std::vector<double> &exact,
                   const std::vector<float> &found) {
  double most = 0, largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    // Not std::max, which passes over NaNs.
    if (!(std::fabs(exact[i] - found[i]) <= most))
      most = std::fabs(exact[i] - found[i]);
    largest = std::max(largest, std::fabs(exact[i]));
  }
  return most / largest;
}

} // namespace

// For states that are kept long and states that are soon gone.
TEST(DeltaNumerics, ChunksAreNearTheRecurrentFormInDouble) {
  Head head(32 * kDeltaChunk + 5);
  for (float rate : {0.0f, -0.001f, -0.05f, -1.0f, -20.0f}) {
    head.rate = rate;
    EXPECT_LT(getDistance(head.applyInDouble(), head.apply()), 1e-6) << rate;
  }
}

// Gates that are shut, so that decays underflow, and keys that repeat.
TEST(DeltaNumerics, ChunksAreFineAtTheEdges) {
  Head head(4 * kDeltaChunk);
  for (size_t t = 0; t < head.count; t += 3)
    head.decay[t] = 1e4f;
  for (size_t i = kKeyDim; i < head.k.size(); ++i)
    head.k[i] = head.k[i - kKeyDim * (i / kKeyDim % 5 != 0)];
  for (size_t t = 0; t < head.count; ++t)
    head.beta[t] = t % 2 ? 100 : -200;
  EXPECT_LT(getDistance(head.applyInDouble(), head.apply()), 1e-6);
}
