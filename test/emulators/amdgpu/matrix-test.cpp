//===- matrix-test.cpp - Lane layouts of MFMA and WMMA
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where element A[i][k], B[k][j], D[i][j] of a block lies is stated as AMD's
// matrix instruction calculator prints it ("Matrix element to register mapping
// with no modifiers" of `matrix_calculator.py --detail-instruction`, for
// architectures cdna2, cdna3, rdna3 and rdna4). Matrices are placed by that,
// LLVM assembles the instruction, and the product is the plain triple loop's.
//
// A permutation of k that A and B share cannot be seen, here as on hardware:
// floats are small integers, so that their order does not matter.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <bit>
#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

enum class Element { I8, I4, F16, BF16, F32 };

uint32_t bitsOf(Element element) {
  switch (element) {
  case Element::I4:
    return 4;
  case Element::I8:
    return 8;
  case Element::F16:
  case Element::BF16:
    return 16;
  case Element::F32:
    return 32;
  }
  return 0;
}

/// GPR number, lane and lowest bit.
struct Place {
  uint32_t reg, lane, bit;
};

struct Shape {
  uint32_t m, k, blocks; ///< n = m
  Element element;       ///< of A and B
  Element result;        ///< of C and D; I8 says 32-bit integers
  /// Of A[i][k]; B[k][j] lies alike, with j for i.
  Place (*operand)(const Shape &shape, uint32_t i, uint32_t k, uint32_t block);
  /// Of C[i][j] and D[i][j].
  Place (*sum)(const Shape &shape, uint32_t i, uint32_t j, uint32_t block);
};

// MFMA's A. Of several blocks, k stays within a lane, and of one, the block
// is 0, so that both formulas of the calculator are one sum.

/// GPR 0, lane M * k + i, or M * block + i.
Place mfmaWord(const Shape &s, uint32_t i, uint32_t k, uint32_t block) {
  return {0, s.m * (k + block) + i, 0};
}
/// GPR 0.[8*(k % 4)], lane M * floor(k / 4) + i, or M * block + i.
Place mfmaBytes(const Shape &s, uint32_t i, uint32_t k, uint32_t block) {
  return {0, s.m * (k / 4 + block) + i, 8 * (k % 4)};
}
/// GPR (floor(k / 4) % 2).[8*(k % 4)], lane M * floor(k / 8) + i.
Place mfmaManyBytes(const Shape &s, uint32_t i, uint32_t k, uint32_t) {
  return {k / 4 % 2, s.m * (k / 8) + i, 8 * (k % 4)};
}
/// GPR (floor(k / 2) % 2).[16*(k % 2)], lane M * floor(k / 4) + i, or
/// M * block + i.
Place mfmaHalves(const Shape &s, uint32_t i, uint32_t k, uint32_t block) {
  return {k / 2 % 2, s.m * (k / 4 + block) + i, 16 * (k % 2)};
}

/// M = 32: GPR 16 * block + 4 * floor(i / 8) + (i % 4), lane
/// (32 * floor(i / 4)) % 64 + j.
Place mfmaSum32(const Shape &, uint32_t i, uint32_t j, uint32_t block) {
  return {16 * block + 4 * (i / 8) + i % 4, 32 * (i / 4) % 64 + j, 0};
}
/// M = 16: GPR 4 * block + (i % 4), lane 16 * floor(i / 4) + j.
Place mfmaSum16(const Shape &, uint32_t i, uint32_t j, uint32_t block) {
  return {4 * block + i % 4, 16 * (i / 4) + j, 0};
}
/// M = 4: GPR i, lane 4 * block + j.
Place mfmaSum4(const Shape &, uint32_t i, uint32_t j, uint32_t block) {
  return {i, 4 * block + j, 0};
}

// WMMA of RDNA3, 32 lanes: a row is in lanes i and i + 16.

/// GPR floor(k / n).[b*(k % n)] where n elements of b bits fill a register.
Place rdna3Operand(const Shape &s, uint32_t i, uint32_t k, uint32_t) {
  const uint32_t b = bitsOf(s.element), n = 32 / b;
  return {k / n, i, b * (k % n)};
}
/// GPR floor(i / 2), lane ((16 * i) % 32) + j; of halves bits [15:0].
Place rdna3Sum(const Shape &, uint32_t i, uint32_t j, uint32_t) {
  return {i / 2, 16 * i % 32 + j, 0};
}

// WMMA of RDNA4, 32 lanes.

/// GPR (floor(k / 4) % 2).[8 * (k % 4)], lane 16 * floor(k / 8) + i.
Place rdna4Bytes(const Shape &, uint32_t i, uint32_t k, uint32_t) {
  return {k / 4 % 2, 16 * (k / 8) + i, 8 * (k % 4)};
}
/// K = 16: GPR 0.[4 * (k % 8)], lane 16 * floor(k / 8) + i.
Place rdna4Nibbles16(const Shape &, uint32_t i, uint32_t k, uint32_t) {
  return {0, 16 * (k / 8) + i, 4 * (k % 8)};
}
/// K = 32: GPR (floor(k / 8) % 2).[4 * (k % 8)], lane 16 * floor(k / 16) + i.
Place rdna4Nibbles32(const Shape &, uint32_t i, uint32_t k, uint32_t) {
  return {k / 8 % 2, 16 * (k / 16) + i, 4 * (k % 8)};
}
/// GPR (2 * floor(k / 8) + (floor(k / 2) % 2)).[16 * (k % 2)], lane
/// 16 * (floor(k / 4) % 2) + i.
Place rdna4Halves(const Shape &, uint32_t i, uint32_t k, uint32_t) {
  return {2 * (k / 8) + k / 2 % 2, 16 * (k / 4 % 2) + i, 16 * (k % 2)};
}
/// GPR i % 8, lane 16 * floor(i / 8) + j.
Place rdna4Sum(const Shape &, uint32_t i, uint32_t j, uint32_t) {
  return {i % 8, 16 * (i / 8) + j, 0};
}
/// GPR (floor(i / 2) % 4).[16 * (i % 2)], lane 16 * floor(i / 8) + j.
Place rdna4HalfSum(const Shape &, uint32_t i, uint32_t j, uint32_t) {
  return {i / 2 % 4, 16 * (i / 8) + j, 16 * (i % 2)};
}

struct Row {
  const char *gfx90a, *gfx942; ///< mnemonics; null: not there
  Shape shape;
};

constexpr Element I8 = Element::I8, I4 = Element::I4, F16 = Element::F16,
                  BF16 = Element::BF16, F32 = Element::F32;

const Row kMfma[] = {
    {"v_mfma_i32_32x32x4i8",
     "v_mfma_i32_32x32x4_2b_i8",
     {32, 4, 2, I8, I8, mfmaBytes, mfmaSum32}},
    {"v_mfma_i32_16x16x4i8",
     "v_mfma_i32_16x16x4_4b_i8",
     {16, 4, 4, I8, I8, mfmaBytes, mfmaSum16}},
    {"v_mfma_i32_4x4x4i8",
     "v_mfma_i32_4x4x4_16b_i8",
     {4, 4, 16, I8, I8, mfmaBytes, mfmaSum4}},
    {"v_mfma_i32_32x32x8i8", nullptr, {32, 8, 1, I8, I8, mfmaBytes, mfmaSum32}},
    {"v_mfma_i32_16x16x16i8",
     nullptr,
     {16, 16, 1, I8, I8, mfmaBytes, mfmaSum16}},
    {nullptr,
     "v_mfma_i32_32x32x16_i8",
     {32, 16, 1, I8, I8, mfmaManyBytes, mfmaSum32}},
    {nullptr,
     "v_mfma_i32_16x16x32_i8",
     {16, 32, 1, I8, I8, mfmaManyBytes, mfmaSum16}},
    {"v_mfma_f32_32x32x4f16",
     "v_mfma_f32_32x32x4_2b_f16",
     {32, 4, 2, F16, F32, mfmaHalves, mfmaSum32}},
    {"v_mfma_f32_16x16x4f16",
     "v_mfma_f32_16x16x4_4b_f16",
     {16, 4, 4, F16, F32, mfmaHalves, mfmaSum16}},
    {"v_mfma_f32_4x4x4f16",
     "v_mfma_f32_4x4x4_16b_f16",
     {4, 4, 16, F16, F32, mfmaHalves, mfmaSum4}},
    {"v_mfma_f32_32x32x8f16",
     "v_mfma_f32_32x32x8_f16",
     {32, 8, 1, F16, F32, mfmaHalves, mfmaSum32}},
    {"v_mfma_f32_16x16x16f16",
     "v_mfma_f32_16x16x16_f16",
     {16, 16, 1, F16, F32, mfmaHalves, mfmaSum16}},
    {"v_mfma_f32_32x32x4bf16_1k",
     "v_mfma_f32_32x32x4_2b_bf16",
     {32, 4, 2, BF16, F32, mfmaHalves, mfmaSum32}},
    {"v_mfma_f32_16x16x4bf16_1k",
     "v_mfma_f32_16x16x4_4b_bf16",
     {16, 4, 4, BF16, F32, mfmaHalves, mfmaSum16}},
    {"v_mfma_f32_4x4x4bf16_1k",
     "v_mfma_f32_4x4x4_16b_bf16",
     {4, 4, 16, BF16, F32, mfmaHalves, mfmaSum4}},
    {"v_mfma_f32_32x32x8bf16_1k",
     "v_mfma_f32_32x32x8_bf16",
     {32, 8, 1, BF16, F32, mfmaHalves, mfmaSum32}},
    {"v_mfma_f32_16x16x16bf16_1k",
     "v_mfma_f32_16x16x16_bf16",
     {16, 16, 1, BF16, F32, mfmaHalves, mfmaSum16}},
    {"v_mfma_f32_32x32x1f32",
     "v_mfma_f32_32x32x1_2b_f32",
     {32, 1, 2, F32, F32, mfmaWord, mfmaSum32}},
    {"v_mfma_f32_16x16x1f32",
     "v_mfma_f32_16x16x1_4b_f32",
     {16, 1, 4, F32, F32, mfmaWord, mfmaSum16}},
    {"v_mfma_f32_4x4x1f32",
     "v_mfma_f32_4x4x1_16b_f32",
     {4, 1, 16, F32, F32, mfmaWord, mfmaSum4}},
    {"v_mfma_f32_32x32x2f32",
     "v_mfma_f32_32x32x2_f32",
     {32, 2, 1, F32, F32, mfmaWord, mfmaSum32}},
    {"v_mfma_f32_16x16x4f32",
     "v_mfma_f32_16x16x4_f32",
     {16, 4, 1, F32, F32, mfmaWord, mfmaSum16}},
};

struct WmmaRow {
  const char *name;
  uint32_t generation;
  Shape shape;
};

const WmmaRow kWmma[] = {
    {"v_wmma_i32_16x16x16_iu8",
     11,
     {16, 16, 1, I8, I8, rdna3Operand, rdna3Sum}},
    {"v_wmma_i32_16x16x16_iu4",
     11,
     {16, 16, 1, I4, I8, rdna3Operand, rdna3Sum}},
    {"v_wmma_f32_16x16x16_f16",
     11,
     {16, 16, 1, F16, F32, rdna3Operand, rdna3Sum}},
    {"v_wmma_f32_16x16x16_bf16",
     11,
     {16, 16, 1, BF16, F32, rdna3Operand, rdna3Sum}},
    {"v_wmma_f16_16x16x16_f16",
     11,
     {16, 16, 1, F16, F16, rdna3Operand, rdna3Sum}},
    {"v_wmma_bf16_16x16x16_bf16",
     11,
     {16, 16, 1, BF16, BF16, rdna3Operand, rdna3Sum}},
    {"v_wmma_i32_16x16x16_iu8", 12, {16, 16, 1, I8, I8, rdna4Bytes, rdna4Sum}},
    {"v_wmma_i32_16x16x16_iu4",
     12,
     {16, 16, 1, I4, I8, rdna4Nibbles16, rdna4Sum}},
    {"v_wmma_i32_16x16x32_iu4",
     12,
     {16, 32, 1, I4, I8, rdna4Nibbles32, rdna4Sum}},
    {"v_wmma_f32_16x16x16_f16",
     12,
     {16, 16, 1, F16, F32, rdna4Halves, rdna4Sum}},
    {"v_wmma_f32_16x16x16_bf16",
     12,
     {16, 16, 1, BF16, F32, rdna4Halves, rdna4Sum}},
    {"v_wmma_f16_16x16x16_f16",
     12,
     {16, 16, 1, F16, F16, rdna4Halves, rdna4HalfSum}},
    {"v_wmma_bf16_16x16x16_bf16",
     12,
     {16, 16, 1, BF16, BF16, rdna4Halves, rdna4HalfSum}},
};

/// First registers of A, B, and of C and D.
constexpr uint32_t kA = 0, kB = 8, kC = 32;

/// The bits of an integer as an element.
uint32_t encoded(int32_t value, Element element) {
  switch (element) {
  case Element::I8:
    return uint32_t(value) & 255;
  case Element::I4:
    return uint32_t(value) & 15;
  case Element::F16:
    return std::bit_cast<uint16_t>(_Float16(value));
  case Element::BF16:
    return std::bit_cast<uint32_t>(float(value)) >> 16;
  case Element::F32:
    return std::bit_cast<uint32_t>(float(value));
  }
  return 0;
}

/// The same of C and D.
uint32_t encodedSum(int32_t value, Element result) {
  return result == Element::I8 ? uint32_t(value) : encoded(value, result);
}
uint32_t sumBits(Element result) {
  return result == Element::I8 ? 32 : bitsOf(result);
}

uint32_t maskOfBits(uint32_t bits) {
  return uint32_t((uint64_t(1) << bits) - 1);
}

/// Random matrices, placed in the registers of a bench.
class Product {
public:
  Product(Bench &bench, const Shape &shape, bool aSigned = true,
          bool bSigned = true)
      : bench(bench), shape(shape) {
    const uint32_t size = shape.blocks * shape.m;
    for (uint32_t at = 0; at < size * shape.k; ++at) {
      a.push_back(element(aSigned));
      b.push_back(element(bSigned));
    }
    for (uint32_t at = 0; at < size * shape.m; ++at)
      c.push_back(shape.result == Element::I8 ? int32_t(bench.random())
                                              : element(true));
  }

  void place(uint32_t sums = kC) {
    for (uint32_t block = 0; block < shape.blocks; ++block)
      for (uint32_t i = 0; i < shape.m; ++i) {
        for (uint32_t k = 0; k < shape.k; ++k) {
          const uint32_t at = (block * shape.m + i) * shape.k + k;
          const Place place = shape.operand(shape, i, k, block);
          putOperand(kA, place, a[at]);
          putOperand(kB, place, b[at]);
        }
        for (uint32_t j = 0; j < shape.m; ++j) {
          const Place place = shape.sum(shape, i, j, block);
          put(sums, place, sumBits(shape.result),
              encodedSum(c[(block * shape.m + i) * shape.m + j], shape.result));
        }
      }
  }

  /// C[i][j] + A[i][k] * B[k][j] of all k, without C if `fromZero`.
  int64_t sumAt(uint32_t block, uint32_t i, uint32_t j, bool fromZero) const {
    const uint32_t row = block * shape.m + i, column = block * shape.m + j;
    int64_t sum = fromZero ? 0 : c[row * shape.m + j];
    for (uint32_t k = 0; k < shape.k; ++k)
      sum += int64_t(a[row * shape.k + k]) * b[column * shape.k + k];
    return sum;
  }

  void check(const std::string &what, uint32_t sums = kC, bool fromZero = false,
             bool clamp = false) const {
    for (uint32_t block = 0; block < shape.blocks; ++block)
      for (uint32_t i = 0; i < shape.m; ++i)
        for (uint32_t j = 0; j < shape.m; ++j) {
          const Place place = shape.sum(shape, i, j, block);
          int64_t sum = sumAt(block, i, j, fromZero);
          if (clamp)
            sum =
                std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
          const uint32_t found =
              bench.v(sums + place.reg, place.lane) >> place.bit &
              maskOfBits(sumBits(shape.result));
          ASSERT_EQ(found, encodedSum(int32_t(sum), shape.result))
              << what << ": block " << block << ", D[" << i << "][" << j << "]";
        }
  }

private:
  /// Floats: such that all sums are exact in any of their formats.
  int32_t element(bool isSigned) {
    const uint32_t bits = bitsOf(shape.element);
    if (bits >= 16)
      return int32_t(bench.random() % 7) - 3;
    const int32_t value = int32_t(bench.random() & maskOfBits(bits));
    return isSigned && value >> (bits - 1) ? value - (1 << bits) : value;
  }
  void put(uint32_t first, const Place &place, uint32_t bits, uint32_t value) {
    uint32_t &word = bench.v(first + place.reg, place.lane);
    word = (word & ~(maskOfBits(bits) << place.bit)) | value << place.bit;
  }
  void putOperand(uint32_t first, const Place &place, int32_t value) {
    const uint32_t bits = bitsOf(shape.element);
    put(first, place, bits, encoded(value, shape.element));
    // RDNA3 wants a row twice.
    if (bench.chip.generation == 11)
      put(first, {place.reg, place.lane + 16, place.bit}, bits,
          encoded(value, shape.element));
  }

  Bench &bench;
  const Shape shape;
  std::vector<int32_t> a, b, c; ///< [block][row][k], [block][column][k], sums
};

/// "v[8:11]" or "v8".
std::string registers(char file, uint32_t first, uint32_t count) {
  const std::string begin = std::to_string(first);
  if (count == 1)
    return file + begin;
  return std::string(1, file) + "[" + begin + ":" +
         std::to_string(first + count - 1) + "]";
}

uint32_t operandRegisters(const Shape &shape, uint32_t lanes) {
  const uint32_t bits =
      shape.m * shape.k * shape.blocks * bitsOf(shape.element);
  return std::max(bits / lanes / 32, 1u);
}

std::string textOf(const std::string &name, const Shape &shape, uint32_t lanes,
                   uint32_t sumRegisters, char file, const std::string &c) {
  // A row twice is twice the registers.
  const uint32_t count = operandRegisters(shape, lanes);
  const std::string d = registers(file, kC, sumRegisters);
  return name + " " + d + ", " + registers('v', kA, count) + ", " +
         registers('v', kB, count) + ", " + (c.empty() ? d : c);
}

void testMfma(const Chip &chip, const char *Row::*column) {
  Bench bench(chip);
  for (const Row &row : kMfma) {
    const char *name = row.*column;
    if (!name)
      continue;
    const uint32_t sums = row.shape.m * row.shape.m * row.shape.blocks / 64;
    bench.randomise();
    Product product(bench, row.shape);
    product.place();
    // EXEC does not matter to matrix instructions.
    bench.wave.setMask(kExec, bench.random());
    ASSERT_EQ(bench.run(textOf(name, row.shape, 64, sums, 'v', "")), "");
    product.check(name);
    // Sums in accumulation registers; and from 0.
    bench.randomise();
    Product second(bench, row.shape);
    second.place(kAccumulators + kC);
    ASSERT_EQ(bench.run(textOf(name, row.shape, 64, sums, 'a', "")), "");
    second.check(name, kAccumulators + kC);
    second.place();
    ASSERT_EQ(bench.run(textOf(name, row.shape, 64, sums, 'v', "0")), "");
    second.check(name, kC, true);
  }
}

TEST(Matrix, MfmaOfCdna2) { testMfma(*findChip("gfx90a"), &Row::gfx90a); }
TEST(Matrix, MfmaOfCdna3) { testMfma(*findChip("gfx942"), &Row::gfx942); }

void testWmma(const Chip &chip) {
  Bench bench(chip);
  for (const WmmaRow &row : kWmma) {
    if (row.generation != uint32_t(chip.generation))
      continue;
    const Shape &shape = row.shape;
    // RDNA3 has a half in each register; and rows twice.
    const uint32_t lanes = row.generation == 11 ? 16 : 32;
    const uint32_t sums =
        row.generation == 12 && sumBits(shape.result) == 16 ? 4 : 8;
    const bool integers = shape.result == Element::I8;
    for (int signs = 0; signs < (integers ? 4 : 1); ++signs) {
      const bool aSigned = !integers || signs & 1;
      const bool bSigned = !integers || signs & 2;
      bench.randomise();
      Product product(bench, shape, aSigned, bSigned);
      product.place();
      std::string text = textOf(row.name, shape, lanes, sums, 'v', "");
      if (integers)
        text += std::string(" neg_lo:[") + (aSigned ? "1," : "0,") +
                (bSigned ? "1" : "0") + ",0]";
      ASSERT_EQ(bench.run(text), "") << text;
      product.check(text);
      if (!integers)
        continue;
      product.place();
      ASSERT_EQ(bench.run(text + " clamp"), "");
      product.check(text + " clamp", kC, false, true);
    }
  }
}

TEST(Matrix, WmmaOfRdna3) { testWmma(*findChip("gfx1100")); }
TEST(Matrix, WmmaOfRdna4) { testWmma(*findChip("gfx1201")); }

/// RDNA3's sums of halves in the upper half of each register, by op_sel.
TEST(Matrix, WmmaIntoUpperHalves) {
  Bench bench(*findChip("gfx1100"));
  Shape shape = {16,
                 16,
                 1,
                 F16,
                 F16,
                 rdna3Operand,
                 [](const Shape &, uint32_t i, uint32_t j, uint32_t) {
                   return Place{i / 2, 16 * i % 32 + j, 16};
                 }};
  bench.randomise();
  Product product(bench, shape);
  product.place();
  const uint32_t below = bench.v(kC, 3) & 0xffff;
  const std::string text =
      textOf("v_wmma_f16_16x16x16_f16", shape, 16, 8, 'v', "") +
      " op_sel:[0,0,1]";
  ASSERT_EQ(bench.run(text), "");
  product.check(text);
  EXPECT_EQ(bench.v(kC, 3) & 0xffff, below);
}

TEST(Matrix, ModifiersThatAreNotEmulatedAreRefused) {
  Bench bench(*findChip("gfx942"));
  EXPECT_EQ(bench.run("v_mfma_f32_32x32x4_2b_f16 v[32:63], v[0:1], v[8:9], "
                      "v[32:63] cbsz:1"),
            "v_mfma_f32_32x32x4_2b_f16: cbsz, abid and blgp of MFMA are not "
            "emulated");
  EXPECT_EQ(bench.run("v_mfma_f32_16x16x16_f16 v[32:35], v[0:1], v[8:9], "
                      "v[32:35] blgp:2"),
            "v_mfma_f32_16x16x16_f16: cbsz, abid and blgp of MFMA are not "
            "emulated");
}

} // namespace
} // namespace modelc::amdgpu
