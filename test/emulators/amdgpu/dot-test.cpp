//===- dot-test.cpp - Dot products, mixed precision, carries, halves' functions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The sources are those of vector-test.cpp.
//
//===----------------------------------------------------------------------===//

#include "Statements.h"

#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

uint32_t dotOfNibbles(uint32_t a, uint32_t b, uint32_t c, bool aSigned,
                      bool bSigned) {
  for (uint32_t i = 0; i < 32; i += 4) {
    const uint32_t x = bits(a, i + 3, i), y = bits(b, i + 3, i);
    c += (aSigned && x >= 8 ? x - 16 : x) * (bSigned && y >= 8 ? y - 16 : y);
  }
  return c;
}
int64_t wideDotOfBytes(uint32_t a, uint32_t b, uint32_t c) {
  int64_t sum = s(c);
  for (uint32_t i = 0; i < 32; i += 8)
    sum += int64_t(int8_t(a >> i)) * int8_t(b >> i);
  return sum;
}

const Row kRows[] = {
    {"v_dot8_i32_i4 v3, v0, v1, v2", nullptr,
     STATE(dotOfNibbles(a, b, c, true, true)), Integer,
     "v_dot8_i32_i4 v3, v0, v1, v2"},
    {"v_dot8c_i32_i4 v3, v0, v1", nullptr,
     STATE(dotOfNibbles(a, b, d, true, true)), Integer, ""},
    {BOTH("v_dot8_u32_u4 v3, v0, v1, v2"),
     STATE(dotOfNibbles(a, b, c, false, false))},
    {nullptr, "v_dot8_i32_iu4 v3, v0, v1, v2 neg_lo:[1,0,0]",
     STATE(dotOfNibbles(a, b, c, true, false)), Integer, ""},
    {"v_dot4_i32_i8 v3, v0, v1, v2 clamp",
     "v_dot4_i32_iu8 v3, v0, v1, v2 neg_lo:[1,1,0] clamp",
     STATE(saturated(wideDotOfBytes(a, b, c))), Integer,
     "v_dot4_i32_i8 v3, v0, v1, v2 clamp"},
    // The low or the high half is written; an operand is a float, or the half
    // that op_sel says.
    {BOTH("v_fma_mixlo_f16 v3, v0, v1, v2"),
     STATE((d & 0xffff0000) | (pair(double(f(a)) * f(b) + f(c), 0) & 0xffff)),
     Halves},
    {BOTH("v_fma_mixhi_f16 v3, |v0|, v1, -v2 op_sel:[0,1,0] "
          "op_sel_hi:[1,1,0]"),
     STATE((d & 0xffff) | pair(std::fabs(low(a)) * high(b) - f(c), 0) << 16),
     Halves},
};

class Dots : public testing::TestWithParam<const Chip *> {
protected:
  const Chip &chip = *GetParam();
  Bench bench{chip};
  const uint32_t lanes = chip.waveSize;
  const std::string vcc = chip.waveSize == 64 ? "vcc" : "vcc_lo";
};

TEST_P(Dots, AreWhatTheManualSays) {
  for (const Row &row : kRows) {
    testRow(bench, row);
    if (HasFatalFailure())
      return;
  }
}

/// Small integers, so that no order of the sums matters.
TEST_P(Dots, OfHalves) {
  const bool isBf16Known = chip.generation >= 11;
  std::vector<std::string> texts = {"v_dot2_f32_f16 v3, v0, v1, v2"};
  if (chip.generation <= 10)
    texts.push_back("v_dot2c_f32_f16 v3, v0, v1");
  if (chip.generation == 11)
    texts.push_back("v_dot2acc_f32_f16 v3, v0, v1");
  if (isBf16Known)
    texts.push_back("v_dot2_f32_bf16 v3, v0, v1, v2");
  for (const std::string &text : texts) {
    const bool isBf16 = text.find("bf16") != std::string::npos;
    const auto encode = [&](int value) -> uint32_t {
      return isBf16 ? u(float(value)) >> 16 : pair(value, 0) & 0xffff;
    };
    std::vector<float> sums(lanes);
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      int v[6];
      for (int &value : v)
        value = int(bench.random() % 31) - 15;
      bench.v(0, lane) = encode(v[0]) | encode(v[1]) << 16;
      bench.v(1, lane) = encode(v[2]) | encode(v[3]) << 16;
      bench.v(2, lane) = u(float(v[4]));
      bench.v(3, lane) = u(float(v[5]));
      const bool accumulates = text.find(", v2") == std::string::npos;
      sums[lane] =
          float(v[0] * v[2] + v[1] * v[3] + (accumulates ? v[5] : v[4]));
    }
    ASSERT_EQ(bench.run(text), "") << text;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      ASSERT_EQ(f(bench.v(3, lane)), sums[lane]) << chip.name << text;
  }
}

/// The difference, and a one for each lane that borrowed.
TEST_P(Dots, CarriesAreMasks) {
  const std::string carryIn =
      chip.generation == 9 ? "v_addc_co_u32" : "v_add_co_ci_u32";
  bench.randomise();
  const uint64_t carries = bench.wave.pairOf(kVcc);
  ASSERT_EQ(bench.run(carryIn + " v3, " + vcc + ", v0, v1, " + vcc), "");
  const uint64_t sumCarries = bench.wave.maskOf(kVcc);
  ASSERT_EQ(bench.run("v_subrev_co_u32 v4, " + vcc + ", v0, v1"), "");
  const uint64_t borrows = bench.wave.maskOf(kVcc);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const uint64_t a = bench.v(0, lane), b = bench.v(1, lane);
    const uint64_t sum = a + b + (carries >> lane & 1);
    ASSERT_EQ(bench.v(3, lane), uint32_t(sum));
    ASSERT_EQ(sumCarries >> lane & 1, sum >> 32);
    ASSERT_EQ(bench.v(4, lane), uint32_t(b - a));
    ASSERT_EQ(borrows >> lane & 1, uint64_t(b < a));
  }
}

TEST_P(Dots, MultiplyAddOf64Bits) {
  const bool isRenamed = chip.generation == 12;
  bench.randomise();
  ASSERT_EQ(
      bench.run(std::string(isRenamed ? "v_mad_co_i64_i32" : "v_mad_i64_i32") +
                " v[4:5], " + vcc + ", v0, v1, v[2:3]\n" +
                (isRenamed ? "v_mad_co_u64_u32" : "v_mad_u64_u32") +
                " v[6:7], " + vcc + ", v0, v1, v[2:3]"),
      "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const uint32_t a = bench.v(0, lane), b = bench.v(1, lane);
    const auto wide = [&](uint32_t reg) {
      return bench.v(reg, lane) | uint64_t(bench.v(reg + 1, lane)) << 32;
    };
    ASSERT_EQ(wide(4), uint64_t(int64_t(s(a)) * s(b)) + wide(2));
    ASSERT_EQ(wide(6), uint64_t(a) * b + wide(2));
  }
}

TEST_P(Dots, SelectionAndSwap) {
  bench.randomise();
  const uint64_t mask = bench.wave.pairOf(kVcc);
  std::vector<uint32_t> a(lanes), b(lanes);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    a[lane] = bench.v(0, lane);
    b[lane] = bench.v(1, lane);
  }
  ASSERT_EQ(bench.run("v_cndmask_b32 v3, v0, v1, " + vcc +
                      "\nv_cndmask_b32_e64 v4, -v0, |v1|, " + vcc +
                      "\nv_swap_b32 v0, v1"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const bool second = mask >> lane & 1;
    ASSERT_EQ(bench.v(3, lane), second ? b[lane] : a[lane]);
    ASSERT_EQ(bench.v(4, lane),
              second ? b[lane] & 0x7fffffff : a[lane] ^ 0x80000000);
    ASSERT_EQ(bench.v(0, lane), b[lane]);
    ASSERT_EQ(bench.v(1, lane), a[lane]);
  }
}

/// The lower halves are selected.
TEST(Gfx11, SelectionOfHalves) {
  for (const char *name : {"gfx1100", "gfx1201"}) {
    Bench bench(*findChip(name));
    bench.randomise();
    const uint64_t mask = bench.wave.pairOf(kVcc);
    const bool isGfx11 = bench.chip.generation == 11;
    ASSERT_EQ(bench.run(isGfx11 ? "v_cndmask_b16 v3.l, v0.l, v1.l, vcc_lo"
                                : "v_cndmask_b16 v3, v0, v1, vcc_lo"),
              "");
    for (uint32_t lane = 0; lane < 32; ++lane)
      ASSERT_EQ(bench.v(3, lane) & 0xffff,
                bench.v(mask >> lane & 1 ? 1 : 0, lane) & 0xffff);
  }
}

/// gfx12's minimum and maximum of IEEE 754-2019: a NaN wins.
TEST(Gfx12, MinimumAndMaximum) {
  Bench bench(*findChip("gfx1201"));
  bench.randomise();
  ASSERT_EQ(bench.run("v_minimum_f32 v3, v0, v1\nv_maximum_f32 v4, v0, v1"),
            "");
  for (uint32_t lane = 0; lane < 32; ++lane) {
    const uint32_t a = bench.v(0, lane), b = bench.v(1, lane);
    const uint32_t least = bench.v(3, lane), most = bench.v(4, lane);
    if (isNan(a) || isNan(b)) {
      EXPECT_TRUE(isNan(least) && isNan(most));
      continue;
    }
    EXPECT_EQ(f(least), std::fmin(f(a), f(b)));
    EXPECT_EQ(f(most), std::fmax(f(a), f(b)));
  }
}

/// Between accumulation registers, and to the others and back.
TEST(Cdna, AccumulationRegistersMove) {
  for (const char *name : {"gfx90a", "gfx942"}) {
    Bench bench(*findChip(name));
    bench.randomise();
    const uint32_t value = bench.v(kAccumulators + 2, 5);
    ASSERT_EQ(bench.run("v_accvgpr_mov_b32 a1, a2\n"
                        "v_accvgpr_read_b32 v1, a1\n"
                        "v_accvgpr_write_b32 a9, v1"),
              "");
    for (uint32_t reg : {kAccumulators + 1u, 1u, kAccumulators + 9u})
      EXPECT_EQ(bench.v(reg, 5), value) << name << reg;
  }
}

/// Functions of halves, within 1 ULP.
TEST_P(Dots, FunctionsOfHalves) {
  struct Function {
    const char *name;
    double (*exact)(double);
    float low, high;
  };
  const Function functions[] = {
      {"v_rcp_f16", [](double a) { return 1 / a; }, 0.01f, 100},
      {"v_sqrt_f16", [](double a) { return std::sqrt(a); }, 0, 60000},
      {"v_rsq_f16", [](double a) { return 1 / std::sqrt(a); }, 0.01f, 60000},
      {"v_exp_f16", [](double a) { return std::exp2(a); }, -10, 15},
      {"v_log_f16", [](double a) { return std::log2(a); }, 0.01f, 60000},
  };
  for (const Function &function : functions) {
    std::uniform_real_distribution<float> inputs(function.low, function.high);
    for (uint32_t lane = 0; lane < lanes; ++lane)
      bench.v(0, lane) = pair(inputs(bench.random), 0);
    const char *half = chip.generation == 11 ? ".l" : "";
    ASSERT_EQ(
        bench.run(std::string(function.name) + " v3" + half + ", v0" + half),
        "");
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      const double exact = function.exact(low(bench.v(0, lane)));
      const uint32_t found = bench.v(3, lane) & 0xffff;
      EXPECT_NEAR(low(found), exact, std::fabs(low(found + 1) - low(found)))
          << chip.name << function.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, Dots, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
