//===- IntDot.cpp - Integer dot products on AArch64
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quad is four consecutive k. Four registers of 16 bytes hold a quad of 16
// weight rows; both sides of all products are signed bytes.
//
// SDOT adds the four products of each lane to an i32. Its form "by element"
// takes the activations' quad from one of four lanes of a register, so that
// quads are loaded four at a time, whichever rows they belong to, and broadcast
// for nothing:
//
//   activations  a word for each (quad, row)   | q0 r0 | q0 r1 | q1 r0 | q1 r1
//   | sdot v0.4s, weights.16b, activations.4b[2]         rows 0..3 += q1 of r0
//
// SMMLA adds the products of two rows of weights and two of activations, 8 k of
// each, to 2 x 2 sums in one register. It multiplies images, whose bytes are
// true quants; two registers of sums are two of four outputs of one row each:
//
//   | n0 m0 | n0 m1 | n1 m0 | n1 m1 |    UZP1  | n0 m0 | n1 m0 | n2 m0 | n3 m0
//   | | n2 m0 | n2 m1 | n3 m0 | n3 m1 |    UZP2  | n0 m1 | n1 m1 | n2 m1 | n3
//   m1 |
//
// Quants that are stored plus an offset stay below 128; the sum starts at
// -offset * sum(activations), which undoes it, where SDOT multiplies them.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/aarch64/NeonDot.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/QuadDot.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kRegisterBytes = 16;
static constexpr int64_t kRegisterWords = 4; ///< Rows of a register of quads.
static constexpr int64_t kOctet = 8;         ///< Elements of k of SMMLA.

namespace {

class NeonDotprodDot final : public NeonIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

class NeonI8mmDot final : public NeonIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  bool needsImages() const override { return true; }
  pack::LayoutAttr getImageLayout(pack::LayoutAttr panel) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

} // namespace

const IntDot &codegen::getNeonDotprodDot() {
  static const NeonDotprodDot dot;
  return dot;
}

const IntDot &codegen::getNeonI8mmDot() {
  static const NeonI8mmDot dot;
  return dot;
}

//===----------------------------------------------------------------------===//
// Common
//===----------------------------------------------------------------------===//

static VectorType getBytes(KernelBuilder &b) {
  return b.vec(b.i8(), kRegisterBytes);
}

/// Bytes [16 * number, 16 * number + 16) of a vector.
static Value getRegister(KernelBuilder &b, Value bytes, int64_t number) {
  return b.slice(bytes, number * kRegisterBytes, kRegisterBytes);
}

/// One vector of four registers.
static Value joinRegisters(KernelBuilder &b, ArrayRef<Value> registers) {
  return b.concat(b.concat(registers[0], registers[1]),
                  b.concat(registers[2], registers[3]));
}

/// TBL of 16 bytes at a time.
Value NeonIntDot::lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
                         Value indices) const {
  SmallVector<int8_t> bytes(table);
  bytes.resize(kRegisterBytes);
  Value entries = b.constVector(getBytes(b), ArrayRef<int8_t>(bytes));
  auto find = [&](Value part) {
    return b.callIntrinsic(getBytes(b), "llvm.aarch64.neon.tbl1.v16i8",
                           {entries, part});
  };
  int64_t size = cast<VectorType>(indices.getType()).getDimSize(0);
  if (size == kRegisterBytes)
    return find(indices);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < size / kRegisterBytes; ++i)
    parts.push_back(find(getRegister(b, indices, i)));
  if (parts.size() == 2)
    return b.concat(parts[0], parts[1]);
  return joinRegisters(b, parts);
}

/// There is no gather: a load for each lane.
Value NeonIntDot::gather(KernelBuilder &b, Value table, Value indices) const {
  constexpr int64_t kWordBytes = 4;
  int64_t lanes = cast<VectorType>(indices.getType()).getDimSize(0);
  Value words = b.constLike(indices, 0);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value index = b.extendU(b.extract(indices, lane), b.i64());
    Value word = b.load(b.i32(), b.offset(table, b.mul(index, kWordBytes)));
    words = b.insert(words, word, lane);
  }
  return words;
}

//===----------------------------------------------------------------------===//
// SDOT
//===----------------------------------------------------------------------===//

bool NeonDotprodDot::supports(pack::LayoutAttr weight,
                              pack::LayoutAttr input) const {
  return canReadQuads(weight, input) && fitsSigned(weight);
}

namespace {

/// The activations of a sub-block, four quads to a register.
class ActivationQuads {
public:
  ActivationQuads(KernelBuilder &b, const DotBlock &block)
      : b(b), block(block) {}

  /// The quad of elements k .. k + 3 of a row, in all four lanes.
  Value get(int64_t row, int64_t k) {
    int64_t first = getByte(0, 0), byte = getByte(row, k) - first;
    int64_t number = byte / kRegisterBytes;
    Value &words = registers[number];
    if (!words)
      words = b.load(b.vec(b.i32(), kRegisterWords), block.inputGroup,
                     first + number * kRegisterBytes);
    int32_t lane = static_cast<int32_t>(byte % kRegisterBytes / 4);
    return b.bitcast(b.shuffle(words, words, {lane, lane, lane, lane}),
                     getBytes(b));
  }

private:
  int64_t getByte(int64_t row, int64_t k) {
    return block.input.getByteOffset(pack::kQuants, row, block.inputK + k);
  }

  KernelBuilder &b;
  const DotBlock &block;
  std::map<int64_t, Value> registers;
};

} // namespace

SmallVector<Value> NeonDotprodDot::emit(KernelBuilder &b,
                                        const DotBlock &block) const {
  constexpr int64_t kParts = kLanes / kRegisterWords;
  int64_t rows = block.input.getRows();
  int64_t offset = getSignedOffset(block.weights.front().layout, block.panel);
  ActivationQuads activations(b, block);
  VectorType sumType = b.vec(b.i32(), kRegisterWords);
  SmallVector<Value> sums; // [panel][row][part]
  for (size_t panel = 0; panel < block.weights.size(); ++panel)
    for (int64_t row = 0; row < rows; ++row) {
      Value start = loadStart(b, block, row, offset);
      sums.append(kParts, b.slice(start, 0, kRegisterWords));
    }
  std::vector<StoredQuads> panels = readPanels(b, block);
  for (int64_t quad : getQuads(block))
    for (size_t panel = 0; panel < panels.size(); ++panel) {
      Value weights = panels[panel].getOperand(block.k + quad, offset);
      for (int64_t part = 0; part < kParts; ++part) {
        Value weight = getRegister(b, weights, part);
        for (int64_t row = 0; row < rows; ++row) {
          Value &sum = sums[(panel * rows + row) * kParts + part];
          sum = b.callIntrinsic(sumType, "llvm.aarch64.neon.sdot.v4i32.v16i8",
                                {sum, weight, activations.get(row, quad)});
        }
      }
    }
  SmallVector<Value> results;
  for (size_t i = 0; i < sums.size(); i += kParts)
    results.push_back(joinRegisters(b, ArrayRef(sums).slice(i, kParts)));
  return results;
}

void NeonDotprodDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackQuads(b, step, getSignedOffset(step.layout, step.panel.layout));
}

//===----------------------------------------------------------------------===//
// SMMLA
//===----------------------------------------------------------------------===//

bool NeonI8mmDot::supports(pack::LayoutAttr weight,
                           pack::LayoutAttr input) const {
  return weight.getRows() == kLanes && StoredQuads::canRead(weight) &&
         pack::getBlockFormat(weight).getSumLength() % kOctet == 0 &&
         input.getRows() % 2 == 0 &&
         getElementStride(input, pack::kQuants) == 1 &&
         getRowStride(input, pack::kQuants).has_value();
}

pack::LayoutAttr NeonI8mmDot::getImageLayout(pack::LayoutAttr panel) const {
  return pack::getImageLayout(panel, kOctet);
}

/// Octets from element k of rows 2 * pair and 2 * pair + 1.
static Value loadActivationPair(KernelBuilder &b, const DotBlock &block,
                                int64_t pair, int64_t k) {
  auto load = [&](int64_t row) {
    return b.load(
        b.vec(b.i8(), kOctet), block.inputGroup,
        block.input.getByteOffset(pack::kQuants, row, block.inputK + k));
  };
  return b.concat(load(2 * pair), load(2 * pair + 1));
}

/// Sums of four outputs of one row: of the first rows (0) or the second ones
/// (1) of two registers' pairs.
static Value takeRow(KernelBuilder &b, Value a, Value c, int32_t row) {
  return b.shuffle(a, c, {row, row + 2, row + 4, row + 6});
}

SmallVector<Value> NeonI8mmDot::emit(KernelBuilder &b,
                                     const DotBlock &block) const {
  constexpr int64_t kWeightPairs = kLanes / 2;
  int64_t pairs = block.input.getRows() / 2;
  VectorType sumType = b.vec(b.i32(), kRegisterWords);
  SmallVector<Value> results;
  for (const GroupCursor &weight : block.weights) {
    Value base = weight.getBase(b, pack::kOperand);
    Value zero = b.splatInt(0, b.i32(), kRegisterWords);
    SmallVector<Value> sums(kWeightPairs * pairs, zero); // [weight pair][pair]
    for (int64_t k = 0; k < block.length; k += kOctet) {
      SmallVector<Value> activations;
      for (int64_t pair = 0; pair < pairs; ++pair)
        activations.push_back(loadActivationPair(b, block, pair, k));
      for (int64_t n = 0; n < kWeightPairs; ++n) {
        int64_t byte =
            weight.layout.getByteOffset(pack::kOperand, 2 * n, block.k + k);
        Value weights = b.load(getBytes(b), base, byte);
        for (int64_t pair = 0; pair < pairs; ++pair) {
          Value &sum = sums[n * pairs + pair];
          sum = b.callIntrinsic(sumType, "llvm.aarch64.neon.smmla.v4i32.v16i8",
                                {sum, weights, activations[pair]});
        }
      }
    }
    for (int64_t row = 0; row < 2 * pairs; ++row) {
      SmallVector<Value> parts;
      for (int64_t n = 0; n < kWeightPairs; n += 2)
        parts.push_back(takeRow(b, sums[n * pairs + row / 2],
                                sums[(n + 1) * pairs + row / 2],
                                static_cast<int32_t>(row % 2)));
      results.push_back(joinRegisters(b, parts));
    }
  }
  return results;
}

/// Two quads of each row side by side.
void NeonI8mmDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  auto getWords = [&](int64_t k) {
    return b.bitcast(makeTrueOperand(b, quads, step, k), b.vec(b.i32()));
  };
  SmallVector<int32_t> mask;
  for (int32_t n = 0; n < kLanes; ++n)
    mask.append({n, n + static_cast<int32_t>(kLanes)});
  for (int64_t k = 0; k < step.elements; k += kOctet) {
    Value first = getWords(k);
    b.store(b.shuffle(first, getWords(k + 4), mask), step.image,
            step.getByte(k));
  }
}
