//===- ManualVectors.cpp - The vector instructions of the SDM
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include <map>
#include <stdlib.h>

namespace modelc::manual {
namespace {

using Wide = unsigned __int128;

/// Element j of `bits` bits, bits a multiple of 8.
uint64_t get(const Register &r, int bits, int j) {
  uint64_t value = 0;
  for (int byte = 0; byte < bits / 8; ++byte)
    value |= uint64_t(r[j * bits / 8 + byte]) << (8 * byte);
  return value;
}

void set(Register &r, int bits, int j, uint64_t value) {
  for (int byte = 0; byte < bits / 8; ++byte)
    r[j * bits / 8 + byte] = uint8_t(value >> (8 * byte));
}

int64_t signExtend(uint64_t value, int bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}

/// The value of element j if its mask bit is set.
using Element = uint64_t (*)(const VectorCase &c, int j);

/// For j in 0 .. KL-1: IF k[j] OR no writemask: DEST := value, ELSE unchanged
/// or zero; DEST[MAXVL-1:VL] := 0.
Register masked(const VectorCase &c, int bits, Element value) {
  Register dest = {};
  for (int j = 0; j < c.vl / bits; ++j) {
    if (c.k >> j & 1)
      set(dest, bits, j, value(c, j));
    else if (!c.zeroing)
      set(dest, bits, j, get(c.dest, bits, j));
  }
  return dest;
}

// AVX512-BF16

uint64_t vdpbf16ps(const VectorCase &c, int i) {
  uint32_t srcdest = uint32_t(get(c.dest, 32, i));
  srcdest = fp32Fma(makeFp32(uint16_t(get(c.src1, 16, 2 * i + 1))),
                    makeFp32(uint16_t(get(c.src2, 16, 2 * i + 1))), srcdest);
  return fp32Fma(makeFp32(uint16_t(get(c.src1, 16, 2 * i))),
                 makeFp32(uint16_t(get(c.src2, 16, 2 * i))), srcdest);
}

/// KL = VL / 32: the destination is half as wide as the source.
Register vcvtneps2bf16(const VectorCase &c) {
  VectorCase half = c;
  half.vl = c.vl / 2;
  return masked(half, 16, [](const VectorCase &c, int i) -> uint64_t {
    return convertFp32ToBfloat16(uint32_t(get(c.src2, 32, i)));
  });
}

uint64_t vcvtne2ps2bf16(const VectorCase &c, int i) {
  const int kl = c.vl / 16;
  const uint64_t t =
      i < kl / 2 ? get(c.src2, 32, i) : get(c.src1, 32, i - kl / 2);
  return convertFp32ToBfloat16(uint32_t(t));
}

// AVX512-VBMI: an index has log2 of the number of bytes bits.

uint64_t vpermb(const VectorCase &c, int i) {
  return c.src2[c.src1[i] % (c.vl / 8)];
}

uint64_t permute2(const Register &indices, const Register &low,
                  const Register &high, int vl, int i) {
  const int bytes = vl / 8, index = indices[i] % (2 * bytes);
  return index < bytes ? low[index] : high[index - bytes];
}

uint64_t vpermi2b(const VectorCase &c, int i) {
  return permute2(c.dest, c.src1, c.src2, c.vl, i);
}

uint64_t vpermt2b(const VectorCase &c, int i) {
  return permute2(c.src1, c.dest, c.src2, c.vl, i);
}

uint64_t vpmultishiftqb(const VectorCase &c, int i) {
  const uint64_t q = get(c.src2, 64, i / 8);
  const int ctrl = c.src1[i] & 63;
  uint64_t result = 0;
  for (int k = 0; k < 8; ++k)
    result |= (q >> ((ctrl + k) % 64) & 1) << k;
  return result;
}

// AVX512-VBMI2

Register vpcompress(const VectorCase &c, int bits) {
  Register dest = {};
  int k = 0;
  for (int j = 0; j < c.vl / bits; ++j)
    if (c.k >> j & 1)
      set(dest, bits, k++, get(c.src2, bits, j));
  for (; k < c.vl / bits && !c.zeroing; ++k)
    set(dest, bits, k, get(c.dest, bits, k));
  return dest;
}

Register vpexpand(const VectorCase &c, int bits) {
  Register dest = {};
  int k = 0;
  for (int j = 0; j < c.vl / bits; ++j) {
    if (c.k >> j & 1)
      set(dest, bits, j, get(c.src2, bits, k++));
    else if (!c.zeroing)
      set(dest, bits, j, get(c.dest, bits, j));
  }
  return dest;
}

/// concat(high, low) << count, its upper half.
template <int bits>
uint64_t concatLeft(uint64_t high, uint64_t low, int count) {
  const Wide all = Wide(high) << bits | low;
  return uint64_t(all << (count % bits) >> bits);
}

/// concat(high, low) >> count, its lower half.
template <int bits>
uint64_t concatRight(uint64_t high, uint64_t low, int count) {
  const Wide all = Wide(high) << bits | low;
  return uint64_t(all >> (count % bits));
}

template <int bits> uint64_t vpshld(const VectorCase &c, int j) {
  return concatLeft<bits>(get(c.src1, bits, j), get(c.src2, bits, j), c.imm8);
}
template <int bits> uint64_t vpshrd(const VectorCase &c, int j) {
  return concatRight<bits>(get(c.src2, bits, j), get(c.src1, bits, j), c.imm8);
}
template <int bits> uint64_t vpshldv(const VectorCase &c, int j) {
  return concatLeft<bits>(get(c.dest, bits, j), get(c.src1, bits, j),
                          int(get(c.src2, bits, j) % bits));
}
template <int bits> uint64_t vpshrdv(const VectorCase &c, int j) {
  return concatRight<bits>(get(c.src1, bits, j), get(c.dest, bits, j),
                           int(get(c.src2, bits, j) % bits));
}

// AVX512-BITALG, AVX512-VPOPCNTDQ

template <int bits> uint64_t vpopcnt(const VectorCase &c, int j) {
  uint64_t count = 0;
  for (int bit = 0; bit < bits; ++bit)
    count += get(c.src2, bits, j) >> bit & 1;
  return count;
}

Register vpshufbitqmb(const VectorCase &c) {
  uint64_t mask = 0;
  for (int i = 0; i < c.vl / 64; ++i)
    for (int j = 0; j < 8; ++j) {
      const int m = c.src2[i * 8 + j] & 0x3F;
      if (c.k >> (i * 8 + j) & 1)
        mask |= (get(c.src1, 64, i) >> m & 1) << (i * 8 + j);
    }
  Register dest = {};
  set(dest, 64, 0, mask);
  return dest;
}

// AVX512-IFMA

/// SRC1[51:0] * SRC2[51:0] by halves of 26 bits.
Wide multiply52(const VectorCase &c, int i) {
  const uint64_t mask26 = (1 << 26) - 1;
  const uint64_t a = get(c.src1, 64, i), b = get(c.src2, 64, i);
  const uint64_t aLow = a & mask26, aHigh = a >> 26 & mask26;
  const uint64_t bLow = b & mask26, bHigh = b >> 26 & mask26;
  return (Wide(aHigh * bHigh) << 52) + (Wide(aLow * bHigh) << 26) +
         (Wide(aHigh * bLow) << 26) + aLow * bLow;
}

uint64_t vpmadd52luq(const VectorCase &c, int i) {
  const uint64_t temp = uint64_t(multiply52(c, i) % (Wide(1) << 52));
  return get(c.dest, 64, i) + temp;
}

uint64_t vpmadd52huq(const VectorCase &c, int i) {
  const uint64_t temp = uint64_t(multiply52(c, i) / (Wide(1) << 52));
  return get(c.dest, 64, i) + temp;
}

// AVX512-VNNI, AVX-VNNI

int64_t bytesSum(const VectorCase &c, int i) {
  int64_t sum = signExtend(get(c.dest, 32, i), 32);
  for (int byte = 0; byte < 4; ++byte)
    sum += int64_t(get(c.src1, 8, 4 * i + byte)) *
           signExtend(get(c.src2, 8, 4 * i + byte), 8);
  return sum;
}

int64_t wordsSum(const VectorCase &c, int i) {
  int64_t sum = signExtend(get(c.dest, 32, i), 32);
  for (int word = 0; word < 2; ++word)
    sum += signExtend(get(c.src1, 16, 2 * i + word), 16) *
           signExtend(get(c.src2, 16, 2 * i + word), 16);
  return sum;
}

uint64_t signedDwordSaturate(int64_t value) {
  if (value > 0x7FFFFFFFll)
    return 0x7FFFFFFF;
  if (value < -0x80000000ll)
    return 0x80000000;
  return uint64_t(value);
}

uint64_t vpdpbusd(const VectorCase &c, int i) {
  return uint64_t(bytesSum(c, i));
}
uint64_t vpdpbusds(const VectorCase &c, int i) {
  return signedDwordSaturate(bytesSum(c, i));
}
uint64_t vpdpwssd(const VectorCase &c, int i) {
  return uint64_t(wordsSum(c, i));
}
uint64_t vpdpwssds(const VectorCase &c, int i) {
  return signedDwordSaturate(wordsSum(c, i));
}

// GFNI

/// Multiplies by doubling a, modulo 11BH, for each bit of b.
uint8_t gf2p8mulByte(uint8_t a, uint8_t b) {
  uint8_t product = 0;
  for (int i = 0; i < 8; ++i) {
    if (b & 1)
      product ^= a;
    b >>= 1;
    a = uint8_t(a << 1 ^ (a & 0x80 ? 0x1B : 0));
  }
  return product;
}

uint8_t inverse(uint8_t x) {
  for (int candidate = 1; candidate < 256; ++candidate)
    if (gf2p8mulByte(x, uint8_t(candidate)) == 1)
      return uint8_t(candidate);
  return 0;
}

uint8_t affineByte(const VectorCase &c, int i, uint8_t x) {
  uint8_t result = 0;
  for (int bit = 0; bit < 8; ++bit) {
    // tsrc2qw.byte[7 - bit] AND x
    uint8_t both = c.src2[i / 8 * 8 + 7 - bit] & x;
    int parity = 0;
    for (; both; both &= uint8_t(both - 1))
      parity ^= 1;
    result |= uint8_t((parity ^ (c.imm8 >> bit & 1)) << bit);
  }
  return result;
}

uint64_t vgf2p8mulb(const VectorCase &c, int i) {
  return gf2p8mulByte(c.src1[i], c.src2[i]);
}
uint64_t vgf2p8affineqb(const VectorCase &c, int i) {
  return affineByte(c, i, c.src1[i]);
}
uint64_t vgf2p8affineinvqb(const VectorCase &c, int i) {
  return affineByte(c, i, inverse(c.src1[i]));
}

struct Elementwise {
  int bits;
  Element value;
};

const std::map<std::string, Elementwise> kElementwise = {
    {"vdpbf16ps", {32, vdpbf16ps}},
    {"vcvtne2ps2bf16", {16, vcvtne2ps2bf16}},
    {"vpermb", {8, vpermb}},
    {"vpermi2b", {8, vpermi2b}},
    {"vpermt2b", {8, vpermt2b}},
    {"vpmultishiftqb", {8, vpmultishiftqb}},
    {"vpshldw", {16, vpshld<16>}},
    {"vpshldd", {32, vpshld<32>}},
    {"vpshldq", {64, vpshld<64>}},
    {"vpshldvw", {16, vpshldv<16>}},
    {"vpshldvd", {32, vpshldv<32>}},
    {"vpshldvq", {64, vpshldv<64>}},
    {"vpshrdw", {16, vpshrd<16>}},
    {"vpshrdd", {32, vpshrd<32>}},
    {"vpshrdq", {64, vpshrd<64>}},
    {"vpshrdvw", {16, vpshrdv<16>}},
    {"vpshrdvd", {32, vpshrdv<32>}},
    {"vpshrdvq", {64, vpshrdv<64>}},
    {"vpopcntb", {8, vpopcnt<8>}},
    {"vpopcntw", {16, vpopcnt<16>}},
    {"vpopcntd", {32, vpopcnt<32>}},
    {"vpopcntq", {64, vpopcnt<64>}},
    {"vpmadd52luq", {64, vpmadd52luq}},
    {"vpmadd52huq", {64, vpmadd52huq}},
    {"vpdpbusd", {32, vpdpbusd}},
    {"vpdpbusds", {32, vpdpbusds}},
    {"vpdpwssd", {32, vpdpwssd}},
    {"vpdpwssds", {32, vpdpwssds}},
    {"vgf2p8mulb", {8, vgf2p8mulb}},
    {"vgf2p8affineqb", {8, vgf2p8affineqb}},
    {"vgf2p8affineinvqb", {8, vgf2p8affineinvqb}},
};

} // namespace

Register vector(const std::string &name, const VectorCase &operands) {
  if (name == "vcvtneps2bf16")
    return vcvtneps2bf16(operands);
  if (name == "vpcompressb" || name == "vpcompressw")
    return vpcompress(operands, name == "vpcompressb" ? 8 : 16);
  if (name == "vpexpandb" || name == "vpexpandw")
    return vpexpand(operands, name == "vpexpandb" ? 8 : 16);
  if (name == "vpshufbitqmb")
    return vpshufbitqmb(operands);
  const Elementwise &entry = kElementwise.at(name);
  return masked(operands, entry.bits, entry.value);
}

} // namespace modelc::manual
