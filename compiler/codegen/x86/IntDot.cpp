//===- IntDot.cpp - Integer dot products on x86
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quad is four consecutive k. One vector holds a quad of 16 weight rows, 64
// bytes; a quad of an activation row is one 32-bit word, broadcast to 16
// lanes. Both instruction sets multiply unsigned by signed bytes.
//
// AVX-512 VNNI: vpdpbusd adds the four products of each lane to an i32. The
// sum starts at -offset * sum(activations), which undoes the offset of stored
// weight quants; the word is broadcast by the instruction itself.
//
// AVX2: vpmaddubsw adds pairs of products to an i16 with saturation, which
// must not happen; how many quads may be added before they are widened follows
// from the largest weight quant, see getQuadsPerSum. Signed weights enter as
// |w| times the activation with w's sign: |w| is at most 128 and unsigned, and
// an activation, -127 .. 127, can be negated.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kQuadBytes = 4 * kLanes;
static constexpr int64_t kMaxActivation = 127;

namespace {

/// Four k of the block: where a vector of the weight's bytes holds them.
struct Quad {
  int64_t k;     ///< Inside the block.
  int64_t byte;  ///< Of the vector, inside the weight group.
  int64_t shift; ///< Of the elements, inside each byte.
};

/// Common parts of both instruction sets.
class X86IntDot : public IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;

protected:
  static SmallVector<Quad> getQuads(const DotBlock &block);
  static Value loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                        const Quad &quad);
  static Value loadStart(KernelBuilder &b, const DotBlock &block, int64_t row);
};

class Avx512VnniDot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
};

class Avx2Dot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;

private:
  static int64_t getQuadsPerSum(pack::LayoutAttr weight);
};

} // namespace

const IntDot &codegen::getIntDot(target::Isa isa) {
  static const Avx2Dot avx2;
  static const Avx512VnniDot avx512Vnni;
  switch (isa) {
  case target::Isa::Avx2:
    return avx2;
  case target::Isa::Avx512Vnni:
    return avx512Vnni;
  }
  llvm_unreachable("no such instruction set");
}

//===----------------------------------------------------------------------===//
// Common
//===----------------------------------------------------------------------===//

static bool isSigned(pack::LayoutAttr weight) {
  return pack::getQuantOffset(weight) == 0;
}

static int64_t getWeightBits(pack::LayoutAttr weight) {
  return weight.getField(pack::kQuants).getBits();
}

bool X86IntDot::supports(pack::LayoutAttr weight,
                         pack::LayoutAttr input) const {
  if (!hasQuadVectors(weight, pack::kQuants) || weight.getRows() != kLanes ||
      !hasQuadVectors(input, pack::kQuants))
    return false;
  int64_t offset = pack::getQuantOffset(weight);
  return offset == 0 || getRowStride(input, pack::getStartField(offset));
}

/// The block's quads in the order of their weight bytes.
SmallVector<Quad> X86IntDot::getQuads(const DotBlock &block) {
  SmallVector<Quad> quads;
  for (int64_t k = 0; k < pack::kActivationBlock; k += 4)
    quads.push_back({k, getQuadByte(block.weight, pack::kQuants, block.k + k),
                     getQuadShift(block.weight, pack::kQuants, block.k + k)});
  llvm::sort(quads, [](const Quad &a, const Quad &b) {
    return std::tie(a.byte, a.shift) < std::tie(b.byte, b.shift);
  });
  return quads;
}

/// Four activations of a row, as an i32 in every lane.
Value X86IntDot::loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                          const Quad &quad) {
  return b.splat(b.load(b.i32(), block.inputGroup,
                        block.input.getByteOffset(pack::kQuants, row, quad.k)));
}

/// -offset * sum(activations) of a row, in every lane.
Value X86IntDot::loadStart(KernelBuilder &b, const DotBlock &block,
                           int64_t row) {
  int64_t offset = pack::getQuantOffset(block.weight);
  if (offset == 0)
    return b.splatI32(0);
  std::string field = pack::getStartField(offset);
  return b.splat(b.load(b.i32(), block.inputGroup,
                        block.input.getByteOffset(field, row, 0)));
}

/// The elements of a quad, one a byte, from the vector that holds them.
static Value extractQuad(KernelBuilder &b, Value bytes, int64_t bits,
                         int64_t shift) {
  if (bits == 8)
    return bytes;
  int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0);
  if (shift > 0) {
    // There is no shift of bytes; what comes from the neighbour is masked.
    Value words = b.bitcast(bytes, b.vec(b.i16(), lanes / 2));
    words = b.shrU(words, b.splatInt(shift, b.i16(), lanes / 2));
    bytes = b.bitcast(words, b.vec(b.i8(), lanes));
  }
  return b.bitAnd(bytes, b.splatInt((1 << bits) - 1, b.i8(), lanes));
}

//===----------------------------------------------------------------------===//
// AVX-512 VNNI
//===----------------------------------------------------------------------===//

bool Avx512VnniDot::supports(pack::LayoutAttr weight,
                             pack::LayoutAttr input) const {
  return X86IntDot::supports(weight, input) && !isSigned(weight);
}

SmallVector<Value> Avx512VnniDot::emit(KernelBuilder &b,
                                       const DotBlock &block) const {
  int64_t rows = block.input.getRows(), bits = getWeightBits(block.weight);
  SmallVector<Value> sums;
  for (size_t panel = 0; panel < block.weightGroups.size(); ++panel)
    for (int64_t row = 0; row < rows; ++row)
      sums.push_back(loadStart(b, block, row));
  Type bytesType = b.vec(b.i8(), kQuadBytes);
  for (const Quad &quad : getQuads(block)) {
    SmallVector<Value> weights;
    for (Value group : block.weightGroups)
      weights.push_back(extractQuad(b, b.load(bytesType, group, quad.byte),
                                    bits, quad.shift));
    for (int64_t row = 0; row < rows; ++row) {
      Value word = b.bitcast(loadWord(b, block, row, quad), bytesType);
      for (size_t panel = 0; panel < weights.size(); ++panel) {
        Value &sum = sums[panel * rows + row];
        sum = b.callIntrinsic(sum.getType(), "llvm.x86.avx512.vpdpbusd.512",
                              {sum, weights[panel], word});
      }
    }
  }
  return sums;
}

//===----------------------------------------------------------------------===//
// AVX2
//===----------------------------------------------------------------------===//

bool Avx2Dot::supports(pack::LayoutAttr weight, pack::LayoutAttr input) const {
  return X86IntDot::supports(weight, input) && getQuadsPerSum(weight) > 0;
}

/// Quads whose pair sums fit an i16 together: each adds at most two products
/// of the largest unsigned weight byte and 127.
///   4 bits:          8 quads * 2 *  15 * 127 = 30480 <= 32767
///   8 bits, signed:  1 quad  * 2 * 128 * 127 = 32512 <= 32767
///   8 bits, flipped: 0, since  2 * 255 * 127 > 32767
int64_t Avx2Dot::getQuadsPerSum(pack::LayoutAttr weight) {
  int64_t bits = getWeightBits(weight);
  int64_t largest =
      isSigned(weight) ? int64_t(1) << (bits - 1) : (int64_t(1) << bits) - 1;
  return INT16_MAX / (2 * largest * kMaxActivation);
}

namespace {

/// The sum of one panel and activation row on its way: two registers for the
/// lower and the upper eight weight rows.
struct Avx2Sum {
  Value pairs[2];  ///< i16, or null if there are none.
  Value wholes[2]; ///< i32, or null if there are none.
};

} // namespace

/// Moves the pair sums, if any, to the i32 sums.
static void widen(KernelBuilder &b, Avx2Sum &sum) {
  Value ones = b.splatInt(1, b.i16(), 16);
  for (int half = 0; half < 2; ++half) {
    Value pairs = std::exchange(sum.pairs[half], Value());
    Value wide = b.callIntrinsic(b.vec(b.i32(), 8), "llvm.x86.avx2.pmadd.wd",
                                 {pairs, ones});
    Value &whole = sum.wholes[half];
    whole = whole ? b.add(whole, wide) : wide;
  }
}

/// Adds the products of one quad: `weight` is half a vector of weight bytes,
/// `word` the activations.
static void addQuad(KernelBuilder &b, Value &pairs, Value weight, Value word,
                    bool isSignedWeight) {
  Type bytesType = weight.getType();
  if (isSignedWeight) {
    word = b.callIntrinsic(bytesType, "llvm.x86.avx2.psign.b", {word, weight});
    weight = LLVM::AbsOp::create(b.getBuilder(), b.getLoc(), bytesType, weight,
                                 /*is_int_min_poison=*/false);
  }
  Value products = b.callIntrinsic(b.vec(b.i16(), 16),
                                   "llvm.x86.avx2.pmadd.ub.sw", {weight, word});
  pairs = pairs ? b.add(pairs, products) : products;
}

SmallVector<Value> Avx2Dot::emit(KernelBuilder &b,
                                 const DotBlock &block) const {
  constexpr int64_t kHalfBytes = kQuadBytes / 2;
  int64_t rows = block.input.getRows(), bits = getWeightBits(block.weight);
  int64_t quadsPerSum = getQuadsPerSum(block.weight);
  Type bytesType = b.vec(b.i8(), kHalfBytes);
  SmallVector<Avx2Sum> sums(block.weightGroups.size() * rows);
  SmallVector<Quad> quads = getQuads(block);
  for (size_t i = 0; i < quads.size(); ++i) {
    const Quad &quad = quads[i];
    for (size_t panel = 0; panel < block.weightGroups.size(); ++panel)
      for (int half = 0; half < 2; ++half) {
        Value weight = b.load(bytesType, block.weightGroups[panel],
                              quad.byte + half * kHalfBytes);
        weight = extractQuad(b, weight, bits, quad.shift);
        for (int64_t row = 0; row < rows; ++row) {
          Value word = b.slice(loadWord(b, block, row, quad), 0, 8);
          addQuad(b, sums[panel * rows + row].pairs[half], weight,
                  b.bitcast(word, bytesType), isSigned(block.weight));
        }
      }
    if ((i + 1) % quadsPerSum == 0 || i + 1 == quads.size())
      for (Avx2Sum &sum : sums)
        widen(b, sum);
  }
  SmallVector<Value> results;
  for (size_t i = 0; i < sums.size(); ++i) {
    Value sum = b.concat(sums[i].wholes[0], sums[i].wholes[1]);
    results.push_back(
        isSigned(block.weight)
            ? sum
            : b.add(sum, loadStart(b, block, static_cast<int64_t>(i) % rows)));
  }
  return results;
}
