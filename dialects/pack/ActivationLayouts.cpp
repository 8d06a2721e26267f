//===- ActivationLayouts.cpp - Layouts of activations and of the cache
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernels write for other kernels to read.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/LayoutBuilder.h"
#include "dialects/pack/Layouts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::pack;

std::string pack::getStartField(int64_t offset, int64_t unit) {
  return "start" + std::to_string(offset) + "x" + std::to_string(unit);
}

std::string pack::getSumField(int64_t unit) {
  return "sum" + std::to_string(unit);
}

ActivationNeeds pack::getActivationNeeds(LayoutAttr weight) {
  const BlockFormat &format = getBlockFormat(weight);
  ActivationNeeds needs;
  if (int64_t offset = getQuantOffset(weight))
    needs.starts.insert({offset, format.subBlock});
  if (format.joinsSubBlocks)
    if (int64_t offset = -getOperandProducts(weight).least)
      needs.starts.insert({offset, format.getSumLength()});
  if (format.min != MinKind::None)
    needs.sums.insert(format.subBlock);
  return needs;
}

std::optional<ActivationNeeds> pack::getHeldNeeds(LayoutAttr activation) {
  ActivationNeeds needs;
  for (auto field : activation.getFields().getAsRange<FieldAttr>()) {
    StringRef name = field.getName().getValue();
    int64_t offset = 0;
    if (name == kQuants || name == kScale)
      continue;
    if (name == getSumField(field.getUnit()))
      needs.sums.insert(field.getUnit());
    else if (name.consume_front("start") && !name.consumeInteger(10, offset) &&
             field.getName() == getStartField(offset, field.getUnit()))
      needs.starts.insert({offset, field.getUnit()});
    else
      return std::nullopt;
  }
  return needs;
}

/// Behind the quants, whose field of `quantBits` bits each `b` has, the needs
/// and the scales.
static LayoutAttr addNeeds(LayoutBuilder &b, std::string name, int64_t rowTile,
                           const ActivationNeeds &needs, int64_t align = 4,
                           int64_t quantBits = 8) {
  int64_t bit = rowTile * kActivationBlock * quantBits;
  auto addWords = [&](const std::string &field, int64_t unit) {
    b.add(field, 32, unit, b.j * (rowTile * 32) + b.n * 32 + bit);
    bit += kActivationBlock / unit * rowTile * 32;
  };
  for (auto [offset, unit] : needs.starts) {
    addWords(getStartField(offset, unit), unit);
    name += "." + getStartField(offset, unit);
  }
  for (int64_t unit : needs.sums) {
    addWords(getSumField(unit), unit);
    name += "." + getSumField(unit);
  }
  addWords(kScale.str(), kActivationBlock);
  return b.finish(name, llvm::alignTo(bit / 8, align), align);
}

static void addQuads(LayoutBuilder &b, int64_t rowTile) {
  b.add(kQuants, 8, 1,
        b.j.floorDiv(4) * (rowTile * 32) + b.n * 32 + (b.j % 4) * 8);
}

LayoutAttr pack::getQuantizedActivationLayout(MLIRContext *context,
                                              int64_t rowTile,
                                              const ActivationNeeds &needs) {
  LayoutBuilder b(context, Float32Type::get(context), rowTile,
                  kActivationBlock);
  addQuads(b, rowTile);
  return addNeeds(b, "i8.m" + std::to_string(rowTile) + "k32", rowTile, needs);
}

/// A register of Z and a cache line; a cache line of AMD's GPUs.
static constexpr int64_t kQuadTileAlign = 64, kWaveTileAlign = 128;

static LayoutAttr getTileLayout(MLIRContext *context, StringRef suffix,
                                const ActivationNeeds &needs, int64_t align) {
  LayoutBuilder b(context, Float32Type::get(context), kQuadTileRows,
                  kActivationBlock);
  addQuads(b, kQuadTileRows);
  std::string name = "i8.m" + std::to_string(kQuadTileRows) + "k32";
  return addNeeds(b, name + suffix.str(), kQuadTileRows, {{}, needs.sums},
                  align);
}

static bool isTileLayout(LayoutAttr activation, int64_t align) {
  return activation.getRows() == kQuadTileRows &&
         activation.getAlign() == align && activation.getField(kQuants) &&
         activation.getField(kScale);
}

LayoutAttr pack::getQuadTileActivationLayout(MLIRContext *context,
                                             const ActivationNeeds &needs) {
  return getTileLayout(context, ".tile", needs, kQuadTileAlign);
}

bool pack::hasQuadTiles(LayoutAttr activation) {
  return isTileLayout(activation, kQuadTileAlign);
}

LayoutAttr pack::getWaveTileActivationLayout(MLIRContext *context,
                                             const ActivationNeeds &needs) {
  return getTileLayout(context, ".wave", needs, kWaveTileAlign);
}

bool pack::hasWaveTiles(LayoutAttr activation) {
  return isTileLayout(activation, kWaveTileAlign);
}

LayoutAttr pack::getPairActivationLayout(MLIRContext *context,
                                         const ActivationNeeds &needs) {
  LayoutBuilder b(context, Float32Type::get(context), kPairTileRows,
                  kActivationBlock);
  b.add(kQuants, 8, 1,
        b.j.floorDiv(2) * (kPairTileRows * 16) + b.n * 16 + (b.j % 2) * 8);
  return addNeeds(b, "i8.m" + std::to_string(kPairTileRows) + "k32.pairs",
                  kPairTileRows, needs, kRegisterPairBytes);
}

bool pack::hasQuantPairs(LayoutAttr activation) {
  FieldAttr quants = activation.getField(kQuants);
  return activation.getRows() > 1 && quants && quants.getBits() == 8 &&
         activation.getByteOffset(kQuants, 1, 0) ==
             activation.getByteOffset(kQuants, 0, 0) + 2;
}

ActivationNeeds pack::getOuterNeeds(LayoutAttr weight) {
  const BlockFormat &format = getBlockFormat(weight);
  ActivationNeeds needs;
  if (int64_t center = getOuterSums(weight).center)
    needs.starts.insert({center, format.getSumLength()});
  if (format.min != MinKind::None)
    needs.sums.insert(format.subBlock);
  return needs;
}

LayoutAttr pack::getRowActivationLayout(MLIRContext *context, int64_t rowTile,
                                        const ActivationNeeds &needs) {
  LayoutBuilder b(context, Float32Type::get(context), rowTile,
                  kActivationBlock);
  b.add(kQuants, 8, 1, b.n * (kActivationBlock * 8) + b.j * 8);
  return addNeeds(b, "i8.m" + std::to_string(rowTile) + "k32.rows", rowTile,
                  {{}, needs.sums});
}

bool pack::hasQuantRows(LayoutAttr activation) {
  return activation.getRows() > 1 && activation.getField(kQuants) &&
         activation.getByteOffset(kQuants, 0, 4) ==
             activation.getByteOffset(kQuants, 0, 0) + 4;
}

LayoutAttr pack::getWidenedActivationLayout(MLIRContext *context,
                                            int64_t rowTile,
                                            const ActivationNeeds &needs) {
  constexpr int64_t kBits = 16;
  LayoutBuilder b(context, Float32Type::get(context), rowTile,
                  kActivationBlock);
  b.add(kQuants, kBits, 1,
        b.n * (kActivationBlock * kBits) + b.j.floorDiv(4) * (4 * kBits) +
            (b.j % 2) * (2 * kBits) + (b.j % 4).floorDiv(2) * kBits);
  return addNeeds(b, "bf16.m" + std::to_string(rowTile) + "k32.rows", rowTile,
                  {{}, needs.sums}, /*align=*/64, kBits);
}

bool pack::hasWidenedQuants(LayoutAttr activation) {
  FieldAttr quants = activation.getField(kQuants);
  return quants && quants.getBits() == 16;
}

LayoutAttr pack::getFloatActivationLayout(MLIRContext *context,
                                          int64_t rowTile) {
  LayoutBuilder b(context, Float32Type::get(context), rowTile, 1);
  b.add(kValues, 32, 1, b.n * 32);
  return b.finish("f32.m" + Twine(rowTile) + "k1", rowTile * 4, 4);
}

LayoutAttr pack::getPartActivationLayout(MLIRContext *context,
                                         int64_t rowTile) {
  constexpr int64_t kBits = 16, kRowBits = kActivationBlock * kBits;
  LayoutBuilder b(context, Float32Type::get(context), rowTile,
                  kActivationBlock);
  int64_t bit = 0;
  for (StringRef part : kParts) {
    b.add(part, kBits, 1, b.n * kRowBits + b.j * kBits + bit);
    bit += rowTile * kRowBits;
  }
  return b.finish("bf16x3.m" + Twine(rowTile) + "k32", bit / 8, 64);
}

bool pack::hasParts(LayoutAttr activation) {
  return llvm::all_of(
      kParts, [&](StringRef part) { return activation.getField(part); });
}

//===----------------------------------------------------------------------===//
// Pages of the cache
//===----------------------------------------------------------------------===//

/// One head's page of an element type. `getBit(width, bits)` is where element
/// (token n, j) lies in a field with `width` of them, of `bits` bits, a token.
static LayoutAttr
getPageLayout(LayoutBuilder b, Type elementType, StringRef suffix,
              int64_t pageTokens, int64_t dim,
              function_ref<AffineExpr(int64_t width, int64_t bits)> getBit) {
  const model::GgmlTypeInfo &info =
      model::getGgmlTypeInfo(*model::getGgmlType(elementType));
  std::string name = (info.name + suffix + Twine(dim)).str();
  if (info.kind != model::GgmlKind::Block) {
    int64_t bits = info.blockBytes * 8;
    b.add(kValues, bits, 1, getBit(dim, bits));
    return b.finish(name, pageTokens * dim * info.blockBytes, 2);
  }
  // Q8_0: quants, then scales.
  int64_t blocks = dim / info.blockElems;
  if (info.type != model::GgmlType::Q8_0 || dim % info.blockElems != 0)
    return {};
  b.add(kQuants, 8, 1, getBit(dim, 8));
  b.add(kScale, 16, info.blockElems, getBit(blocks, 16) + pageTokens * dim * 8);
  return b.finish(name, pageTokens * blocks * info.blockBytes, 2);
}

LayoutAttr pack::getKeyPageLayout(MLIRContext *context, Type elementType,
                                  int64_t pageTokens, int64_t keyDim) {
  LayoutBuilder b(context, elementType, pageTokens, keyDim);
  return getPageLayout(b, elementType, ".key", pageTokens, keyDim,
                       [&](int64_t, int64_t bits) {
                         return b.j * (pageTokens * bits) + b.n * bits;
                       });
}

LayoutAttr pack::getValuePageLayout(MLIRContext *context, Type elementType,
                                    int64_t pageTokens, int64_t valueDim) {
  LayoutBuilder b(context, elementType, pageTokens, valueDim);
  return getPageLayout(b, elementType, ".value", pageTokens, valueDim,
                       [&](int64_t width, int64_t bits) {
                         return b.n * (width * bits) + b.j * bits;
                       });
}
