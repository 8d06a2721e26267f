//===- width-test.cpp - More vector instructions: pairs, 16 and 64 bits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Like vector-test.cpp, whose sources these statements have too. A 16-bit
// result leaves the other half of its register, but that gfx9 clears it
// (LLVM's SIISelLowering, "zeroesHigh16BitsOfDest").
//
//===----------------------------------------------------------------------===//

#include "Statements.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

int64_t signed24(uint32_t a) {
  return (a & 0xffffff) < 0x800000 ? int64_t(a & 0xffffff)
                                   : int64_t(a & 0xffffff) - 0x1000000;
}
int64_t signed16(uint32_t a) {
  return (a & 0xffff) < 0x8000 ? int64_t(a & 0xffff)
                               : int64_t(a & 0xffff) - 0x10000;
}
uint32_t leastOf(uint32_t a, uint32_t b, uint32_t c) {
  return std::min(a, std::min(b, c));
}
uint32_t mostOf(uint32_t a, uint32_t b, uint32_t c) {
  return std::max(a, std::max(b, c));
}
/// As signed numbers.
uint32_t lesser(uint32_t a, uint32_t b) { return s(a) < s(b) ? a : b; }
uint32_t greater(uint32_t a, uint32_t b) { return s(a) > s(b) ? a : b; }
/// The half next to a float in the direction of 0.
uint32_t halfTowardsZero(float value) {
  if (value != value)
    return 0x7e00;
  uint32_t best = 0;
  // Positive halves ascend with their bits.
  for (uint32_t bit = 0x4000; bit; bit >>= 1)
    if ((best | bit) < 0x7c00 && half(best | bit) <= std::fabs(double(value)))
      best |= bit;
  if (std::isinf(value))
    best = 0x7c00;
  return best | (std::signbit(value) ? 0x8000 : 0);
}
/// For both halves of the words: 16 bits of f.
template <class F> uint32_t both(const Inputs &in, F f) {
  uint32_t result = 0;
  for (uint32_t i : {0, 16})
    result |= (uint32_t(f(in.a >> i & 0xffff, in.b >> i & 0xffff,
                          in.c >> i & 0xffff)) &
               0xffff)
              << i;
  return result;
}
#define PAIR(expression)                                                       \
  [](const Inputs &in) -> uint32_t {                                           \
    return both(in,                                                            \
                []([[maybe_unused]] uint32_t a, [[maybe_unused]] uint32_t b,   \
                   [[maybe_unused]] uint32_t c) { return expression; });       \
  }
uint32_t halfMin(uint32_t a, uint32_t b) {
  const double least = std::fmin(half(a), half(b));
  // -0 is below +0.
  return half(a) == half(b) ? std::max(a, b) : pair(least, 0);
}
uint32_t halfMax(uint32_t a, uint32_t b) {
  const double most = std::fmax(half(a), half(b));
  return half(a) == half(b) ? std::min(a, b) : pair(most, 0);
}

const Row kWords[] = {
    {BOTH("v_or_b32 v3, v0, v1"), STATE(a | b)},
    {BOTH("v_xor_b32 v3, v0, v1"), STATE(a ^ b)},
    {nullptr, "v_xor3_b32 v3, v0, v1, v2", STATE(a ^ b ^ c)},
    {BOTH("v_or3_b32 v3, v0, v1, v2"), STATE(a | b | c)},
    {BOTH("v_xad_u32 v3, v0, v1, v2"), STATE((a ^ b) + c)},
    {"v_ffbh_i32 v3, v0", "v_cls_i32 v3, v0", [](const Inputs &in) {
       for (uint32_t i = 1; i < 32; ++i)
         if ((in.a >> (31 - i) & 1) != in.a >> 31)
           return i;
       return 0xffffffffu;
     }, Integer, "v_ffbh_i32 v3, v0"},
    {BOTH("v_bfm_b32 v3, v0, v1"),
     STATE(bits(0xffffffff, 31, 32 - a % 32) * (a % 32 != 0) << b % 32)},
    {BOTH("v_alignbyte_b32 v3, v0, v1, v2"),
     STATE(c % 4 ? a << (32 - 8 * (c % 4)) | b >> (8 * (c % 4)) : b)},
    {BOTH("v_mul_i32_i24 v3, v0, v1"),
     STATE(uint32_t(signed24(a) * signed24(b)))},
    {BOTH("v_mul_hi_i32_i24 v3, v0, v1"),
     STATE(uint32_t(signed24(a) * signed24(b) >> 32))},
    {BOTH("v_mul_hi_u32_u24 v3, v0, v1"),
     STATE(uint32_t(uint64_t(a % 0x1000000) * (b % 0x1000000) >> 32))},
    {BOTH("v_mad_u32_u24 v3, v0, v1, v2"),
     STATE((a % 0x1000000) * (b % 0x1000000) + c)},
    {"v_mad_u32_u16 v3, v0, v1, v2", "v_mad_u32_u16 v3, v0.l, v1.l, v2",
     STATE((a % 65536) * (b % 65536) + c)},
    {"v_mad_i32_i16 v3, v0, v1, v2", "v_mad_i32_i16 v3, v0.l, v1.l, v2",
     STATE(uint32_t(signed16(a) * signed16(b)) + c)},
    {BOTH("v_min_u32 v3, v0, v1"), STATE(std::min(a, b))},
    {BOTH("v_max_i32 v3, v0, v1"), STATE(greater(a, b))},
    {BOTH("v_min3_u32 v3, v0, v1, v2"), STATE(leastOf(a, b, c))},
    {BOTH("v_max3_u32 v3, v0, v1, v2"), STATE(mostOf(a, b, c))},
    {BOTH("v_min3_i32 v3, v0, v1, v2"), STATE(lesser(lesser(a, b), c))},
    {BOTH("v_max3_i32 v3, v0, v1, v2"), STATE(greater(greater(a, b), c))},
    {BOTH("v_med3_u32 v3, v0, v1, v2"),
     STATE(a ^ b ^ c ^ leastOf(a, b, c) ^ mostOf(a, b, c))},
    {nullptr, "v_maxmin_i32 v3, v0, v1, v2", STATE(lesser(greater(a, b), c))},
    {nullptr, "v_minmax_i32 v3, v0, v1, v2", STATE(greater(lesser(a, b), c))},
    {nullptr, "v_maxmin_u32 v3, v0, v1, v2",
     STATE(std::min(std::max(a, b), c))},
    {nullptr, "v_minmax_u32 v3, v0, v1, v2",
     STATE(std::max(std::min(a, b), c))},
    {BOTH("v_sad_u32 v3, v0, v1, v2"),
     STATE(std::max(a, b) - std::min(a, b) + c)},
    {BOTH("v_cvt_f32_ubyte0 v3, v0"), STATE(u(double(a % 256)))},
    {BOTH("v_cvt_f32_ubyte1 v3, v0"), STATE(u(double(bits(a, 15, 8))))},
    {BOTH("v_cvt_f32_ubyte3 v3, v0"), STATE(u(double(a >> 24)))},
    {"v_cvt_rpi_i32_f32 v3, v0", "v_cvt_nearest_i32_f32 v3, v0",
     STATE(roundedToInt(u(std::floor(f(a) + 0.5f)), -2147483648.0,
                        2147483647.0)),
     Integer, "v_cvt_rpi_i32_f32 v3, v0"},
    {"v_cvt_flr_i32_f32 v3, v0", "v_cvt_floor_i32_f32 v3, v0",
     STATE(roundedToInt(u(std::floor(f(a))), -2147483648.0, 2147483647.0)),
     Integer, "v_cvt_flr_i32_f32 v3, v0"},
    {"v_cvt_pkrtz_f16_f32 v3, v0, v1", "v_cvt_pk_rtz_f16_f32 v3, v0, v1",
     STATE(halfTowardsZero(f(a)) | halfTowardsZero(f(b)) << 16), Halves,
     "v_cvt_pkrtz_f16_f32 v3, v0, v1"},
    {BOTH("v_cvt_pk_u16_u32 v3, v0, v1"),
     STATE(std::min(a, 65535u) | std::min(b, 65535u) << 16)},
    {BOTH("v_cvt_pk_i16_i32 v3, v0, v1"),
     STATE((uint32_t(std::clamp(s(a), -32768, 32767)) & 0xffff) |
           uint32_t(std::clamp(s(b), -32768, 32767)) << 16)},
    {BOTH("v_cvt_pk_u8_f32 v3, v0, v1, v2"), [](const Inputs &in) {
       const uint32_t shift = 8 * (in.b % 4);
       const double value = isNan(in.a) ? 0 : std::rint(double(f(in.a)));
       const uint32_t byte = uint32_t(std::clamp(value, 0.0, 255.0));
       return (in.c & ~(255u << shift)) | byte << shift;
     }},
    {nullptr, "v_cvt_i32_i16 v3, v0.l", STATE(uint32_t(signed16(a))), Integer,
     ""},
    {nullptr, "v_cvt_u32_u16 v3, v0.l", STATE(a % 65536), Integer, ""},
    {"v_pack_b32_f16 v3, v0, v1", "v_pack_b32_f16 v3, v0.l, v1.l",
     STATE(a % 65536 | b << 16)},
    {BOTH("v_subrev_f32 v3, v0, v1"), STATE(u(double(f(b)) - f(a))), Float},
    {"v_mul_legacy_f32 v3, v0, v1", "v_mul_dx9_zero_f32 v3, v0, v1",
     STATE(f(a) == 0 || f(b) == 0 ? 0 : u(double(f(a)) * f(b))), Float,
     "v_mul_legacy_f32 v3, v0, v1"},
    {BOTH("v_min3_f32 v3, v0, v1, v2"),
     STATE(numberMin(numberMin(a, b), c)), Float},
    {BOTH("v_max3_f32 v3, v0, v1, v2"),
     STATE(numberMax(numberMax(a, b), c)), Float},
    {BOTH("v_med3_f32 v3, v0, v1, v2"), [](const Inputs &in) {
       if (isNan(in.a) || isNan(in.b) || isNan(in.c))
         return numberMin(numberMin(in.a, in.b), in.c);
       float sorted[] = {f(in.a), f(in.b), f(in.c)};
       std::sort(sorted, sorted + 3);
       return u(sorted[1]);
     }, Float},
    {nullptr, "v_maxmin_f32 v3, v0, v1, v2",
     STATE(numberMin(numberMax(a, b), c)), Float},
    {nullptr, "v_minmax_f32 v3, v0, v1, v2",
     STATE(numberMax(numberMin(a, b), c)), Float},
    {BOTH("v_ceil_f32 v3, v0"), STATE(u(std::ceil(double(f(a))))), Float},
    {BOTH("v_trunc_f32 v3, v0"), STATE(u(std::trunc(double(f(a))))), Float},
    {BOTH("v_frexp_exp_i32_f32 v3, v0"), [](const Inputs &in) {
       const double value = std::fabs(double(f(in.a)));
       return value == 0 || !std::isfinite(value)
                  ? 0u
                  : uint32_t(std::ilogb(value) + 1);
     }},
    {BOTH("v_frexp_mant_f32 v3, v0"), [](const Inputs &in) {
       const double value = double(f(in.a));
       return value == 0 || !std::isfinite(value)
                  ? in.a
                  : u(std::scalbn(value, -std::ilogb(value) - 1));
     }, Float},
    {BOTH("v_ldexp_f32 v3, v0, -3"), STATE(u(double(f(a)) / 8)), Float},
    {BOTH("v_pk_min_f16 v3, v0, v1"), PAIR(halfMin(a, b)), Halves},
    {BOTH("v_pk_max_f16 v3, v0, v1"), PAIR(halfMax(a, b)), Halves},
    {BOTH("v_pk_sub_u16 v3, v0, v1"), PAIR(a - b)},
    {BOTH("v_pk_add_i16 v3, v0, v1"), PAIR(a + b)},
    {BOTH("v_pk_sub_i16 v3, v0, v1"), PAIR(a - b)},
    {BOTH("v_pk_add_u16 v3, v0, v1 clamp"), PAIR(std::min(a + b, 65535u))},
    {BOTH("v_pk_mad_u16 v3, v0, v1, v2"), PAIR(a * b + c)},
    {BOTH("v_pk_mad_i16 v3, v0, v1, v2"), PAIR(a * b + c)},
    {BOTH("v_pk_lshlrev_b16 v3, v0, v1"), PAIR(b << a % 16)},
    {BOTH("v_pk_lshrrev_b16 v3, v0, v1"), PAIR(b >> a % 16)},
    {BOTH("v_pk_ashrrev_i16 v3, v0, v1"), PAIR(signed16(b) >> a % 16)},
    {BOTH("v_pk_min_u16 v3, v0, v1"), PAIR(std::min(a, b))},
    {BOTH("v_pk_max_u16 v3, v0, v1"), PAIR(std::max(a, b))},
    {BOTH("v_pk_min_i16 v3, v0, v1"), PAIR(signed16(a) < signed16(b) ? a : b)},
    {BOTH("v_pk_max_i16 v3, v0, v1"), PAIR(signed16(a) > signed16(b) ? a : b)},
};

/// A result of 16 bits from the low halves.
struct HalfRow {
  const char *gfx9, *later; ///< mnemonics; null: not there
  uint32_t operands;
  uint32_t (*state)(uint32_t a, uint32_t b, uint32_t c);
  bool isFloat = false;
  bool keepsOnGfx9 = false; ///< the other half
  int firstGeneration = 9;
};
#define HALF(expression)                                                       \
  []([[maybe_unused]] uint32_t a, [[maybe_unused]] uint32_t b,                 \
     [[maybe_unused]] uint32_t c) -> uint32_t { return expression; }

const HalfRow kHalves[] = {
    {nullptr, "v_not_b16", 1, HALF(~a), false, false, 11},
    {nullptr, "v_and_b16", 2, HALF(a & b), false, false, 11},
    {nullptr, "v_or_b16", 2, HALF(a | b), false, false, 11},
    {nullptr, "v_xor_b16", 2, HALF(a ^ b), false, false, 11},
    {BOTH("v_lshlrev_b16"), 2, HALF(b << a % 16)},
    {BOTH("v_lshrrev_b16"), 2, HALF(b >> a % 16)},
    {BOTH("v_ashrrev_i16"), 2, HALF(uint32_t(signed16(b) >> a % 16))},
    {"v_add_u16", "v_add_nc_u16", 2, HALF(a + b)},
    {"v_sub_u16", "v_sub_nc_u16", 2, HALF(a - b)},
    {"v_subrev_u16", nullptr, 2, HALF(b - a)},
    {BOTH("v_mul_lo_u16"), 2, HALF(a * b)},
    {BOTH("v_mad_u16"), 3, HALF(a * b + c), false, true},
    {BOTH("v_min_u16"), 2, HALF(std::min(a, b))},
    {BOTH("v_max_u16"), 2, HALF(std::max(a, b))},
    {BOTH("v_min_i16"), 2, HALF(signed16(a) < signed16(b) ? a : b)},
    {BOTH("v_max_i16"), 2, HALF(signed16(a) > signed16(b) ? a : b)},
    {BOTH("v_cvt_f16_u16"), 1, HALF(pair(a, 0))},
    {BOTH("v_cvt_f16_i16"), 1, HALF(pair(double(signed16(a)), 0))},
    {BOTH("v_cvt_u16_f16"), 1,
     HALF(isNanHalf(a) || half(a) <= 0 ? 0
                                       : uint32_t(std::min(half(a), 65535.0)))},
    {BOTH("v_cvt_i16_f16"), 1,
     HALF(isNanHalf(a)
              ? 0
              : uint32_t(int32_t(std::clamp(half(a), -32768.0, 32767.0))))},
    {BOTH("v_sub_f16"), 2, HALF(pair(half(a) - half(b), 0)), true},
    {BOTH("v_subrev_f16"), 2, HALF(pair(half(b) - half(a), 0)), true},
    {BOTH("v_mul_f16"), 2, HALF(pair(half(a) * half(b), 0)), true},
    {"v_min_f16", "v_min_f16", 2, HALF(halfMin(a, b)), true},
    {"v_max_f16", "v_max_f16", 2, HALF(halfMax(a, b)), true},
    {BOTH("v_fma_f16"), 3, HALF(pair(half(a) * half(b) + half(c), 0)), true,
     true},
    {BOTH("v_ldexp_f16"), 2,
     HALF(pair(std::ldexp(half(a), int(signed16(b))), 0)), true},
    {BOTH("v_trunc_f16"), 1, HALF(pair(std::trunc(half(a)), 0)), true},
    {BOTH("v_ceil_f16"), 1, HALF(pair(std::ceil(half(a)), 0)), true},
    {BOTH("v_floor_f16"), 1, HALF(pair(std::floor(half(a)), 0)), true},
    {BOTH("v_rndne_f16"), 1, HALF(pair(std::rint(half(a)), 0)), true},
};

std::string textOf(const HalfRow &row, const Chip &chip) {
  std::string name = chip.generation == 9 ? row.gfx9 : row.later;
  if (chip.generation == 12 && (name == "v_min_f16" || name == "v_max_f16"))
    name.insert(5, "_num");
  const char *half = chip.generation == 11 ? ".l" : "";
  std::string text = name + " v3" + half;
  for (uint32_t i = 0; i < row.operands; ++i)
    text += ", v" + std::to_string(i) + half;
  return text;
}

class Widths : public testing::TestWithParam<const Chip *> {};

TEST_P(Widths, Words) {
  Bench bench(*GetParam());
  for (const Row &row : kWords) {
    testRow(bench, row);
    if (HasFatalFailure())
      return;
  }
}

TEST_P(Widths, Halves) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  for (const HalfRow &row : kHalves) {
    if (chip.generation < row.firstGeneration ||
        !(chip.generation == 9 ? row.gfx9 : row.later))
      continue;
    const std::string text = textOf(row, chip);
    const std::vector<uint8_t> code = assemble(text, chip);
    for (int trial = 0; trial < 4; ++trial) {
      bench.randomise();
      std::vector<uint32_t> old(chip.waveSize);
      for (uint32_t lane = 0; lane < chip.waveSize; ++lane)
        old[lane] = bench.v(3, lane);
      ASSERT_EQ(bench.run(code), "") << text;
      for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
        const uint32_t a = bench.v(0, lane) & 0xffff;
        const uint32_t b = bench.v(1, lane) & 0xffff;
        const uint32_t c = bench.v(2, lane) & 0xffff;
        const bool keeps = chip.generation > 9 || row.keepsOnGfx9;
        const uint32_t stated = (row.state(a, b, c) & 0xffff) |
                                (keeps ? old[lane] & 0xffff0000 : 0);
        const uint32_t found = bench.v(3, lane);
        ASSERT_EQ(found >> 16, stated >> 16) << chip.name << ": " << text;
        ASSERT_TRUE(same(row.isFloat ? Kind::Halves : Kind::Integer,
                         found & 0xffff, stated & 0xffff))
            << chip.name << ": " << text << std::hex << ": " << found
            << ", not " << stated << "; a=" << a << " b=" << b << " c=" << c;
      }
    }
  }
}

/// Operands v[0:1], v[2:3], v[4:5], result v[6:7] or v6.
struct WideRow {
  const char *text;
  uint64_t (*state)(uint64_t a, uint64_t b, uint64_t c);
  enum { Whole, Real, Low, Floats } kind = Whole;
  const char *onlyOn = nullptr; ///< the beginning of the names of its chips
};
#define WIDE(expression)                                                       \
  []([[maybe_unused]] uint64_t a, [[maybe_unused]] uint64_t b,                 \
     [[maybe_unused]] uint64_t c) -> uint64_t { return expression; }

double real(uint64_t bits) { return std::bit_cast<double>(bits); }
uint64_t bitsOf(double value) { return std::bit_cast<uint64_t>(value); }

uint32_t l32(uint64_t bits) { return uint32_t(bits); }
uint32_t h32(uint64_t bits) { return uint32_t(bits >> 32); }
uint64_t floats(float low, float high) {
  return u(low) | uint64_t(u(high)) << 32;
}
/// Whether two results are the same; all NaN are alike.
bool same(const WideRow &row, uint64_t a, uint64_t b) {
  if (row.kind == WideRow::Real)
    return a == b || (real(a) != real(a) && real(b) != real(b));
  if (row.kind == WideRow::Floats)
    return same(Float, l32(a), l32(b)) && same(Float, h32(a), h32(b));
  return a == b || (row.kind == WideRow::Low && h32(a) == h32(b) &&
                    isNan(l32(a)) && isNan(l32(b)));
}

const WideRow kWide[] = {
    {"v_lshlrev_b64 v[6:7], v0, v[2:3]", WIDE(b << a % 64)},
    {"v_lshrrev_b64 v[6:7], v0, v[2:3]", WIDE(b >> a % 64)},
    {"v_ashrrev_i64 v[6:7], v0, v[2:3]", WIDE(uint64_t(int64_t(b) >> a % 64))},
    {"v_add_f64 v[6:7], v[0:1], v[2:3]", WIDE(bitsOf(real(a) + real(b))),
     WideRow::Real},
    {"v_add_f64 v[6:7], -v[0:1], |v[2:3]|",
     WIDE(bitsOf(-real(a) + std::fabs(real(b)))), WideRow::Real},
    {"v_mul_f64 v[6:7], v[0:1], v[2:3]", WIDE(bitsOf(real(a) * real(b))),
     WideRow::Real},
    {"v_fma_f64 v[6:7], v[0:1], v[2:3], v[4:5]",
     WIDE(bitsOf(std::fma(real(a), real(b), real(c)))), WideRow::Real},
    {"v_floor_f64 v[6:7], v[0:1]", WIDE(bitsOf(std::floor(real(a)))),
     WideRow::Real},
    {"v_ceil_f64 v[6:7], v[0:1]", WIDE(bitsOf(std::ceil(real(a)))),
     WideRow::Real},
    {"v_trunc_f64 v[6:7], v[0:1]", WIDE(bitsOf(std::trunc(real(a)))),
     WideRow::Real},
    {"v_rndne_f64 v[6:7], v[0:1]", WIDE(bitsOf(std::rint(real(a)))),
     WideRow::Real},
    {"v_ldexp_f64 v[6:7], v[0:1], 5", WIDE(bitsOf(real(a) * 32)),
     WideRow::Real},
    {"v_cvt_f64_i32 v[6:7], v0", WIDE(bitsOf(double(int32_t(a))))},
    {"v_cvt_f64_u32 v[6:7], v0", WIDE(bitsOf(double(uint32_t(a))))},
    {"v_cvt_f64_f32 v[6:7], v0", WIDE(bitsOf(double(f(uint32_t(a))))),
     WideRow::Real},
    {"v_cvt_i32_f64 v6, v[0:1]",
     WIDE(real(a) != real(a) ? 0
                             : uint32_t(int32_t(std::clamp(
                                   real(a), -2147483648.0, 2147483647.0)))),
     WideRow::Low},
    {"v_cvt_u32_f64 v6, v[0:1]",
     WIDE(real(a) != real(a)
              ? 0
              : uint32_t(std::clamp(real(a), 0.0, 4294967295.0))),
     WideRow::Low},
    {"v_cvt_f32_f64 v6, v[0:1]", WIDE(u(real(a))), WideRow::Low},
    {"v_mov_b64 v[6:7], v[2:3]", WIDE(b), WideRow::Whole, "gfx942"},
    {"v_lshl_add_u64 v[6:7], v[0:1], 3, v[4:5]", WIDE((a << 3) + c),
     WideRow::Whole, "gfx942"},
    {"v_pk_add_f32 v[6:7], v[0:1], v[2:3]",
     WIDE(floats(f(l32(a)) + f(l32(b)), f(h32(a)) + f(h32(b)))),
     WideRow::Floats, "gfx9"},
    {"v_pk_mul_f32 v[6:7], v[0:1], v[2:3] op_sel:[1,0] op_sel_hi:[0,1]",
     WIDE(floats(f(h32(a)) * f(l32(b)), f(l32(a)) * f(h32(b)))),
     WideRow::Floats, "gfx9"},
    {"v_pk_fma_f32 v[6:7], v[0:1], v[2:3], v[4:5]",
     WIDE(floats(std::fma(f(l32(a)), f(l32(b)), f(l32(c))),
                 std::fma(f(h32(a)), f(h32(b)), f(h32(c))))),
     WideRow::Floats, "gfx9"},
    {"v_pk_mov_b32 v[6:7], v[0:1], v[2:3] op_sel:[1,0]",
     WIDE(h32(a) | uint64_t(l32(b)) << 32), WideRow::Whole, "gfx9"},
    {"v_min_f64 v[6:7], v[0:1], v[2:3]",
     WIDE(bitsOf(std::fmin(real(a), real(b)))), WideRow::Real, "gfx9"},
    {"v_max_f64 v[6:7], v[0:1], v[2:3]",
     WIDE(bitsOf(std::fmax(real(a), real(b)))), WideRow::Real, "gfx11"},
};

TEST_P(Widths, Pairs) {
  const Chip &chip = *GetParam();
  Bench bench(chip);
  for (const WideRow &row : kWide) {
    if (row.onlyOn && !std::string_view(chip.name).starts_with(row.onlyOn))
      continue;
    const std::vector<uint8_t> code = assemble(row.text, chip);
    const auto at = [&](uint32_t reg, uint32_t lane) {
      return bench.v(reg, lane) | uint64_t(bench.v(reg + 1, lane)) << 32;
    };
    for (int trial = 0; trial < 4; ++trial) {
      bench.randomise();
      std::vector<uint64_t> old(chip.waveSize);
      for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
        // Every other number is one that conversions to integers can hold.
        if (lane % 2)
          bench.v(1, lane) = (bench.v(1, lane) & 0x801fffff) | 0x41000000;
        old[lane] = at(6, lane);
      }
      ASSERT_EQ(bench.run(code), "") << row.text;
      for (uint32_t lane = 0; lane < chip.waveSize; ++lane) {
        const uint64_t found = at(6, lane);
        uint64_t stated = row.state(at(0, lane), at(2, lane), at(4, lane));
        if (row.kind == WideRow::Low)
          stated |= old[lane] >> 32 << 32;
        ASSERT_TRUE(same(row, found, stated))
            << chip.name << ": " << row.text << std::hex << ": " << found
            << ", not " << stated << "; a=" << at(0, lane)
            << " b=" << at(2, lane);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, Widths, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
