//===- ExecuteVectors.cpp - The AVX-512 instructions that are emulated
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// namespace op has, for each mnemonic, the value of one element of the result;
// what all have in common (masks, broadcast, memory, the zeros behind the
// destination) stands after it, once. Source: the instruction's page in Intel
// SDM volume 2C, of the GF2P8 instructions 2A.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"
#include "FloatLanes.h"
#include <initializer_list>
#include <string.h>

namespace modelc::amxemu {
namespace {

/// Operands before the instruction, in order of elements.
struct Sources {
  const uint8_t *dest, *src1, *src2;
  uint32_t vectorBytes;
  uint8_t immediate;
};

/// The value of element i, in as many low bits as the element has.
using ElementFunction = uint64_t (*)(const Sources &s, uint32_t i);

template <typename T> T element(const uint8_t *vector, uint32_t i) {
  T value;
  memcpy(&value, vector + i * sizeof(T), sizeof(T));
  return value;
}

/// The qword that byte i is part of.
uint64_t qwordOf(const uint8_t *vector, uint32_t i) {
  return element<uint64_t>(vector, i / 8);
}

namespace op {

// AVX512-BF16

uint64_t vdpbf16ps(const Sources &s, uint32_t i) {
  float sum = element<float>(s.dest, i);
  for (uint32_t half : {2 * i + 1, 2 * i})
    sum = multiplyAdd(widenBf16(element<uint16_t>(s.src1, half)),
                      widenBf16(element<uint16_t>(s.src2, half)), sum);
  uint32_t bits;
  memcpy(&bits, &sum, sizeof(bits));
  return bits;
}

uint16_t roundToBf16(uint32_t bits) {
  const uint32_t exponent = bits >> 23 & 255, fraction = bits & 0x7FFFFF;
  if (exponent == 0) // Denormals are zeros.
    return uint16_t(bits >> 16 & 0x8000);
  if (exponent == 255) // Infinity; a NaN becomes quiet.
    return uint16_t(bits >> 16 | (fraction ? 0x40 : 0));
  return uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

uint64_t vcvtneps2bf16(const Sources &s, uint32_t i) {
  return roundToBf16(element<uint32_t>(s.src2, i));
}

/// The low half of the result comes from the second source.
uint64_t vcvtne2ps2bf16(const Sources &s, uint32_t i) {
  const uint32_t half = s.vectorBytes / 4;
  return roundToBf16(i < half ? element<uint32_t>(s.src2, i)
                              : element<uint32_t>(s.src1, i - half));
}

// AVX512-VBMI

uint64_t vpermb(const Sources &s, uint32_t i) {
  return s.src2[s.src1[i] & (s.vectorBytes - 1)];
}

/// Byte `index` of the two vectors behind each other.
uint64_t lookUpTwo(const Sources &s, uint8_t index, const uint8_t *first) {
  const uint8_t *table = index & s.vectorBytes ? s.src2 : first;
  return table[index & (s.vectorBytes - 1)];
}

uint64_t vpermi2b(const Sources &s, uint32_t i) {
  return lookUpTwo(s, s.dest[i], s.src1);
}

uint64_t vpermt2b(const Sources &s, uint32_t i) {
  return lookUpTwo(s, s.src1[i], s.dest);
}

uint64_t vpmultishiftqb(const Sources &s, uint32_t i) {
  const uint64_t qword = qwordOf(s.src2, i);
  const uint32_t shift = s.src1[i] & 63;
  return shift ? qword >> shift | qword << (64 - shift) : qword;
}

// AVX512-VBMI2

template <typename T> uint64_t copy(const Sources &s, uint32_t i) {
  return element<T>(s.src2, i);
}

constexpr ElementFunction vpcompressb = copy<uint8_t>;
constexpr ElementFunction vpcompressw = copy<uint16_t>;
constexpr ElementFunction vpexpandb = copy<uint8_t>;
constexpr ElementFunction vpexpandw = copy<uint16_t>;

/// The high half of high:low shifted left.
template <typename T> T shiftLeft(T high, T low, uint64_t count) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const uint32_t shift = count & (kBits - 1);
  return shift ? T(high << shift | low >> (kBits - shift)) : high;
}

/// The low half of high:low shifted right.
template <typename T> T shiftRight(T high, T low, uint64_t count) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const uint32_t shift = count & (kBits - 1);
  return shift ? T(low >> shift | high << (kBits - shift)) : low;
}

template <typename T> uint64_t shld(const Sources &s, uint32_t i) {
  return shiftLeft(element<T>(s.src1, i), element<T>(s.src2, i), s.immediate);
}
template <typename T> uint64_t shrd(const Sources &s, uint32_t i) {
  return shiftRight(element<T>(s.src2, i), element<T>(s.src1, i), s.immediate);
}
template <typename T> uint64_t shldv(const Sources &s, uint32_t i) {
  return shiftLeft(element<T>(s.dest, i), element<T>(s.src1, i),
                   element<T>(s.src2, i));
}
template <typename T> uint64_t shrdv(const Sources &s, uint32_t i) {
  return shiftRight(element<T>(s.src1, i), element<T>(s.dest, i),
                    element<T>(s.src2, i));
}

constexpr ElementFunction vpshldw = shld<uint16_t>;
constexpr ElementFunction vpshldd = shld<uint32_t>;
constexpr ElementFunction vpshldq = shld<uint64_t>;
constexpr ElementFunction vpshldvw = shldv<uint16_t>;
constexpr ElementFunction vpshldvd = shldv<uint32_t>;
constexpr ElementFunction vpshldvq = shldv<uint64_t>;
constexpr ElementFunction vpshrdw = shrd<uint16_t>;
constexpr ElementFunction vpshrdd = shrd<uint32_t>;
constexpr ElementFunction vpshrdq = shrd<uint64_t>;
constexpr ElementFunction vpshrdvw = shrdv<uint16_t>;
constexpr ElementFunction vpshrdvd = shrdv<uint32_t>;
constexpr ElementFunction vpshrdvq = shrdv<uint64_t>;

// AVX512-BITALG and AVX512-VPOPCNTDQ

template <typename T> uint64_t popcount(const Sources &s, uint32_t i) {
  return uint64_t(__builtin_popcountll(element<T>(s.src2, i)));
}

constexpr ElementFunction vpopcntb = popcount<uint8_t>;
constexpr ElementFunction vpopcntw = popcount<uint16_t>;
constexpr ElementFunction vpopcntd = popcount<uint32_t>;
constexpr ElementFunction vpopcntq = popcount<uint64_t>;

uint64_t vpshufbitqmb(const Sources &s, uint32_t i) {
  return qwordOf(s.src1, i) >> (s.src2[i] & 63) & 1;
}

// AVX512-IFMA

unsigned __int128 product52(const Sources &s, uint32_t i) {
  constexpr uint64_t kLow52 = (uint64_t(1) << 52) - 1;
  return static_cast<unsigned __int128>(element<uint64_t>(s.src1, i) & kLow52) *
         (element<uint64_t>(s.src2, i) & kLow52);
}

uint64_t vpmadd52luq(const Sources &s, uint32_t i) {
  constexpr uint64_t kLow52 = (uint64_t(1) << 52) - 1;
  return element<uint64_t>(s.dest, i) + (uint64_t(product52(s, i)) & kLow52);
}

uint64_t vpmadd52huq(const Sources &s, uint32_t i) {
  return element<uint64_t>(s.dest, i) + uint64_t(product52(s, i) >> 52);
}

// AVX512-VNNI and AVX-VNNI

/// The accumulator plus four products of bytes, exactly.
int64_t dotBytes(const Sources &s, uint32_t i) {
  int64_t sum = element<int32_t>(s.dest, i);
  for (uint32_t byte = 4 * i; byte < 4 * i + 4; ++byte)
    sum += int32_t(s.src1[byte]) * int8_t(s.src2[byte]);
  return sum;
}

/// The accumulator plus two products of words, exactly.
int64_t dotWords(const Sources &s, uint32_t i) {
  int64_t sum = element<int32_t>(s.dest, i);
  for (uint32_t word : {2 * i, 2 * i + 1})
    sum += int64_t(element<int16_t>(s.src1, word)) *
           element<int16_t>(s.src2, word);
  return sum;
}

uint64_t saturate(int64_t sum) {
  return uint64_t(sum > INT32_MAX   ? INT32_MAX
                  : sum < INT32_MIN ? INT32_MIN
                                    : sum);
}

uint64_t vpdpbusd(const Sources &s, uint32_t i) {
  return uint64_t(dotBytes(s, i));
}
uint64_t vpdpbusds(const Sources &s, uint32_t i) {
  return saturate(dotBytes(s, i));
}
uint64_t vpdpwssd(const Sources &s, uint32_t i) {
  return uint64_t(dotWords(s, i));
}
uint64_t vpdpwssds(const Sources &s, uint32_t i) {
  return saturate(dotWords(s, i));
}

// GFNI: bytes are polynomials over GF(2), modulo x^8 + x^4 + x^3 + x + 1.

uint8_t multiplyPolynomials(uint8_t a, uint8_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0; bit < 8; ++bit)
    if (b >> bit & 1)
      product ^= uint32_t(a) << bit;
  for (uint32_t bit = 14; bit >= 8; --bit)
    if (product >> bit & 1)
      product ^= 0x11Bu << (bit - 8);
  return uint8_t(product);
}

/// a^254, which is 1/a, and 0 for 0.
uint8_t invertPolynomial(uint8_t a) {
  uint8_t power = a, inverse = 1;
  for (uint32_t bit = 1; bit < 8; ++bit) {
    power = multiplyPolynomials(power, power);
    inverse = multiplyPolynomials(inverse, power);
  }
  return inverse;
}

/// matrix * x + b over GF(2): bit r of the result is made of the matrix's byte
/// 7 - r.
uint8_t affine(uint64_t matrix, uint8_t x, uint8_t b) {
  uint32_t result = b;
  for (uint32_t bit = 0; bit < 8; ++bit) {
    const uint32_t row = matrix >> (8 * (7 - bit)) & 255;
    result ^= uint32_t(__builtin_parity(row & x)) << bit;
  }
  return uint8_t(result);
}

uint64_t vgf2p8mulb(const Sources &s, uint32_t i) {
  return multiplyPolynomials(s.src1[i], s.src2[i]);
}

uint64_t vgf2p8affineqb(const Sources &s, uint32_t i) {
  return affine(qwordOf(s.src2, i), s.src1[i], s.immediate);
}

uint64_t vgf2p8affineinvqb(const Sources &s, uint32_t i) {
  return affine(qwordOf(s.src2, i), invertPolynomial(s.src1[i]), s.immediate);
}

} // namespace op

constexpr ElementFunction kElementFunctions[] = {
#define AMXEMU_EVEX(name, ...) op::name,
#include "Instructions.def"
};
constexpr uint32_t kFirstVector = uint32_t(Mnemonic::vdpbf16ps);

/// How many elements the instruction works on.
uint32_t elementCount(const Instruction &instruction) {
  return instruction.form == Form::Narrow
             ? instruction.vectorBytes / 4
             : instruction.vectorBytes / instruction.elementBytes;
}

/// Bit i: element i is active.
uint64_t activeElements(const Instruction &instruction,
                        const MachineState &state) {
  const uint32_t count = elementCount(instruction);
  const uint64_t all = count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
  return instruction.mask ? state.k[instruction.mask] & all : all;
}

/// The memory operand as a vector. No byte is read that hardware does not
/// read: a masked-off element may lie on a page that is not there.
void readMemory(const Instruction &instruction, const MachineState &state,
                uint64_t active, uint8_t vector[64]) {
  const auto *memory = reinterpret_cast<const uint8_t *>(
      effectiveAddress(instruction, state, true));
  const bool masked = instruction.memoryRead == MemoryRead::Masked;
  if (masked && !active)
    return;
  if (uint32_t width = instruction.broadcastBytes) {
    for (uint32_t at = 0; at < instruction.vectorBytes; at += width)
      memcpy(vector + at, memory, width);
  } else if (instruction.form == Form::Expand) {
    memcpy(vector, memory,
           uint32_t(__builtin_popcountll(active)) * instruction.elementBytes);
  } else if (!masked) {
    memcpy(vector, memory, instruction.vectorBytes);
  } else {
    const uint32_t count = elementCount(instruction);
    const uint32_t width = instruction.vectorBytes / count;
    for (uint32_t i = 0; i < count; ++i)
      if (active >> i & 1)
        memcpy(vector + i * width, memory + i * width, width);
  }
}

/// Active elements of src2 to the front of the destination.
void compress(const Instruction &instruction, MachineState &state,
              uint64_t active) {
  const uint32_t width = instruction.elementBytes;
  Vector packed = {};
  uint32_t used = 0;
  for (uint32_t i = 0; i < elementCount(instruction); ++i)
    if (active >> i & 1) {
      memcpy(packed.bytes + used, state.zmm[instruction.src2].bytes + i * width,
             width);
      used += width;
    }
  if (instruction.hasMemory) {
    memcpy(reinterpret_cast<void *>(effectiveAddress(instruction, state, true)),
           packed.bytes, used);
    return;
  }
  Vector &dest = state.zmm[instruction.dest];
  if (!instruction.zeroing)
    memcpy(packed.bytes + used, dest.bytes + used,
           instruction.vectorBytes - used);
  dest = packed;
}

/// Elements of src2, from its front, to the active places.
void spread(const Instruction &instruction, uint64_t active, Vector &src2) {
  const uint32_t width = instruction.elementBytes;
  Vector result = {};
  uint32_t used = 0;
  for (uint32_t i = 0; i < elementCount(instruction); ++i)
    if (active >> i & 1) {
      memcpy(result.bytes + i * width, src2.bytes + used, width);
      used += width;
    }
  src2 = result;
}

} // namespace

Fault executeVector(const Instruction &instruction, MachineState &state) {
  const uint64_t active = activeElements(instruction, state);
  if (instruction.form == Form::Compress) {
    compress(instruction, state, active);
    return {};
  }
  Vector src2 = {};
  if (instruction.hasMemory)
    readMemory(instruction, state, active, src2.bytes);
  else
    src2 = state.zmm[instruction.src2];
  if (instruction.form == Form::Expand)
    spread(instruction, active, src2);

  // The destination may be a source too.
  const Vector src1 = state.zmm[instruction.src1];
  const bool toMask = instruction.form == Form::MaskResult;
  const Vector dest = toMask ? Vector{} : state.zmm[instruction.dest];
  const Sources sources = {dest.bytes, src1.bytes, src2.bytes,
                           instruction.vectorBytes, instruction.immediate};
  const ElementFunction value =
      kElementFunctions[uint32_t(instruction.mnemonic) - kFirstVector];
  const uint32_t width = instruction.elementBytes;
  Vector result = {};
  uint64_t bits = 0;
  FlushScope flush;
  for (uint32_t i = 0; i < elementCount(instruction); ++i) {
    uint8_t *place = result.bytes + i * width;
    if (active >> i & 1) {
      const uint64_t element = value(sources, i);
      if (toMask)
        bits |= element << i;
      else
        memcpy(place, &element, width);
    } else if (!toMask && !instruction.zeroing) {
      memcpy(place, dest.bytes + i * width, width);
    }
  }
  if (toMask)
    state.k[instruction.dest] = bits;
  else
    state.zmm[instruction.dest] = result;
  return {};
}

} // namespace modelc::amxemu
