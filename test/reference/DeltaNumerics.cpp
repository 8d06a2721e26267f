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

/// Sixteen lanes by i mod 16.
static float dot(std::span<const float> x, std::span<const float> y) {
  std::array<float, 16> lanes = {};
  for (size_t i = 0; i < x.size(); ++i)
    lanes[i % 16] = std::fma(x[i], y[i], lanes[i % 16]);
  return sumLanes(lanes);
}

/// x times column j of a matrix of rows of `columns`.
static float readColumn(std::span<const float> x, std::span<const float> matrix,
                        size_t columns, size_t j) {
  float sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum = std::fma(x[i], matrix[i * columns + j], sum);
  return sum;
}

/// S as the next chunk finds it.
static void endChunk(DeltaState &state, size_t rows, size_t columns) {
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) {
      float &s = state.matrix[i * columns + j];
      s = s * state.faded;
      for (size_t t = 0; t < kDeltaChunk; ++t) {
        float delta = state.deltas[t * columns + j] * state.decays[t];
        s = std::fma(state.keys[t * rows + i], delta, s);
      }
    }
}

void modelc::reference::applyDeltaRule(const DeltaHead &head, int64_t position,
                                       DeltaState &state,
                                       std::span<float> out) {
  const size_t rows = head.q.size(), columns = head.v.size();
  const size_t t = static_cast<size_t>(position) % kDeltaChunk;
  const auto n = static_cast<float>(rows);
  std::vector<float> q = scaleKey(head.q, head.eps, 1 / n);
  std::vector<float> k = scaleKey(head.k, head.eps, 1 / std::sqrt(n));
  float kept = computeExp(head.rate * computeSoftplus(head.decay + head.bias));
  float learned = computeSigmoid(head.beta);

  std::copy(k.begin(), k.end(), state.keys.begin() + t * rows);
  state.faded = t == 0 ? kept : state.faded * kept;
  float ofKey[kDeltaChunk], ofQuery[kDeltaChunk]; // m and n.
  for (size_t s = 0; s < kDeltaChunk; ++s) {
    std::span<const float> key = std::span(state.keys).subspan(s * rows, rows);
    float &decay = state.decays[s];
    decay = s < t ? decay * kept : 1;
    ofKey[s] = dot(k, key) * decay;
    ofQuery[s] = dot(q, key) * decay;
  }
  for (size_t j = 0; j < columns; ++j) {
    float known = readColumn(k, state.matrix, columns, j) * state.faded;
    for (size_t s = 0; s < t; ++s)
      known = std::fma(ofKey[s], state.deltas[s * columns + j], known);
    state.deltas[t * columns + j] = (head.v[j] - known) * learned;
    out[j] = readColumn(q, state.matrix, columns, j) * state.faded;
    for (size_t s = 0; s <= t; ++s)
      out[j] = std::fma(ofQuery[s], state.deltas[s * columns + j], out[j]);
  }
  if (t + 1 == kDeltaChunk)
    endChunk(state, rows, columns);
}
