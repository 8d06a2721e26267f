//===- weight-numerics-test.cpp - Blocks of weights, decoded by hand
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bytes and the numbers they stand for, worked out on paper from ggml's
// dequantize_row_* (github.com/ggml-org/ggml, src/ggml-quants.c, and
// ggml_ue4m3_to_fp32 and ggml_e8m0_to_fp32_half of src/ggml-impl.h): edges,
// where one reads what a byte does. weight-vectors-test.cpp has many numbers.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace modelc::reference::test {
namespace {

/// A block of zero bytes but for these.
using Bytes = std::vector<std::pair<int, uint8_t>>;
std::vector<float> decode(WeightType type, const Bytes &bytes) {
  std::vector<uint8_t> block(getBlockBytes(type));
  for (auto [at, value] : bytes)
    block[at] = value;
  std::vector<float> x(getBlockElems(type));
  decodeRow(type, block.data(), x);
  return x;
}

/// Elements that differ from `rest`.
using Elements = std::vector<std::pair<int, float>>;
void expectElements(const std::vector<float> &x, float rest,
                    const Elements &others) {
  std::vector<float> expected(x.size(), rest);
  for (auto [at, value] : others)
    expected[at] = value;
  EXPECT_EQ(x, expected);
}

// The scale, then a bit an element: set is +scale, clear is -scale.
TEST(WeightNumerics, Q1_0) {
  expectElements(
      decode(WeightType::Q1_0, {{1, 0x38}, {2, 0x05}, {6, 0x10}, {17, 0x80}}),
      -0.5f, {{0, 0.5f}, {2, 0.5f}, {36, 0.5f}, {127, 0.5f}});
}

// The scale, then four elements a byte, low bits first: (q - 1) * scale.
TEST(WeightNumerics, Q2_0) {
  expectElements(
      decode(WeightType::Q2_0, {{1, 0xc0}, {2, 0xe4}, {17, 0x1b}}), 2,
      {{1, 0}, {2, -2}, {3, -4}, {60, -4}, {61, -2}, {62, 0}, {63, 2}});
}

// Of each 32 bytes, byte m holds elements m, m + 32, m + 64 and m + 96, low
// bits first: (q - 1) * scale. The scale comes last.
TEST(WeightNumerics, TQ2_0) {
  expectElements(decode(WeightType::TQ2_0, {{65, 0x34}, {0, 0x24}, {33, 0x93}}),
                 -0.25f,
                 {{32, 0}, {64, 0.25f}, {129, 0.5f}, {193, 0}, {225, 0.25f}});
}

// Four scales, then eight bytes for each of four runs of 16: byte j of a run
// holds elements j and j + 8. Scales 0x38: 1; 0x01: 2^-9; 0x7f: 0; 0x7e: 448.
TEST(WeightNumerics, NVFP4) {
  expectElements(decode(WeightType::NVFP4, {{0, 0x38},
                                            {1, 0x01},
                                            {2, 0x7f},
                                            {3, 0x7e},
                                            {4 + 0, 0x92},
                                            {4 + 8 + 3, 0x7f},
                                            {4 + 16 + 1, 0x77},
                                            {4 + 24 + 7, 0x3d}}),
                 0,
                 {{0, 1},
                  {8, -0.5f},
                  {16 + 3, -6 * 0x1p-9f},
                  {16 + 11, 6 * 0x1p-9f},
                  {48 + 7, -3 * 448},
                  {48 + 15, 1.5f * 448}});
  // A set sign bit is not read, but 0xff is not the NaN.
  expectElements(decode(WeightType::NVFP4,
                        {{0, 0xb8}, {1, 0xff}, {4, 0x02}, {4 + 8, 0x02}}),
                 0, {{0, 1}, {16, 480}});
  // The largest subnormal scale and the least normal one.
  expectElements(decode(WeightType::NVFP4,
                        {{0, 0x07}, {1, 0x08}, {4, 0x02}, {4 + 8, 0x02}}),
                 0, {{0, 7 * 0x1p-9f}, {16, 0x1p-6f}});
}

// 2^(e - 127) times E2M1: the numbers at both ends.
TEST(WeightNumerics, ScalesOfMXFP4) {
  expectElements(decode(WeightType::MXFP4, {{0, 0}, {1, 0x91}}), 0,
                 {{0, 0x1p-128f}, {16, -0x1p-128f}});
  expectElements(decode(WeightType::MXFP4, {{0, 1}, {1, 0x02}}), 0,
                 {{0, 0x1p-126f}});
  const float infinity = std::numeric_limits<float>::infinity();
  expectElements(decode(WeightType::MXFP4, {{0, 255}, {1, 0xf1}}), 0,
                 {{0, 0x1p127f}, {16, -infinity}});
}

TEST(WeightNumerics, Q8_0HasItsLeastByte) {
  EXPECT_EQ(decode(WeightType::Q8_0, {{1, 0x3c}, {2, 0x80}})[0], -128);
}

// The scale, the minimum, the fifth bits, the nibbles: 31 * 0x7ff * 2^-11 is
// exact, and 2^-24 too little to change it.
TEST(WeightNumerics, MinimaAreAdded) {
  std::vector<float> x =
      decode(WeightType::Q5_1,
             {{0, 0xff}, {1, 0x3b}, {2, 0x01}, {4, 0x01}, {8, 0x0f}});
  EXPECT_EQ(x[0], 31 * 0x7ff * 0x1p-11f);
  EXPECT_EQ(x[1], 0x1p-24f);
}

// Infinite scales and minima make what IEEE says of them.
TEST(WeightNumerics, InfiniteScales) {
  std::vector<float> x =
      decode(WeightType::Q4_K, {{1, 0x7c}, {4, 1}, {16, 0x01}});
  EXPECT_EQ(x[0], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(x[1]));  // 0 * infinity.
  EXPECT_TRUE(std::isnan(x[40])); // The subscale is 0.
}

} // namespace
} // namespace modelc::reference::test
