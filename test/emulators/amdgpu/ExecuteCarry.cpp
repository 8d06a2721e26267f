//===- ExecuteCarry.cpp - Carries, selection and division of vectors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

/// A mask operand: one bit for each lane.
uint64_t maskOperand(const Wave &wave, const Operand &operand) {
  if (operand.kind == OperandKind::Constant)
    return operand.constant;
  return operand.reg == kScc ? 0 : wave.maskOf(operand.reg);
}

/// `result` gives 33 bits for a lane, or more: bit 32 is the carry.
template <class Result>
void carrying(Wave &wave, const Instruction &in, bool carryIn, Result result) {
  const Lanes<U32> as(wave, in, 0), bs(wave, in, 1);
  const uint64_t ins = carryIn ? maskOperand(wave, in.src[2]) : 0;
  uint32_t out[kMaxLanes];
  uint64_t carries = 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const uint64_t value =
        result(uint64_t(as[l]), uint64_t(bs[l]), ins >> l & 1);
    out[l] = uint32_t(value);
    carries |= (value >> 32 & 1) << l;
  }
  carries &= wave.exec();
  writeLanes<U32>(wave, in, out);
  wave.setMask(in.dest2.reg, carries);
}

#define CARRYING(carryIn, expression)                                          \
  [](Wave &wave, const Instruction &in) {                                      \
    carrying(wave, in, carryIn,                                                \
             [](uint64_t a, uint64_t b, [[maybe_unused]] uint64_t carry) {     \
               return expression;                                              \
             });                                                               \
  }

template <class T> void select(Wave &wave, const Instruction &in) {
  const Lanes<T> as(wave, in, 0), bs(wave, in, 1);
  const uint64_t mask = maskOperand(wave, in.src[2]);
  alignas(64) typename T::Type out[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l)
    out[l] = mask >> l & 1 ? bs[l] : as[l];
  writeLanes<T>(wave, in, out);
}

/// v_cndmask_b32 may have float modifiers, but moves bits.
void selectWords(Wave &wave, const Instruction &in) {
  if (((in.src[0].mods | in.src[1].mods) & 3) && in.extra != Extra::Sdwa)
    select<F32>(wave, in);
  else
    select<U32>(wave, in);
}

template <bool isSigned> void multiplyAdd64(Wave &wave, const Instruction &in) {
  const Lanes<U32> as(wave, in, 0), bs(wave, in, 1);
  const Lanes<U64> cs(wave, in, 2);
  uint64_t out[kMaxLanes], carries = 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const uint64_t product =
        isSigned ? uint64_t(int64_t(int32_t(as[l])) * int32_t(bs[l]))
                 : uint64_t(as[l]) * bs[l];
    out[l] = product + cs[l];
    carries |= uint64_t(out[l] < product) << l;
  }
  carries &= wave.exec();
  writeLanes<U64>(wave, in, out);
  wave.setMask(in.dest2.reg, carries);
}

// Division in three steps, as LLVM expands it: v_div_scale brings operands
// near 1 and says in VCC whether v_div_fmas must scale back by 2^64.

bool isDenormal(float a) { return a != 0 && std::fabs(a) < 0x1p-126f; }

void divisionScale(Wave &wave, const Instruction &in) {
  const Lanes<F32> s0(wave, in, 0), s1(wave, in, 1), s2(wave, in, 2);
  float out[kMaxLanes];
  uint64_t bits = 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const float value = s0[l], denominator = s1[l], numerator = s2[l];
    const bool scalesNumerator =
        bitsAs<uint32_t>(value) != bitsAs<uint32_t>(denominator);
    const int32_t distance = exponentOf(numerator) - exponentOf(denominator);
    bool scaledBack = false;
    out[l] = value;
    if (denominator == 0 || numerator == 0) {
      out[l] = std::numeric_limits<float>::quiet_NaN();
    } else if (distance >= 96) {
      scaledBack = true;
      if (!scalesNumerator)
        out[l] = std::ldexp(value, 64);
    } else if (isDenormal(denominator)) {
      out[l] = std::ldexp(value, 64);
    } else if (isDenormal(1.0f / denominator) &&
               isDenormal(numerator / denominator)) {
      scaledBack = true;
      if (!scalesNumerator)
        out[l] = std::ldexp(value, 64);
    } else if (isDenormal(1.0f / denominator)) {
      out[l] = std::ldexp(value, -64);
    } else if (isDenormal(numerator / denominator)) {
      scaledBack = true;
      if (scalesNumerator)
        out[l] = std::ldexp(value, 64);
    } else if (exponentOf(numerator) <= 23 - 126) {
      out[l] = std::ldexp(value, 64);
    }
    bits |= uint64_t(scaledBack) << l;
  }
  bits &= wave.exec();
  writeLanes<F32>(wave, in, out);
  wave.setMask(in.dest2.reg, bits);
}

void divisionMultiplyAdd(Wave &wave, const Instruction &in) {
  const Lanes<F32> as(wave, in, 0), bs(wave, in, 1), cs(wave, in, 2);
  const uint64_t mask = wave.maskOf(kVcc);
  float out[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const float value = std::fma(as[l], bs[l], cs[l]);
    // The scaling up by v_div_scale was of the divisor or of the dividend.
    const int32_t back = exponentOf(cs[l]) > 1 ? 64 : -64;
    out[l] = mask >> l & 1 ? std::ldexp(value, back) : value;
  }
  writeLanes<F32>(wave, in, out);
}

constexpr NamedHandler kCarryTable[] = {
    {"v_add_co_u32", CARRYING(false, a + b)},
    {"v_sub_co_u32", CARRYING(false, a - b)},
    {"v_subrev_co_u32", CARRYING(false, b - a)},
    {"v_addc_co_u32", CARRYING(true, a + b + carry)},
    {"v_subb_co_u32", CARRYING(true, a - b - carry)},
    {"v_subbrev_co_u32", CARRYING(true, b - a - carry)},
    {"v_add_co_ci_u32", CARRYING(true, a + b + carry)},
    {"v_sub_co_ci_u32", CARRYING(true, a - b - carry)},
    {"v_subrev_co_ci_u32", CARRYING(true, b - a - carry)},
    {"v_cndmask_b32", selectWords},
    {"v_cndmask_b16", select<U16>},
    {"v_mad_u64_u32", multiplyAdd64<false>},
    {"v_mad_i64_i32", multiplyAdd64<true>},
    {"v_mad_co_u64_u32", multiplyAdd64<false>},
    {"v_mad_co_i64_i32", multiplyAdd64<true>},
    {"v_div_scale_f32", divisionScale},
    {"v_div_fmas_f32", divisionMultiplyAdd},
};

} // namespace

Handler findCarry(std::string_view name) { return findIn(kCarryTable, name); }

} // namespace modelc::amdgpu
