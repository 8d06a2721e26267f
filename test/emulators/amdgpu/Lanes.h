//===- Lanes.h - Operands and results of all lanes at once
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector instruction is: Lanes<A> a(wave, instruction, 0), ...; a loop over
// the lanes that computes all of them; writeLanes<D>() for those that EXEC,
// and DPP, enable. Modifiers of operands are in the first step, those of
// results in the last.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_LANES_H
#define MODELC_TEST_EMULATORS_AMDGPU_LANES_H

#include "Machine.h"

#include <type_traits>

namespace modelc::amdgpu {

/// Types of lanes. A 16-bit one is half of a register, a 64-bit one a pair.
struct U32 {
  using Type = uint32_t;
};
struct I32 {
  using Type = int32_t;
};
struct F32 {
  using Type = float;
};
struct U16 {
  using Type = uint16_t;
};
struct I16 {
  using Type = int16_t;
};
struct F16 {
  using Type = _Float16;
};
struct U64 {
  using Type = uint64_t;
};
struct I64 {
  using Type = int64_t;
};
struct F64 {
  using Type = double;
};
struct None {
  using Type = uint32_t;
};

template <class T>
inline constexpr bool kIsFloat =
    std::is_same_v<T, F32> || std::is_same_v<T, F16> || std::is_same_v<T, F64>;

/// The raw 32-bit words of register `regOffset` of an operand, after DPP or
/// SDWA's choice if it is the first one. `buffer` may or may not be used.
const uint32_t *wordsOf(const Wave &wave, const Instruction &instruction,
                        uint32_t index, uint32_t regOffset, uint32_t *buffer);

/// The lanes whose result is written: EXEC, and what DPP takes away.
uint64_t writeMask(const Wave &wave, const Instruction &instruction);

/// Puts 32-bit words into the register, lanes of `mask` only.
void writeWords(Wave &wave, const Instruction &instruction, uint32_t reg,
                const uint32_t *words, uint64_t mask);

/// Puts 16-bit values where `instruction` has its 16-bit result.
void writeHalves(Wave &wave, const Instruction &instruction,
                 const uint16_t *halves, uint64_t mask);

template <class To, class From> To bitsAs(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

/// An operand in all lanes.
template <class T> class Lanes {
public:
  using Type = typename T::Type;

  Lanes(const Wave &wave, const Instruction &instruction, uint32_t index) {
    if constexpr (std::is_same_v<T, None>)
      return;
    else if constexpr (sizeof(Type) == 4)
      read32(wave, instruction, index);
    else if constexpr (sizeof(Type) == 2)
      read16(wave, instruction, index);
    else
      read64(wave, instruction, index);
  }
  Type operator[](uint32_t lane) const {
    if constexpr (std::is_same_v<T, None>)
      return 0;
    else
      return data[lane];
  }

private:
  void read32(const Wave &wave, const Instruction &in, uint32_t index) {
    uint32_t *bits = reinterpret_cast<uint32_t *>(buffer);
    const uint32_t *words = wordsOf(wave, in, index, 0, bits);
    const uint8_t mods = kIsFloat<T> ? in.src[index].mods & 3 : 0;
    if (mods) {
      const uint32_t keep = mods & kModAbs ? 0x7fffffff : 0xffffffff;
      const uint32_t flip = mods & kModNeg ? 0x80000000 : 0;
      for (uint32_t l = 0; l < kMaxLanes; ++l)
        bits[l] = (words[l] & keep) ^ flip;
      words = bits;
    }
    data = reinterpret_cast<const Type *>(words);
  }
  void read16(const Wave &wave, const Instruction &in, uint32_t index) {
    uint32_t raw[kMaxLanes];
    const uint32_t *words = wordsOf(wave, in, index, 0, raw);
    const Operand &operand = in.src[index];
    const uint32_t shift = operand.high || (operand.mods & kModOpSel) ? 16 : 0;
    const uint8_t mods = kIsFloat<T> ? operand.mods & 3 : 0;
    const uint16_t keep = mods & kModAbs ? 0x7fff : 0xffff;
    const uint16_t flip = mods & kModNeg ? 0x8000 : 0;
    uint16_t *bits = reinterpret_cast<uint16_t *>(buffer);
    for (uint32_t l = 0; l < kMaxLanes; ++l)
      bits[l] = uint16_t((uint16_t(words[l] >> shift) & keep) ^ flip);
    data = buffer;
  }
  void read64(const Wave &wave, const Instruction &in, uint32_t index) {
    uint32_t rawLow[kMaxLanes], rawHigh[kMaxLanes];
    const uint32_t *low = wordsOf(wave, in, index, 0, rawLow);
    const uint32_t *high = wordsOf(wave, in, index, 1, rawHigh);
    const uint8_t mods = kIsFloat<T> ? in.src[index].mods & 3 : 0;
    const uint32_t keep = mods & kModAbs ? 0x7fffffff : 0xffffffff;
    const uint32_t flip = mods & kModNeg ? 0x80000000 : 0;
    uint64_t *bits = reinterpret_cast<uint64_t *>(buffer);
    for (uint32_t l = 0; l < kMaxLanes; ++l)
      bits[l] = low[l] | uint64_t((high[l] & keep) ^ flip) << 32;
    data = buffer;
  }

  alignas(64) Type buffer[kMaxLanes];
  const Type *data = nullptr;
};

/// omod and clamp of a float result.
template <class Type> Type modified(const Instruction &in, Type value) {
  if (in.omod)
    value = Type(in.omod == 1   ? value * Type(2)
                 : in.omod == 2 ? value * Type(4)
                                : value * Type(0.5));
  if (in.clamp) // DX10_CLAMP: a NaN becomes 0.
    value = value > Type(0) ? (value < Type(1) ? value : Type(1)) : Type(0);
  return value;
}

/// Writes a result of all lanes to instruction.dest.
template <class T>
void writeLanes(Wave &wave, const Instruction &in, typename T::Type *values) {
  const uint64_t mask = writeMask(wave, in);
  if constexpr (kIsFloat<T>)
    if (in.omod || in.clamp)
      for (uint32_t l = 0; l < wave.lanes; ++l)
        values[l] = modified(in, values[l]);
  if constexpr (sizeof(values[0]) == 4) {
    writeWords(wave, in, in.dest.reg,
               reinterpret_cast<const uint32_t *>(values), mask);
  } else if constexpr (sizeof(values[0]) == 2) {
    writeHalves(wave, in, reinterpret_cast<const uint16_t *>(values), mask);
  } else {
    uint32_t low[kMaxLanes], high[kMaxLanes];
    for (uint32_t l = 0; l < wave.lanes; ++l) {
      const uint64_t bits = bitsAs<uint64_t>(values[l]);
      low[l] = uint32_t(bits);
      high[l] = uint32_t(bits >> 32);
    }
    writeWords(wave, in, in.dest.reg, low, mask);
    writeWords(wave, in, in.dest.reg + 1, high, mask);
  }
}

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_LANES_H
