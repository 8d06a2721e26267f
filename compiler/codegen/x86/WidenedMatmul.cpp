//===- WidenedMatmul.cpp - Quants as bf16 numbers on Intel AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block is what a row tile of 32 rows and a group of the images have in
// common, two sub-blocks of k. Its products are tiles of 16 rows:
//
//   A [16 rows][sub-block]   B [pairs][16 weight rows][2]
//     ==>  C [16 rows][16 weight rows]  ==>  memory
//
// each A being loaded once for all panels, each B once for two A. Vectors then
// scale them and add them to the sums, `groupRows` rows at a time, whose sums
// stay in registers meanwhile. No window of instructions is so large that
// multiplying one block would overlap with scaling the one before by itself, so
// both are written in turns, with two sets of products:
//
//   products of block 0
//   for block, all row tiles one after the other, but for the last:
//     scale the block | products of the next
//   scale the last block
//
// Products of zeros are +0 as in docs/numerics.md: tiles begin with +0, to
// which even a product of -0 adds nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/WidenedMatmul.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/QuadDot.h"
#include "compiler/codegen/x86/Tiles.h"
#include "dialects/pack/Layouts.h"
#include "llvm/Support/MathExtras.h"
#include <functional>

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kTiles = 2; ///< Of kTileMaxRows rows: a row tile.
static constexpr int64_t kRows = kTiles * kTileMaxRows;
[[maybe_unused]] static constexpr int64_t kMaxPanels = 4;
static constexpr int64_t kProductBytes = kTileMaxRows * kTileRowBytes;

namespace {

/// What the tile registers are for. Panels take turns.
enum TileRegister : int8_t {
  kSumTile = 0,    ///< .. 3: two of each of two panels. C.
  kInputTile = 4,  ///< .. 5. A.
  kWeightTile = 6, ///< .. 7. B.
};

/// Where a block is.
struct Block {
  Value input; ///< Its first group of activations.
  Value image; ///< Its group of the first image.
  Value sums;  ///< Those of its row tile.
};

class WidenedEmitter {
public:
  WidenedEmitter(KernelBuilder &b, const WidenedMatmul &matmul);

  void emit();

private:
  using Stage = std::function<void()>;

  SmallVector<Value> advance(ValueRange state);
  SmallVector<Stage> getProductStages(const Block &block, Value products);
  SmallVector<Stage> getScaleStages(const Block &block, Value products);
  void loadOperands(const Block &block, int64_t subBlock, int64_t panel);
  void multiply(int64_t pair);
  void storeProduct(Value products, int64_t pair, int64_t tile);
  void scale(const Block &block, Value products, int64_t firstRow,
             int64_t subBlock);

  /// From the block's first group of activations to element k of a row.
  int64_t getInputByte(StringRef field, int64_t row, int64_t k) const {
    return k / input.getK() * input.getBytes() +
           input.getByteOffset(field, row, k);
  }

  KernelBuilder &b;
  const WidenedMatmul &matmul;
  pack::LayoutAttr image, input;
  int64_t length;          ///< Of a sub-block.
  int64_t subBlocks;       ///< Of a block.
  int64_t panels;          ///< Multiplied at once.
  int64_t groupRows;       ///< Scaled at once.
  int64_t imageBytes;      ///< From one image to the next.
  SmallVector<Value> sums; ///< Of the rows being scaled, [panel][row].
};

} // namespace

static int64_t getLength(pack::LayoutAttr image) {
  return image.getField(pack::kBlockScale).getUnit();
}

bool codegen::canMultiplyWidened(pack::LayoutAttr weight,
                                 pack::LayoutAttr input,
                                 const target::TargetSpec &target) {
  return target.widened && weight.getRows() == kTileMaxRows &&
         StoredQuads::canRead(weight) && input.getRows() == kRows &&
         input.getK() == pack::kActivationBlock &&
         getElementStride(input, pack::kQuants) == 2 &&
         getRowStride(input, pack::kQuants).has_value();
}

void codegen::beginWidened(KernelBuilder &b, pack::LayoutAttr panel) {
  int64_t length = getLength(pack::getWidenedImageLayout(panel));
  TileConfig config;
  for (int64_t tile = kSumTile; tile < kInputTile; ++tile)
    config.set(tile, kTileMaxRows, kTileRowBytes);
  for (int64_t tile = kInputTile; tile < kWeightTile; ++tile)
    config.set(tile, kTileMaxRows, length * sizeof(uint16_t));
  for (int64_t tile = kWeightTile; tile < kWeightTile + 2; ++tile)
    config.set(tile, length / 2, kTileRowBytes);
  config.load(b, "widenedTiles" + std::to_string(length));
}

void codegen::endWidened(KernelBuilder &b) {
  b.callIntrinsic("llvm.x86.tilerelease", {});
}

void codegen::emitWidened(KernelBuilder &b, const WidenedMatmul &matmul) {
  WidenedEmitter(b, matmul).emit();
}

/// Each byte of the quads is taken out, with its sign, by a dot product with
/// one 1 and three 0; the upper half of its float is the bf16 number, and all
/// of it.
void codegen::unpackWidened(KernelBuilder &b, const UnpackStep &step) {
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  for (int64_t k = 0; k < step.elements; k += 4) {
    Value operand = makeTrueOperand(b, quads, step, k);
    auto toFloatBits = [&](int64_t byte) {
      Value one = b.bitcast(b.splatI32(1 << (8 * byte)), operand.getType());
      Value quant =
          b.callIntrinsic(b.vec(b.i32()), "llvm.x86.avx512.vpdpbusd.512",
                          {b.splatI32(0), one, operand});
      return b.bitcast(b.intToFloat(quant, b.f32()), b.vec(b.i32()));
    };
    for (int64_t pair = 0; pair < 4; pair += 2) {
      Value low = b.shrU(toFloatBits(pair), b.splatI32(16));
      b.store(b.bitOr(low, toFloatBits(pair + 1)), step.image,
              step.getByte(k + pair));
    }
  }
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

WidenedEmitter::WidenedEmitter(KernelBuilder &b, const WidenedMatmul &matmul)
    : b(b), matmul(matmul), image(matmul.image), input(matmul.input),
      length(getLength(image)), subBlocks(image.getK() / length),
      panels(matmul.panels), groupRows(kLanes / llvm::PowerOf2Ceil(panels)),
      imageBytes(image.getPanelOffset(kLanes, matmul.imageColumns)) {
  assert(panels <= kMaxPanels && "more sums than registers");
}

/// What `emit` carries from turn to turn: the block being multiplied, which
/// group it is, its row tile's first block; then the block being scaled, and
/// the products of either.
enum State { kInput, kImage, kSums, kGroup, kRowTile, kStateSize };

void WidenedEmitter::emit() {
  auto getBlock = [](ValueRange state) {
    return Block{state[kInput], state[kImage], state[kSums]};
  };
  int64_t setBytes = subBlocks * panels * kTiles * kProductBytes;
  Value products = matmul.products;
  SmallVector<Value> first = {matmul.inputBase, matmul.imageBase, matmul.sums,
                              b.constI64(0), matmul.inputBase};
  for (const Stage &stage : getProductStages(getBlock(first), products))
    stage();
  SmallVector<Value> carried = first;
  carried.append({products, b.offset(products, setBytes)});
  Value turns = b.sub(b.mul(matmul.rowTiles, matmul.groups), 1);
  carried = b.forLoop(
      b.constI64(0), turns, 1, carried, [&](Value, ValueRange values) {
        ValueRange state = values.take_front(kStateSize);
        Value ready = values[kStateSize], free = values[kStateSize + 1];
        SmallVector<Value> next = advance(state);
        SmallVector<Stage> multiplying = getProductStages(getBlock(next), free);
        SmallVector<Stage> scaling = getScaleStages(getBlock(state), ready);
        size_t done = 0;
        for (size_t i = 0; i < scaling.size(); ++i) {
          for (; done * scaling.size() < (i + 1) * (multiplying.size() - 1);
               ++done)
            multiplying[done]();
          scaling[i]();
        }
        multiplying.back()();
        next.append({free, ready});
        return next;
      });
  for (const Stage &stage :
       getScaleStages(getBlock(carried), carried[kStateSize]))
    stage();
}

/// The next block, which may be the next row tile's first.
SmallVector<Value> WidenedEmitter::advance(ValueRange state) {
  int64_t inputBytes = image.getK() / input.getK() * input.getBytes();
  int64_t tileBytes = input.getPanelOffset(kRows, matmul.columns);
  int64_t sumBytes = panels * kRows * kTileRowBytes;
  Value group = b.add(state[kGroup], 1);
  Value isNew = b.cmpI(arith::CmpIPredicate::eq, group, matmul.groups);
  Value rowTile = b.offset(state[kRowTile], tileBytes);
  auto choose = [&](Value ifNew, Value otherwise) {
    return b.select(isNew, ifNew, otherwise);
  };
  return {choose(rowTile, b.offset(state[kInput], inputBytes)),
          choose(matmul.imageBase, b.offset(state[kImage], image.getBytes())),
          choose(b.offset(state[kSums], sumBytes), state[kSums]),
          choose(b.constI64(0), group), choose(rowTile, state[kRowTile])};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A pair is the two products of one panel and one sub-block, in this order of
/// panels, then sub-blocks. Loads come a stage before the products, stores two
/// stages behind them, for what these take.
SmallVector<WidenedEmitter::Stage>
WidenedEmitter::getProductStages(const Block &block, Value products) {
  int64_t pairs = subBlocks * panels;
  SmallVector<Stage> stages;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    stages.push_back([=, this] {
      if (pair >= 2)
        storeProduct(products, pair - 2, 1);
      loadOperands(block, pair / panels, pair % panels);
    });
    stages.push_back([=, this] {
      if (pair >= 1)
        storeProduct(products, pair - 1, 0);
      multiply(pair);
    });
  }
  stages.push_back([=, this] {
    if (pairs >= 2)
      storeProduct(products, pairs - 2, 1);
    storeProduct(products, pairs - 1, 0);
    storeProduct(products, pairs - 1, 1);
  });
  return stages;
}

void WidenedEmitter::loadOperands(const Block &block, int64_t subBlock,
                                  int64_t panel) {
  int64_t k = subBlock * length;
  for (int64_t tile = 0; panel == 0 && tile < kTiles; ++tile)
    loadTile(b, kInputTile + tile,
             b.offset(block.input,
                      getInputByte(pack::kQuants, tile * kTileMaxRows, k)),
             *getRowStride(input, pack::kQuants));
  int64_t pair = subBlock * panels + panel;
  loadTile(b, kWeightTile + pair % 2,
           b.offset(block.image, panel * imageBytes +
                                     image.getByteOffset(pack::kOperand, 0, k)),
           image.getByteOffset(pack::kOperand, 0, k + 2) -
               image.getByteOffset(pack::kOperand, 0, k));
}

void WidenedEmitter::multiply(int64_t pair) {
  for (int64_t tile = 0; tile < kTiles; ++tile) {
    Value sum = getTile(b, kSumTile + pair % 2 * kTiles + tile);
    b.callIntrinsic("llvm.x86.tilezero", {sum});
    b.callIntrinsic("llvm.x86.tdpbf16ps", {sum, getTile(b, kInputTile + tile),
                                           getTile(b, kWeightTile + pair % 2)});
  }
}

/// Products lie [sub-block][panel][row of the tile][kLanes].
void WidenedEmitter::storeProduct(Value products, int64_t pair, int64_t tile) {
  storeTile(b, kSumTile + pair % 2 * kTiles + tile,
            b.offset(products, (pair * kTiles + tile) * kProductBytes),
            kTileRowBytes);
}

//===----------------------------------------------------------------------===//
// Scaling
//===----------------------------------------------------------------------===//

SmallVector<WidenedEmitter::Stage>
WidenedEmitter::getScaleStages(const Block &block, Value products) {
  SmallVector<Stage> stages;
  for (int64_t row = 0; row < kRows; row += groupRows)
    for (int64_t subBlock = 0; subBlock < subBlocks; ++subBlock)
      stages.push_back([=, this] { scale(block, products, row, subBlock); });
  return stages;
}

/// sums += float(integer sum) * (D * activation scale)
///       + min * (activation scale * sum of activation quants).
void WidenedEmitter::scale(const Block &block, Value products, int64_t firstRow,
                           int64_t subBlock) {
  auto getSum = [&](int64_t panel, int64_t row) {
    return (panel * kRows + firstRow + row) * kTileRowBytes;
  };
  if (subBlock == 0) {
    sums.clear();
    for (int64_t panel = 0; panel < panels; ++panel)
      for (int64_t row = 0; row < groupRows; ++row)
        sums.push_back(b.load(b.vec(b.f32()), block.sums, getSum(panel, row)));
  }
  int64_t k = subBlock * length;
  auto loadScales = [&](StringRef field) {
    SmallVector<Value> scales;
    for (int64_t panel = 0; image.getField(field) && panel < panels; ++panel)
      scales.push_back(
          b.load(b.vec(b.f32()), block.image,
                 panel * imageBytes + image.getByteOffset(field, 0, k)));
    return scales;
  };
  SmallVector<Value> scales = loadScales(pack::kBlockScale);
  SmallVector<Value> minima = loadScales(pack::kBlockMin);
  auto loadInput = [&](StringRef field, int64_t row) {
    return b.splat(
        b.load(b.f32(), block.input, getInputByte(field, firstRow + row, k)));
  };
  int64_t productSet = subBlock * panels * kRows * kTileRowBytes;
  for (int64_t row = 0; row < groupRows; ++row) {
    Value inputScale = loadInput(pack::kScale, row);
    for (int64_t panel = 0; panel < panels; ++panel) {
      Value &sum = sums[panel * groupRows + row];
      Value dot =
          b.load(b.vec(b.f32()), products, productSet + getSum(panel, row));
      sum = b.fma(dot, b.mul(scales[panel], inputScale), sum);
    }
    if (minima.empty())
      continue;
    Value inputSum = loadInput(pack::getSumField(length), row);
    for (int64_t panel = 0; panel < panels; ++panel) {
      Value &sum = sums[panel * groupRows + row];
      sum = b.fma(minima[panel], inputSum, sum);
    }
  }
  if (subBlock + 1 == subBlocks)
    for (int64_t panel = 0; panel < panels; ++panel)
      for (int64_t row = 0; row < groupRows; ++row)
        b.store(sums[panel * groupRows + row], block.sums, getSum(panel, row));
}
