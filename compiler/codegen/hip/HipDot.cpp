//===- HipDot.cpp - Integer dot products on AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quad is four consecutive k. A lane has a weight row, whose quad is one of
// its registers; V_DOT4 adds the four products with the activations' quad,
// which all lanes have, to an i32:
//
//   lane n:  sum n += w[n][k .. k+3] . x[k .. k+3]
//
// Both sides are signed bytes. Quants that are stored plus an offset stay below
// 128; the sum starts at -offset * sum(activations), which undoes it.
//
// A codebook of 16 bytes is four words. V_PERM takes four bytes from two words
// by four numbers below 8; the fourth bit of each index chooses between two.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/HipDot.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/QuadDot.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

class HipDot final : public HipIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

} // namespace

const IntDot &codegen::getHipDot() {
  static const HipDot dot;
  return dot;
}

bool HipDot::supports(pack::LayoutAttr weight, pack::LayoutAttr input) const {
  return canReadQuads(weight, input) && fitsSigned(weight);
}

/// sum + the products of the bytes of two vectors of words.
static Value emitDot4(KernelBuilder &b, Value x, Value y, Value sum) {
  Value clamp = b.constBool(false), isSigned = b.constBool(true);
  if (b.getTarget().gpu->hasMixedDot4)
    return b.callIntrinsic(sum.getType(), "llvm.amdgcn.sudot4",
                           {isSigned, x, isSigned, y, sum, clamp});
  return b.callIntrinsic(sum.getType(), "llvm.amdgcn.sdot4",
                         {x, y, sum, clamp});
}

SmallVector<Value> HipDot::emit(KernelBuilder &b, const DotBlock &block) const {
  int64_t rows = block.input.getRows();
  int64_t offset = getSignedOffset(block.weights.front().layout, block.panel);
  SmallVector<Value> sums = loadStarts(b, block, offset);
  std::vector<StoredQuads> panels = readPanels(b, block);
  for (int64_t quad : getQuads(block)) {
    SmallVector<Value> activations;
    for (int64_t row = 0; row < rows; ++row)
      activations.push_back(b.splat(b.load(
          b.i32(), block.inputGroup,
          block.input.getByteOffset(pack::kQuants, row, block.inputK + quad))));
    for (auto [panel, quads] : llvm::enumerate(panels)) {
      Value weights =
          b.bitcast(quads.getOperand(block.k + quad, offset), b.vec(b.i32()));
      for (int64_t row = 0; row < rows; ++row) {
        Value &sum = sums[static_cast<int64_t>(panel) * rows + row];
        sum = emitDot4(b, weights, activations[row], sum);
      }
    }
  }
  return sums;
}

void HipDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackQuads(b, step, getSignedOffset(step.layout, step.panel.layout));
}

/// Four bytes of the table for the four indices in each of some words.
static Value lookUpWords(KernelBuilder &b, ArrayRef<int8_t> table,
                         Value words) {
  auto getWord = [&](size_t number) {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i)
      if (number * 4 + i < table.size())
        word |= uint32_t(uint8_t(table[number * 4 + i])) << (8 * i);
    return b.constLike(words, static_cast<int32_t>(word));
  };
  auto permute = [&](size_t low, Value places) {
    return b.callIntrinsic(words.getType(), "llvm.amdgcn.perm",
                           {getWord(low + 1), getWord(low), places});
  };
  Value places = b.bitAnd(words, b.constLike(words, 0x07070707));
  Value low = permute(0, places);
  if (table.size() <= 8)
    return low;
  Value high = permute(2, places);
  Value bits = b.bitAnd(b.shrU(words, b.constLike(words, 3)),
                        b.constLike(words, 0x01010101));
  Value isHigh = b.mul(bits, b.constLike(words, 0xff));
  Value isLow = b.bitXor(isHigh, b.constLike(words, -1));
  return b.bitOr(b.bitAnd(low, isLow), b.bitAnd(high, isHigh));
}

Value HipIntDot::lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
                        Value indices) const {
  auto type = cast<VectorType>(indices.getType());
  int64_t size = type.getDimSize(0), bytes = size / kLanes;
  Type words = b.vec(b.i32());
  if (bytes == 4)
    return b.bitcast(lookUpWords(b, table, b.bitcast(indices, words)), type);
  // Lanes of one or two bytes: the rest of their word is looked up for nothing.
  Type narrow = b.getBuilder().getIntegerType(8 * bytes);
  Value word = b.extendU(b.bitcast(indices, b.vec(narrow)), words);
  return b.bitcast(b.truncate(lookUpWords(b, table, word), narrow), type);
}

Value HipIntDot::gather(KernelBuilder &b, Value table, Value indices) const {
  constexpr int64_t kWordBytes = 4;
  if (cast<VectorType>(indices.getType()).getDimSize(0) == kLanes) {
    Value bytes =
        b.mul(b.extendU(indices, b.i64()), b.splatInt(kWordBytes, b.i64()));
    return b.gather(b.i32(), table, bytes);
  }
  // One index, which all lanes have.
  Value words = b.constLike(indices, 0);
  int64_t count = cast<VectorType>(indices.getType()).getDimSize(0);
  for (int64_t i = 0; i < count; ++i) {
    Value index = b.extendU(b.extract(indices, i), b.i64());
    Value word = b.load(b.i32(), b.offset(table, b.mul(index, kWordBytes)));
    words = b.insert(words, word, i);
  }
  return words;
}
