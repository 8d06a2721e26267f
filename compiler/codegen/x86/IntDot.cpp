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
static constexpr int64_t kHalfBytes = kQuadBytes / 2; // What a ymm holds.
static constexpr int64_t kMaxActivation = 127;

namespace {

/// Four k of the sub-block: where a vector of the weight's bytes holds them.
struct Quad {
  int64_t k;     ///< Inside the sub-block.
  int64_t byte;  ///< Of the vector of low bits, from the cursor.
  int64_t shift; ///< Of these bits, inside each byte.
};

/// Common parts of both instruction sets.
class X86IntDot : public IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;

protected:
  Value lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
               Value indices) const override;

  static SmallVector<Quad> getQuads(const DotBlock &block);
  /// Bytes [begin, begin + lanes) of a quad's weights as operands of the dot
  /// product, from an image, or from a panel's quants plus `offset`.
  Value loadWeights(KernelBuilder &b, const GroupCursor &weight, int64_t k,
                    int64_t begin, int64_t lanes, int64_t offset) const;
  static Value loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                        const Quad &quad);
  static Value loadStart(KernelBuilder &b, const DotBlock &block, int64_t row);
};

class Avx512VnniDot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpackQuad(KernelBuilder &b, const GroupCursor &panel, int64_t k,
                  Value pointer, int64_t bytes) const override;
};

class Avx2Dot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpackQuad(KernelBuilder &b, const GroupCursor &panel, int64_t k,
                  Value pointer, int64_t bytes) const override;

private:
  static bool entersSigned(pack::LayoutAttr weight);
  static int64_t getOffset(pack::LayoutAttr weight);
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

static bool isImage(pack::LayoutAttr layout) {
  return layout.getField(pack::kOperand) != nullptr;
}

/// True if quants are stored as signed bytes.
static bool isSigned(pack::LayoutAttr weight) {
  return weight.getField(pack::kQuants).getBits() == 8 &&
         weight.getField(pack::kQuants).getFlip() == 0;
}

bool X86IntDot::supports(pack::LayoutAttr weight,
                         pack::LayoutAttr input) const {
  if (!hasQuadVectors(weight, pack::kQuants) || weight.getRows() != kLanes ||
      !hasQuadVectors(input, pack::kQuants))
    return false;
  if (weight.getField(pack::kQuantsHigh) &&
      !hasQuadVectors(weight, pack::kQuantsHigh))
    return false;
  pack::ActivationNeeds needs = pack::getActivationNeeds(weight);
  return llvm::all_of(needs.starts, [&](std::pair<int64_t, int64_t> start) {
    return getRowStride(input, pack::getStartField(start.first, start.second))
        .has_value();
  });
}

/// The sub-block's quads in the order of their weight bytes.
SmallVector<Quad> X86IntDot::getQuads(const DotBlock &block) {
  pack::LayoutAttr layout = block.weights.front().layout;
  StringRef field = isImage(layout) ? pack::kOperand : pack::kQuants;
  SmallVector<Quad> quads;
  for (int64_t k = 0; k < block.length; k += 4)
    quads.push_back({k, getQuadByte(layout, field, block.k + k),
                     getQuadShift(layout, field, block.k + k)});
  llvm::sort(quads, [](const Quad &a, const Quad &b) {
    return std::tie(a.byte, a.shift) < std::tie(b.byte, b.shift);
  });
  return quads;
}

/// Four activations of a row, as an i32 in every lane.
Value X86IntDot::loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                          const Quad &quad) {
  return b.splat(b.load(
      b.i32(), block.inputGroup,
      block.input.getByteOffset(pack::kQuants, row, block.inputK + quad.k)));
}

/// -offset * sum(activations) of a row, in every lane.
Value X86IntDot::loadStart(KernelBuilder &b, const DotBlock &block,
                           int64_t row) {
  int64_t offset = pack::getQuantOffset(block.panel);
  if (offset == 0)
    return b.splatI32(0);
  std::string field = pack::getStartField(offset, block.length);
  return b.splat(b.load(b.i32(), block.inputGroup,
                        block.input.getByteOffset(field, row, block.inputK)));
}

/// Bits [shift, shift + bits) of each byte, moved to bit `position`.
static Value extractBits(KernelBuilder &b, Value bytes, int64_t shift,
                         int64_t bits, int64_t position) {
  int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0);
  if (shift != position) {
    // There is no shift of bytes; what comes from the neighbour is masked.
    Value words = b.bitcast(bytes, b.vec(b.i16(), lanes / 2));
    Value amount = b.splatInt(std::abs(shift - position), b.i16(), lanes / 2);
    words = shift > position ? b.shrU(words, amount) : b.shl(words, amount);
    bytes = b.bitcast(words, b.vec(b.i8(), lanes));
  }
  int64_t mask = ((int64_t(1) << bits) - 1) << position;
  return b.bitAnd(bytes, b.splatInt(static_cast<int8_t>(mask), b.i8(), lanes));
}

Value X86IntDot::loadWeights(KernelBuilder &b, const GroupCursor &weight,
                             int64_t k, int64_t begin, int64_t lanes,
                             int64_t offset) const {
  auto loadPart = [&](StringRef field, int64_t position) {
    int64_t bits = weight.layout.getField(field).getBits();
    Value bytes = b.load(b.vec(b.i8(), lanes), weight.getBase(b, field),
                         getQuadByte(weight.layout, field, k) + begin);
    if (bits == 8)
      return bytes;
    return extractBits(b, bytes, getQuadShift(weight.layout, field, k), bits,
                       position);
  };
  if (isImage(weight.layout))
    return loadPart(pack::kOperand, 0);
  Value stored = loadPart(pack::kQuants, 0);
  if (weight.layout.getField(pack::kQuantsHigh))
    stored = b.bitOr(stored,
                     loadPart(pack::kQuantsHigh,
                              weight.layout.getField(pack::kQuants).getBits()));
  const pack::BlockFormat &format = pack::getBlockFormat(weight.layout);
  if (format.codebook.empty())
    return stored;
  SmallVector<int8_t> table;
  for (int8_t entry : format.codebook)
    table.push_back(static_cast<int8_t>(entry + offset));
  return lookUp(b, table, stored);
}

Value X86IntDot::lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
                        Value indices) const {
  auto type = cast<VectorType>(indices.getType());
  // Each 16 bytes of a vector have a table of their own.
  SmallVector<int8_t> bytes;
  for (int64_t i = 0; i < type.getDimSize(0); ++i)
    bytes.push_back(size_t(i % 16) < table.size() ? table[i % 16] : 0);
  Value vector = arith::ConstantOp::create(
      b.getBuilder(), b.getLoc(),
      DenseElementsAttr::get(type, ArrayRef<int8_t>(bytes)));
  StringRef name = "llvm.x86.ssse3.pshuf.b.128";
  if (type.getDimSize(0) == 32)
    name = "llvm.x86.avx2.pshuf.b";
  if (type.getDimSize(0) == 64)
    name = "llvm.x86.avx512.pshuf.b.512";
  return b.callIntrinsic(type, name, {vector, indices});
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
  int64_t rows = block.input.getRows();
  int64_t offset = pack::getQuantOffset(block.panel);
  SmallVector<Value> sums;
  for (size_t panel = 0; panel < block.weights.size(); ++panel)
    for (int64_t row = 0; row < rows; ++row)
      sums.push_back(loadStart(b, block, row));
  Type bytesType = b.vec(b.i8(), kQuadBytes);
  for (const Quad &quad : getQuads(block)) {
    SmallVector<Value> weights;
    for (const GroupCursor &weight : block.weights)
      weights.push_back(
          loadWeights(b, weight, block.k + quad.k, 0, kQuadBytes, offset));
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

void Avx512VnniDot::unpackQuad(KernelBuilder &b, const GroupCursor &panel,
                               int64_t k, Value pointer, int64_t bytes) const {
  int64_t offset = pack::getQuantOffset(panel.layout);
  b.store(loadWeights(b, panel, k, 0, kQuadBytes, offset), pointer, bytes);
}

//===----------------------------------------------------------------------===//
// AVX2
//===----------------------------------------------------------------------===//

bool Avx2Dot::supports(pack::LayoutAttr weight, pack::LayoutAttr input) const {
  return X86IntDot::supports(weight, input) && getQuadsPerSum(weight) > 0;
}

/// Quads of products with weights of this size whose pair sums fit an i16.
static int64_t countQuads(int64_t largestWeight) {
  return INT16_MAX / (2 * largestWeight * kMaxActivation);
}

/// True if weights enter the dot product as signed bytes: because they are
/// stored so, or because the codebook made unsigned is too large.
bool Avx2Dot::entersSigned(pack::LayoutAttr weight) {
  return isSigned(weight) ||
         (!pack::getBlockFormat(weight).codebook.empty() &&
          countQuads(pack::getLargestUnsignedQuant(weight)) == 0);
}

/// What weight bytes exceed the quants by.
int64_t Avx2Dot::getOffset(pack::LayoutAttr weight) {
  return entersSigned(weight) ? 0 : pack::getQuantOffset(weight);
}

/// Quads whose pair sums fit an i16 together: each adds at most two products
/// of the largest weight byte and 127.
///   4 bits:             8 quads * 2 *  15 * 127 = 30480 <= 32767
///   5 bits:             4 quads * 2 *  31 * 127 = 31496
///   6 bits:             2 quads * 2 *  63 * 127 = 32004
///   8 bits, signed:     1 quad  * 2 * 128 * 127 = 32512
///   IQ4 levels, signed: 1 quad  * 2 * 127 * 127 = 32258
///   8 bits, flipped:    0, since  2 * 255 * 127 > 32767
int64_t Avx2Dot::getQuadsPerSum(pack::LayoutAttr weight) {
  if (!entersSigned(weight))
    return countQuads(pack::getLargestUnsignedQuant(weight));
  int64_t largest = 128;
  if (const auto &codebook = pack::getBlockFormat(weight).codebook;
      !codebook.empty())
    largest = std::max<int64_t>(-*llvm::min_element(codebook),
                                *llvm::max_element(codebook));
  return countQuads(largest);
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

void Avx2Dot::unpackQuad(KernelBuilder &b, const GroupCursor &panel, int64_t k,
                         Value pointer, int64_t bytes) const {
  int64_t offset = getOffset(panel.layout);
  for (int64_t begin = 0; begin < kQuadBytes; begin += kHalfBytes)
    b.store(loadWeights(b, panel, k, begin, kHalfBytes, offset), pointer,
            bytes + begin);
}

SmallVector<Value> Avx2Dot::emit(KernelBuilder &b,
                                 const DotBlock &block) const {
  int64_t rows = block.input.getRows();
  int64_t quadsPerSum = getQuadsPerSum(block.panel);
  bool isSignedWeight = entersSigned(block.panel);
  int64_t offset = getOffset(block.panel);
  Type bytesType = b.vec(b.i8(), kHalfBytes);
  SmallVector<Avx2Sum> sums(block.weights.size() * rows);
  SmallVector<Quad> quads = getQuads(block);
  for (size_t i = 0; i < quads.size(); ++i) {
    const Quad &quad = quads[i];
    for (size_t panel = 0; panel < block.weights.size(); ++panel)
      for (int half = 0; half < 2; ++half) {
        Value weight = loadWeights(b, block.weights[panel], block.k + quad.k,
                                   half * kHalfBytes, kHalfBytes, offset);
        for (int64_t row = 0; row < rows; ++row) {
          Value word = b.slice(loadWord(b, block, row, quad), 0, 8);
          addQuad(b, sums[panel * rows + row].pairs[half], weight,
                  b.bitcast(word, bytesType), isSignedWeight);
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
        isSignedWeight
            ? sum
            : b.add(sum, loadStart(b, block, static_cast<int64_t>(i) % rows)));
  }
  return results;
}
