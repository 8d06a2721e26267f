//===- Sme.cpp - Integer products by outer products of SME
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For streaming vectors of 512 bits, which is what a target of this instruction
// set says. A quad is four consecutive k; a quad of 16 rows is one register,
// of activations as `prepare` wrote them and of weights in a panel's image.
// SMOPA adds to 16 x 16 sums, a quarter of ZA, the products of two quads:
//
//   z0 | m0 k0..3 | m1 k0..3 | ... | m15 k0..3 |    za0.s | m0 n0 .. m0 n15 |
//   z8 | n0 k0..3 | n1 k0..3 | ... | n15 k0..3 |          | ...             |
//   smopa za0.s, p0/m, p0/m, z0.b, z8.b                   | m15 n0 ..       |
//
// A panel and a sub-block have a tile of ZA each, two and two; rows of sums are
// moved to registers and stored, four at a time. Nothing else happens in
// streaming mode: NEON, which is illegal there, converts, scales and adds the
// sums behind it. Why: docs/design/20261125-sme.md.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/aarch64/NeonDot.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/QuadDot.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kRegisterBytes = 64; ///< Of Z.
static constexpr int64_t kRows = pack::kQuadTileRows;
static constexpr int64_t kTilePanels = 2;
static constexpr int64_t kTiles = 4;   ///< Of 32-bit elements: za0.s .. za3.s.
static constexpr int64_t kVectors = 4; ///< Of one load, move or store.

namespace {

class SmeDot final : public NeonIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  bool needsImages() const override { return true; }
  int64_t getGroupRows() const override { return 4; }
  void begin(KernelBuilder &b) const override;
  void end(KernelBuilder &b) const override;
  void multiply(KernelBuilder &b, const ImageProducts &products,
                const ColumnRange &range) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

/// Writes the streaming part of `multiply`.
class ProductEmitter {
public:
  ProductEmitter(KernelBuilder &b, const ImageProducts &products);

  /// The steps of `range`, with pointers that belong to this function.
  void emit(Value inputBase, Value imageBase, Value productBase,
            const ColumnRange &range);

private:
  void emitStep(int64_t elements, Value input, Value image, Value product);
  void multiplyBlock(int64_t k, Value input, Value image);
  void storeBlock(int64_t k, Value product);
  SmallVector<Value> loadQuads(Value base, int64_t firstByte);

  /// Number of the tile that has the sums of a sub-block and a panel.
  int64_t getTile(int64_t k, int64_t panel) const {
    return k / length * kTilePanels % kTiles + panel;
  }

  KernelBuilder &b;
  const ImageProducts &products;
  int64_t length; ///< Of a sub-block.
  int64_t step;
  VectorType bytes, words;
  Value all;                ///< Predicate of all bytes.
  Value allBytes, allWords; ///< As counters, for loads and stores of several.
};

} // namespace

const IntDot &codegen::getSmeDot() {
  static const SmeDot dot;
  return dot;
}

bool SmeDot::supports(pack::LayoutAttr weight, pack::LayoutAttr input) const {
  int64_t length = pack::getBlockFormat(weight).getSumLength();
  // The rows of a group are found by moving all fields alike.
  constexpr int64_t kWordBytes = sizeof(float);
  auto fields = input.getFields().getAsRange<pack::FieldAttr>();
  bool areWords = llvm::all_of(fields, [&](pack::FieldAttr field) {
    return getRowStride(input, field.getName().getValue()) == kWordBytes;
  });
  return weight.getRows() == kLanes && StoredQuads::canRead(weight) &&
         (length == 16 || length == 32) && pack::hasQuadTiles(input) &&
         areWords;
}

//===----------------------------------------------------------------------===//
// ZA
//===----------------------------------------------------------------------===//

/// Takes ZA as a function with a state of its own does (AAPCS64, "SME"): if the
/// caller's is saved lazily, its first slices go to the buffer that the block
/// at TPIDR2_EL0 names, and TPIDR2_EL0 becomes null, which tells the caller.
/// LLVM calls __arm_tpidr2_save for that, which no plan has.
void SmeDot::begin(KernelBuilder &b) const {
  b.assembly(R"(
      mrs x8, TPIDR2_EL0
      cbz x8, 3f
      ldr x9, [x8]
      ldrh w10, [x8, #8]
      mov w12, #0
      cbz x9, 2f
    1:
      cmp w12, w10
      b.hs 2f
      str za[w12, 0], [x9]
      add x9, x9, #64
      add w12, w12, #1
      b 1b
    2:
      msr TPIDR2_EL0, xzr
    3:
      smstart za)",
             "~{x8},~{x9},~{x10},~{x12},~{cc},~{memory}");
}

void SmeDot::end(KernelBuilder &b) const {
  b.assembly("smstop za", "~{memory}");
}

//===----------------------------------------------------------------------===//
// Streaming
//===----------------------------------------------------------------------===//

void SmeDot::multiply(KernelBuilder &b, const ImageProducts &products,
                      const ColumnRange &range) const {
  SmallVector<Value> args = {products.inputBase, products.imageBase,
                             products.products};
  if (range.steps)
    args.push_back(range.steps);
  b.callStreaming(args, [&](ValueRange own) {
    ProductEmitter(b, products)
        .emit(own[0], own[1], own[2],
              {range.steps ? own[3] : Value(), range.rest});
  });
}

ProductEmitter::ProductEmitter(KernelBuilder &b, const ImageProducts &products)
    : b(b), products(products),
      length(pack::getBlockFormat(products.panel).getSumLength()),
      step(getStep(products.image)),
      bytes(VectorType::get({16}, b.i8(), {true})),
      words(VectorType::get({4}, b.i32(), {true})) {
  constexpr int32_t kPatternAll = 31;
  auto counter = LLVM::LLVMTargetExtType::get(b.getBuilder().getContext(),
                                              "aarch64.svcount", {}, {});
  all = b.callIntrinsic(
      VectorType::get({16}, b.getBuilder().getI1Type(), {true}),
      "llvm.aarch64.sve.ptrue.nxv16i1", {b.constI32(kPatternAll)});
  allBytes = b.callIntrinsic(counter, "llvm.aarch64.sve.ptrue.c8", {});
  allWords = b.callIntrinsic(counter, "llvm.aarch64.sve.ptrue.c32", {});
}

void ProductEmitter::emit(Value inputBase, Value imageBase, Value productBase,
                          const ColumnRange &range) {
  int64_t inputBytes = step / products.input.getK() * products.input.getBytes();
  int64_t productBytes = step / length * products.getBlockBytes();
  forEachOwnStep(b, step, range, [&](Value number, int64_t elements) {
    emitStep(elements, b.offset(inputBase, b.mul(number, inputBytes)),
             b.offset(imageBase, b.mul(number, products.image.getBytes())),
             b.offset(productBase, b.mul(number, productBytes)));
  });
}

/// Two sub-blocks at a time, so that the products of the second hide what
/// storing the first waits for.
void ProductEmitter::emitStep(int64_t elements, Value input, Value image,
                              Value product) {
  constexpr int64_t kBlocks = kTiles / kTilePanels;
  for (int64_t first = 0; first < elements; first += kBlocks * length) {
    int64_t end = std::min(elements, first + kBlocks * length);
    for (int64_t k = first; k < end; k += length)
      multiplyBlock(k, input, image);
    for (int64_t k = first; k < end; k += length)
      storeBlock(k, product);
  }
}

/// Four consecutive registers.
SmallVector<Value> ProductEmitter::loadQuads(Value base, int64_t firstByte) {
  SmallVector<Type> types(kVectors, bytes);
  return b.callIntrinsic(types, "llvm.aarch64.sve.ld1.pn.x4.nxv16i8",
                         {allBytes, b.offset(base, firstByte)});
}

/// The tiles of both panels in turn, as each waits for its last product.
void ProductEmitter::multiplyBlock(int64_t k, Value input, Value image) {
  int64_t inputK = products.input.getK();
  int64_t imageBytes =
      products.image.getPanelOffset(kLanes, products.imageColumns);
  int32_t mask = 0;
  // Each is every fourth row of ZA: two of the eight tiles of doublewords.
  for (int64_t panel = 0; panel < products.panels; ++panel)
    mask |= 0x11 << getTile(k, panel);
  b.callIntrinsic("llvm.aarch64.sme.zero", {b.constI32(mask)});
  for (int64_t quad = k; quad < k + length; quad += 4 * kVectors) {
    SmallVector<Value> activations = loadQuads(
        input, quad / inputK * products.input.getBytes() +
                   getQuadByte(products.input, pack::kQuants, quad % inputK));
    SmallVector<SmallVector<Value>> weights;
    for (int64_t panel = 0; panel < products.panels; ++panel)
      weights.push_back(loadQuads(
          image, panel * imageBytes +
                     getQuadByte(products.image, pack::kOperand, quad)));
    for (int64_t i = 0; i < kVectors; ++i)
      for (int64_t panel = 0; panel < products.panels; ++panel)
        b.callIntrinsic("llvm.aarch64.sme.smopa.wide.nxv16i8",
                        {b.constI32(static_cast<int32_t>(getTile(k, panel))),
                         all, all, activations[i], weights[panel][i]});
  }
}

void ProductEmitter::storeBlock(int64_t k, Value product) {
  SmallVector<Type> types(kVectors, words);
  for (int64_t panel = 0; panel < products.panels; ++panel)
    for (int64_t row = 0; row < kRows; row += kVectors) {
      SmallVector<Value> args =
          b.callIntrinsic(types, "llvm.aarch64.sme.read.hor.vg4.nxv4i32",
                          {b.constI32(static_cast<int32_t>(getTile(k, panel))),
                           b.constI32(static_cast<int32_t>(row))});
      args.push_back(allWords);
      args.push_back(
          b.offset(product, panel * products.getPanelBytes() +
                                k / length * products.getBlockBytes() +
                                row * kRegisterBytes));
      b.callIntrinsic("llvm.aarch64.sve.st1.pn.x4.nxv4i32", args);
    }
}

//===----------------------------------------------------------------------===//
// NEON
//===----------------------------------------------------------------------===//

/// What `multiply` has stored for the group's rows, of one panel.
SmallVector<Value> SmeDot::emit(KernelBuilder &b, const DotBlock &block) const {
  int64_t first = block.k / block.length * kRows * kRegisterBytes;
  SmallVector<Value> sums;
  for (int64_t row = 0; row < getGroupRows(); ++row)
    sums.push_back(
        b.load(b.vec(b.i32()), block.products, first + row * kRegisterBytes));
  return sums;
}

void SmeDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackTrueQuads(b, step);
}
