//===- vector-test.cpp - Vector instructions against the documents
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each row states for one lane what AMD's documents say in the instruction's
// pseudo code ("RDNA3 ISA" 16.7-16.12, "CDNA3 ISA" 12.7-12.11), on bits, and
// shares nothing with the interpreter. LLVM assembles what is executed; EXEC
// is random, and lanes without it must not change.
//
//===----------------------------------------------------------------------===//

#include "Statements.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

uint32_t dotOfBytes(uint32_t a, uint32_t b, uint32_t c, bool aSigned,
                    bool bSigned) {
  for (uint32_t i = 0; i < 32; i += 8) {
    const uint32_t x = bits(a, i + 7, i), y = bits(b, i + 7, i);
    const uint32_t xs = aSigned && x >= 128 ? x - 256 : x;
    const uint32_t ys = bSigned && y >= 128 ? y - 256 : y;
    c += xs * ys;
  }
  return c;
}
double toTurns(double a) { return a - std::floor(a); }
uint32_t permuted(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t result = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint32_t select = bits(c, 8 * i + 7, 8 * i);
    uint32_t byte = 0;
    if (select >= 13)
      byte = 0xff;
    else if (select == 12)
      byte = 0;
    else if (select == 11)
      byte = a >> 31 ? 0xff : 0;
    else if (select == 10)
      byte = a >> 15 & 1 ? 0xff : 0;
    else if (select == 9)
      byte = b >> 31 ? 0xff : 0;
    else if (select == 8)
      byte = b >> 15 & 1 ? 0xff : 0;
    else if (select >= 4)
      byte = bits(a, 8 * (select - 4) + 7, 8 * (select - 4));
    else
      byte = bits(b, 8 * select + 7, 8 * select);
    result |= byte << (8 * i);
  }
  return result;
}

const Row kRows[] = {
    {BOTH("v_mov_b32 v3, v0"), STATE(a)},
    {BOTH("v_not_b32 v3, v0"), STATE(a ^ 0xffffffff)},
    {BOTH("v_and_b32 v3, v0, v1"), STATE(a & b)},
    {BOTH("v_xnor_b32 v3, v0, v1"), STATE(~a ^ b)},
    {BOTH("v_lshlrev_b32 v3, v0, v1"), STATE(b << (a % 32))},
    {BOTH("v_lshrrev_b32 v3, v0, v1"), STATE(b >> (a % 32))},
    {BOTH("v_ashrrev_i32 v3, v0, v1"), STATE(uint32_t(s(b) >> (a % 32)))},
    {"v_add_u32 v3, v0, v1", "v_add_nc_u32 v3, v0, v1", STATE(a + b)},
    {"v_sub_u32 v3, v0, v1", "v_sub_nc_u32 v3, v0, v1", STATE(a - b)},
    {"v_subrev_u32 v3, v0, v1", "v_subrev_nc_u32 v3, v0, v1", STATE(b - a)},
    {"v_add_u32 v3, 17, v1", "v_add_nc_u32 v3, 17, v1", STATE(17 + b)},
    {"v_add_u32 v3, 0x12345, v1", "v_add_nc_u32 v3, 0x12345, v1",
     STATE(0x12345 + b)},
    {"v_add_u32_e64 v3, v0, v1 clamp", "v_add_nc_u32_e64 v3, v0, v1 clamp",
     STATE(uint64_t(a) + b > 0xffffffff ? 0xffffffff : a + b)},
    {"v_sub_u32_e64 v3, v0, v1 clamp", "v_sub_nc_u32_e64 v3, v0, v1 clamp",
     STATE(a < b ? 0 : a - b)},
    {"v_subrev_u32_e64 v3, v0, v1 clamp",
     "v_subrev_nc_u32_e64 v3, v0, v1 clamp", STATE(b < a ? 0 : b - a)},
    {"v_add_i32 v3, v0, v1 clamp", "v_add_nc_i32 v3, v0, v1 clamp",
     STATE(saturated(int64_t(s(a)) + s(b)))},
    {"v_sub_i32 v3, v0, v1 clamp", "v_sub_nc_i32 v3, v0, v1 clamp",
     STATE(saturated(int64_t(s(a)) - s(b)))},
    {BOTH("v_mul_lo_u32 v3, v0, v1"), STATE(a * b)},
    {BOTH("v_mul_hi_u32 v3, v0, v1"), STATE(uint32_t(uint64_t(a) * b >> 32))},
    {BOTH("v_mul_hi_i32 v3, v0, v1"),
     STATE(uint32_t((int64_t(s(a)) * s(b)) >> 32))},
    {BOTH("v_mul_u32_u24 v3, v0, v1"),
     STATE(bits(a, 23, 0) * bits(b, 23, 0))},
    {BOTH("v_mad_i32_i24 v3, v0, v1, v2"),
     STATE(uint32_t(s(a << 8) / 256) * uint32_t(s(b << 8) / 256) + c)},
    {BOTH("v_min_i32 v3, v0, v1"), STATE(s(a) < s(b) ? a : b)},
    {BOTH("v_max_u32 v3, v0, v1"), STATE(a < b ? b : a)},
    {BOTH("v_med3_i32 v3, v0, v1, v2"), [](const Inputs &in) {
       int32_t sorted[] = {s(in.a), s(in.b), s(in.c)};
       std::sort(sorted, sorted + 3);
       return uint32_t(sorted[1]);
     }},
    {BOTH("v_add3_u32 v3, v0, v1, v2"), STATE(a + b + c)},
    {BOTH("v_lshl_add_u32 v3, v0, v1, v2"), STATE((a << (b % 32)) + c)},
    {BOTH("v_add_lshl_u32 v3, v0, v1, v2"), STATE((a + b) << (c % 32))},
    {BOTH("v_lshl_or_b32 v3, v0, v1, v2"), STATE((a << (b % 32)) | c)},
    {BOTH("v_and_or_b32 v3, v0, v1, v2"), STATE((a & b) | c)},
    {BOTH("v_bfe_u32 v3, v0, v1, v2"),
     STATE((a >> (b % 32)) & ((1u << (c % 32)) - 1))},
    {BOTH("v_bfe_i32 v3, v0, 5, 9"), STATE(uint32_t(s(a << 18) >> 23))},
    {BOTH("v_bfi_b32 v3, v0, v1, v2"), STATE((a & b) | (~a & c))},
    {BOTH("v_alignbit_b32 v3, v0, v1, v2"),
     STATE(c % 32 ? a << (32 - c % 32) | b >> (c % 32) : b)},
    {BOTH("v_perm_b32 v3, v0, v1, v2"), STATE(permuted(a, b, c))},
    {BOTH("v_bfrev_b32 v3, v0"), [](const Inputs &in) {
       uint32_t result = 0;
       for (uint32_t i = 0; i < 32; ++i)
         result |= (in.a >> i & 1) << (31 - i);
       return result;
     }},
    {"v_ffbh_u32 v3, v0", "v_clz_i32_u32 v3, v0", [](const Inputs &in) {
       for (uint32_t i = 0; i < 32; ++i)
         if (in.a >> (31 - i) & 1)
           return i;
       return 0xffffffffu;
     }, Integer, "v_ffbh_u32 v3, v0"},
    {"v_ffbl_b32 v3, v0", "v_ctz_i32_b32 v3, v0", [](const Inputs &in) {
       for (uint32_t i = 0; i < 32; ++i)
         if (in.a >> i & 1)
           return i;
       return 0xffffffffu;
     }, Integer, "v_ffbl_b32 v3, v0"},
    {BOTH("v_bcnt_u32_b32 v3, v0, v1"), [](const Inputs &in) {
       uint32_t result = in.b;
       for (uint32_t i = 0; i < 32; ++i)
         result += in.a >> i & 1;
       return result;
     }},
    {BOTH("v_cvt_f32_i32 v3, v0"), STATE(u(double(s(a))))},
    {BOTH("v_cvt_f32_u32 v3, v0"), STATE(u(double(a)))},
    {BOTH("v_cvt_f32_ubyte2 v3, v0"), STATE(u(double(bits(a, 23, 16))))},
    {BOTH("v_cvt_i32_f32 v3, v0"),
     STATE(roundedToInt(a, -2147483648.0, 2147483647.0))},
    {BOTH("v_cvt_u32_f32 v3, v0"), STATE(roundedToInt(a, 0, 4294967295.0))},
    // One rounding in double is innocuous: a double has more than 2 * 24 + 2
    // bits.
    {BOTH("v_add_f32 v3, v0, v1"), STATE(u(double(f(a)) + f(b))), Float},
    {BOTH("v_sub_f32 v3, v0, v1"), STATE(u(double(f(a)) - f(b))), Float},
    {BOTH("v_mul_f32 v3, v0, v1"), STATE(u(double(f(a)) * f(b))), Float},
    {BOTH("v_add_f32 v3, -v0, |v1|"),
     STATE(u(double(f(a ^ 0x80000000)) + f(b & 0x7fffffff))), Float},
    {BOTH("v_mul_f32 v3, v0, v1 mul:2"),
     STATE(u(float(double(f(a)) * f(b)) * 2.0f)), Float},
    {BOTH("v_add_f32 v3, v0, v1 clamp"), [](const Inputs &in) {
       const float sum = float(double(f(in.a)) + f(in.b));
       return sum > 0 ? u(sum < 1 ? sum : 1.0f) : 0u;
     }, Float},
    {BOTH("v_min_f32 v3, v0, v1"), STATE(numberMin(a, b)), Float},
    {BOTH("v_max_f32 v3, v0, v1"), STATE(numberMax(a, b)), Float},
    {BOTH("v_fma_f32 v3, v0, v1, v2"), STATE(u(std::fma(f(a), f(b), f(c)))),
     Float},
    {BOTH("v_fmac_f32 v3, v0, v1"), STATE(u(std::fma(f(a), f(b), f(d)))),
     Float},
    {BOTH("v_floor_f32 v3, v0"), STATE(u(std::floor(double(f(a))))), Float},
    {BOTH("v_rndne_f32 v3, v0"), STATE(u(std::rint(double(f(a))))), Float},
    {"v_cvt_f16_f32 v3, v0", nullptr, [](const Inputs &in) {
       return uint32_t(std::bit_cast<uint16_t>(_Float16(f(in.a))));
     }, Float},
    {"v_dot4_i32_i8 v3, v0, v1, v2", nullptr,
     STATE(dotOfBytes(a, b, c, true, true)), Integer,
     "v_dot4_i32_i8 v3, v0, v1, v2"},
    {"v_dot4c_i32_i8 v3, v0, v1", nullptr,
     STATE(dotOfBytes(a, b, d, true, true)), Integer,
     "v_dot4c_i32_i8 v3, v0, v1"},
    {BOTH("v_dot4_u32_u8 v3, v0, v1, v2"),
     STATE(dotOfBytes(a, b, c, false, false))},
    {nullptr, "v_dot4_i32_iu8 v3, v0, v1, v2 neg_lo:[1,1,0]",
     STATE(dotOfBytes(a, b, c, true, true))},
    {nullptr, "v_dot4_i32_iu8 v3, v0, v1, v2 neg_lo:[0,1,0]",
     STATE(dotOfBytes(a, b, c, false, true))},
    {BOTH("v_pk_add_f16 v3, v0, v1"),
     STATE(pair(low(a) + low(b), high(a) + high(b))), Halves},
    {BOTH("v_pk_mul_f16 v3, v0, v1 op_sel:[1,0] op_sel_hi:[0,1] neg_lo:[1,0]"),
     STATE(pair(-high(a) * low(b), low(a) * high(b))), Halves},
    {BOTH("v_pk_fma_f16 v3, v0, v1, v2"),
     STATE(pair(low(a) * low(b) + low(c), high(a) * high(b) + high(c))),
     Halves},
    {BOTH("v_fma_mix_f32 v3, v0, v1, v2 op_sel:[0,1,0] op_sel_hi:[1,1,0]"),
     STATE(u(low(a) * high(b) + f(c))), Float},
    {"v_cvt_f32_f16 v3, v0", "v_cvt_f32_f16 v3, v0.l", STATE(u(low(a))), Float},
    {"v_add_f16 v3, v0, v1", nullptr,
     STATE(pair(low(a) + low(b), 0)), Halves},
    {nullptr, "v_add_f16 v3.l, v0.h, v1.l",
     STATE((d & 0xffff0000) | (pair(high(a) + low(b), 0) & 0xffff)), Halves},
    {nullptr, "v_add_f16 v3.h, v0.l, v1.h",
     STATE((d & 0xffff) | pair(low(a) + high(b), 0) << 16), Halves},
    {BOTH("v_pk_add_u16 v3, v0, v1"),
     STATE(((a + b) & 0xffff) | ((a >> 16) + (b >> 16)) << 16)},
    {BOTH("v_pk_add_u16 v3, v0, v1 op_sel:[1,0] op_sel_hi:[0,1]"),
     STATE((((a >> 16) + b) & 0xffff) | (a + (b >> 16)) << 16)},
    {BOTH("v_pk_sub_u16 v3, v0, v1 clamp"), [](const Inputs &in) {
       uint32_t result = 0;
       for (uint32_t i : {0, 16}) {
         const uint32_t a = in.a >> i & 0xffff, b = in.b >> i & 0xffff;
         result |= (a < b ? 0 : a - b) << i;
       }
       return result;
     }},
    {BOTH("v_pk_mul_lo_u16 v3, v0, v1"),
     STATE(((a * b) & 0xffff) | ((a >> 16) * (b >> 16)) << 16)},
    {"v_mov_b32_sdwa v3, v0 dst_sel:BYTE_1 dst_unused:UNUSED_PRESERVE "
     "src0_sel:BYTE_2",
     nullptr, STATE((d & 0xffff00ff) | bits(a, 23, 16) << 8)},
    {"v_add_u32_sdwa v3, sext(v0), v1 dst_sel:DWORD dst_unused:UNUSED_PAD "
     "src0_sel:WORD_1 src1_sel:BYTE_0",
     nullptr, STATE(uint32_t(s(a) >> 16) + (b & 255))},
};

/// The text for generations without names for halves of registers: v3 for
/// v3.l. Empty: it cannot be said.
std::string withoutHalves(std::string text) {
  if (text.find(".h") != std::string::npos)
    return {};
  for (size_t at; (at = text.find(".l")) != std::string::npos;)
    text.erase(at, 2);
  return text;
}

/// What came with gfx11 has no text for gfx10.
std::string onGfx10(const std::string &text) {
  for (const char *part : {"iu8", "minmax", "maxmin"})
    if (text.find(part) != std::string::npos)
      return {};
  return withoutHalves(text);
}

/// gfx12 names minNum and maxNum after what they are.
std::string onGfx12(std::string text) {
  const size_t end = text.find(' ');
  const bool isExtreme = text.find("min") < end || text.find("max") < end ||
                         text.find("med") < end;
  const size_t type = text.find("_f");
  if (isExtreme && type < end)
    text.insert(type, "_num");
  return withoutHalves(text);
}

std::string textOf(const Row &row, const Chip &chip) {
  const char *text = chip.generation == 9 ? row.gfx9 : row.gfx11;
  if (chip.generation == 10 && row.gfx10)
    return row.gfx10;
  if (!text)
    return {};
  return chip.generation == 10   ? onGfx10(text)
         : chip.generation == 12 ? onGfx12(text)
                                 : text;
}

class Vectors : public testing::TestWithParam<const Chip *> {};

TEST_P(Vectors, AreWhatTheManualSays) {
  Bench bench(*GetParam());
  for (const Row &row : kRows) {
    testRow(bench, row);
    if (HasFatalFailure())
      return;
  }
}

/// Errors in units of the last place that AMD's documents grant: 1 ULP.
TEST_P(Vectors, ApproximationsAreWithinOneUlp) {
  struct Function {
    const char *name;
    double (*exact)(double);
    float low, high;
  };
  const Function functions[] = {
      {"v_exp_f32", [](double a) { return std::exp2(a); }, -120, 120},
      {"v_log_f32", [](double a) { return std::log2(a); }, 1e-30f, 1e30f},
      {"v_rcp_f32", [](double a) { return 1 / a; }, -1e30f, 1e30f},
      {"v_rsq_f32", [](double a) { return 1 / std::sqrt(a); }, 1e-30f, 1e30f},
      {"v_sqrt_f32", [](double a) { return std::sqrt(a); }, 0, 1e30f},
      {"v_sin_f32", [](double a) { return std::sin(toTurns(a) * 2 * M_PI); },
       -200, 200},
      {"v_cos_f32", [](double a) { return std::cos(toTurns(a) * 2 * M_PI); },
       -200, 200},
  };
  const Chip &chip = *GetParam();
  Bench bench(chip);
  for (const Function &function : functions) {
    std::uniform_real_distribution<float> inputs(function.low, function.high);
    for (uint32_t lane = 0; lane < chip.waveSize; ++lane)
      bench.v(0, lane) = u(inputs(bench.random));
    ASSERT_EQ(bench.run(std::string(function.name) + " v3, v0"), "");
    for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
      const double exact = function.exact(double(f(bench.v(0, lane))));
      const float found = f(bench.v(3, lane));
      const double ulp = std::fabs(std::nextafter(found, INFINITY) - found);
      EXPECT_NEAR(found, exact, ulp) << function.name;
    }
  }
}

TEST_P(Vectors, Comparisons) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  struct Comparison {
    const char *name;
    bool (*state)(uint32_t a, uint32_t b);
  };
  const Comparison comparisons[] = {
      {"v_cmp_lt_i32", [](uint32_t a, uint32_t b) { return s(a) < s(b); }},
      {"v_cmp_ge_u32", [](uint32_t a, uint32_t b) { return a >= b; }},
      {"v_cmp_ne_u32", [](uint32_t a, uint32_t b) { return a != b; }},
      {"v_cmp_lt_f32", [](uint32_t a, uint32_t b) { return f(a) < f(b); }},
      {"v_cmp_nlt_f32", [](uint32_t a, uint32_t b) { return !(f(a) < f(b)); }},
      {"v_cmp_u_f32",
       [](uint32_t a, uint32_t b) { return isNan(a) || isNan(b); }},
      {"v_cmp_lg_f32",
       [](uint32_t a, uint32_t b) { return f(a) < f(b) || f(a) > f(b); }},
  };
  const char *pair = chip.waveSize == 64 ? " s[4:5]" : " s4";
  const char *vcc = chip.waveSize == 64 ? " vcc" : " vcc_lo";
  for (const Comparison &comparison : comparisons)
    for (const char *dest : {pair, vcc}) {
      bench.randomise();
      bench.wave.setMask(kExec, UINT64_C(0xf0f0ff00cc33aa55));
      ASSERT_EQ(bench.run(std::string(comparison.name) + dest + ", v0, v1"),
                "");
      const uint64_t found = bench.wave.maskOf(dest == pair ? 4 : kVcc);
      for (uint32_t lane = 0; lane < chip.waveSize; ++lane)
        ASSERT_EQ(
            found >> lane & 1,
            uint64_t(bench.isActive(lane) &&
                     comparison.state(bench.v(0, lane), bench.v(1, lane))))
            << chip.name << comparison.name << dest << lane;
    }
}

/// "DPP16" in the documents' table of controls: which lane is read.
TEST_P(Vectors, DppReadsOtherLanes) {
  const Chip &chip = *GetParam();
  struct Control {
    const char *text;
    int (*from)(int lane); ///< -1: none, the result is 0 by bound_ctrl
    int firstGeneration, lastGeneration;
  };
  const Control controls[] = {
      {"quad_perm:[3,1,0,2]",
       [](int l) {
         const int order[] = {3, 1, 0, 2};
         return l / 4 * 4 + order[l % 4];
       },
       9, 12},
      {"row_shl:3", [](int l) { return l % 16 < 13 ? l + 3 : -1; }, 9, 12},
      {"row_shr:5", [](int l) { return l % 16 >= 5 ? l - 5 : -1; }, 9, 12},
      {"row_ror:4", [](int l) { return l / 16 * 16 + (l % 16 + 12) % 16; }, 9,
       12},
      {"row_mirror", [](int l) { return l / 16 * 16 + 15 - l % 16; }, 9, 12},
      {"row_half_mirror", [](int l) { return l / 8 * 8 + 7 - l % 8; }, 9, 12},
      {"row_bcast:15", [](int l) { return l < 16 ? -1 : l / 16 * 16 - 1; }, 9,
       9},
      {"row_bcast:31", [](int l) { return l < 32 ? -1 : 31; }, 9, 9},
      {"wave_shr:1", [](int l) { return l - 1; }, 9, 9},
      {"row_share:6", [](int l) { return l / 16 * 16 + 6; }, 10, 12},
      {"row_xmask:9", [](int l) { return l / 16 * 16 + (l % 16 ^ 9); }, 10, 12},
  };
  Bench bench(chip);
  for (const Control &control : controls) {
    if (chip.generation < control.firstGeneration ||
        chip.generation > control.lastGeneration)
      continue;
    bench.randomise();
    bench.wave.setMask(kExec, ~UINT64_C(0));
    const char *bound =
        chip.generation == 9 ? " bound_ctrl:0" : " bound_ctrl:1";
    ASSERT_EQ(bench.run(std::string("v_mov_b32_dpp v3, v0 ") + control.text +
                        " row_mask:0xf bank_mask:0xf" + bound),
              "");
    for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
      const int from = control.from(int(lane));
      ASSERT_EQ(bench.v(3, lane), from < 0 ? 0 : bench.v(0, uint32_t(from)))
          << chip.name << control.text << lane;
    }
  }
}

/// Without bound_ctrl a lane that has no source keeps what it had; so do lanes
/// whose row or bank is masked.
TEST_P(Vectors, DppKeepsMaskedLanes) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  bench.randomise();
  std::vector<uint32_t> old(chip.waveSize);
  for (uint32_t lane = 0; lane < chip.waveSize; ++lane)
    old[lane] = bench.v(3, lane);
  ASSERT_EQ(bench.run("v_mov_b32_dpp v3, v0 row_shr:1 row_mask:0xd "
                      "bank_mask:0xb"),
            "");
  for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
    const bool masked = lane / 16 == 1 || lane % 16 / 4 == 2;
    const bool missing = lane % 16 == 0;
    ASSERT_EQ(bench.v(3, lane),
              masked || missing ? old[lane] : bench.v(0, lane - 1))
        << chip.name << lane;
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, Vectors, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace

void testRow(Bench &bench, const Row &row) {
  const Chip &chip = bench.chip;
  const std::string text = textOf(row, chip);
  if (text.empty())
    return;
  const std::vector<uint8_t> code = assemble(text, chip);
  for (int trial = 0; trial < 4; ++trial) {
    bench.randomise();
    bench.wave.setMask(kExec, bench.random() | uint64_t(bench.random()) << 32);
    Inputs inputs[64];
    for (uint32_t lane = 0; lane < chip.waveSize; ++lane)
      inputs[lane] = {bench.v(0, lane), bench.v(1, lane), bench.v(2, lane),
                      bench.v(3, lane)};
    ASSERT_EQ(bench.run(code), "") << text;
    for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
      const Inputs &in = inputs[lane];
      const uint32_t found = bench.v(3, lane);
      const uint32_t stated = bench.isActive(lane) ? row.state(in) : in.d;
      ASSERT_TRUE(same(row.kind, found, stated))
          << chip.name << ": " << text << ", lane " << lane << std::hex << ": "
          << found << ", not " << stated << "; a=" << in.a << " b=" << in.b
          << " c=" << in.c << " d=" << in.d;
    }
  }
}

} // namespace modelc::amdgpu
