//===- scalar-test.cpp - Scalar instructions against statements of the manuals
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "RDNA3 ISA" 16.1-16.5, "CDNA3 ISA" 12.1-12.5: the result and SCC of each
// instruction, in the wide integers of the documents' pseudo code. The rows
// share nothing with the interpreter.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

/// a = s0 (or s[0:1]), b = s2 (or s[2:3]), d = the old s4 (or s[4:5]).
struct Inputs {
  uint64_t a, b, d;
  bool scc;
};
struct Outputs {
  uint64_t d;
  bool scc;
};

struct Row {
  const char *gfx9, *gfx11; ///< assembler text
  Outputs (*state)(const Inputs &in);
};

#define BOTH(text) text, text
/// 32-bit operands, and what they are as signed numbers.
#define STATE(d_, scc_)                                                        \
  [](const Inputs &in) -> Outputs {                                            \
    [[maybe_unused]] const uint64_t a = uint32_t(in.a), b = uint32_t(in.b);    \
    [[maybe_unused]] const int64_t sa = int32_t(in.a), sb = int32_t(in.b);     \
    [[maybe_unused]] const bool scc = in.scc;                                  \
    const uint64_t d = uint32_t(d_);                                           \
    return {d, bool(scc_)};                                                    \
  }
#define STATE64(d_, scc_)                                                      \
  [](const Inputs &in) -> Outputs {                                            \
    [[maybe_unused]] const uint64_t a = in.a, b = in.b;                        \
    [[maybe_unused]] const bool scc = in.scc;                                  \
    const uint64_t d = d_;                                                     \
    return {d, bool(scc_)};                                                    \
  }
/// Only SCC.
#define COMPARE(condition)                                                     \
  [](const Inputs &in) -> Outputs {                                            \
    [[maybe_unused]] const uint64_t a = uint32_t(in.a), b = uint32_t(in.b);    \
    [[maybe_unused]] const int64_t sa = int32_t(in.a), sb = int32_t(in.b);     \
    return {in.d, bool(condition)};                                            \
  }

uint64_t onesOf(uint64_t value) {
  uint64_t count = 0;
  for (; value; value >>= 1)
    count += value & 1;
  return count;
}
/// The position of the first one from bit 0; -1: none.
uint64_t firstOne(uint64_t value, int bits) {
  for (int i = 0; i < bits; ++i)
    if (value >> i & 1)
      return uint64_t(i);
  return 0xffffffff;
}
/// The same from the top, counted from there.
uint64_t firstOneFromTop(uint64_t value, int bits) {
  for (int i = 0; i < bits; ++i)
    if (value >> (bits - 1 - i) & 1)
      return uint64_t(i);
  return 0xffffffff;
}
uint64_t lowBits(uint64_t count) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < count && i < 64; ++i)
    bits |= uint64_t(1) << i;
  return bits;
}
bool isOutOfInt32(int64_t value) {
  return value < -2147483648LL || value > 2147483647LL;
}

const Row kRows[] = {
    {BOTH("s_mov_b32 s4, s0"), STATE(a, scc)},
    {BOTH("s_mov_b32 s4, 0x12345678"), STATE(0x12345678, scc)},
    {BOTH("s_mov_b32 s4, -5"), STATE(-5, scc)},
    {BOTH("s_movk_i32 s4, 0x8001"), STATE(-32767, scc)},
    {BOTH("s_not_b32 s4, s0"), STATE(a ^ 0xffffffff, d != 0)},
    {BOTH("s_bcnt1_i32_b32 s4, s0"), STATE(onesOf(a), d != 0)},
    {"s_ff1_i32_b32 s4, s0", "s_ctz_i32_b32 s4, s0",
     STATE(firstOne(a, 32), scc)},
    {"s_flbit_i32_b32 s4, s0", "s_clz_i32_u32 s4, s0",
     STATE(firstOneFromTop(a, 32), scc)},
    {BOTH("s_sext_i32_i8 s4, s0"),
     STATE(a % 256 < 128 ? a % 256 : a % 256 - 256, scc)},
    {BOTH("s_sext_i32_i16 s4, s0"),
     STATE(a % 65536 < 32768 ? a % 65536 : a % 65536 - 65536, scc)},
    {BOTH("s_abs_i32 s4, s0"), STATE(sa < 0 ? -sa : sa, d != 0)},
    {BOTH("s_add_u32 s4, s0, s2"), STATE(a + b, a + b > 0xffffffff)},
    {BOTH("s_sub_u32 s4, s0, s2"), STATE(a - b, b > a)},
    {BOTH("s_addc_u32 s4, s0, s2"),
     STATE(a + b + scc, a + b + scc > 0xffffffff)},
    {BOTH("s_subb_u32 s4, s0, s2"), STATE(a - b - scc, b + scc > a)},
    {BOTH("s_add_i32 s4, s0, s2"), STATE(sa + sb, isOutOfInt32(sa + sb))},
    {BOTH("s_sub_i32 s4, s0, s2"), STATE(sa - sb, isOutOfInt32(sa - sb))},
    {BOTH("s_mul_i32 s4, s0, s2"), STATE(sa * sb, scc)},
    {BOTH("s_mul_hi_u32 s4, s0, s2"), STATE(a * b / 0x100000000, scc)},
    {BOTH("s_mul_hi_i32 s4, s0, s2"), STATE((sa * sb) >> 32, scc)},
    {BOTH("s_lshl2_add_u32 s4, s0, s2"),
     STATE(a * 4 + b, a * 4 + b > 0xffffffff)},
    {BOTH("s_and_b32 s4, s0, s2"), STATE(a & b, d != 0)},
    {BOTH("s_xor_b32 s4, s0, s2"), STATE(a ^ b, d != 0)},
    {BOTH("s_nor_b32 s4, s0, s2"), STATE(~(a | b), d != 0)},
    {"s_andn2_b32 s4, s0, s2", "s_and_not1_b32 s4, s0, s2",
     STATE(a & ~b, d != 0)},
    {BOTH("s_lshl_b32 s4, s0, s2"), STATE(a << b % 32, d != 0)},
    {BOTH("s_lshr_b32 s4, s0, s2"), STATE(a >> b % 32, d != 0)},
    {BOTH("s_ashr_i32 s4, s0, s2"), STATE(sa >> b % 32, d != 0)},
    {BOTH("s_bfm_b32 s4, s0, s2"), STATE(lowBits(a % 32) << b % 32, scc)},
    {BOTH("s_bfe_u32 s4, s0, 0x70005"), STATE(a / 32 % 128, d != 0)},
    {BOTH("s_bfe_i32 s4, s0, 0x70005"),
     STATE(a / 32 % 128 < 64 ? a / 32 % 128 : a / 32 % 128 - 128, d != 0)},
    {BOTH("s_pack_lh_b32_b16 s4, s0, s2"),
     STATE(a % 65536 + b / 65536 * 65536, scc)},
    {BOTH("s_brev_b32 s4, s0"),
     [](const Inputs &in) -> Outputs {
       uint64_t d = 0;
       for (int i = 0; i < 32; ++i)
         d |= (in.a >> i & 1) << (31 - i);
       return {d, in.scc};
     }},
    {BOTH("s_bcnt0_i32_b32 s4, s0"), STATE(32 - onesOf(a), d != 0)},
    {BOTH("s_min_i32 s4, s0, s2"), STATE(sa < sb ? a : b, sa < sb)},
    {BOTH("s_min_u32 s4, s0, s2"), STATE(a < b ? a : b, a < b)},
    {BOTH("s_max_i32 s4, s0, s2"), STATE(sa > sb ? a : b, sa > sb)},
    {BOTH("s_max_u32 s4, s0, s2"), STATE(a > b ? a : b, a > b)},
    {BOTH("s_absdiff_i32 s4, s0, s2"),
     STATE(sa > sb ? sa - sb : sb - sa, d != 0)},
    {BOTH("s_lshl1_add_u32 s4, s0, s2"),
     STATE(a * 2 + b, a * 2 + b > 0xffffffff)},
    {BOTH("s_lshl3_add_u32 s4, s0, s2"),
     STATE(a * 8 + b, a * 8 + b > 0xffffffff)},
    {BOTH("s_lshl4_add_u32 s4, s0, s2"),
     STATE(a * 16 + b, a * 16 + b > 0xffffffff)},
    {BOTH("s_pack_ll_b32_b16 s4, s0, s2"),
     STATE(a % 65536 + b % 65536 * 65536, scc)},
    {BOTH("s_pack_hh_b32_b16 s4, s0, s2"),
     STATE(a / 65536 + b / 65536 * 65536, scc)},
    {BOTH("s_bfm_b64 s[4:5], s0, s2"), STATE64(lowBits(a % 64) << b % 64, scc)},
    {BOTH("s_bcnt1_i32_b64 s4, s[0:1]"),
     [](const Inputs &in) -> Outputs { return {onesOf(in.a), in.a != 0}; }},
    {"s_ff1_i32_b64 s4, s[0:1]", "s_ctz_i32_b64 s4, s[0:1]",
     [](const Inputs &in) -> Outputs { return {firstOne(in.a, 64), in.scc}; }},
    {"s_flbit_i32_b64 s4, s[0:1]", "s_clz_i32_u64 s4, s[0:1]",
     [](const Inputs &in) -> Outputs {
       return {firstOneFromTop(in.a, 64), in.scc};
     }},
    {BOTH("s_cmp_eq_u64 s[0:1], s[2:3]"), COMPARE(in.a == in.b)},
    {BOTH("s_cmp_lg_u64 s[0:1], s[2:3]"), COMPARE(in.a != in.b)},
    {BOTH("s_bitcmp0_b32 s0, s2"), COMPARE(!(a >> b % 32 & 1))},
    {BOTH("s_bitcmp1_b64 s[0:1], s2"), COMPARE(in.a >> b % 64 & 1)},
    {"s_flbit_i32 s4, s0", "s_cls_i32 s4, s0",
     [](const Inputs &in) -> Outputs {
       for (int i = 1; i < 32; ++i)
         if ((in.a >> (31 - i) & 1) != (in.a >> 31 & 1))
           return {uint64_t(i), in.scc};
       return {0xffffffff, in.scc};
     }},
    {BOTH("s_bitcmp0_b64 s[0:1], s2"), COMPARE(!(in.a >> b % 64 & 1))},
    {BOTH("s_cselect_b32 s4, s0, s2"), STATE(scc ? a : b, scc)},
    {BOTH("s_mov_b64 s[4:5], s[0:1]"), STATE64(a, scc)},
    {BOTH("s_mov_b64 s[4:5], -2"), STATE64(uint64_t(-2), scc)},
    {BOTH("s_not_b64 s[4:5], s[0:1]"), STATE64(~a, d != 0)},
    {BOTH("s_or_b64 s[4:5], s[0:1], s[2:3]"), STATE64(a | b, d != 0)},
    {BOTH("s_xnor_b64 s[4:5], s[0:1], s[2:3]"), STATE64(~a ^ b, d != 0)},
    {BOTH("s_lshl_b64 s[4:5], s[0:1], s2"), STATE64(a << b % 64, d != 0)},
    {BOTH("s_lshr_b64 s[4:5], s[0:1], s2"), STATE64(a >> b % 64, d != 0)},
    {BOTH("s_ashr_i64 s[4:5], s[0:1], s2"),
     STATE64(uint64_t(int64_t(a) >> b % 64), d != 0)},
    {BOTH("s_bfe_u64 s[4:5], s[0:1], 0x280009"),
     STATE64(a >> 9 & lowBits(40), d != 0)},
    {BOTH("s_cselect_b64 s[4:5], s[0:1], s[2:3]"), STATE64(scc ? a : b, scc)},
    {BOTH("s_cmp_lt_i32 s0, s2"), COMPARE(sa < sb)},
    {BOTH("s_cmp_ge_u32 s0, s2"), COMPARE(a >= b)},
    {BOTH("s_cmp_lg_u32 s0, s2"), COMPARE(a != b)},
    {BOTH("s_cmp_gt_i32 s0, -1"), COMPARE(sa > -1)},
    {BOTH("s_bitcmp1_b32 s0, s2"), COMPARE(a >> b % 32 & 1)},
};

class Scalars : public testing::TestWithParam<const Chip *> {};

// Instructions whose destination is an operand too, and those of gfx12.
const Row kOthers[] = {
    {BOTH("s_addk_i32 s4, 0x8000"),
     [](const Inputs &in) -> Outputs {
       const int64_t sum = int64_t(int32_t(in.d)) - 32768;
       return {uint32_t(sum), isOutOfInt32(sum)};
     }},
    {BOTH("s_mulk_i32 s4, 0xfffd"),
     [](const Inputs &in) -> Outputs {
       return {uint32_t(in.d * uint64_t(-3)), in.scc};
     }},
    {BOTH("s_cmovk_i32 s4, 0x7fff"),
     [](const Inputs &in) -> Outputs {
       return {in.scc ? 0x7fff : uint32_t(in.d), in.scc};
     }},
    {BOTH("s_cmov_b32 s4, s0"),
     [](const Inputs &in) -> Outputs {
       return {uint32_t(in.scc ? in.a : in.d), in.scc};
     }},
    {BOTH("s_bitset1_b32 s4, s0"),
     [](const Inputs &in) -> Outputs {
       return {uint32_t(in.d | UINT64_C(1) << in.a % 32), in.scc};
     }},
    {BOTH("s_bitset0_b32 s4, s0"),
     [](const Inputs &in) -> Outputs {
       return {uint32_t(in.d & ~(UINT64_C(1) << in.a % 32)), in.scc};
     }},
    {BOTH("s_bitset1_b64 s[4:5], s0"),
     [](const Inputs &in) -> Outputs {
       return {in.d | UINT64_C(1) << in.a % 64, in.scc};
     }},
    {BOTH("s_cmov_b64 s[4:5], s[0:1]"),
     [](const Inputs &in) -> Outputs {
       return {in.scc ? in.a : in.d, in.scc};
     }},
    {BOTH("s_bitset0_b64 s[4:5], s0"),
     [](const Inputs &in) -> Outputs {
       return {in.d & ~(UINT64_C(1) << in.a % 64), in.scc};
     }},
    {BOTH("s_cmpk_lt_i32 s0, 0xff00"), COMPARE(sa < -256)},
    {BOTH("s_cmpk_ge_u32 s0, 0xff00"), COMPARE(a >= 0xff00)},
    {BOTH("s_bfe_i64 s[4:5], s[0:1], 0x280009"),
     STATE64(uint64_t(int64_t(a << 15) >> 24), d != 0)},
    {BOTH("s_brev_b64 s[4:5], s[0:1]"),
     [](const Inputs &in) -> Outputs {
       uint64_t d = 0;
       for (int i = 0; i < 64; ++i)
         d |= (in.a >> i & 1) << (63 - i);
       return {d, in.scc};
     }},
};

float f(uint64_t bits) { return std::bit_cast<float>(uint32_t(bits)); }
uint64_t u(double value) { return std::bit_cast<uint32_t>(float(value)); }
bool isNan(uint64_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

const Row kOfGfx12[] = {
    {nullptr, "s_add_f32 s4, s0, s2", STATE(u(double(f(a)) + f(b)), scc)},
    {nullptr, "s_sub_f32 s4, s0, s2", STATE(u(double(f(a)) - f(b)), scc)},
    {nullptr, "s_mul_f32 s4, s0, s2", STATE(u(double(f(a)) * f(b)), scc)},
    {nullptr, "s_fmac_f32 s4, s0, s2",
     [](const Inputs &in) -> Outputs {
       return {u(std::fma(f(in.a), f(in.b), f(in.d))), in.scc};
     }},
    {nullptr, "s_min_num_f32 s4, s0, s2", STATE(u(std::fmin(f(a), f(b))), scc)},
    {nullptr, "s_max_num_f32 s4, s0, s2", STATE(u(std::fmax(f(a), f(b))), scc)},
    {nullptr, "s_add_nc_u64 s[4:5], s[0:1], s[2:3]", STATE64(a + b, scc)},
    {nullptr, "s_sub_nc_u64 s[4:5], s[0:1], s[2:3]", STATE64(a - b, scc)},
    {nullptr, "s_mul_u64 s[4:5], s[0:1], s[2:3]", STATE64(a * b, scc)},
    {nullptr, "s_pack_hl_b32_b16 s4, s0, s2",
     STATE(a / 65536 + b % 65536 * 65536, scc)},
    {nullptr, "s_fmamk_f32 s4, s0, 0x40400000, s2",
     [](const Inputs &in) -> Outputs {
       return {u(std::fma(f(in.a), 3.0f, f(in.b))), in.scc};
     }},
    {nullptr, "s_fmaak_f32 s4, s0, s2, 0x40400000",
     [](const Inputs &in) -> Outputs {
       return {u(std::fma(f(in.a), f(in.b), 3.0f)), in.scc};
     }},
    {nullptr, "s_cvt_i32_f32 s4, s0",
     STATE(isNan(a) ? 0
                    : int64_t(std::min(std::max(double(f(a)), -2147483648.0),
                                       2147483647.0)),
           scc)},
    {nullptr, "s_cvt_u32_f32 s4, s0",
     STATE(isNan(a)
               ? 0
               : int64_t(std::min(std::max(double(f(a)), 0.0), 4294967295.0)),
           scc)},
    {nullptr, "s_cmp_le_f32 s0, s2", COMPARE(f(a) <= f(b))},
    {nullptr, "s_cmp_gt_f32 s0, s2", COMPARE(f(a) > f(b))},
    {nullptr, "s_cmp_o_f32 s0, s2", COMPARE(!isNan(a) && !isNan(b))},
    {nullptr, "s_cmp_nle_f32 s0, s2", COMPARE(!(f(a) <= f(b)))},
    {nullptr, "s_cmp_ngt_f32 s0, s2", COMPARE(!(f(a) > f(b)))},
    {nullptr, "s_cmp_nge_f32 s0, s2", COMPARE(!(f(a) >= f(b)))},
    {nullptr, "s_cvt_f32_i32 s4, s0", STATE(u(double(sa)), scc)},
    {nullptr, "s_cvt_f32_u32 s4, s0", STATE(u(double(a)), scc)},
    {nullptr, "s_floor_f32 s4, s0", STATE(u(std::floor(f(a))), scc)},
    {nullptr, "s_ceil_f32 s4, s0", STATE(u(std::ceil(f(a))), scc)},
    {nullptr, "s_trunc_f32 s4, s0", STATE(u(std::trunc(f(a))), scc)},
    {nullptr, "s_rndne_f32 s4, s0", STATE(u(std::rint(f(a))), scc)},
    {nullptr, "s_cmp_lt_f32 s0, s2", COMPARE(f(a) < f(b))},
    {nullptr, "s_cmp_ge_f32 s0, s2", COMPARE(f(a) >= f(b))},
    {nullptr, "s_cmp_eq_f32 s0, s2", COMPARE(f(a) == f(b))},
    {nullptr, "s_cmp_lg_f32 s0, s2", COMPARE(f(a) < f(b) || f(a) > f(b))},
    {nullptr, "s_cmp_u_f32 s0, s2", COMPARE(isNan(a) || isNan(b))},
    {nullptr, "s_cmp_nlt_f32 s0, s2", COMPARE(!(f(a) < f(b)))},
    {nullptr, "s_cmp_neq_f32 s0, s2", COMPARE(!(f(a) == f(b)))},
};

void testRow(Bench &bench, const Row &row) {
  const Chip &chip = bench.chip;
  const std::string text = chip.generation <= 10 ? row.gfx9 : row.gfx11;
  const std::vector<uint8_t> code = assemble(text, chip);
  const bool wide = text.find("s[4:5]") != std::string::npos;
  const uint64_t mask = wide ? ~UINT64_C(0) : 0xffffffff;
  for (int trial = 0; trial < 8; ++trial) {
    bench.randomise();
    const Inputs in = {bench.wave.pairOf(0), bench.wave.pairOf(2),
                       bench.wave.pairOf(4), bench.wave.scc};
    ASSERT_EQ(bench.run(code), "") << text;
    const Outputs expected = row.state(in);
    const uint64_t stated = (expected.d & mask) | (in.d & ~mask);
    const uint64_t found = bench.wave.pairOf(4);
    ASSERT_EQ(bench.wave.scc, expected.scc)
        << chip.name << ": " << text << std::hex << " a=" << in.a
        << " b=" << in.b;
    const bool isFloat = text.find("_f32 s4") != std::string::npos;
    if (isFloat && isNan(found) && isNan(stated))
      continue;
    ASSERT_EQ(found, stated) << chip.name << ": " << text << std::hex
                             << " a=" << in.a << " b=" << in.b;
  }
}

TEST_P(Scalars, AreWhatTheManualSays) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  std::vector<const Row *> rows;
  for (const Row &row : kRows)
    rows.push_back(&row);
  // gfx12 compares with constants of 16 bits no more.
  for (const Row &row : kOthers)
    if (chip.generation < 12 ||
        std::string_view(row.gfx11).substr(0, 7) != "s_cmpk_")
      rows.push_back(&row);
  if (chip.generation == 12)
    for (const Row &row : kOfGfx12)
      rows.push_back(&row);
  for (const Row *row : rows) {
    testRow(bench, *row);
    if (HasFatalFailure())
      return;
  }
}

/// The old EXEC goes to the destination, SCC says whether a lane is left.
TEST_P(Scalars, SaveExec) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  const bool wide = chip.waveSize == 64;
  const uint64_t all = wide ? ~UINT64_C(0) : 0xffffffff;
  const std::string width = wide ? "b64 s[4:5], s[0:1]" : "b32 s4, s0";
  const std::string andNot =
      chip.generation <= 10 ? "s_andn2_saveexec_" : "s_and_not1_saveexec_";
  for (const std::string &name : {std::string("s_and_saveexec_"),
                                  std::string("s_or_saveexec_"), andNot}) {
    bench.randomise();
    const uint64_t source = bench.wave.pairOf(0) & all;
    const uint64_t old = UINT64_C(0xf0f00ff033335555) & all;
    bench.wave.setMask(kExec, old);
    ASSERT_EQ(bench.run(name + width), "");
    const uint64_t expected = name == andNot   ? source & ~old
                              : name[2] == 'a' ? source & old
                                               : source | old;
    EXPECT_EQ(bench.wave.exec(), expected) << name;
    EXPECT_EQ(bench.wave.maskOf(4), old) << name;
    EXPECT_EQ(bench.wave.scc, expected != 0) << name;
  }
  // The result goes to both.
  const std::string writes = chip.generation == 9    ? "s_andn2_wrexec_b64"
                             : wide                  ? "s_and_not1_wrexec_b64"
                             : chip.generation == 10 ? "s_andn2_wrexec_b32"
                                                     : "s_and_not1_wrexec_b32";
  bench.randomise();
  const uint64_t source = bench.wave.pairOf(0) & all;
  const uint64_t before = UINT64_C(0xf0f00ff033335555) & all;
  bench.wave.setMask(kExec, before);
  ASSERT_EQ(bench.run(writes + (wide ? " s[4:5], s[0:1]" : " s4, s0")), "");
  EXPECT_EQ(bench.wave.exec(), source & ~before);
  EXPECT_EQ(bench.wave.maskOf(4), source & ~before);
  const std::string other =
      wide ? "s_and_saveexec_b32 s4, s0" : "s_and_saveexec_b64 s[4:5], s[0:1]";
  if (chip.generation > 9)
    EXPECT_EQ(bench.run(other), other.substr(0, 18) +
                                    ": it is not as wide as the wave, which "
                                    "is not emulated");
}

/// The sum of 1 to 10, by a branch backwards: its offset counts words from the
/// next instruction.
TEST_P(Scalars, BranchesLoop) {
  Bench bench(*GetParam());
  ASSERT_EQ(bench.run("s_mov_b32 s4, 0\n"
                      "s_movk_i32 s0, 10\n"
                      "s_add_u32 s4, s4, s0\n"
                      "s_sub_u32 s0, s0, 1\n"
                      "s_cmp_lg_u32 s0, 0\n"
                      "s_cbranch_scc1 65532\n"),
            "");
  EXPECT_EQ(bench.wave.scalars[4], 55u);
}

TEST_P(Scalars, BranchesByMasks) {
  const Chip &chip = *GetParam();
  struct Case {
    const char *name;
    uint64_t vcc, exec;
    bool taken;
  };
  // The upper half of a mask of 64 lanes counts too.
  const uint64_t upper = chip.waveSize == 64 ? UINT64_C(1) << 63 : 1u << 31;
  const Case cases[] = {
      {"s_cbranch_vccz", 0, 1, true},
      {"s_cbranch_vccz", upper, 1, false},
      {"s_cbranch_vccnz", upper, 1, true},
      {"s_cbranch_vccnz", 0, 1, false},
      {"s_cbranch_execz", 1, 0, true},
      {"s_cbranch_execz", 1, upper, false},
      {"s_cbranch_execnz", 1, upper, true},
      {"s_branch", 0, 0, true},
  };
  Bench bench(chip);
  for (const Case &one : cases) {
    bench.wave.setPair(kVcc, 0);
    bench.wave.setMask(kVcc, one.vcc);
    bench.wave.setMask(kExec, one.exec);
    ASSERT_EQ(bench.run("s_movk_i32 s4, 1\n" + std::string(one.name) +
                        " 1\ns_movk_i32 s4, 2\n"),
              "");
    EXPECT_EQ(bench.wave.scalars[4], one.taken ? 1u : 2u) << one.name;
  }
}

/// A call by address: PC-relative, there and back.
TEST_P(Scalars, CallsReturn) {
  Bench bench(*GetParam());
  ASSERT_EQ(bench.run("s_getpc_b64 s[0:1]\n"            // 4 bytes
                      "s_add_u32 s0, s0, 24\n"          // at 0 of s[0:1]
                      "s_addc_u32 s1, s1, 0\n"          // 4
                      "s_swappc_b64 s[30:31], s[0:1]\n" // 8
                      "s_add_u32 s4, s4, 1\n"           // 12
                      "s_nop 0\n"                       // 16
                      "s_branch 2\n"                    // 20, behind the callee
                      "s_movk_i32 s4, 40\n"             // 24, the callee
                      "s_setpc_b64 s[30:31]\n"),        // 28
            "");
  EXPECT_EQ(bench.wave.scalars[4], 41u);
  ASSERT_EQ(bench.run("s_call_b64 s[30:31], 2\n" // words
                      "s_add_u32 s4, s4, 1\n"
                      "s_branch 2\n"
                      "s_movk_i32 s4, 50\n" // the callee
                      "s_setpc_b64 s[30:31]"),
            "");
  EXPECT_EQ(bench.wave.scalars[4], 51u);
}

TEST_P(Scalars, LoadsStayInBounds) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  uint32_t *words = static_cast<uint32_t *>(bench.memory.allocate(32));
  for (uint32_t i = 0; i < 8; ++i)
    words[i] = 100 + i;
  bench.wave.setPair(2, reinterpret_cast<uint64_t>(words));
  const std::string two =
      chip.generation <= 10 ? "s_load_dwordx2" : "s_load_b64";
  ASSERT_EQ(bench.run(two + " s[4:5], s[2:3], 0x18"), "");
  EXPECT_EQ(bench.wave.pairOf(4), 106u | UINT64_C(107) << 32);
  bench.wave.scalars[6] = 8;
  ASSERT_EQ(bench.run(two + " s[4:5], s[2:3], s6"), "");
  EXPECT_EQ(bench.wave.pairOf(4), 102u | UINT64_C(103) << 32);
  bench.wave.setPair(8, reinterpret_cast<uint64_t>(words + 7));
  ASSERT_EQ(bench.run(two + " s[4:5], s[8:9], -0x10"), "");
  EXPECT_EQ(bench.wave.pairOf(4), 103u | UINT64_C(104) << 32);
  const std::string many =
      chip.generation <= 10 ? "s_load_dwordx8" : "s_load_b256";
  ASSERT_EQ(bench.run(many + " s[12:19], s[2:3], 0x0"), "");
  for (uint32_t i = 0; i < 8; ++i)
    EXPECT_EQ(bench.wave.scalars[12 + i], 100 + i);
  if (chip.generation == 12) {
    words[0] = 0x80ff7f01;
    ASSERT_EQ(bench.run("s_load_u8 s4, s[2:3], 0x3\n"
                        "s_load_i8 s5, s[2:3], 0x3\n"
                        "s_load_u16 s6, s[2:3], 0x2\n"
                        "s_load_i16 s7, s[2:3], 0x2"),
              "");
    EXPECT_EQ(bench.wave.scalars[4], 0x80u);
    EXPECT_EQ(bench.wave.scalars[5], 0xffffff80u);
    EXPECT_EQ(bench.wave.scalars[6], 0x80ffu);
    EXPECT_EQ(bench.wave.scalars[7], 0xffff80ffu);
  }
  const std::string error = bench.run(two + " s[4:5], s[2:3], 0x1c");
  EXPECT_TRUE(error.starts_with(two + ": access of 8 bytes at 0x")) << error;
  EXPECT_TRUE(error.ends_with("is outside of every allocation")) << error;
}

TEST_P(Scalars, HardwareRegistersAreRefused) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  EXPECT_EQ(bench.run("s_setreg_b32 hwreg(HW_REG_MODE), s0"),
            "s_setreg_b32: hardware register 1 is not emulated");
  // NULL is 0 as a pair too, whatever lies behind its number.
  if (chip.null == 0xffff)
    return;
  bench.wave.scalars[chip.null + 1] = 7;
  ASSERT_EQ(bench.run("s_mov_b64 s[4:5], null"), "");
  EXPECT_EQ(bench.wave.pairOf(4), 0u);
}

INSTANTIATE_TEST_SUITE_P(Chips, Scalars, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
