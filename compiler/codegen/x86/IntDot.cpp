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
// Intel AMX: one tdpbssd multiplies a tile of 8 activation rows, a row of 16 or
// 32 bytes each, by a tile of 4 or 8 quads of an image, whose bytes are true
// quants. Two panels share the activations:
//
//   A [8 rows][sub-block]   B [quads][16 weight rows][4]
//     ==>  C [8 rows][16 weight rows]  ==>  memory  ==>  8 vectors
//
// Where a quad's weight bytes come from is the matter of StoredQuads; what it
// asks of an instruction set, the look-up of bytes and of words, stands here
// too. Words of a table of up to 512 come from registers on AVX-512: vpermi2w
// looks 32 indices up in 64 words, and bits 6 and up of the index choose among
// what the parts of the table gave. For 512 words that is 8 vpermi2w and 7
// blends, where gathers are two, each of 16 loads, in microcode that is slower
// still with what protects from Downfall (CVE-2022-40982).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/QuadDot.h"
#include "compiler/codegen/common/StoredQuads.h"
#include "compiler/codegen/x86/Tiles.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kQuadBytes = 4 * kLanes;
static constexpr int64_t kHalfBytes = kQuadBytes / 2; // What a ymm holds.
static constexpr int64_t kMaxActivation = 127;
static constexpr int64_t kPermutedWords = 64; // What vpermi2w looks up in.
static constexpr int64_t kMostPermutedWords = 512;

namespace {

/// Common parts of both instruction sets.
class X86IntDot : public IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;

protected:
  Value lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
               Value indices) const override;

  Value gather(KernelBuilder &b, Value table, Value indices) const override;

  bool canPermute(int64_t words, int64_t rows) const override;

  SmallVector<Value> permute(KernelBuilder &b, ArrayRef<uint16_t> table,
                             ArrayRef<Value> indices) const override;

  static Value loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                        int64_t quad);
};

class Avx512VnniDot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;

private:
  static int64_t getOffset(pack::LayoutAttr layout, pack::LayoutAttr panel);
};

class Avx2Dot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  pack::LayoutAttr getImageLayout(pack::LayoutAttr panel) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;

private:
  static bool entersSigned(pack::LayoutAttr weight);
  static int64_t getOffset(pack::LayoutAttr weight);
  static int64_t getQuadsPerSum(pack::LayoutAttr weight);
};

class IntelAmxDot final : public X86IntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  bool needsImages() const override { return true; }
  void begin(KernelBuilder &b) const override;
  void end(KernelBuilder &b) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;

private:
  static void multiply(KernelBuilder &b, const DotBlock &block,
                       const GroupCursor &weight, Value inputTile,
                       Value sumTile);
};

} // namespace

const IntDot &codegen::getAvx2Dot() {
  static const Avx2Dot dot;
  return dot;
}

const IntDot &codegen::getAvx512VnniDot() {
  static const Avx512VnniDot dot;
  return dot;
}

const IntDot &codegen::getIntelAmxDot() {
  static const IntelAmxDot dot;
  return dot;
}

//===----------------------------------------------------------------------===//
// Common
//===----------------------------------------------------------------------===//

bool X86IntDot::supports(pack::LayoutAttr weight,
                         pack::LayoutAttr input) const {
  return canReadQuads(weight, input);
}

/// Four activations of a row, as an i32 in every lane.
Value X86IntDot::loadWord(KernelBuilder &b, const DotBlock &block, int64_t row,
                          int64_t quad) {
  return b.splat(b.load(
      b.i32(), block.inputGroup,
      block.input.getByteOffset(pack::kQuants, row, block.inputK + quad)));
}

Value X86IntDot::lookUp(KernelBuilder &b, ArrayRef<int8_t> table,
                        Value indices) const {
  auto type = cast<VectorType>(indices.getType());
  // Each 16 bytes of a vector have a table of their own.
  SmallVector<int8_t> bytes;
  for (int64_t i = 0; i < type.getDimSize(0); ++i)
    bytes.push_back(size_t(i % 16) < table.size() ? table[i % 16] : 0);
  Value vector = b.constVector(type, ArrayRef<int8_t>(bytes));
  StringRef name = "llvm.x86.ssse3.pshuf.b.128";
  if (type.getDimSize(0) == 32)
    name = "llvm.x86.avx2.pshuf.b";
  if (type.getDimSize(0) == 64)
    name = "llvm.x86.avx512.pshuf.b.512";
  return b.callIntrinsic(type, name, {vector, indices});
}

Value X86IntDot::gather(KernelBuilder &b, Value table, Value indices) const {
  auto type = cast<VectorType>(indices.getType());
  constexpr int64_t kWordBytes = 4;
  if (type.getDimSize(0) == 1) {
    Value index = b.extendU(b.extract(indices, 0), b.i64());
    Value word = b.load(b.i32(), b.offset(table, b.mul(index, kWordBytes)));
    return b.splat(word, 1);
  }
  Value none = b.constLike(indices, 0);
  if (type.getDimSize(0) == 16)
    return b.callIntrinsic(
        type, "llvm.x86.avx512.mask.gather.dpi.512",
        {none, table, indices, b.laneMask(kLanes), b.constI32(kWordBytes)});
  Value scale = arith::ConstantOp::create(
      b.getBuilder(), b.getLoc(), b.getBuilder().getI8IntegerAttr(kWordBytes));
  return b.callIntrinsic(
      type, "llvm.x86.avx2.gather.d.d.256",
      {none, table, indices, b.constLike(indices, -1), scale});
}

bool X86IntDot::canPermute(int64_t words, int64_t rows) const {
  return rows == kLanes && words >= kPermutedWords &&
         words <= kMostPermutedWords;
}

SmallVector<Value> X86IntDot::permute(KernelBuilder &b,
                                      ArrayRef<uint16_t> table,
                                      ArrayRef<Value> indices) const {
  SmallVector<Value> words;
  if (table.size() == kPermutedWords) {
    auto type = cast<VectorType>(indices.front().getType());
    auto getPart = [&](size_t begin) {
      return b.constVector(type, table.slice(begin, kPermutedWords / 2));
    };
    Value low = getPart(0), high = getPart(kPermutedWords / 2);
    for (Value index : indices)
      words.push_back(b.callIntrinsic(type, "llvm.x86.avx512.vpermi2var.hi.512",
                                      {low, index, high}));
    return words;
  }
  size_t half = table.size() / 2;
  SmallVector<Value> lower = permute(b, table.take_front(half), indices);
  SmallVector<Value> upper = permute(b, table.drop_front(half), indices);
  for (auto [index, low, high] : llvm::zip(indices, lower, upper)) {
    Value bit = b.bitAnd(index, b.constLike(index, half));
    Value isUpper = b.cmpI(arith::CmpIPredicate::ne, bit, b.constLike(bit, 0));
    words.push_back(b.select(isUpper, high, low));
  }
  return words;
}

//===----------------------------------------------------------------------===//
// AVX-512 VNNI
//===----------------------------------------------------------------------===//

bool Avx512VnniDot::supports(pack::LayoutAttr weight,
                             pack::LayoutAttr input) const {
  return X86IntDot::supports(weight, input) && !hasSignedQuants(weight);
}

/// What makes the operands of a panel, or of its image, unsigned bytes.
int64_t Avx512VnniDot::getOffset(pack::LayoutAttr layout,
                                 pack::LayoutAttr panel) {
  return pack::holdsProducts(layout) ? -pack::getOperandProducts(panel).least
                                     : pack::getQuantOffset(panel);
}

SmallVector<Value> Avx512VnniDot::emit(KernelBuilder &b,
                                       const DotBlock &block) const {
  int64_t rows = block.input.getRows();
  int64_t offset = getOffset(block.weights.front().layout, block.panel);
  SmallVector<Value> sums = loadStarts(b, block, offset);
  std::vector<StoredQuads> panels = readPanels(b, block);
  Type bytesType = b.vec(b.i8(), kQuadBytes);
  for (int64_t quad : getQuads(block)) {
    SmallVector<Value> weights;
    for (StoredQuads &panel : panels)
      weights.push_back(panel.getOperand(block.k + quad, offset));
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

void Avx512VnniDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackQuads(b, step, getOffset(step.layout, step.panel.layout));
}

//===----------------------------------------------------------------------===//
// AVX2
//===----------------------------------------------------------------------===//

bool Avx2Dot::supports(pack::LayoutAttr weight, pack::LayoutAttr input) const {
  return X86IntDot::supports(weight, input) && getQuadsPerSum(weight) > 0;
}

/// Products with subscales would be too large for a sum of two quads in 16
/// bits, and cost more than they save.
pack::LayoutAttr Avx2Dot::getImageLayout(pack::LayoutAttr panel) const {
  return pack::getImageLayout(panel, /*operandK=*/4, /*keepsSubscales=*/true);
}

/// Quads of products with weights of this size whose pair sums fit an i16.
static int64_t countQuads(int64_t largestWeight) {
  return INT16_MAX / (2 * largestWeight * kMaxActivation);
}

/// True if weights enter the dot product as signed bytes: because they are
/// stored so, or because the codebook made unsigned is too large.
bool Avx2Dot::entersSigned(pack::LayoutAttr weight) {
  return hasSignedQuants(weight) ||
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

void Avx2Dot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  int64_t offset = getOffset(step.panel.layout);
  for (int64_t half = 0; half < 2; ++half) {
    StoredQuads quads = readRows(b, step.panel, half * kLanes / 2, kLanes / 2);
    for (int64_t k = 0; k < step.elements; k += 4)
      b.store(quads.getOperand(k, offset), step.image,
              step.getByte(k) + half * kHalfBytes);
  }
}

SmallVector<Value> Avx2Dot::emit(KernelBuilder &b,
                                 const DotBlock &block) const {
  int64_t rows = block.input.getRows();
  int64_t quadsPerSum = getQuadsPerSum(block.panel);
  bool isSignedWeight = entersSigned(block.panel);
  int64_t offset = getOffset(block.panel);
  Type bytesType = b.vec(b.i8(), kHalfBytes);
  SmallVector<Avx2Sum> sums(block.weights.size() * rows);
  std::vector<StoredQuads> halves;
  for (const GroupCursor &weight : block.weights)
    for (int64_t begin : {int64_t(0), kLanes / 2})
      halves.push_back(readRows(b, weight, begin, kLanes / 2));
  SmallVector<int64_t> quads = getQuads(block);
  for (size_t i = 0; i < quads.size(); ++i) {
    int64_t quad = quads[i];
    for (size_t panel = 0; panel < block.weights.size(); ++panel)
      for (int half = 0; half < 2; ++half) {
        Value weight =
            halves[2 * panel + half].getOperand(block.k + quad, offset);
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
            : b.add(sum, loadStart(b, block, static_cast<int64_t>(i) % rows,
                                   offset)));
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Intel AMX
//===----------------------------------------------------------------------===//

static constexpr int64_t kTileRows = 8;
static constexpr int64_t kTilePanels = 2;

namespace {

/// What the tile registers are for: no tile lives longer than the products of
/// one sub-block, so that they are given away here once and for all. Two
/// sub-blocks that follow one another take different registers for their sums.
enum TileRegister : int8_t {
  kSumTile = 0, ///< .. 3, by sub-block and panel. C, rows of 16 i32.
  kInput32 = 4, ///< A of a sub-block of 32.
  kWeight32 = 5,
  kInput16 = 6, ///< A of a sub-block of 16.
  kWeight16 = 7,
};

} // namespace

static TileConfig getTileConfig() {
  TileConfig config;
  for (int64_t tile = kSumTile; tile < kInput32; ++tile)
    config.set(tile, kTileRows, kTileRowBytes);
  config.set(kInput32, kTileRows, 32);
  config.set(kWeight32, 32 / 4, kTileRowBytes);
  config.set(kInput16, kTileRows, 16);
  config.set(kWeight16, 16 / 4, kTileRowBytes);
  return config;
}

bool IntelAmxDot::supports(pack::LayoutAttr weight,
                           pack::LayoutAttr input) const {
  int64_t length = pack::getBlockFormat(weight).getSumLength();
  return weight.getRows() == kLanes && StoredQuads::canRead(weight) &&
         (length == 16 || length == 32) && input.getRows() == kTileRows &&
         getElementStride(input, pack::kQuants) == 1 &&
         getRowStride(input, pack::kQuants).has_value();
}

void IntelAmxDot::begin(KernelBuilder &b) const {
  getTileConfig().load(b, "tileConfig");
}

void IntelAmxDot::end(KernelBuilder &b) const {
  b.callIntrinsic("llvm.x86.tilerelease", {});
}

SmallVector<Value> IntelAmxDot::emit(KernelBuilder &b,
                                     const DotBlock &block) const {
  constexpr int64_t kProductBytes = kTileRows * kTileRowBytes;
  Value inputTile = getTile(b, block.length == 32 ? kInput32 : kInput16);
  int64_t inputByte = block.input.getByteOffset(pack::kQuants, 0, block.inputK);
  b.callIntrinsic("llvm.x86.tileloadd64",
                  {inputTile, b.offset(block.inputGroup, inputByte),
                   b.constI64(*getRowStride(block.input, pack::kQuants))});
  int64_t parity = block.k / block.length % 2;
  SmallVector<Value, kTilePanels> products;
  for (auto [panel, weight] : llvm::enumerate(block.weights)) {
    int64_t number = parity * kTilePanels + panel % kTilePanels;
    products.push_back(b.offset(block.products, number * kProductBytes));
    Value sumTile = getTile(b, kSumTile + number);
    multiply(b, block, weight, inputTile, sumTile);
    b.callIntrinsic("llvm.x86.tilestored64",
                    {sumTile, products.back(), b.constI64(kTileRowBytes)});
  }
  // Behind all stores, so that each is loaded where it is used.
  SmallVector<Value> sums;
  for (Value product : products)
    for (int64_t row = 0; row < kTileRows; ++row)
      sums.push_back(b.load(b.vec(b.i32()), product, row * kTileRowBytes));
  return sums;
}

/// Loads a panel's quads and gives their product with the activations.
void IntelAmxDot::multiply(KernelBuilder &b, const DotBlock &block,
                           const GroupCursor &weight, Value inputTile,
                           Value sumTile) {
  Value weightTile = getTile(b, block.length == 32 ? kWeight32 : kWeight16);
  int64_t firstQuad = getQuadByte(weight.layout, pack::kOperand, block.k);
  int64_t quadBytes =
      getQuadByte(weight.layout, pack::kOperand, block.k + 4) - firstQuad;
  b.callIntrinsic("llvm.x86.tilezero", {sumTile});
  b.callIntrinsic("llvm.x86.tileloadd64",
                  {weightTile,
                   b.offset(weight.getBase(b, pack::kOperand), firstQuad),
                   b.constI64(quadBytes)});
  b.callIntrinsic("llvm.x86.tdpbssd", {sumTile, inputTile, weightTile});
}

void IntelAmxDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackTrueQuads(b, step);
}
