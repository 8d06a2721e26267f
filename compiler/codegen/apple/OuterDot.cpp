//===- OuterDot.cpp - Integer products by outer products of Apple AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// X has weights, Y activations, a row of Z the sums of one activation row.
//
//   for step of 64 columns, sub-block, or half of one, or two that are joined:
//     for pair of k:  ldx 64 rows, ldy 32 rows, mac16 of both bytes
//     store Z                                   integers
//
// mac16 takes bytes from the low halves of 16-bit lanes, at any byte of the
// register file: one byte further, low halves are the other bytes, and both
// bytes of each lane are used without being moved. The last lane's high byte
// comes from the next register, whatever it holds, and is not looked at.
//
// Sums of 16 bits leave one half of Z for two more panels; those of 32 bits
// take all of Z for two panels. Which sums fit 16 bits: pack::getOuterSums.
// Vectors convert, scale and add them behind it, as on every target.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/aarch64/NeonDot.h"
#include "compiler/codegen/apple/AppleAmx.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/QuadDot.h"
#include "dialects/pack/Layouts.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kTileRows = pack::kPairTileRows; ///< Lanes of Y.
static constexpr int64_t kHalfPanels = 2;
static constexpr int64_t kHalfRows = kHalfPanels * kLanes; ///< Lanes of X.
/// Two rows of Z, which are those of one activation row.
static constexpr int64_t kZRowsBytes = 2 * kAppleAmxBytes;

namespace {

/// How the products of a sub-block lie, for a row tile and all panels of an
/// image: sums of 16 bits as [part][row][64], of 32 bits as [row][64].
struct ProductForm {
  explicit ProductForm(pack::LayoutAttr panel)
      : sums(pack::getOuterSums(panel)),
        length(pack::getBlockFormat(panel).getSumLength()),
        parts(isShort() ? length / sums.elems : 1),
        rowBytes((isShort() ? 1 : 2) * kZRowsBytes),
        partBytes(kTileRows * rowBytes) {}

  bool isShort() const { return sums.bits == 16; }
  int64_t getBlockBytes() const { return parts * partBytes; }

  pack::OuterSums sums;
  int64_t length; ///< Of a sub-block.
  int64_t parts;  ///< Of a sub-block, each with sums of its own.
  int64_t rowBytes, partBytes;
};

class AppleAmxDot final : public NeonIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  bool needsImages() const override { return true; }
  int64_t getGroupRows() const override { return 4; }
  pack::LayoutAttr getImageLayout(pack::LayoutAttr panel) const override {
    return pack::getOuterImageLayout(panel);
  }
  void begin(KernelBuilder &b) const override;
  void end(KernelBuilder &b) const override;
  void multiply(KernelBuilder &b, const ImageProducts &products,
                const ColumnRange &range) const override;
  ProductStrides
  getProductStrides(const ImageProducts &products) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

/// Writes `multiply`.
class ProductEmitter {
public:
  ProductEmitter(KernelBuilder &b, const ImageProducts &products)
      : b(b), amx(b.getBuilder(), b.getLoc()), products(products),
        form(products.panel), step(getStep(products.image)),
        halves(llvm::divideCeil(products.panels, kHalfPanels)) {}

  void emit(const ColumnRange &range);

private:
  Value getRows();
  void emitStep(int64_t elements, Value input, Value image, Value product);
  void multiply(Value x, Value y, int64_t elements);
  void multiplyQuad(Value x, Value y, bool isFirst);
  void storeShort(Value product);
  void storeWide(Value product);
  Value getAddress(Value pointer) {
    return LLVM::PtrToIntOp::create(b.getBuilder(), b.getLoc(), b.i64(),
                                    pointer);
  }

  KernelBuilder &b;
  AppleAmx amx;
  const ImageProducts &products;
  ProductForm form;
  int64_t step;
  int64_t halves; ///< Registers of X that a pair of all panels takes.
  Value rows;     ///< Of the row tile that exist.
};

} // namespace

const IntDot &codegen::getAppleAmxDot() {
  static const AppleAmxDot dot;
  return dot;
}

/// Rows of a group are found by moving all fields but quants by words.
bool AppleAmxDot::supports(pack::LayoutAttr weight,
                           pack::LayoutAttr input) const {
  constexpr int64_t kWordBytes = sizeof(float);
  auto fields = input.getFields().getAsRange<pack::FieldAttr>();
  bool areWords = llvm::all_of(fields, [&](pack::FieldAttr field) {
    StringRef name = field.getName().getValue();
    return name == pack::kQuants || getRowStride(input, name) == kWordBytes;
  });
  pack::ActivationNeeds needs = pack::getOuterNeeds(weight);
  bool hasStarts = llvm::all_of(needs.starts, [&](auto start) {
    return bool(input.getField(pack::getStartField(start.first, start.second)));
  });
  return weight.getRows() == kLanes && StoredQuads::canRead(weight) &&
         pack::hasQuantPairs(input) && input.getRows() == kTileRows &&
         areWords && hasStarts;
}

void AppleAmxDot::begin(KernelBuilder &b) const {
  AppleAmx(b.getBuilder(), b.getLoc()).set();
}

void AppleAmxDot::end(KernelBuilder &b) const {
  AppleAmx(b.getBuilder(), b.getLoc()).clr();
}

//===----------------------------------------------------------------------===//
// The unit
//===----------------------------------------------------------------------===//

void AppleAmxDot::multiply(KernelBuilder &b, const ImageProducts &products,
                           const ColumnRange &range) const {
  ProductEmitter(b, products).emit(range);
}

/// Rows that do not exist are not stored.
Value ProductEmitter::getRows() {
  if (!products.rows)
    return b.constI64(kTileRows);
  return b.minU(b.sub(products.rows, b.mul(products.rowTile, kTileRows)),
                b.constI64(kTileRows));
}

void ProductEmitter::emit(const ColumnRange &range) {
  rows = getRows();
  int64_t inputBytes = step / products.input.getK() * products.input.getBytes();
  int64_t productBytes = step / form.length * form.getBlockBytes();
  forEachOwnStep(b, step, range, [&](Value number, int64_t elements) {
    emitStep(
        elements, b.offset(products.inputBase, b.mul(number, inputBytes)),
        b.offset(products.imageBase, b.mul(number, products.image.getBytes())),
        b.offset(products.products, b.mul(number, productBytes)));
  });
}

/// All sums of a step, in turns: of a part and all panels, or of a sub-block
/// and a half of the panels.
void ProductEmitter::emitStep(int64_t elements, Value input, Value image,
                              Value product) {
  int64_t inputK = products.input.getK();
  for (int64_t k = 0; k < elements; k += form.sums.elems) {
    Value y = getAddress(b.offset(
        input, k / inputK * products.input.getBytes() +
                   products.input.getByteOffset(pack::kQuants, 0, k % inputK)));
    Value to = b.offset(product, k / form.sums.elems * form.partBytes);
    for (int64_t half = 0; half < (form.isShort() ? 1 : halves); ++half) {
      Value x =
          getAddress(b.offset(image, products.image.getByteOffset(
                                         pack::kOperand, half * kHalfRows, k)));
      multiply(x, y, form.sums.elems);
      if (form.isShort())
        storeShort(to);
      else
        storeWide(b.offset(to, half * kZRowsBytes));
    }
  }
}

/// Leaves the sums of so many k in Z. `x` and `y` are addresses.
void ProductEmitter::multiply(Value x, Value y, int64_t elements) {
  constexpr int64_t kQuad = 4;
  int64_t xBytes = products.image.getByteOffset(pack::kOperand, 0, kQuad);
  int64_t yBytes = products.input.getByteOffset(pack::kQuants, 0, kQuad);
  multiplyQuad(x, y, /*isFirst=*/true);
  b.forLoop(b.constI64(1), b.constI64(elements / kQuad), 1, [&](Value quad) {
    multiplyQuad(b.add(x, b.mul(quad, xBytes)), b.add(y, b.mul(quad, yBytes)),
                 /*isFirst=*/false);
  });
}

/// Two pairs: X registers 0 and 1, then 2 and 3, Y registers 0 and 1. The first
/// product does not read Z.
void ProductEmitter::multiplyQuad(Value x, Value y, bool isFirst) {
  constexpr uint64_t kPairs = 2;
  int64_t xPairBytes = products.image.getByteOffset(pack::kOperand, 0, 2);
  bool isWhole = form.isShort() && halves == 2;
  amx.issueAt(AppleAmxOp::Ldy, y, kAppleAmxPair);
  for (uint64_t pair = 0; pair < kPairs; ++pair)
    amx.issueAt(
        AppleAmxOp::Ldx, b.add(x, static_cast<int64_t>(pair) * xPairBytes),
        (2 * pair) << kAppleAmxRegisterBit | (isWhole ? kAppleAmxPair : 0));
  uint64_t flags =
      kAppleAmxBytesOfBoth | (form.isShort() ? 0 : kAppleAmxWideSums);
  for (uint64_t pair = 0; pair < kPairs; ++pair)
    for (uint64_t byte = 0; byte < 2; ++byte)
      for (uint64_t half = 0; half < (isWhole ? 2u : 1u); ++half) {
        bool startsSums = isFirst && pair == 0 && byte == 0;
        uint64_t xByte = (2 * pair + half) * kAppleAmxBytes + byte;
        uint64_t yByte = pair * kAppleAmxBytes + byte;
        amx.issue(AppleAmxOp::Mac16, flags | (startsSums ? kAppleAmxSkipZ : 0) |
                                         half << kAppleAmxZRowBit |
                                         xByte << kAppleAmxXByteBit | yByte);
      }
}

static constexpr uint64_t kZRow = uint64_t(1) << kAppleAmxRegisterBit;

/// Rows 2 * j and 2 * j + 1 of Z are row j of Y for the two halves.
void ProductEmitter::storeShort(Value product) {
  Value base = getAddress(product);
  b.forLoop(b.constI64(0), rows, 1, [&](Value row) {
    constexpr int64_t kNext = 2 * kZRow + kZRowsBytes;
    amx.issueAt(AppleAmxOp::Stz, b.add(base, b.mul(row, kNext)),
                halves == 2 ? kAppleAmxPair : 0);
  });
}

/// The same rows are the even and odd lanes of one half, which stzi puts in
/// order.
void ProductEmitter::storeWide(Value product) {
  Value base = getAddress(product);
  b.forLoop(b.constI64(0), rows, 1, [&](Value row) {
    constexpr int64_t kNext = 2 * kZRow + 2 * kZRowsBytes;
    Value operand = b.add(base, b.mul(row, kNext));
    for (uint64_t lanes = 0; lanes < 2; ++lanes)
      amx.issueAt(AppleAmxOp::Stzi, operand, lanes * (kZRow + kAppleAmxBytes));
  });
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

ProductStrides
AppleAmxDot::getProductStrides(const ImageProducts &products) const {
  ProductForm form(products.panel);
  return {kLanes * form.sums.bits / 8, form.rowBytes,
          getStep(products.image) / form.length * form.getBlockBytes()};
}

/// What `multiply` has stored for the group's rows, of one panel.
SmallVector<Value> AppleAmxDot::emit(KernelBuilder &b,
                                     const DotBlock &block) const {
  ProductForm form(block.panel);
  VectorType words = b.vec(b.i32());
  int64_t first = block.k / form.length * form.getBlockBytes();
  SmallVector<Value> sums;
  for (int64_t row = 0; row < getGroupRows(); ++row) {
    Value sum;
    for (int64_t part = 0; part < form.parts; ++part) {
      int64_t byte = first + part * form.partBytes + row * form.rowBytes;
      Value products =
          form.isShort()
              ? b.extendS(b.load(b.vec(b.i16()), block.products, byte), words)
              : b.load(words, block.products, byte);
      sum = sum ? b.add(sum, products) : products;
    }
    if (form.sums.center != 0)
      sum = b.sub(sum, loadStart(b, block, row, form.sums.center));
    sums.push_back(sum);
  }
  return sums;
}

/// Even words of a vector of quads are pairs, and so are odd ones.
void AppleAmxDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  constexpr int64_t kWords = 2 * kLanes;
  int64_t center = pack::getOuterSums(step.panel.layout).center;
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  for (int64_t k = 0; k < step.elements; k += 4) {
    Value operand = makeTrueOperand(b, quads, step, k);
    if (center != 0)
      operand = b.sub(operand, b.constLike(operand, center));
    Value words = b.bitcast(operand, b.vec(b.i16(), kWords));
    for (int32_t pair = 0; pair < 2; ++pair) {
      SmallVector<int32_t> mask;
      for (int32_t word = pair; word < kWords; word += 2)
        mask.push_back(word);
      b.store(b.shuffle(words, words, mask), step.image,
              step.getByte(k + 2 * pair));
    }
  }
}
