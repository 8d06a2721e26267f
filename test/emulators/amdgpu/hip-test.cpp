//===- hip-test.cpp - Kernels of clang's, through the stand-in
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipLibrary.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace modelc::amdgpu {
namespace {

/// A chip that runs code for the target, which may be a family's.
std::string chipOf(const std::string &target) {
  const std::pair<const char *, const char *> families[] = {
      {"gfx9-4-generic", "gfx942"},
      {"gfx10-3-generic", "gfx1030"},
      {"gfx11-generic", "gfx1100"},
      {"gfx12-generic", "gfx1201"}};
  for (const auto &[family, chip] : families)
    if (target == family)
      return chip;
  return target;
}

class Kernels : public testing::TestWithParam<const char *> {
protected:
  std::string chip = chipOf(GetParam());
  HipLibrary hip{chip, GetParam()};
  std::mt19937 random{1};

  bool isWave64() const { return chip.starts_with("gfx9"); }
  unsigned waveSize() const { return isWave64() ? 64 : 32; }
  std::vector<float> floats(size_t count, float low, float high) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(count);
    for (float &value : values)
      value = distribution(random);
    return values;
  }
  template <class T> std::vector<T> integers(size_t count) {
    std::vector<T> values(count);
    for (T &value : values)
      value = T(random() | uint64_t(random()) << 32);
    return values;
  }
};

/// On chips with matrix instructions.
class MatrixKernels : public Kernels {};

TEST_P(Kernels, VectorAdd) {
  const std::vector<float> a = floats(150, -3, 3), b = floats(150, -3, 3);
  float *da = hip.upload(a), *db = hip.upload(b);
  float *dc = hip.upload(std::vector<float>(150, 7));
  ASSERT_EQ(hip.launch("vector_add", 3, 64, da, db, dc, 140), hipSuccess);
  const std::vector<float> c = hip.download(dc, 150);
  ASSERT_EQ(hip.last, hipSuccess);
  for (int i = 0; i < 150; ++i)
    EXPECT_EQ(c[i], i < 140 ? a[i] + b[i] : 7) << i;
  EXPECT_EQ(hip.amdgpuemu_count("launches"), 1u);
}

TEST_P(Kernels, GemvWithDot4) {
  const int rows = 5, k = 1040 * 4;
  const std::vector<int8_t> w = integers<int8_t>(rows * k),
                            x = integers<int8_t>(k);
  int8_t *dw = hip.upload(w), *dx = hip.upload(x);
  int32_t *dy = hip.upload(std::vector<int32_t>(rows));
  ASSERT_EQ(hip.launch("gemv_dot4", rows, waveSize(), dw, dx, dy, k),
            hipSuccess);
  const std::vector<int32_t> y = hip.download(dy, rows);
  for (int r = 0; r < rows; ++r) {
    int32_t expected = 0;
    for (int i = 0; i < k; ++i)
      expected += w[r * k + i] * x[i];
    EXPECT_EQ(y[r], expected) << r;
  }
  EXPECT_GT(hip.amdgpuemu_count("v_dot4"), 0u);
  const bool isOld = isWave64() || chip == "gfx1030";
  EXPECT_GT(
      hip.amdgpuemu_count(isOld ? "global_load_dwordx4" : "global_load_b128"),
      0u);
}

TEST_P(MatrixKernels, MatmulOfBytes) {
  const int k = 96;
  const std::vector<int8_t> a = integers<int8_t>(16 * k),
                            b = integers<int8_t>(16 * k);
  int8_t *da = hip.upload(a), *db = hip.upload(b);
  int32_t *dc = hip.upload(std::vector<int32_t>(256));
  ASSERT_EQ(hip.launch("matmul_bytes", 1, waveSize(), da, db, dc, k),
            hipSuccess);
  const std::vector<int32_t> c = hip.download(dc, 256);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      int32_t expected = 0;
      for (int e = 0; e < k; ++e)
        expected += a[i * k + e] * b[j * k + e];
      EXPECT_EQ(c[i * 16 + j], expected) << i << ", " << j;
    }
  const uint64_t steps = chip == "gfx942" ? 3 : 6;
  EXPECT_EQ(hip.amdgpuemu_count(isWave64() ? "v_mfma_i32_16x16x"
                                           : "v_wmma_i32_16x16x16_iu8"),
            steps);
}

TEST_P(MatrixKernels, MatmulOfHalves) {
  std::vector<_Float16> a(256), b(256);
  for (int i = 0; i < 256; ++i) {
    a[i] = _Float16(int(random() % 64) - 32) / 4;
    b[i] = _Float16(int(random() % 64) - 32) / 8;
  }
  _Float16 *da = hip.upload(a), *db = hip.upload(b);
  float *dc = hip.upload(std::vector<float>(256));
  ASSERT_EQ(hip.launch("matmul_halves", 1, waveSize(), da, db, dc), hipSuccess);
  const std::vector<float> c = hip.download(dc, 256);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      float expected = 0; // exact: multiples of 1/32 below 2^11
      for (int e = 0; e < 16; ++e)
        expected += float(a[i * 16 + e]) * float(b[j * 16 + e]);
      EXPECT_EQ(c[i * 16 + j], expected) << i << ", " << j;
    }
}

TEST_P(Kernels, Softmax) {
  const int rows = 2, n = 300;
  const std::vector<float> x = floats(rows * n, -8, 8);
  float *dx = hip.upload(x), *dy = hip.upload(std::vector<float>(rows * n));
  ASSERT_EQ(hip.launch("softmax", rows, 128, dx, dy, n), hipSuccess);
  const std::vector<float> y = hip.download(dy, rows * n);
  for (int r = 0; r < rows; ++r) {
    double sum = 0, largest = -1e9;
    for (int i = 0; i < n; ++i)
      largest = std::max(largest, double(x[r * n + i]));
    for (int i = 0; i < n; ++i)
      sum += std::exp(double(x[r * n + i]) - largest);
    for (int i = 0; i < n; ++i) {
      const double expected = std::exp(double(x[r * n + i]) - largest) / sum;
      EXPECT_NEAR(y[r * n + i], expected, expected * 5e-6) << i;
    }
  }
}

TEST_P(Kernels, Rope) {
  const int pairs = 100;
  const std::vector<float> x = floats(2 * pairs, -2, 2);
  const std::vector<float> angles = floats(pairs, -40, 40);
  float *dx = hip.upload(x), *da = hip.upload(angles);
  ASSERT_EQ(hip.launch("rope", 2, 64, dx, da, pairs), hipSuccess);
  const std::vector<float> y = hip.download(dx, 2 * pairs);
  for (int i = 0; i < pairs; ++i) {
    const double s = std::sin(double(angles[i])), c = std::cos(angles[i]);
    EXPECT_NEAR(y[2 * i], x[2 * i] * c - x[2 * i + 1] * s, 1e-4) << i;
    EXPECT_NEAR(y[2 * i + 1], x[2 * i] * s + x[2 * i + 1] * c, 1e-4) << i;
  }
}

TEST_P(Kernels, HistogramWithAtomics) {
  const std::vector<uint32_t> values = integers<uint32_t>(1000);
  uint32_t *dv = hip.upload(values);
  uint32_t *dc = hip.upload(std::vector<uint32_t>(32));
  uint32_t *dl = hip.upload(std::vector<uint32_t>(1));
  float *ds = hip.upload(std::vector<float>(1));
  ASSERT_EQ(hip.launch("histogram", 1, 256, dv, dc, dl, ds, 1000), hipSuccess);
  std::vector<uint32_t> expected(32);
  uint32_t largest = 0;
  for (uint32_t value : values) {
    ++expected[value & 15];
    ++expected[16 + (value & 15)];
    largest = std::max(largest, value);
  }
  EXPECT_EQ(hip.download(dc, 32), expected);
  EXPECT_EQ(hip.download(dl, 1)[0], largest);
  EXPECT_EQ(hip.download(ds, 1)[0], 256);
}

TEST_P(Kernels, CollatzDiverges) {
  std::vector<uint64_t> x(100);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 1 + 977 * i;
  uint64_t *dx = hip.upload(x);
  uint32_t *ds = hip.upload(std::vector<uint32_t>(100));
  ASSERT_EQ(hip.launch("collatz", 2, 64, dx, ds, 100), hipSuccess);
  const std::vector<uint32_t> steps = hip.download(ds, 100);
  for (size_t i = 0; i < x.size(); ++i) {
    uint32_t expected = 0;
    for (uint64_t v = x[i]; v != 1; ++expected)
      v = v & 1 ? 3 * v + 1 : v / 2;
    EXPECT_EQ(steps[i], expected) << x[i];
  }
}

TEST_P(Kernels, UnpackNibbles) {
  const std::vector<uint8_t> quants = integers<uint8_t>(64);
  const std::vector<_Float16> scales = {_Float16(0.25f), _Float16(-1.5f),
                                        _Float16(3), _Float16(0.0625f)};
  uint8_t *dq = hip.upload(quants);
  _Float16 *ds = hip.upload(scales);
  _Float16 *dout = hip.upload(std::vector<_Float16>(128));
  ASSERT_EQ(hip.launch("unpack", 1, 64, dq, ds, dout), hipSuccess);
  const std::vector<_Float16> out = hip.download(dout, 128);
  for (int i = 0; i < 128; ++i) {
    const int nibble = quants[i / 2] >> (4 * (i % 2)) & 15;
    const float scale = float(scales[i / 32]);
    EXPECT_EQ(float(out[i]), float(nibble - 8) * scale + 0.5f) << i;
  }
}

TEST_P(Kernels, Integers) {
  const int n = 128;
  std::vector<uint32_t> a = integers<uint32_t>(n), b = integers<uint32_t>(n);
  for (int i = 0; i < 40; ++i)
    b[i] >>= i % 32;
  uint32_t *da = hip.upload(a), *db = hip.upload(b);
  uint64_t *dout = hip.upload(std::vector<uint64_t>(10 * n));
  ASSERT_EQ(hip.launch("integers", 2, 64, da, db, dout, n), hipSuccess);
  const std::vector<uint64_t> out = hip.download(dout, 10 * n);
  for (int i = 0; i < n; ++i) {
    const uint32_t x = a[i], y = b[i] | 1;
    const uint64_t wide = uint64_t(x) << 32 | b[i];
    const uint64_t expected[10] = {
        x / y,
        uint64_t(int64_t(int32_t(x) % int32_t(y))),
        wide * (wide ^ 0x123456789abcdef) + x,
        wide / (y | uint64_t(x) << 7 | 1),
        uint64_t(int64_t(wide) >> (x & 63)),
        uint64_t(std::popcount(wide) + 100 * std::countl_zero(y) +
                 10000 * std::countr_zero(y)),
        __builtin_bitreverse32(x) ^ __builtin_bswap32(y),
        int64_t(wide) < int64_t(y * uint64_t(y)) ? wide : y,
        uint64_t(int64_t(uint16_t(x + y) * uint16_t(x >> 16) +
                         int8_t(y) * int16_t(x))),
        std::rotl(x, int(y & 31)) + (x >> 3 & 0x1fff)};
    for (int j = 0; j < 10; ++j)
      if (j != 8) // signed overflow on the host
        EXPECT_EQ(out[10 * i + j], expected[j]) << i << ", " << j;
    const uint32_t product = uint32_t(uint16_t(x + y)) * uint16_t(x >> 16) +
                             uint32_t(int8_t(y) * int16_t(x));
    EXPECT_EQ(uint32_t(out[10 * i + 8]), product) << i;
  }
}

TEST_P(Kernels, Floats) {
  const int n = 64;
  const std::vector<float> a = floats(n, -100, 100), b = floats(n, -9, 9);
  float *da = hip.upload(a), *db = hip.upload(b);
  float *dout = hip.upload(std::vector<float>(8 * n));
  ASSERT_EQ(hip.launch("floats", 1, 64, da, db, dout, n), hipSuccess);
  const std::vector<float> out = hip.download(dout, 8 * n);
  for (int i = 0; i < n; ++i) {
    const float x = a[i], y = b[i];
    const float expected[8] = {
        x / y,
        std::sqrt(std::fabs(x)),
        std::floor(x) + std::trunc(y),
        float(double(x) * y + 0.25),
        float(int(x)) + float(uint32_t(std::fabs(y))),
        float(_Float16(float(_Float16(x)) + float(_Float16(y)))),
        std::ldexp(x, int(y) & 7),
        std::fmin(std::fmax(x, -1.0f), y)};
    for (int j = 0; j < 8; ++j)
      EXPECT_EQ(out[8 * i + j], expected[j]) << i << ", " << j;
  }
}

TEST_P(Kernels, Scratch) {
  std::vector<int32_t> index(128);
  for (int i = 0; i < 128; ++i)
    index[i] = int32_t(random() % 16);
  int32_t *di = hip.upload(index), *dout = hip.upload(std::vector<int32_t>(64));
  ASSERT_EQ(hip.launch("scratch", 1, 64, di, dout), hipSuccess);
  const std::vector<int32_t> out = hip.download(dout, 64);
  ASSERT_EQ(hip.last, hipSuccess);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(out[i],
              index[i + 64] * i + (index[i] == index[i + 64] ? 1000 : 0))
        << i;
}

TEST_P(Kernels, IdsAndConstants) {
  int32_t *dout = hip.upload(std::vector<int32_t>(8 * 6 * 4));
  void *parameters[] = {&dout};
  ASSERT_EQ(hip.hipModuleLaunchKernel(hip.function("places"), 2, 2, 2, 4, 3, 2,
                                      0, nullptr, parameters, nullptr),
            hipSuccess);
  const std::vector<int32_t> out = hip.download(dout, 8 * 6 * 4);
  const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
  for (int z = 0; z < 4; ++z)
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 8; ++x) {
        const int v = x + 10 * y + 100 * z;
        EXPECT_EQ(out[(z * 6 + y) * 8 + x], table[v & 7] * v) << x << y << z;
      }
}

TEST_P(Kernels, OutOfBoundsIsAnError) {
  int32_t *dx = hip.upload(std::vector<int32_t>(64, 3));
  int32_t *dout = hip.upload(std::vector<int32_t>(64));
  testing::internal::CaptureStderr();
  ASSERT_EQ(hip.launch("outside", 1, 64, dx, dout), hipSuccess);
  const std::string message = testing::internal::GetCapturedStderr();
  EXPECT_NE(message.find(chip + ": outside+0x"), std::string::npos) << message;
  EXPECT_NE(message.find("global_load_"), std::string::npos) << message;
  EXPECT_NE(message.find("is outside of every allocation"), std::string::npos)
      << message;
  EXPECT_EQ(hip.hipDeviceSynchronize(), hipErrorIllegalAddress);
}

TEST_P(Kernels, UnknownInstructionIsNamed) {
  uint64_t *dout = hip.upload(std::vector<uint64_t>(1));
  testing::internal::CaptureStderr();
  ASSERT_EQ(hip.launch("unknown", 1, 64, dout), hipSuccess);
  const std::string message = testing::internal::GetCapturedStderr();
  EXPECT_NE(message.find(chip + ": unknown+0x"), std::string::npos) << message;
  EXPECT_NE(message.find("is not emulated"), std::string::npos) << message;
  EXPECT_EQ(hip.hipDeviceSynchronize(), hipErrorLaunchFailure);
}

/// gfx9-4-generic is gfx9_4_generic as a part of a name.
std::string nameOf(const testing::TestParamInfo<const char *> &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Targets, MatrixKernels,
                         testing::Values("gfx90a", "gfx942", "gfx1100",
                                         "gfx1201", "gfx9-4-generic",
                                         "gfx11-generic", "gfx12-generic"),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(Targets, Kernels,
                         testing::Values("gfx90a", "gfx942", "gfx1030",
                                         "gfx1100", "gfx1201", "gfx9-4-generic",
                                         "gfx10-3-generic", "gfx11-generic",
                                         "gfx12-generic"),
                         nameOf);

} // namespace
} // namespace modelc::amdgpu
