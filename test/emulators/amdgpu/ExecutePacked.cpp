//===- ExecutePacked.cpp - Packed pairs, mixed precision and dot products
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

/// One half of a packed operand in all lanes: op_sel and neg say which and how
/// for the low result, op_sel_hi and neg_hi for the high one.
template <class T> class Half {
public:
  using Type = typename T::Type;

  Half(const Wave &wave, const Instruction &in, uint32_t index, bool high) {
    const Operand &operand = in.src[index];
    if (!operand)
      return;
    const bool upper = operand.mods & (high ? kModOpSelHi : kModOpSel);
    const bool negated =
        kIsFloat<T> && operand.mods & (high ? kModNegHi : kModNeg);
    uint32_t buffer[kMaxLanes];
    const bool wide = sizeof(Type) == 4;
    const uint32_t *words = wordsOf(wave, in, index, wide && upper, buffer);
    for (uint32_t l = 0; l < wave.lanes; ++l) {
      if constexpr (sizeof(Type) == 4) {
        const uint32_t flip = negated ? 0x80000000 : 0;
        values[l] = bitsAs<Type>(words[l] ^ flip);
      } else {
        const uint16_t flip = negated ? 0x8000 : 0;
        values[l] = bitsAs<Type>(
            uint16_t(uint16_t(words[l] >> (upper ? 16 : 0)) ^ flip));
      }
    }
  }
  Type operator[](uint32_t lane) const { return values[lane]; }

private:
  Type values[kMaxLanes] = {};
};

template <class T>
void writePacked(Wave &wave, const Instruction &in,
                 const typename T::Type (&out)[2][kMaxLanes]) {
  const uint64_t mask = writeMask(wave, in);
  if constexpr (sizeof(typename T::Type) == 4) {
    writeWords(wave, in, in.dest.reg,
               reinterpret_cast<const uint32_t *>(out[0]), mask);
    writeWords(wave, in, in.dest.reg + 1,
               reinterpret_cast<const uint32_t *>(out[1]), mask);
  } else {
    uint32_t words[kMaxLanes];
    for (uint32_t l = 0; l < wave.lanes; ++l)
      words[l] = bitsAs<uint16_t>(out[0][l]) |
                 uint32_t(bitsAs<uint16_t>(out[1][l])) << 16;
    writeWords(wave, in, in.dest.reg, words, mask);
  }
}

template <class T, class Result>
void packed(Wave &wave, const Instruction &in, Result result) {
  typename T::Type out[2][kMaxLanes];
  for (uint32_t high = 0; high < 2; ++high) {
    const Half<T> as(wave, in, 0, high), bs(wave, in, 1, high),
        cs(wave, in, 2, high);
    for (uint32_t l = 0; l < wave.lanes; ++l) {
      out[high][l] = result(as[l], bs[l], cs[l]);
      if constexpr (kIsFloat<T>)
        out[high][l] = modified(in, out[high][l]);
    }
  }
  writePacked<T>(wave, in, out);
}

constexpr NamedHandler kPackedTable[] = {
#define AMDGPU_PACKED(name, T, result)                                         \
  {#name, [](Wave &wave, const Instruction &in) {                              \
     packed<T>(wave, in,                                                       \
               []([[maybe_unused]] T::Type a, [[maybe_unused]] T::Type b,      \
                  [[maybe_unused]] T::Type c) { return T::Type(result); });    \
   }},
#include "Instructions.def"
};

/// Low result from src0, high result from src1.
void packedMove(Wave &wave, const Instruction &in) {
  const Half<U32> low(wave, in, 0, false), high(wave, in, 1, true);
  // Both halves' choice is op_sel's: of src0 for the low, of src1 for the high.
  uint32_t out[2][kMaxLanes], buffer[kMaxLanes];
  const bool upper = in.src[1].mods & kModOpSel;
  const uint32_t *words = wordsOf(wave, in, 1, upper, buffer);
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    out[0][l] = low[l];
    out[1][l] = words[l];
  }
  writePacked<U32>(wave, in, out);
}

// v_fma_mix_f32: each operand is a float, or (op_sel_hi) a half of a word
// (op_sel says which) widened; neg_hi is |x|, applied first.

void mixOperand(const Wave &wave, const Instruction &in, uint32_t index,
                float *values) {
  const Operand &operand = in.src[index];
  uint32_t buffer[kMaxLanes];
  const uint32_t *words = wordsOf(wave, in, index, 0, buffer);
  const uint32_t shift = operand.mods & kModOpSel ? 16 : 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    float value = operand.mods & kModOpSelHi
                      ? float(bitsAs<_Float16>(uint16_t(words[l] >> shift)))
                      : bitsAs<float>(words[l]);
    if (operand.mods & kModAbs)
      value = std::fabs(value);
    values[l] = operand.mods & kModNeg ? -value : value;
  }
}

/// `half`: 0 the result is a float, 1 the low half, 2 the high half.
template <int half> void fusedMix(Wave &wave, const Instruction &in) {
  float a[kMaxLanes], b[kMaxLanes], c[kMaxLanes];
  mixOperand(wave, in, 0, a);
  mixOperand(wave, in, 1, b);
  mixOperand(wave, in, 2, c);
  float out[kMaxLanes];
  uint16_t halves[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if constexpr (half == 0) {
      out[l] = modified(in, std::fma(a[l], b[l], c[l]));
    } else {
      const double sum = sumToOdd(double(a[l]) * double(b[l]), double(c[l]));
      halves[l] = bitsAs<uint16_t>(modified(in, halfOf(sum)));
    }
  }
  const uint64_t mask = writeMask(wave, in);
  if constexpr (half == 0) {
    writeWords(wave, in, in.dest.reg, reinterpret_cast<uint32_t *>(out), mask);
    return;
  }
  Instruction placed = in;
  placed.keepsHalf = true;
  placed.highDest = half == 2;
  writeHalves(wave, placed, halves, mask);
}

// Dot products. `in.clamp` saturates.

int32_t byteOf(uint32_t word, uint32_t index, bool isSigned) {
  const uint32_t byte = word >> (8 * index) & 255;
  return isSigned ? int32_t(int8_t(byte)) : int32_t(byte);
}

int32_t nibbleOf(uint32_t word, uint32_t index, bool isSigned) {
  const uint32_t nibble = word >> (4 * index) & 15;
  return isSigned ? int32_t(nibble << 28) >> 28 : int32_t(nibble);
}

enum class Signs { Signed, Unsigned, ByNeg };

/// 4 products of bytes, or 8 of nibbles, and src2.
template <uint32_t parts, Signs signs>
void dotIntegers(Wave &wave, const Instruction &in) {
  const Lanes<U32> as(wave, in, 0), bs(wave, in, 1), cs(wave, in, 2);
  const bool aSigned =
      signs == Signs::ByNeg ? in.src[0].mods & kModNeg : signs == Signs::Signed;
  const bool bSigned =
      signs == Signs::ByNeg ? in.src[1].mods & kModNeg : signs == Signs::Signed;
  uint32_t out[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    int64_t sum =
        signs == Signs::Unsigned ? int64_t(cs[l]) : int64_t(int32_t(cs[l]));
    for (uint32_t i = 0; i < parts; ++i)
      sum += parts == 4
                 ? byteOf(as[l], i, aSigned) * byteOf(bs[l], i, bSigned)
                 : nibbleOf(as[l], i, aSigned) * nibbleOf(bs[l], i, bSigned);
    if (in.clamp)
      sum = signs == Signs::Unsigned
                ? least(sum, int64_t(0xffffffff))
                : middle(sum, int64_t(-2147483648LL), int64_t(2147483647));
    out[l] = uint32_t(sum);
  }
  const uint64_t mask = writeMask(wave, in);
  writeWords(wave, in, in.dest.reg, out, mask);
}

/// src0.lo * src1.lo + src0.hi * src1.hi + src2, each sum rounded.
template <bool isBf16> void dotHalves(Wave &wave, const Instruction &in) {
  const Half<U16> a0(wave, in, 0, false), b0(wave, in, 1, false);
  const Half<U16> a1(wave, in, 0, true), b1(wave, in, 1, true);
  const Lanes<F32> cs(wave, in, 2);
  const auto wide = [](uint16_t bits) {
    return isBf16 ? bf16ToFloat(bits) : float(bitsAs<_Float16>(bits));
  };
  float out[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const float sum = std::fma(wide(a0[l]), wide(b0[l]), cs[l]);
    out[l] = modified(in, std::fma(wide(a1[l]), wide(b1[l]), sum));
  }
  const uint64_t mask = writeMask(wave, in);
  writeWords(wave, in, in.dest.reg, reinterpret_cast<uint32_t *>(out), mask);
}

constexpr NamedHandler kDotTable[] = {
    {"v_pk_mov_b32", packedMove},
    {"v_fma_mix_f32", fusedMix<0>},
    {"v_fma_mixlo_f16", fusedMix<1>},
    {"v_fma_mixhi_f16", fusedMix<2>},
    {"v_dot4_i32_i8", dotIntegers<4, Signs::Signed>},
    {"v_dot4c_i32_i8", dotIntegers<4, Signs::Signed>},
    {"v_dot4_u32_u8", dotIntegers<4, Signs::Unsigned>},
    {"v_dot4_i32_iu8", dotIntegers<4, Signs::ByNeg>},
    {"v_dot8_i32_i4", dotIntegers<8, Signs::Signed>},
    {"v_dot8c_i32_i4", dotIntegers<8, Signs::Signed>},
    {"v_dot8_u32_u4", dotIntegers<8, Signs::Unsigned>},
    {"v_dot8_i32_iu4", dotIntegers<8, Signs::ByNeg>},
    {"v_dot2_f32_f16", dotHalves<false>},
    {"v_dot2c_f32_f16", dotHalves<false>},
    {"v_dot2acc_f32_f16", dotHalves<false>},
    {"v_dot2_f32_bf16", dotHalves<true>},
    {"v_dot2c_f32_bf16", dotHalves<true>},
};

} // namespace

Handler findPacked(std::string_view name) {
  if (Handler found = findIn(kDotTable, name))
    return found;
  return findIn(kPackedTable, name);
}

} // namespace modelc::amdgpu
