//===- DeltaNumerics.cpp - Sections "Causal convolution" and "Delta rule"
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One token at a time, as docs/numerics.md has it.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <cmath>

using namespace modelc::reference;

/// The natural logarithm of 1 <= w <= 2.
static float computeSmallLog(float w) {
  bool isLarge = w > 0x1.6a09e6p+0f;
  float m = isLarge ? w * 0.5f : w, e = isLarge ? 1 : 0;
  float f = m - 1, z = f * f;
  float p = 7.0376836292e-2f;
  for (float coefficient :
       {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
        1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f,
        -2.4999993993e-1f, 3.3333331174e-1f})
    p = std::fma(p, f, coefficient);
  float y = p * f;
  y = y * z;
  y = std::fma(e, -2.12194440e-4f, y);
  y = std::fma(z, -0.5f, y);
  return std::fma(e, 0.693359375f, f + y);
}

float modelc::reference::computeSoftplus(float x) {
  float u = computeExp(-std::fabs(x)), w = 1 + u;
  float rest = (u - (w - 1)) / w;
  float top = x > 0 ? x : 0;
  return top + (computeSmallLog(w) + rest);
}

float modelc::reference::computeSigmoid(float x) {
  return 1 / (1 + computeExp(-x));
}

void modelc::reference::convolve(std::span<const float> x,
                                 std::span<const float> weight,
                                 std::span<float> state, std::span<float> y) {
  const size_t channels = x.size(), taps = weight.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    float sum = 0;
    for (size_t j = 0; j + 1 < taps; ++j)
      sum = std::fma(state[j * channels + c], weight[c * taps + j], sum);
    sum = std::fma(x[c], weight[c * taps + taps - 1], sum);
    y[c] = computeSilu(sum);
  }
  for (size_t i = 0; i < state.size(); ++i)
    state[i] =
        i + channels < state.size() ? state[i + channels] : x[i % channels];
}

/// x over its length, times factor * sqrt(n).
static std::vector<float> scaleKey(std::span<const float> x, float eps,
                                   float factor) {
  std::vector<float> weight(x.size(), factor), y(x.size());
  normalize(x, weight, eps / static_cast<float>(x.size()), y);
  return y;
}

void modelc::reference::applyDeltaRule(const DeltaHead &head,
                                       std::span<float> state,
                                       std::span<float> out) {
  const size_t rows = head.q.size(), columns = head.v.size();
  const auto n = static_cast<float>(rows);
  std::vector<float> q = scaleKey(head.q, head.eps, 1 / n);
  std::vector<float> k = scaleKey(head.k, head.eps, 1 / std::sqrt(n));
  float kept = computeExp(head.rate * computeSoftplus(head.decay + head.bias));
  float learned = computeSigmoid(head.beta);
  for (float &s : state)
    s = s * kept;
  for (size_t j = 0; j < columns; ++j) {
    float known = 0;
    for (size_t i = 0; i < rows; ++i)
      known = std::fma(k[i], state[i * columns + j], known);
    float delta = (head.v[j] - known) * learned;
    out[j] = 0;
    for (size_t i = 0; i < rows; ++i) {
      float &s = state[i * columns + j];
      s = std::fma(k[i], delta, s);
      out[j] = std::fma(q[i], s, out[j]);
    }
  }
}
