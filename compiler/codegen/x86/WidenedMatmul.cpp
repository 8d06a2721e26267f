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
// scale them and add them to the sums, a few rows at a time, whose sums stay in
// registers meanwhile. No window of instructions is so large that
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
#include "llvm/ADT/bit.h"
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

/// What is scaled at once: a row's products of one sub-block.
struct Part {
  int64_t row, subBlock;
};

/// Where a block is.
struct Block {
  Value input; ///< Its first group of activations.
  Value image; ///< Its group of the first image.
  Value sums;  ///< Those of its row tile.
  Value from;  ///< The same before the block.
};

class WidenedEmitter {
public:
  WidenedEmitter(KernelBuilder &b, const WidenedMatmul &matmul);

  void emit();

private:
  using Stage = std::function<void()>;

  Value getFirstSums(Value sums);
  SmallVector<Value> advance(ValueRange state);
  SmallVector<Stage> getProductStages(const Block &block, Value products);
  SmallVector<Stage> getScaleStages(const Block &block, Value products);
  void loadInputTile(const Block &block, int64_t subBlock, int64_t tile);
  void loadWeightTile(const Block &block, int64_t pair);
  void multiply(int64_t pair, int64_t tile);
  void storeProduct(Value products, int64_t pair, int64_t tile);
  SmallVector<Value> loadScales(const Block &block, StringRef field);
  SmallVector<Value> loadInputs(const Block &block, const Part &part);
  void scale(const Block &block, Value products, const Part &part,
             ArrayRef<Value> inputs);

  /// From the block's first group of activations to element k of a row.
  int64_t getInputByte(StringRef field, int64_t row, int64_t k) const {
    return k / input.getK() * input.getBytes() +
           input.getByteOffset(field, row, k);
  }

  KernelBuilder &b;
  const WidenedMatmul &matmul;
  pack::LayoutAttr image, input;
  int64_t length;     ///< Of a sub-block.
  int64_t subBlocks;  ///< Of a block.
  int64_t panels;     ///< Multiplied at once.
  int64_t imageBytes; ///< From one image to the next.
  /// Of the block being scaled, [sub-block][panel], and of a row, [panel].
  SmallVector<Value> scales, minima, sums;
  SmallVector<Value> inputs; ///< loadInputs() of the next part.
};

} // namespace

static int64_t getLength(pack::LayoutAttr image) {
  return image.getField(pack::kBlockScale).getUnit();
}

/// True if the i-th word of a row of A meets word i % 2 of row i / 2 of B.
static bool hasSamePairs(pack::LayoutAttr image, pack::LayoutAttr input) {
  std::optional<SmallVector<int64_t>> order = getRowOrder(input, pack::kQuants);
  for (int64_t i = 0; order && i < input.getK(); ++i) {
    int64_t word = (i % 2) * static_cast<int64_t>(sizeof(uint16_t));
    if (image.getByteOffset(pack::kOperand, 0, (*order)[i]) !=
        i / 2 * kTileRowBytes + word)
      return false;
  }
  return order.has_value();
}

bool codegen::canMultiplyWidened(pack::LayoutAttr weight,
                                 pack::LayoutAttr input,
                                 const target::TargetSpec &target) {
  return target.widened && weight.getRows() == kTileMaxRows &&
         StoredQuads::canRead(weight) && input.getRows() == kRows &&
         input.getK() == pack::kActivationBlock &&
         hasSamePairs(pack::getWidenedImageLayout(weight), input);
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

/// The quants that stored ones of few bits stand for, as bf16 numbers, by their
/// stored bits; nothing for other types. VPERMW looks up in 32 words.
static SmallVector<uint16_t> makeLookUpTable(pack::LayoutAttr panel) {
  constexpr int64_t kWords = 32;
  const pack::BlockFormat &format = pack::getBlockFormat(panel);
  pack::FieldAttr low = panel.getField(pack::kQuants);
  if (format.getQuantKind() != pack::QuantKind::Planes || !low)
    return {};
  pack::FieldAttr high = panel.getField(pack::kQuantsHigh);
  int64_t quants = int64_t(1) << (low.getBits() + (high ? high.getBits() : 0));
  if (quants > kWords)
    return {};
  SmallVector<uint16_t> table;
  for (int64_t i = 0; i < kWords; ++i) {
    int64_t stored = i % quants;
    int64_t quant = stored - pack::getQuantOffset(panel);
    if (!format.codebook.empty())
      quant = format.codebook[stored];
    table.push_back(static_cast<uint16_t>(
        llvm::bit_cast<uint32_t>(static_cast<float>(quant)) >> 16));
  }
  return table;
}

/// A pair is k and k + 2 of a quad, so a word of its bytes has one of each pair
/// in its lower byte, and one of the other in its upper. Stored quants of few
/// bits, which are words whose upper bits do not matter, are looked up.
static void unpackByLookUp(KernelBuilder &b, const UnpackStep &step,
                           ArrayRef<uint16_t> table) {
  VectorType words = cast<VectorType>(b.vec(b.i16(), table.size()));
  Value quants = b.constVector(words, table);
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  for (int64_t k = 0; k < step.elements; k += 4) {
    Value stored = b.bitcast(quads.get(k), words);
    for (int64_t pair = 0; pair < 2; ++pair) {
      Value index = pair == 0 ? stored : b.shrU(stored, b.constLike(stored, 8));
      b.store(b.callIntrinsic(words, "llvm.x86.avx512.permvar.hi.512",
                              {quants, index}),
              step.image, step.getByte(k + pair));
    }
  }
}

/// Else each byte of the quads is taken out, with its sign, by a dot product
/// with one 1 and three 0; the upper half of its float is the bf16 number, and
/// all of it.
void codegen::unpackWidened(KernelBuilder &b, const UnpackStep &step) {
  SmallVector<uint16_t> table = makeLookUpTable(step.panel.layout);
  if (!table.empty())
    return unpackByLookUp(b, step, table);
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
    for (int64_t pair = 0; pair < 2; ++pair) {
      Value low = b.shrU(toFloatBits(pair), b.splatI32(16));
      b.store(b.bitOr(low, toFloatBits(pair + 2)), step.image,
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
      panels(matmul.panels),
      imageBytes(image.getPanelOffset(kLanes, matmul.imageColumns)),
      sums(panels) {
  assert(panels <= kMaxPanels && "more sums than registers");
}

/// What `emit` carries from turn to turn: the block being scaled, which group
/// it is, its row tile's first block; then the products of it and of the next.
enum State { kInput, kImage, kSums, kFrom, kGroup, kRowTile, kStateSize };

void WidenedEmitter::emit() {
  auto getBlock = [](ValueRange state) {
    return Block{state[kInput], state[kImage], state[kSums], state[kFrom]};
  };
  int64_t setBytes = subBlocks * panels * kTiles * kProductBytes;
  Value products = matmul.products;
  SmallVector<Value> first = {matmul.inputBase, matmul.imageBase,
                              matmul.sums,      getFirstSums(matmul.sums),
                              b.constI64(0),    matmul.inputBase};
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
          for (; done * scaling.size() < (i + 1) * multiplying.size(); ++done)
            multiplying[done]();
          scaling[i]();
        }
        next.append({free, ready});
        return next;
      });
  for (const Stage &stage :
       getScaleStages(getBlock(carried), carried[kStateSize]))
    stage();
}

/// Where the sums of a row tile lie before its first block.
Value WidenedEmitter::getFirstSums(Value sums) {
  return b.select(matmul.begins, matmul.zeros, sums);
}

/// The next block, which may be the next row tile's first.
SmallVector<Value> WidenedEmitter::advance(ValueRange state) {
  int64_t inputBytes = image.getK() / input.getK() * input.getBytes();
  int64_t tileBytes = input.getPanelOffset(kRows, matmul.columns);
  int64_t sumBytes = panels * kRows * kTileRowBytes;
  Value group = b.add(state[kGroup], 1);
  Value isNew = b.cmpI(arith::CmpIPredicate::eq, group, matmul.groups);
  Value rowTile = b.offset(state[kRowTile], tileBytes);
  Value sums = b.offset(state[kSums], sumBytes);
  auto choose = [&](Value ifNew, Value otherwise) {
    return b.select(isNew, ifNew, otherwise);
  };
  return {choose(rowTile, b.offset(state[kInput], inputBytes)),
          choose(matmul.imageBase, b.offset(state[kImage], image.getBytes())),
          choose(sums, state[kSums]),
          choose(getFirstSums(sums), state[kSums]),
          choose(b.constI64(0), group),
          choose(rowTile, state[kRowTile])};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A pair is the two products of one panel and one sub-block, in this order of
/// panels, then sub-blocks. Loads come a stage before the products, stores
/// three or four stages behind them, for what these take: what waits for a
/// product keeps others from being looked at.
SmallVector<WidenedEmitter::Stage>
WidenedEmitter::getProductStages(const Block &block, Value products) {
  int64_t pairs = subBlocks * panels;
  SmallVector<Stage> stages;
  auto add = [&](auto stage) { stages.push_back(stage); };
  auto loadInput = [&](int64_t pair) {
    for (int64_t tile = 0; pair < pairs && tile < kTiles; ++tile)
      add([=, this] { loadInputTile(block, pair / panels, tile); });
  };
  auto loadWeight = [&](int64_t pair) {
    if (pair < pairs)
      add([=, this] { loadWeightTile(block, pair); });
  };
  loadInput(0);
  loadWeight(0);
  for (int64_t pair = 0; pair <= pairs; ++pair) {
    loadWeight(pair + 1);
    for (int64_t tile = 0; pair < pairs && tile < kTiles; ++tile)
      add([=, this] { multiply(pair, tile); });
    if ((pair + 1) % panels == 0)
      loadInput(pair + 1);
    for (int64_t tile = 0; pair > 0 && tile < kTiles; ++tile)
      add([=, this] { storeProduct(products, pair - 1, tile); });
  }
  return stages;
}

void WidenedEmitter::loadInputTile(const Block &block, int64_t subBlock,
                                   int64_t tile) {
  loadTile(
      b, kInputTile + tile,
      b.offset(block.input, getInputByte(pack::kQuants, tile * kTileMaxRows,
                                         subBlock * length)),
      *getRowStride(input, pack::kQuants));
}

void WidenedEmitter::loadWeightTile(const Block &block, int64_t pair) {
  loadTile(
      b, kWeightTile + pair % 2,
      b.offset(block.image, pair % panels * imageBytes +
                                image.getByteOffset(pack::kOperand, 0,
                                                    pair / panels * length)),
      kTileRowBytes);
}

static int64_t getSumTile(int64_t pair, int64_t tile) {
  return kSumTile + pair % 2 * kTiles + tile;
}

void WidenedEmitter::multiply(int64_t pair, int64_t tile) {
  b.callIntrinsic("llvm.x86.tilezero", {getTile(b, getSumTile(pair, tile))});
  b.callIntrinsic("llvm.x86.tdpbf16ps", {getTile(b, getSumTile(pair, tile)),
                                         getTile(b, kInputTile + tile),
                                         getTile(b, kWeightTile + pair % 2)});
}

/// Products lie [sub-block][panel][row of the tile][kLanes].
void WidenedEmitter::storeProduct(Value products, int64_t pair, int64_t tile) {
  storeTile(b, getSumTile(pair, tile),
            b.offset(products, (pair * kTiles + tile) * kProductBytes),
            kTileRowBytes);
}

//===----------------------------------------------------------------------===//
// Scaling
//===----------------------------------------------------------------------===//

/// A stage for each row and sub-block, so that tiles are moved in between: the
/// CPU looks at a few dozen instructions that wait, less than a tile's rows.
/// The panels' floats of all sub-blocks stay in registers for all rows.
SmallVector<WidenedEmitter::Stage>
WidenedEmitter::getScaleStages(const Block &block, Value products) {
  SmallVector<Part> parts;
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t subBlock = 0; subBlock < subBlocks; ++subBlock)
      parts.push_back({row, subBlock});
  SmallVector<Stage> stages;
  stages.push_back([=, this] {
    scales = loadScales(block, pack::kBlockScale);
    minima = loadScales(block, pack::kBlockMin);
    inputs = loadInputs(block, parts.front());
  });
  for (size_t i = 0; i < parts.size(); ++i)
    stages.push_back([=, this] {
      SmallVector<Value> loaded = inputs;
      if (i + 1 < parts.size())
        inputs = loadInputs(block, parts[i + 1]);
      scale(block, products, parts[i], loaded);
    });
  return stages;
}

/// The panels' floats of a block, [sub-block][panel]; none without the field.
SmallVector<Value> WidenedEmitter::loadScales(const Block &block,
                                              StringRef field) {
  SmallVector<Value> floats;
  for (int64_t i = 0; image.getField(field) && i < subBlocks * panels; ++i)
    floats.push_back(
        b.load(b.vec(b.f32()), block.image,
               i % panels * imageBytes +
                   image.getByteOffset(field, 0, i / panels * length)));
  return floats;
}

/// What a row's activations have for a sub-block, in every lane: their scale
/// and, beside minima, the scaled sum of their quants.
SmallVector<Value> WidenedEmitter::loadInputs(const Block &block,
                                              const Part &part) {
  SmallVector<Value> floats;
  auto load = [&](StringRef field) {
    floats.push_back(
        b.splat(b.load(b.f32(), block.input,
                       getInputByte(field, part.row, part.subBlock * length))));
  };
  load(pack::kScale);
  if (image.getField(pack::kBlockMin))
    load(pack::getSumField(length));
  return floats;
}

/// sums += float(integer sum) * (D * activation scale)
///       + min * (activation scale * sum of activation quants).
void WidenedEmitter::scale(const Block &block, Value products, const Part &part,
                           ArrayRef<Value> inputs) {
  auto [row, subBlock] = part;
  auto getByte = [&, row = row](int64_t panel) {
    return (panel * kRows + row) * kTileRowBytes;
  };
  int64_t first = subBlock * panels; // Of the sub-block.
  for (int64_t panel = 0; panel < panels; ++panel) {
    if (subBlock == 0)
      sums[panel] = b.load(b.vec(b.f32()), block.from, getByte(panel));
    Value dot = b.load(b.vec(b.f32()), products,
                       first * kRows * kTileRowBytes + getByte(panel));
    sums[panel] =
        b.fma(dot, b.mul(scales[first + panel], inputs[0]), sums[panel]);
  }
  for (int64_t panel = 0; inputs.size() > 1 && panel < panels; ++panel)
    sums[panel] = b.fma(minima[first + panel], inputs[1], sums[panel]);
  for (int64_t panel = 0; subBlock + 1 == subBlocks && panel < panels; ++panel)
    b.store(sums[panel], block.sums, getByte(panel));
}
