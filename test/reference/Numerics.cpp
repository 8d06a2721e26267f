//===- Numerics.cpp - docs/numerics.md in plain C++: numbers and matmuls
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sections "exp", "Activations of a matmul", "Matmul", "Row norms" and
// "Embedding" of the page, and the conversions of its first paragraph.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace modelc;
using namespace modelc::reference;

static uint32_t getBits(float x) { return std::bit_cast<uint32_t>(x); }
static float fromBits(uint32_t bits) { return std::bit_cast<float>(bits); }

static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
static constexpr float kInfinity = std::numeric_limits<float>::infinity();

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

float reference::fromF16(uint16_t bits) {
  int exponent = (bits >> 10) & 31;
  float mantissa = float(bits & 1023);
  float magnitude;
  if (exponent == 31)
    magnitude = mantissa == 0 ? kInfinity : kNan;
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, -24);
  else
    magnitude = std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t reference::toF16(float x) {
  uint16_t sign = getBits(x) >> 31 ? 0x8000 : 0;
  float magnitude = std::fabs(x);
  if (std::isnan(x))
    return 0x7e00;
  if (magnitude >= 65520) // Half way from 65504 to what would come next.
    return sign | 0x7c00;
  if (magnitude < 0x1p-14f) // Subnormal: a multiple of 2^-24.
    return sign | uint16_t(std::nearbyint(std::ldexp(magnitude, 24)));
  int exponent = std::ilogb(magnitude);
  // In 1024 .. 2048; the carry of 2048 goes into the exponent.
  float mantissa = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
  return sign | uint16_t(((exponent + 14) << 10) + int(mantissa));
}

float reference::fromBf16(uint16_t bits) {
  return fromBits(uint32_t(bits) << 16);
}

//===----------------------------------------------------------------------===//
// exp
//===----------------------------------------------------------------------===//

/// 2^n for a normal result.
static float makePower(int n) { return fromBits(uint32_t(n + 127) << 23); }

float reference::computeExp(float x) {
  if (std::isnan(x))
    return kNan;
  if (x > fromBits(0x42b17217))
    return kInfinity;
  if (x < fromBits(0xc2aeac4f))
    return 0;
  const float log2e = fromBits(0x3fb8aa3b);
  const float ln2Hi = fromBits(0x3f318000), ln2Lo = fromBits(0xb95e8083);
  float n = std::nearbyint(x * log2e);
  float r = std::fma(-n, ln2Hi, x);
  r = std::fma(-n, ln2Lo, r);
  float p = 1.9875691500e-4f;
  p = std::fma(p, r, 1.3981999507e-3f);
  p = std::fma(p, r, 8.3334519073e-3f);
  p = std::fma(p, r, 4.1665795894e-2f);
  p = std::fma(p, r, 1.6666665459e-1f);
  p = std::fma(p, r, 5.0000001201e-1f);
  float y = std::fma(p, r * r, r) + 1;
  int exponent = int(n), half = exponent >> 1;
  return (y * makePower(half)) * makePower(exponent - half);
}

float reference::computeSilu(float x) { return x / (1 + computeExp(-x)); }

float reference::computeGelu(float x) {
  float z = x * std::fma(x * x, fromBits(0x3d922279), fromBits(0x3fcc422a));
  return x / (1 + computeExp(-z));
}

float reference::computeTanh(float x) {
  float a = std::fabs(x);
  if (a < 0.625f) {
    float z = x * x, p = -5.70498872745e-3f;
    p = std::fma(p, z, 2.06390887954e-2f);
    p = std::fma(p, z, -5.37397155531e-2f);
    p = std::fma(p, z, 1.33314422036e-1f);
    p = std::fma(p, z, -3.33332819422e-1f);
    return std::fma(p * z, x, x);
  }
  return std::copysign(1 - 2 / (computeExp(a + a) + 1), x);
}

float reference::computeSoftCap(float x, float cap) {
  float inverse = 1 / cap;
  return computeTanh(x * inverse) * cap;
}

float reference::computeSwigluOai(float gate, float up) {
  float g = gate > 7 ? 7 : gate, u = up > 7 ? 7 : up < -7 ? -7 : up;
  return g / (1 + computeExp(-(g * 1.702f))) * (u + 1);
}

//===----------------------------------------------------------------------===//
// Row norms
//===----------------------------------------------------------------------===//

float reference::sumLanes(const std::array<float, 16> &s) {
  std::array<float, 8> t;
  for (int l = 0; l < 8; ++l)
    t[l] = s[l] + s[l + 8];
  std::array<float, 4> u;
  for (int l = 0; l < 4; ++l)
    u[l] = t[l] + t[l + 4];
  std::array<float, 2> v;
  for (int l = 0; l < 2; ++l)
    v[l] = u[l] + u[l + 2];
  return v[0] + v[1];
}

void reference::normalize(std::span<const float> x,
                          std::span<const float> weight, float eps,
                          std::span<float> y) {
  std::array<float, 16> lanes = {};
  for (size_t i = 0; i < x.size(); ++i)
    lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  float mean = sumLanes(lanes) / float(x.size());
  float r = 1 / std::sqrt(mean + eps);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = (x[i] * r) * weight[i];
}

void reference::normalizeLayer(std::span<const float> x,
                               std::span<const float> weight,
                               std::span<const float> bias, float eps,
                               std::span<float> y) {
  std::array<float, 16> sums = {}, squares = {};
  for (size_t i = 0; i < x.size(); ++i)
    sums[i % 16] = sums[i % 16] + x[i];
  float mean = sumLanes(sums) / float(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    float d = x[i] - mean;
    squares[i % 16] = std::fma(d, d, squares[i % 16]);
  }
  float variance = sumLanes(squares) / float(x.size());
  float r = 1 / std::sqrt(variance + eps);
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = ((x[i] - mean) * r) * weight[i] + bias[i];
}

//===----------------------------------------------------------------------===//
// Embedding
//===----------------------------------------------------------------------===//

bool reference::isQuantized(WeightType type) { return getBlockElems(type) > 1; }

void reference::decodeRow(WeightType type, const uint8_t *row,
                          std::span<float> x) {
  if (!isQuantized(type)) {
    for (int64_t k = 0; k < int64_t(x.size()); ++k)
      x[k] = readFloat(type, row, k);
    return;
  }
  int64_t blockElems = getBlockElems(type), length = getSubBlockElems(type);
  for (int64_t first = 0; first < int64_t(x.size()); first += blockElems) {
    Block block = readBlock(type, row);
    for (int64_t i = 0; i < blockElems; ++i) {
      const SubBlock &part = block[i / length];
      float q = float(part.quants[i % length]);
      x[first + i] = hasMinimum(type) ? std::fma(q, part.scale, part.minimum)
                                      : q * part.scale;
    }
    row += getBlockBytes(type);
  }
}

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

QuantizedBlock reference::quantizeBlock(std::span<const float> x) {
  QuantizedBlock block = {0, {}};
  uint32_t m = 0;
  for (float value : x)
    m = std::max(m, getBits(value) & 0x7fffffff);
  if (m >= 0x7f800000) {
    block.scale = fromBits(0x7fc00000);
    return block;
  }
  if (m < 0x0d800000)
    return block;
  block.scale = fromBits(m) / 127;
  float inverse = 127 / fromBits(m);
  for (size_t i = 0; i < x.size(); ++i)
    block.quants[i] = int8_t(std::nearbyint(x[i] * inverse));
  return block;
}

/// Of elements begin .. begin + count - 1 of a block, by activations that
/// begin with the same one.
static int sumProducts(const Block &block, int64_t length, int64_t begin,
                       int64_t count, const int8_t *a) {
  int sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += block[(begin + i) / length].quants[(begin + i) % length] * a[i];
  return sum;
}

/// One output of a block-quantised weight.
static float multiplyBlocks(WeightType type, const uint8_t *row,
                            std::span<const QuantizedBlock> x) {
  int64_t length = getSubBlockElems(type), sumElems = getSumElems(type);
  int64_t elems = getBlockElems(type);
  int64_t blocks = int64_t(x.size()) * 32 / elems;
  float acc = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    Block block = readBlock(type, row + b * getBlockBytes(type));
    for (int64_t first = 0; first < elems; first += sumElems) {
      int64_t k = b * elems + first;
      const QuantizedBlock &input = x[k / 32];
      const int8_t *a = input.quants.data() + k % 32;
      int sum = sumProducts(block, length, first, sumElems, a);
      acc =
          std::fma(float(sum), block[first / length].scale * input.scale, acc);
      for (int64_t i = 0; hasMinimum(type) && i < sumElems; i += length) {
        int inputSum = std::accumulate(a + i, a + i + length, 0);
        acc = std::fma(block[(first + i) / length].minimum,
                       input.scale * float(inputSum), acc);
      }
    }
  }
  return acc;
}

/// One output of a float weight.
static float multiplyFloats(WeightType type, const uint8_t *row,
                            std::span<const float> x) {
  float acc = 0;
  for (size_t k = 0; k < x.size(); ++k)
    acc = std::fma(x[k], readFloat(type, row, k), acc);
  return acc;
}

void reference::multiply(WeightType type, const uint8_t *weight,
                         std::span<const float> x, std::span<float> y) {
  std::vector<QuantizedBlock> blocks;
  if (isQuantized(type))
    for (size_t k = 0; k < x.size(); k += 32)
      blocks.push_back(
          quantizeBlock(x.subspan(k, std::min<size_t>(32, x.size() - k))));
  int64_t rowBytes = getRowBytes(type, x.size());
  for (size_t n = 0; n < y.size(); ++n) {
    const uint8_t *row = weight + n * rowBytes;
    y[n] = isQuantized(type) ? multiplyBlocks(type, row, blocks)
                             : multiplyFloats(type, row, x);
  }
}

/// The upper half of x's bits, to which nothing is rounded.
static uint16_t getUpperHalf(float x) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(x) >> 16);
}

Parts reference::splitToParts(float x) {
  if (std::isnan(x))
    return {0x7fc0, 0, 0};
  Parts parts = {getUpperHalf(x), 0, 0};
  if (std::isinf(x))
    return parts;
  float rest = x - fromBf16(parts.high);
  parts.middle = getUpperHalf(rest);
  parts.low = getUpperHalf(rest - fromBf16(parts.middle));
  return parts;
}

/// Subnormal numbers are zeros of their sign.
static float flush(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

/// fma with subnormal operands and results flushed. Whether a result is
/// subnormal is seen from what 24 bits would hold whatever the exponent: where
/// it matters, two powers of two larger than that.
static float multiplyAddFlushed(float a, float b, float c) {
  a = flush(a), b = flush(b), c = flush(c);
  float sum = std::fma(a, b, c);
  constexpr float kLeast = 0x1p-126f, kScale = 0x1p64f;
  if (std::abs(sum) > kLeast || std::isnan(sum))
    return sum;
  float scaled = std::fma(a * kScale, b, c * kScale);
  return std::abs(scaled) < kLeast * kScale ? std::copysign(0.0f, scaled) : sum;
}

static float multiplyPairsOfRow(const uint8_t *row,
                                std::span<const std::array<Parts, 32>> groups,
                                int64_t columns) {
  float acc = 0;
  for (size_t g = 0; g < groups.size(); ++g)
    for (uint16_t Parts::*part : {&Parts::high, &Parts::middle, &Parts::low}) {
      float sums[2] = {0, 0};
      for (int64_t i = 0; i < 32; ++i) {
        int64_t k = 32 * g + i;
        float w = k < columns ? readFloat(WeightType::BF16, row, k) : 0;
        sums[i % 2] =
            multiplyAddFlushed(fromBf16(groups[g][i].*part), w, sums[i % 2]);
      }
      acc = flush(acc + flush(sums[0] + sums[1]));
    }
  return acc;
}

void reference::multiplyPairs(const uint8_t *weight, std::span<const float> x,
                              std::span<float> y) {
  std::vector<std::array<Parts, 32>> groups((x.size() + 31) / 32);
  for (size_t k = 0; k < x.size(); ++k)
    groups[k / 32][k % 32] = splitToParts(x[k]);
  int64_t rowBytes = getRowBytes(WeightType::BF16, x.size());
  for (size_t n = 0; n < y.size(); ++n)
    y[n] = multiplyPairsOfRow(weight + n * rowBytes, groups, x.size());
}

void reference::multiplyPlainly(std::span<const float> weight,
                                std::span<const float> x, std::span<float> y) {
  for (size_t n = 0; n < y.size(); ++n) {
    double sum = 0;
    for (size_t k = 0; k < x.size(); ++k)
      sum += double(weight[n * x.size() + k]) * x[k];
    y[n] = float(sum);
  }
}

std::vector<float> reference::roundToBlocks(std::span<const float> x) {
  std::vector<float> rounded;
  for (size_t k = 0; k < x.size(); k += 32) {
    const size_t count = std::min<size_t>(32, x.size() - k);
    QuantizedBlock block = quantizeBlock(x.subspan(k, count));
    for (size_t i = 0; i < count; ++i)
      rounded.push_back(block.scale * float(block.quants[i]));
  }
  return rounded;
}
