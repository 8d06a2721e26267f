//===- ExecuteMatrix.cpp - MFMA and WMMA: matrix products of a wave
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// D[i][j] = C[i][j] + sum over k of A[i][k] * B[k][j], for each of `blocks`
// matrices. Where elements are:
//
// MFMA ("AMD Instinct MI300 (CDNA3) ISA" 7.1, "Dense Matrix Layout"; the same
// in the CDNA2 ISA): a lane holds `perLane` consecutive k of a row of A or a
// column of B: lane = i + M * (block + blocks * (k / perLane)), element
// k % perLane. Of D a lane holds 4 consecutive rows of a column for each of
// its groups: lane % N = j; 64 / N groups of lanes take turns of 4 rows.
//
// WMMA, gfx11 ("RDNA3 ISA" 7.9): lane % 16 is the row of A or column of B,
// with all k; lanes 16-31 repeat lanes 0-15. D: register r of lane l is row
// 2 * r + l / 16, column l % 16. gfx12 ("RDNA4 ISA" 7.12, and AMD's matrix
// instruction calculator): a lane holds half of the k, lanes 16-31 the upper
// half, but 16-bit elements take turns of 4; register r of D is row
// r + 8 * (l / 16).
//
// Floats: products are exact, sums are rounded to F32 one after the other in
// ascending k, C first. AMD's documents do not say in which order the
// hardware adds.
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

enum class Element : uint8_t { I8, I4, F16, BF16, F32 };

struct Shape {
  std::string_view name;
  Element element;
  uint8_t m, k, blocks, perLane; ///< n = m
};

constexpr Shape kMfmaShapes[] = {
    {"v_mfma_f32_32x32x1_2b_f32", Element::F32, 32, 1, 2, 1},
    {"v_mfma_f32_16x16x1_4b_f32", Element::F32, 16, 1, 4, 1},
    {"v_mfma_f32_4x4x1_16b_f32", Element::F32, 4, 1, 16, 1},
    {"v_mfma_f32_32x32x2_f32", Element::F32, 32, 2, 1, 1},
    {"v_mfma_f32_16x16x4_f32", Element::F32, 16, 4, 1, 1},
    {"v_mfma_f32_32x32x4_2b_f16", Element::F16, 32, 4, 2, 4},
    {"v_mfma_f32_16x16x4_4b_f16", Element::F16, 16, 4, 4, 4},
    {"v_mfma_f32_4x4x4_16b_f16", Element::F16, 4, 4, 16, 4},
    {"v_mfma_f32_32x32x8_f16", Element::F16, 32, 8, 1, 4},
    {"v_mfma_f32_16x16x16_f16", Element::F16, 16, 16, 1, 4},
    {"v_mfma_f32_32x32x4_2b_bf16", Element::BF16, 32, 4, 2, 4},
    {"v_mfma_f32_16x16x4_4b_bf16", Element::BF16, 16, 4, 4, 4},
    {"v_mfma_f32_4x4x4_16b_bf16", Element::BF16, 4, 4, 16, 4},
    {"v_mfma_f32_32x32x8_bf16", Element::BF16, 32, 8, 1, 4},
    {"v_mfma_f32_16x16x16_bf16", Element::BF16, 16, 16, 1, 4},
    {"v_mfma_i32_32x32x4_2b_i8", Element::I8, 32, 4, 2, 4},
    {"v_mfma_i32_16x16x4_4b_i8", Element::I8, 16, 4, 4, 4},
    {"v_mfma_i32_4x4x4_16b_i8", Element::I8, 4, 4, 16, 4},
    {"v_mfma_i32_32x32x8_i8", Element::I8, 32, 8, 1, 4},
    {"v_mfma_i32_16x16x16_i8", Element::I8, 16, 16, 1, 4},
    {"v_mfma_i32_32x32x16_i8", Element::I8, 32, 16, 1, 8},
    {"v_mfma_i32_16x16x32_i8", Element::I8, 16, 32, 1, 8},
};

struct OldName {
  std::string_view name, meaning;
};

/// Names of CDNA2, in which the element's type follows the shape.
constexpr OldName kMfmaOldNames[] = {
    {"v_mfma_f32_32x32x1f32", "v_mfma_f32_32x32x1_2b_f32"},
    {"v_mfma_f32_16x16x1f32", "v_mfma_f32_16x16x1_4b_f32"},
    {"v_mfma_f32_4x4x1f32", "v_mfma_f32_4x4x1_16b_f32"},
    {"v_mfma_f32_32x32x2f32", "v_mfma_f32_32x32x2_f32"},
    {"v_mfma_f32_16x16x4f32", "v_mfma_f32_16x16x4_f32"},
    {"v_mfma_f32_32x32x4f16", "v_mfma_f32_32x32x4_2b_f16"},
    {"v_mfma_f32_16x16x4f16", "v_mfma_f32_16x16x4_4b_f16"},
    {"v_mfma_f32_4x4x4f16", "v_mfma_f32_4x4x4_16b_f16"},
    {"v_mfma_f32_32x32x8f16", "v_mfma_f32_32x32x8_f16"},
    {"v_mfma_f32_16x16x16f16", "v_mfma_f32_16x16x16_f16"},
    {"v_mfma_f32_32x32x4bf16_1k", "v_mfma_f32_32x32x4_2b_bf16"},
    {"v_mfma_f32_16x16x4bf16_1k", "v_mfma_f32_16x16x4_4b_bf16"},
    {"v_mfma_f32_4x4x4bf16_1k", "v_mfma_f32_4x4x4_16b_bf16"},
    {"v_mfma_f32_32x32x8bf16_1k", "v_mfma_f32_32x32x8_bf16"},
    {"v_mfma_f32_16x16x16bf16_1k", "v_mfma_f32_16x16x16_bf16"},
    {"v_mfma_i32_32x32x4i8", "v_mfma_i32_32x32x4_2b_i8"},
    {"v_mfma_i32_16x16x4i8", "v_mfma_i32_16x16x4_4b_i8"},
    {"v_mfma_i32_4x4x4i8", "v_mfma_i32_4x4x4_16b_i8"},
    {"v_mfma_i32_32x32x8i8", "v_mfma_i32_32x32x8_i8"},
    {"v_mfma_i32_16x16x16i8", "v_mfma_i32_16x16x16_i8"},
};

/// The largest operand: 64 lanes with 16 elements each.
constexpr uint32_t kMaxElements = 1024;

/// A's rows or B's columns, [block][row][k], as int32 or float bits.
struct Matrix {
  int32_t ints[kMaxElements];
  float floats[kMaxElements];
};

/// Element `index` of what a lane holds in consecutive registers.
int32_t integerAt(const Wave &wave, uint32_t reg, uint32_t lane, uint32_t index,
                  Element element, bool isSigned) {
  if (element == Element::I8) {
    const uint32_t byte =
        wave.vectors[reg + index / 4][lane] >> (8 * (index % 4)) & 255;
    return isSigned ? int32_t(int8_t(byte)) : int32_t(byte);
  }
  const uint32_t nibble =
      wave.vectors[reg + index / 8][lane] >> (4 * (index % 8)) & 15;
  return isSigned ? int32_t(nibble << 28) >> 28 : int32_t(nibble);
}

float floatAt(const Wave &wave, uint32_t reg, uint32_t lane, uint32_t index,
              Element element) {
  if (element == Element::F32)
    return bitsAs<float>(wave.vectors[reg + index][lane]);
  const uint16_t bits =
      uint16_t(wave.vectors[reg + index / 2][lane] >> (16 * (index % 2)));
  return element == Element::F16 ? float(bitsAs<_Float16>(bits))
                                 : bf16ToFloat(bits);
}

bool isInteger(Element element) {
  return element == Element::I8 || element == Element::I4;
}

void readMfmaOperand(const Wave &wave, const Shape &shape, uint32_t reg,
                     Matrix &out) {
  for (uint32_t lane = 0; lane < 64; ++lane) {
    const uint32_t row = lane % shape.m, group = lane / shape.m;
    const uint32_t block = group % shape.blocks;
    const uint32_t firstK = group / shape.blocks * shape.perLane;
    for (uint32_t e = 0; e < shape.perLane; ++e) {
      const uint32_t at = (block * shape.m + row) * shape.k + firstK + e;
      if (isInteger(shape.element))
        out.ints[at] = integerAt(wave, reg, lane, e, shape.element, true);
      else
        out.floats[at] = floatAt(wave, reg, lane, e, shape.element);
    }
  }
}

/// C + A's row times B's column, in the bits of a register.
uint32_t product(const Shape &shape, const Matrix &a, const Matrix &b,
                 uint32_t rowAt, uint32_t columnAt, uint32_t c, bool clamp) {
  if (isInteger(shape.element)) {
    int64_t sum = int32_t(c);
    for (uint32_t k = 0; k < shape.k; ++k)
      sum += int64_t(a.ints[rowAt + k]) * b.ints[columnAt + k];
    if (clamp)
      sum = middle(sum, int64_t(-2147483648LL), int64_t(2147483647));
    return uint32_t(sum);
  }
  float sum = bitsAs<float>(c);
  for (uint32_t k = 0; k < shape.k; ++k)
    sum = std::fma(a.floats[rowAt + k], b.floats[columnAt + k], sum);
  return bitsAs<uint32_t>(sum);
}

uint32_t wordOf(const Wave &wave, const Operand &operand, uint32_t reg,
                uint32_t lane) {
  return operand.kind == OperandKind::Vector
             ? wave.vectors[operand.reg + reg][lane]
             : uint32_t(operand.constant);
}

template <size_t index> void mfma(Wave &wave, const Instruction &in) {
  constexpr Shape shape = kMfmaShapes[index];
  if (in.controls)
    return wave.fault("cbsz, abid and blgp of MFMA are not emulated");
  static thread_local Matrix a, b;
  readMfmaOperand(wave, shape, in.src[0].reg, a);
  readMfmaOperand(wave, shape, in.src[1].reg, b);
  // Registers of D: for each block the groups of 4 rows that a lane holds.
  constexpr uint32_t lanesGroups = 64 / shape.m;
  constexpr uint32_t regs = shape.m * shape.m * shape.blocks / 64;
  uint32_t out[regs][64];
  for (uint32_t reg = 0; reg < regs; ++reg)
    for (uint32_t lane = 0; lane < 64; ++lane) {
      uint32_t row, block;
      if constexpr (shape.m == 4) {
        row = reg;
        block = lane / 4;
      } else {
        const uint32_t perBlock = regs / shape.blocks;
        row = 4 * lanesGroups * (reg % perBlock / 4) + 4 * (lane / shape.m) +
              reg % 4;
        block = reg / perBlock;
      }
      const uint32_t column = lane % shape.m;
      out[reg][lane] = product(shape, a, b, (block * shape.m + row) * shape.k,
                               (block * shape.m + column) * shape.k,
                               wordOf(wave, in.src[2], reg, lane), false);
    }
  for (uint32_t reg = 0; reg < regs; ++reg)
    std::memcpy(wave.vectors[in.dest.reg + reg], out[reg], sizeof(out[reg]));
}

// WMMA.

enum class Result : uint8_t { Word, F16, BF16 };

struct WmmaShape {
  std::string_view name;
  Element element;
  Result result;
  uint8_t k;
};

constexpr WmmaShape kWmmaShapes[] = {
    {"v_wmma_i32_16x16x16_iu8", Element::I8, Result::Word, 16},
    {"v_wmma_i32_16x16x16_iu4", Element::I4, Result::Word, 16},
    {"v_wmma_i32_16x16x32_iu4", Element::I4, Result::Word, 32},
    {"v_wmma_f32_16x16x16_f16", Element::F16, Result::Word, 16},
    {"v_wmma_f32_16x16x16_bf16", Element::BF16, Result::Word, 16},
    {"v_wmma_f16_16x16x16_f16", Element::F16, Result::F16, 16},
    {"v_wmma_bf16_16x16x16_bf16", Element::BF16, Result::BF16, 16},
};

void readWmmaOperand(const Wave &wave, const WmmaShape &shape,
                     const Operand &operand, bool halves, Matrix &out) {
  // gfx12: each half of the wave has half of the k, in turns of `turn`.
  const uint32_t perLane = halves ? shape.k / 2 : shape.k;
  const uint32_t turn = halves && !isInteger(shape.element) ? 4 : perLane;
  for (uint32_t lane = 0; lane < (halves ? 32u : 16u); ++lane)
    for (uint32_t e = 0; e < perLane; ++e) {
      const uint32_t k = (e / turn * 2 + lane / 16) * turn + e % turn;
      const uint32_t at = lane % 16 * shape.k + k;
      if (isInteger(shape.element))
        out.ints[at] = integerAt(wave, operand.reg, lane, e, shape.element,
                                 operand.mods & kModNeg);
      else
        out.floats[at] = floatAt(wave, operand.reg, lane, e, shape.element);
    }
}

/// Where row `slot` of a lane's eight is: a register, or a half of one.
struct Place {
  uint32_t reg, shift;
};
Place placeOf(const WmmaShape &shape, bool gfx12, uint32_t slot, bool high) {
  if (shape.result == Result::Word)
    return {slot, 0};
  return gfx12 ? Place{slot / 2, 16 * (slot % 2)}
               : Place{slot, high ? 16u : 0u};
}

template <size_t index> void wmma(Wave &wave, const Instruction &in) {
  constexpr WmmaShape shape = kWmmaShapes[index];
  const bool gfx12 = wave.chip->generation >= 12;
  const bool integers = isInteger(shape.element);
  if (!integers && ((in.src[0].mods | in.src[1].mods | in.src[2].mods) & 3))
    return wave.fault("neg and abs of WMMA are not emulated");
  static thread_local Matrix a, b;
  readWmmaOperand(wave, shape, in.src[0], gfx12, a);
  readWmmaOperand(wave, shape, in.src[1], gfx12, b);
  const bool high = in.src[2].mods & kModOpSel;
  const Shape sums = {{}, shape.element, 16, shape.k, 1, 0};
  uint32_t out[8][32];
  for (uint32_t slot = 0; slot < 8; ++slot)
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t row =
          gfx12 ? slot + 8 * (lane / 16) : 2 * slot + lane / 16;
      const Place place = placeOf(shape, gfx12, slot, high);
      uint32_t c = wordOf(wave, in.src[2], place.reg, lane) >> place.shift;
      if (shape.result == Result::F16)
        c = bitsAs<uint32_t>(float(bitsAs<_Float16>(uint16_t(c))));
      else if (shape.result == Result::BF16)
        c <<= 16;
      out[slot][lane] =
          product(sums, a, b, row * shape.k, lane % 16 * shape.k, c, in.clamp);
    }
  for (uint32_t slot = 0; slot < 8; ++slot)
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const Place place = placeOf(shape, gfx12, slot, high);
      uint32_t &word = wave.vectors[in.dest.reg + place.reg][lane];
      const float value = bitsAs<float>(out[slot][lane]);
      if (shape.result == Result::Word) {
        word = out[slot][lane];
        continue;
      }
      const uint32_t half = shape.result == Result::F16
                                ? bitsAs<uint16_t>(_Float16(value))
                                : floatToBf16(value);
      word = (word & ~(0xffffu << place.shift)) | half << place.shift;
    }
}

template <size_t... index>
Handler findMfma(std::string_view name, std::index_sequence<index...>) {
  Handler found = nullptr;
  ((kMfmaShapes[index].name == name ? void(found = mfma<index>) : void()), ...);
  return found;
}
template <size_t... index>
Handler findWmma(std::string_view name, std::index_sequence<index...>) {
  Handler found = nullptr;
  ((kWmmaShapes[index].name == name ? void(found = wmma<index>) : void()), ...);
  return found;
}

} // namespace

Handler findMatrix(std::string_view name) {
  for (const OldName &old : kMfmaOldNames)
    if (old.name == name)
      name = old.meaning;
  if (Handler found =
          findMfma(name, std::make_index_sequence<std::size(kMfmaShapes)>()))
    return found;
  return findWmma(name, std::make_index_sequence<std::size(kWmmaShapes)>());
}

} // namespace modelc::amdgpu
