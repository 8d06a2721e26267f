//===- numerics-test.cpp - The reference against exact and wider arithmetic
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/numerics.md fixes every rounding; these tests show that what it fixes
// is close to the true values. Kernels are compared with the reference bit
// for bit elsewhere.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace modelc::reference::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> makeRandom(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = float(random()) / 0x1p31f - 1;
  return values;
}

// The compiler's own conversion is another implementation.
TEST(Numerics, F16) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float x = fromF16(uint16_t(bits));
    float expected = float(std::bit_cast<_Float16>(uint16_t(bits)));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(x)) << bits;
      EXPECT_EQ(toF16(x), 0x7e00);
      continue;
    }
    EXPECT_EQ(std::bit_cast<uint32_t>(x), std::bit_cast<uint32_t>(expected));
    EXPECT_EQ(toF16(x), bits);
  }
  // A prime stride meets every exponent and all kinds of tails.
  for (uint64_t bits = 0; bits < (1ull << 32); bits += 65537 * 3) {
    float x = std::bit_cast<float>(uint32_t(bits));
    if (!std::isnan(x)) {
      EXPECT_EQ(toF16(x), std::bit_cast<uint16_t>(_Float16(x))) << bits;
    }
  }
  EXPECT_EQ(toF16(65519.996f), 0x7bff);
  EXPECT_EQ(toF16(65520), 0x7c00);
  EXPECT_EQ(toF16(-0x1.002p-14f), 0x8400); // A tie, to even.
  EXPECT_EQ(toF16(0x1p-25f), 0);           // A tie, to even.
  EXPECT_EQ(toF16(0x1.000002p-25f), 1);
}

TEST(Numerics, ExpIsWithinTwoUlp) {
  for (float x = -87.33f; x < 88.72f; x += 0.0137f) {
    double exact = std::exp(double(x));
    float ulp = std::nextafter(float(exact), kInfinity) - float(exact);
    EXPECT_LE(std::fabs(computeExp(x) - exact), 2.0 * ulp) << x;
  }
  EXPECT_EQ(computeExp(0), 1);
  EXPECT_EQ(computeExp(kInfinity), kInfinity);
  EXPECT_EQ(computeExp(-kInfinity), 0);
  EXPECT_EQ(computeExp(88.73f), kInfinity);
  EXPECT_EQ(computeExp(-87.34f), 0);
  EXPECT_LT(computeExp(88.72283f), kInfinity);
  EXPECT_GT(computeExp(-87.3365f), 0);
  EXPECT_TRUE(std::isnan(computeExp(NAN)));
}

TEST(Numerics, Silu) {
  EXPECT_EQ(computeSilu(0), 0);
  EXPECT_NEAR(computeSilu(1), 0.731058578630, 1e-7);
  EXPECT_NEAR(computeSilu(-3), -0.142277619776, 1e-7);
  EXPECT_EQ(computeSilu(100), 100);
}

TEST(Numerics, LayerNorm) {
  std::vector<float> x = makeRandom(37, 3), y(37);
  std::vector<float> weight = makeRandom(37, 4), bias = makeRandom(37, 5);
  double mean = 0, variance = 0;
  for (float value : x)
    mean += value / 37.0;
  for (float value : x)
    variance += (value - mean) * (value - mean) / 37;
  normalizeLayer(x, weight, bias, 1e-5f, y);
  for (int i = 0; i < 37; ++i)
    EXPECT_NEAR(
        y[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i],
        1e-6);
}

TEST(Numerics, Gelu) {
  for (double x = -12; x < 12; x += 0.0137) {
    double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    double exact = 0.5 * x * (1 + std::tanh(u));
    EXPECT_NEAR(computeGelu(float(x)), exact, 1e-6 * std::fabs(x) + 1e-7) << x;
  }
  EXPECT_EQ(computeGelu(0), 0);
  EXPECT_EQ(computeGelu(100), 100);
}

TEST(Numerics, TanhIsWithinThreeUlp) {
  for (float x = -10; x < 10; x += 0.00137f) {
    double exact = std::tanh(double(x));
    float ulp =
        std::nextafter(std::fabs(float(exact)), 2.0f) - std::fabs(float(exact));
    EXPECT_LE(std::fabs(computeTanh(x) - exact), 3.0 * ulp) << x;
  }
  EXPECT_EQ(computeTanh(0), 0);
  EXPECT_EQ(computeTanh(kInfinity), 1);
  EXPECT_EQ(computeTanh(-kInfinity), -1);
  EXPECT_TRUE(std::isnan(computeTanh(NAN)));
}

TEST(Numerics, SoftCap) {
  EXPECT_NEAR(computeSoftCap(1, 30), 30 * std::tanh(1.0 / 30), 1e-6);
  EXPECT_NEAR(computeSoftCap(-45, 30), 30 * std::tanh(-1.5), 1e-5);
  EXPECT_EQ(computeSoftCap(1e30f, 30), 30);
}

TEST(Numerics, SwigluOai) {
  auto compute = [](double gate, double up) {
    return gate / (1 + std::exp(-1.702 * gate)) * (up + 1);
  };
  EXPECT_NEAR(computeSwigluOai(2, -3), compute(2, -3), 1e-5);
  EXPECT_NEAR(computeSwigluOai(9, 8), compute(7, 7), 1e-4);
  EXPECT_NEAR(computeSwigluOai(-9, -8), compute(-9, -7), 1e-9);
  EXPECT_TRUE(std::isnan(computeSwigluOai(NAN, 1)));
  EXPECT_TRUE(std::isnan(computeSwigluOai(1, NAN)));
}

TEST(Numerics, QuantizeBlock) {
  std::vector<float> x = makeRandom(32, 1);
  x[5] = -2;
  QuantizedBlock block = quantizeBlock(x);
  EXPECT_EQ(block.scale, 2.0f / 127);
  EXPECT_EQ(block.quants[5], -127);
  for (int i = 0; i < 32; ++i)
    EXPECT_LE(std::fabs(block.quants[i] * block.scale - x[i]),
              block.scale * 0.5001f);

  // A short block is padded with zeros.
  QuantizedBlock shorter = quantizeBlock(std::span(x).first(7));
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(shorter.quants[i], i < 7 ? block.quants[i] : 0) << i;

  x[9] = kInfinity;
  EXPECT_TRUE(std::isnan(quantizeBlock(x).scale));
  EXPECT_EQ(quantizeBlock(x).quants[5], 0);
  std::vector<float> tiny(32, 0x1p-101f);
  EXPECT_EQ(quantizeBlock(tiny).scale, 0);
  EXPECT_EQ(quantizeBlock(tiny).quants[0], 0);
}

TEST(Numerics, CachedBlocksAreTheNearest) {
  std::vector<float> values = makeRandom(32, 12);
  std::span<float, 32> x(values.data(), 32);
  x[5] = -2;
  CachedBlock block = quantizeForCache(x);
  EXPECT_EQ(block.scale, std::bit_cast<uint16_t>(_Float16(2.0f / 127)));
  EXPECT_EQ(block.quants[5], -127);
  for (int i = 0; i < 32; ++i) {
    // The next quant up or down would not be nearer.
    double scale = fromF16(block.scale), quant = block.quants[i];
    EXPECT_LE(std::fabs(quant * scale - x[i]), scale * 0.50002) << i;
  }
  // Ties go to even: 127 makes the scale 1.
  std::fill(x.begin(), x.end(), 127.0f);
  const float ties[] = {0.5f, 1.5f, -2.5f, 126.5f, -0.5f};
  const int even[] = {0, 2, -2, 126, 0};
  std::copy(std::begin(ties), std::end(ties), x.begin());
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(quantizeForCache(x).quants[i], even[i]) << ties[i];
}

TEST(Numerics, CachedBlocksOfStrangeNumbers) {
  auto quantize = [](float first, float others) {
    std::array<float, 32> x;
    x.fill(others);
    x[0] = first;
    return quantizeForCache(x);
  };
  const std::array<int8_t, 32> none = {};
  // What is not finite, and scales that are not, take the whole block along.
  for (float x :
       {kInfinity, -kInfinity, std::nanf(""), 127 * 65520.0f, 3e38f}) {
    EXPECT_EQ(quantize(x, 1).scale, 0x7e00) << x;
    EXPECT_EQ(quantize(x, 1).quants, none) << x;
  }
  EXPECT_EQ(quantize(-127 * 65519.0f, 1).scale, 0x7bff);
  EXPECT_EQ(quantize(-127 * 65519.0f, 1).quants[0], -127);
  // Scales round to zero from 2^-25 down.
  for (float x : {0.0f, -0.0f, 127 * 0x1p-25f, -1e-40f}) {
    EXPECT_EQ(quantize(x, 0).scale, 0) << x;
    EXPECT_EQ(quantize(x, 0).quants, none) << x;
  }
  // Of a scale that was rounded down far, quants are limited.
  CachedBlock limited = quantize(-127 * 0x1.7p-24f, 0x1p-24f);
  EXPECT_EQ(limited.scale, 1);
  EXPECT_EQ(limited.quants[0], -127);
  EXPECT_EQ(limited.quants[1], 1);
}

TEST(Numerics, RoundingToTheCache) {
  std::vector<float> x = makeRandom(64, 13), f16 = x, q8 = x;
  x[40] = f16[40] = q8[40] = kInfinity;
  roundToCache(CacheType::F16, f16);
  roundToCache(CacheType::Q8_0, q8);
  CachedBlock block = quantizeForCache(std::span<float, 32>(x.data(), 32));
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(f16[i], fromF16(toF16(x[i])));
    if (i < 32) {
      EXPECT_EQ(q8[i], fromF16(block.scale) * block.quants[i]);
    } else {
      EXPECT_TRUE(std::isnan(q8[i]));
    }
  }
}

// One block of each type, written out by hand.
TEST(Numerics, BlocksOfAFile) {
  uint8_t q8[34] = {0x00, 0x38}; // 0.5
  for (int i = 0; i < 32; ++i)
    q8[2 + i] = uint8_t(i == 3 ? -128 : i);
  uint8_t q4[18] = {0x00, 0xc0}; // -2
  for (int i = 0; i < 16; ++i)
    q4[2 + i] = uint8_t(i | (15 - i) << 4);
  std::vector<float> x(32);
  decodeRow(WeightType::Q8_0, q8, x);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(x[i], i == 3 ? -64 : 0.5f * i);
  decodeRow(WeightType::Q4_0, q4, x);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(x[i], -2.0f * ((i < 16 ? i : 31 - i) - 8));
  EXPECT_EQ(getRowBytes(WeightType::Q8_0, 64), 68);
  EXPECT_EQ(getRowBytes(WeightType::Q4_0, 64), 36);
  EXPECT_EQ(getRowBytes(WeightType::BF16, 3), 6);
}

TEST(Numerics, MatmulIsCloseToDouble) {
  const int64_t columns = 96, rows = 3;
  std::vector<float> x = makeRandom(columns, 2), y(rows);
  std::mt19937 random(3);
  for (WeightType type : {WeightType::F32, WeightType::F16, WeightType::BF16,
                          WeightType::Q8_0, WeightType::Q4_0}) {
    int64_t rowBytes = getRowBytes(type, columns);
    std::vector<uint8_t> weight(rows * rowBytes);
    std::vector<float> values = makeRandom(rows * columns, 4);
    for (int64_t i = 0; i < rows * columns / getBlockElems(type); ++i) {
      uint8_t *block = weight.data() + i * getBlockBytes(type);
      uint16_t half = toF16(0.01f + std::fabs(values[i]));
      uint32_t single = std::bit_cast<uint32_t>(values[i]);
      if (type == WeightType::F32)
        std::memcpy(block, &single, 4);
      else if (type == WeightType::BF16)
        std::memcpy(block, (const uint8_t *)&single + 2, 2);
      else
        std::memcpy(block, &half, 2);
      for (int64_t b = 2; b < getBlockBytes(type) && type > WeightType::BF16;
           ++b)
        block[b] = uint8_t(random());
    }
    multiply(type, weight.data(), x, y);
    std::vector<float> row(columns);
    for (int64_t n = 0; n < rows; ++n) {
      decodeRow(type, weight.data() + n * rowBytes, row);
      double exact = 0, magnitude = 0;
      for (int64_t k = 0; k < columns; ++k) {
        exact += double(x[k]) * row[k];
        magnitude += std::fabs(double(x[k]) * row[k]);
      }
      double bound = type > WeightType::BF16 ? 2e-2 : 1e-5;
      EXPECT_NEAR(y[n], exact, bound * magnitude) << int(type);
    }
  }
}

// The parts of a number are the number, down to where they are subnormal.
TEST(Numerics, PartsAddUp) {
  for (uint64_t bits = 0x0c000000; bits < 0x7f800000; bits += 65521)
    for (uint32_t sign : {0u, 0x80000000u}) {
      float x = std::bit_cast<float>(uint32_t(bits) | sign);
      Parts parts = splitToParts(x);
      EXPECT_EQ(double(fromBf16(parts.high)) + fromBf16(parts.middle) +
                    fromBf16(parts.low),
                x);
      for (uint16_t part : {parts.high, parts.middle, parts.low})
        EXPECT_NE(std::fpclassify(fromBf16(part)), FP_SUBNORMAL) << x;
    }
  for (float x : {kInfinity, -kInfinity}) {
    EXPECT_EQ(fromBf16(splitToParts(x).high), x);
    EXPECT_EQ(splitToParts(x).middle, 0);
    EXPECT_EQ(splitToParts(x).low, 0);
  }
  for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu})
    EXPECT_EQ(splitToParts(std::bit_cast<float>(bits)).high, 0x7fc0);
}

// Sums in the order of tiles lose no more than chains do.
TEST(Numerics, PairsAreAsAccurateAsChains) {
  constexpr int64_t kRows = 200;
  for (int64_t columns : {32, 100, 256, 2048}) {
    std::vector<float> x = makeRandom(columns, 3);
    std::vector<float> values = makeRandom(kRows * columns, 4);
    std::vector<uint16_t> weight;
    for (float value : values)
      weight.push_back(uint16_t(std::bit_cast<uint32_t>(value) >> 16));
    auto bytes = reinterpret_cast<const uint8_t *>(weight.data());
    std::vector<float> pairs(kRows), chains(kRows);
    multiplyPairs(bytes, x, pairs);
    multiply(WeightType::BF16, bytes, x, chains);
    double ofPairs = 0, ofChains = 0;
    for (int64_t n = 0; n < kRows; ++n) {
      double exact = 0;
      for (int64_t k = 0; k < columns; ++k)
        exact += double(x[k]) * fromBf16(weight[n * columns + k]);
      ofPairs += (pairs[n] - exact) * (pairs[n] - exact);
      ofChains += (chains[n] - exact) * (chains[n] - exact);
    }
    EXPECT_GT(ofPairs, 0);
    EXPECT_LT(ofPairs, ofChains) << columns;
  }
}

TEST(Numerics, NormalizeIsCloseToDouble) {
  for (size_t n : {1, 15, 16, 17, 64, 100}) {
    std::vector<float> x = makeRandom(n, 5), weight = makeRandom(n, 6), y(n);
    normalize(x, weight, 1e-5f, y);
    double sum = 0;
    for (float value : x)
      sum += double(value) * value;
    for (size_t i = 0; i < n; ++i)
      EXPECT_NEAR(y[i], x[i] / std::sqrt(sum / n + 1e-5) * weight[i], 1e-6);
  }
}

TEST(Numerics, RopeIsCloseToLongDouble) {
  for (int32_t position : {0, 1, 2, 3, 4, 5, 1000, 131071, 2147483647})
    for (double frequency : {1.0, 0.75, 0x1.7ff2224115d9ap-1, 1e-4, 0.0}) {
      float table[2];
      computeRopeTable(position, std::span(&frequency, 1), 1, table);
      long double theta = double(position) * frequency;
      EXPECT_NEAR(table[0], double(std::cos(theta)), 6e-8) << position;
      EXPECT_NEAR(table[1], double(std::sin(theta)), 6e-8) << position;
    }
}

TEST(Numerics, RotatePairsBothWays) {
  std::vector<float> table = {0, 1, 1, 0}; // A quarter turn and none.
  std::vector<float> adjacent = {1, 2, 3, 4, 5}, half = adjacent;
  rotate(adjacent, table, true);
  EXPECT_EQ(adjacent, (std::vector<float>{-2, 1, 3, 4, 5}));
  rotate(half, table, false);
  EXPECT_EQ(half, (std::vector<float>{-3, 2, 1, 4, 5}));
}

TEST(Numerics, AttentionIsCloseToDouble) {
  const int64_t keyDim = 24, valueDim = 20, length = 150;
  std::vector<float> q = makeRandom(keyDim, 7), out(valueDim);
  std::vector<float> k = makeRandom(keyDim * length, 8);
  std::vector<float> v = makeRandom(valueDim * length, 9);
  std::vector<float> keys, values;
  for (float value : k)
    keys.push_back(fromF16(toF16(4 * value)));
  for (float value : v)
    values.push_back(fromF16(toF16(value)));
  HeadCache cache = {keys.data(), keyDim, values.data(), valueDim};
  for (int64_t position : {0, 1, 62, 63, 64, 65, 127, 128, 149}) {
    attend(q, cache, position, 0.5f, out);
    std::vector<double> sums(valueDim);
    double total = 0;
    for (int64_t j = 0; j <= position; ++j) {
      double score = 0;
      for (int64_t d = 0; d < keyDim; ++d)
        score += double(q[d]) * keys[j * keyDim + d];
      double p = std::exp(0.5 * score);
      total += p;
      for (int64_t d = 0; d < valueDim; ++d)
        sums[d] += p * values[j * valueDim + d];
    }
    for (int64_t d = 0; d < valueDim; ++d)
      EXPECT_NEAR(out[d], sums[d] / total, 2e-6) << position;
  }
}

TEST(Numerics, RouteIsCloseToDouble) {
  for (size_t experts : {1, 2, 7, 16, 17, 128}) {
    std::vector<float> logits = makeRandom(experts, 11);
    double sum = 0;
    for (float l : logits)
      sum += std::exp(double(l));
    const auto slots = int64_t(std::min<size_t>(experts, 8));
    Route plain = route(logits, {}, {.slots = slots});
    Route normalised =
        route(logits, {}, {.slots = slots, .normalise = true, .scale = 2.5f});
    Route sigmoid =
        route(logits, {}, {.slots = slots, .gating = Gating::Sigmoid});
    EXPECT_EQ(plain.ids, normalised.ids);
    EXPECT_EQ(plain.ids, sigmoid.ids);
    double chosen = 0;
    for (int32_t id : plain.ids)
      chosen += std::exp(double(logits[id]));
    for (int64_t s = 0; s < slots; ++s) {
      double l = logits[plain.ids[s]];
      if (s > 0)
        EXPECT_LE(l, logits[plain.ids[s - 1]]);
      EXPECT_NEAR(plain.weights[s], std::exp(l) / sum, 1e-6);
      EXPECT_NEAR(normalised.weights[s], 2.5 * std::exp(l) / chosen, 1e-6);
      EXPECT_NEAR(sigmoid.weights[s], 1 / (1 + std::exp(-l)), 1e-6);
    }
  }
}

// A step is the largest of a block over 127.
TEST(Numerics, RoundToBlocksKeepsMultiplesOfTheStep) {
  std::vector<float> x(40, 0.0f), expected(40, 0.0f);
  x[0] = expected[0] = -254; // Steps of 2.
  x[1] = 6.5f, expected[1] = 6;
  x[2] = 7.5f, expected[2] = 8;
  x[32] = expected[32] = 127; // Of 1, in a block of 8.
  x[39] = 6.5f, expected[39] = 6;
  EXPECT_EQ(roundToBlocks(x), expected);
  std::vector<float> y(2);
  multiplyPlainly(std::vector<float>{1, 2, 3, 4}, std::vector<float>{5, 0.5f},
                  y);
  EXPECT_EQ(y, (std::vector<float>{6, 17}));
}

// Ties go to the lower expert, zeros of both signs are equal, NaN comes first.
TEST(Numerics, RouteHasAnOrderForAllLogits) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  using Ids = std::vector<int32_t>;
  auto order = [](const std::vector<float> &logits) {
    return route(logits, {}, {.slots = int64_t(logits.size())}).ids;
  };
  EXPECT_EQ(order({1, 3, 3, 1, 3}), (Ids{1, 2, 4, 0, 3}));
  EXPECT_EQ(order({0.0f, -0.0f, -1, 0.0f}), (Ids{0, 1, 3, 2}));
  EXPECT_EQ(order({1, nan, inf, -inf, -nan}), (Ids{1, 4, 2, 0, 3}));
  EXPECT_EQ(order({nan, nan, nan}), (Ids{0, 1, 2}));
  EXPECT_EQ(order({-inf, -inf}), (Ids{0, 1}));
  // The NaN of one expert is not hidden by leaving it out.
  for (float weight : route(std::vector<float>{1, 2, nan, 3}, {},
                            {.slots = 2, .normalise = true})
                          .weights)
    EXPECT_TRUE(std::isnan(weight));
}

// A bias chooses; it is no part of the weights.
TEST(Numerics, RouteWithABias) {
  std::vector<float> logits = {2, 1, 0, -1}, bias = {-1, 0, 0, 1};
  Route found = route(logits, bias, {.slots = 2, .gating = Gating::Sigmoid});
  EXPECT_EQ(found.ids, (std::vector<int32_t>{3, 1}));
  EXPECT_NEAR(found.weights[0], 1 / (1 + std::exp(1.0)), 1e-6);
  EXPECT_NEAR(found.weights[1], 1 / (1 + std::exp(-1.0)), 1e-6);
}

} // namespace
} // namespace modelc::reference::test
