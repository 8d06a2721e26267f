//===- AttentionNumerics.cpp - docs/numerics.md: rope and attention
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sections "Rope" and "Attention" of the page.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

using namespace modelc;
using namespace modelc::reference;

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

/// The cosine and sine of theta, each rounded to float.
static std::array<float, 2> computeCosSin(double theta) {
  const double twoOverPi = 0x1.45f306dc9c883p-1;
  const double halfPiHi = 0x1.921fb54442d18p+0,
               halfPiLo = 0x1.1a62633145c07p-54;
  const double shift = 0x1.8p+52;
  double shifted = theta * twoOverPi + shift;
  double n = shifted - shift;
  uint64_t quadrant = std::bit_cast<uint64_t>(shifted) & 3;
  double r = std::fma(-n, halfPiHi, theta);
  r = std::fma(-n, halfPiLo, r);
  double z = r * r;

  double ps = 1.58969099521155010221e-10;
  for (double s : {-2.50507602534068634195e-08, 2.75573137070700676789e-06,
                   -1.98412698298579493134e-04, 8.33333333332248946124e-03,
                   -1.66666666666666324348e-01})
    ps = std::fma(ps, z, s);
  double s = std::fma(r * z, ps, r);

  double pc = -1.13596475577881948265e-11;
  for (double c : {2.08757232129817482790e-09, -2.75573143513906633035e-07,
                   2.48015872894767294178e-05, -1.38888888888741095749e-03,
                   4.16666666666666019037e-02})
    pc = std::fma(pc, z, c);
  double c = std::fma(z * z, pc, std::fma(z, -0.5, 1.0));

  switch (quadrant) {
  case 0:
    return {float(c), float(s)};
  case 1:
    return {float(-s), float(c)};
  case 2:
    return {float(-c), float(-s)};
  default:
    return {float(s), float(-c)};
  }
}

void reference::computeRopeTable(int32_t position,
                                 std::span<const double> frequencies,
                                 float factor, std::span<float> table) {
  for (size_t i = 0; i < frequencies.size(); ++i) {
    auto [cos, sin] = computeCosSin(double(position) * frequencies[i]);
    table[2 * i] = cos * factor;
    table[2 * i + 1] = sin * factor;
  }
}

void reference::rotate(std::span<float> head, std::span<const float> table,
                       bool adjacent) {
  size_t pairs = table.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    float cos = table[2 * i], sin = table[2 * i + 1];
    float &first = adjacent ? head[2 * i] : head[i];
    float &second = adjacent ? head[2 * i + 1] : head[i + pairs];
    float a = first, b = second;
    first = std::fma(a, cos, -(b * sin));
    second = std::fma(a, sin, b * cos);
  }
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

CachedBlock reference::quantizeForCache(std::span<const float, 32> x) {
  float largest = 0;
  bool isFinite = true;
  for (float element : x) {
    isFinite = isFinite && std::isfinite(element);
    largest = std::max(largest, std::fabs(element));
  }
  CachedBlock block = {toF16(largest / 127), {}};
  const float scale = fromF16(block.scale);
  if (!isFinite || std::isinf(scale)) {
    block.scale = 0x7e00;
    return block;
  }
  if (scale == 0)
    return block;
  const float inverse = 1 / scale;
  for (size_t i = 0; i < x.size(); ++i) {
    float quant = std::nearbyint(x[i] * inverse);
    block.quants[i] = static_cast<int8_t>(std::clamp(quant, -127.0f, 127.0f));
  }
  return block;
}

void reference::roundToCache(CacheType type, std::span<float> x) {
  if (type == CacheType::F16) {
    for (float &element : x)
      element = fromF16(toF16(element));
    return;
  }
  for (size_t first = 0; first < x.size(); first += 32) {
    std::span<float, 32> part = x.subspan(first).first<32>();
    CachedBlock block = quantizeForCache(part);
    for (size_t i = 0; i < part.size(); ++i)
      part[i] = fromF16(block.scale) * static_cast<float>(block.quants[i]);
  }
}

/// NaN if either is.
static float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<float>::quiet_NaN();
  return std::max(a, b);
}

namespace {

/// What one chunk, or all chunks so far, yield.
struct Partial {
  float max;
  float sum;
  std::vector<float> out;
};

} // namespace

/// Positions begin .. end - 1, at most 64, begin a multiple of 64.
static Partial attendChunk(std::span<const float> q, const HeadCache &cache,
                           int64_t begin, int64_t end, float scale, float cap,
                           int64_t valueDim) {
  std::vector<float> scores;
  float max = -std::numeric_limits<float>::infinity();
  for (int64_t j = begin; j < end; ++j) {
    float acc = 0;
    for (size_t d = 0; d < q.size(); ++d)
      acc = std::fma(q[d], cache.keys[j * cache.keyStride + d], acc);
    float score = acc * scale;
    scores.push_back(cap != 0 ? computeSoftCap(score, cap) : score);
    max = maximum(max, scores.back());
  }
  Partial partial = {max, 0, std::vector<float>(valueDim, 0.0f)};
  std::array<float, 16> lanes = {};
  for (int64_t j = begin; j < end; ++j) {
    float p = computeExp(scores[j - begin] - max);
    lanes[j % 16] = lanes[j % 16] + p;
    for (int64_t d = 0; d < valueDim; ++d)
      partial.out[d] =
          std::fma(p, cache.values[j * cache.valueStride + d], partial.out[d]);
  }
  partial.sum = sumLanes(lanes);
  return partial;
}

void reference::attend(std::span<const float> q, const HeadCache &cache,
                       int64_t position, float scale, std::span<float> out,
                       const ScoreOptions &options) {
  const int64_t chunk = 64, length = position + 1;
  int64_t first = 0;
  if (options.window > 0)
    first = std::max<int64_t>(0, length - options.window);
  std::optional<Partial> all;
  if (options.sink)
    all = {*options.sink, 1, std::vector<float>(out.size(), -0.0f)};
  for (int64_t begin = first / chunk * chunk; begin < length; begin += chunk) {
    Partial next = attendChunk(q, cache, std::max(begin, first),
                               std::min(begin + chunk, length), scale,
                               options.cap, out.size());
    if (!all) {
      all = next;
      continue;
    }
    float max = maximum(all->max, next.max);
    float f = computeExp(all->max - max), g = computeExp(next.max - max);
    all->sum = std::fma(all->sum, f, next.sum * g);
    for (size_t d = 0; d < out.size(); ++d)
      all->out[d] = std::fma(all->out[d], f, next.out[d] * g);
    all->max = max;
  }
  for (size_t d = 0; d < out.size(); ++d)
    out[d] = all->out[d] / all->sum;
}
