//===- Layouts.cpp - The catalogue of layouts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each layout is written as its index maps; the constructor of the attribute
// checks that no two elements overlap.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/Layouts.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::pack;

namespace {

/// Collects the fields of one layout.
class LayoutBuilder {
public:
  LayoutBuilder(MLIRContext *context, Type source, int64_t rows, int64_t k)
      : context(context), source(source), rows(rows), k(k),
        n(getAffineDimExpr(0, context)), j(getAffineDimExpr(1, context)) {}

  /// Adds a field; `bit` is its index map in terms of `n` and `j`. Sums in it
  /// are written from left to right, without inner parentheses: as the parser
  /// reads them, so that a layout's text gives the same layout back.
  void add(StringRef name, int64_t bits, int64_t unit, AffineExpr bit,
           int64_t flip = 0) {
    AffineMap map = AffineMap::get(2, 0, bit);
    fields.push_back(FieldAttr::get(context, StringAttr::get(context, name),
                                    bits, unit, flip, AffineMapAttr::get(map)));
  }

  LayoutAttr finish(const Twine &name, int64_t bytes, int64_t align) {
    return LayoutAttr::get(context, StringAttr::get(context, name), source,
                           rows, k, bytes, align,
                           ArrayAttr::get(context, fields));
  }

private:
  MLIRContext *context;
  Type source;
  int64_t rows, k;
  SmallVector<Attribute> fields;

public:
  AffineExpr n, j;
};

} // namespace

static int64_t getBits(Type type) { return type.getIntOrFloatBitWidth(); }

static std::string getTypeName(Type elementType) {
  return model::getGgmlTypeInfo(*model::getGgmlType(elementType)).name.str();
}

LayoutAttr pack::getMappedLayout(MLIRContext *context, Type elementType) {
  using model::GgmlType;
  std::optional<GgmlType> type = model::getGgmlType(elementType);
  if (!type)
    return {};
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(*type);
  std::string name = "mapped." + info.name.str();
  if (info.kind != model::GgmlKind::Block) {
    LayoutBuilder b(context, elementType, 1, 1);
    b.add(kValues, getBits(elementType), 1, b.n * 0);
    return b.finish(name, info.blockBytes, 1);
  }
  LayoutBuilder b(context, elementType, 1, info.blockElems);
  switch (*type) {
  case GgmlType::Q8_0:
    b.add(kScale, 16, 32, b.n * 0);
    b.add(kQuants, 8, 1, b.j * 8 + 16);
    break;
  case GgmlType::Q4_0:
    // Byte i holds element i in its low and element i + 16 in its high half.
    b.add(kScale, 16, 32, b.n * 0);
    b.add(kQuants, 4, 1, (b.j % 16) * 8 + b.j.floorDiv(16) * 4 + 16);
    break;
  default:
    return {};
  }
  return b.finish(name, info.blockBytes, 1);
}

/// [k][16 rows], as many k as fill 64 bytes.
static LayoutAttr getFloatPanelLayout(MLIRContext *context, Type type) {
  int64_t bits = getBits(type), k = 512 / (kPanelRows * bits);
  LayoutBuilder b(context, type, kPanelRows, k);
  b.add(kValues, bits, 1, b.j * (kPanelRows * bits) + b.n * bits);
  return b.finish(getTypeName(type) + ".n16k" + Twine(k), 64, 64);
}

LayoutAttr pack::getPanelLayout(MLIRContext *context, Type elementType,
                                int64_t flip) {
  using model::GgmlType;
  std::optional<GgmlType> type = model::getGgmlType(elementType);
  if (!type)
    return {};
  constexpr int64_t kVectorBits = 512, kScaleBits = kPanelRows * 16;
  LayoutBuilder b(context, elementType, kPanelRows, 64);
  switch (*type) {
  case GgmlType::F32:
  case GgmlType::F16:
  case GgmlType::BF16:
    return getFloatPanelLayout(context, elementType);
  case GgmlType::Q8_0:
    b.add(kQuants, 8, 1,
          b.j.floorDiv(4) * kVectorBits + b.n * 32 + (b.j % 4) * 8, flip);
    b.add(kScale, 16, 32, b.j * kScaleBits + b.n * 16 + 16 * kVectorBits);
    return b.finish(flip ? "q8_0.n16k64u" : "q8_0.n16k64", 17 * 64, 64);
  case GgmlType::Q4_0:
    b.add(kQuants, 4, 1,
          b.j.floorDiv(32) * (4 * kVectorBits) +
              (b.j % 16).floorDiv(4) * kVectorBits + b.n * 32 + (b.j % 4) * 8 +
              (b.j % 32).floorDiv(16) * 4);
    b.add(kScale, 16, 32, b.j * kScaleBits + b.n * 16 + 8 * kVectorBits);
    return b.finish("q4_0.n16k64", 9 * 64, 64);
  default:
    return {};
  }
}

int64_t pack::getQuantOffset(LayoutAttr layout) {
  std::optional<model::GgmlType> type = model::getGgmlType(layout.getSource());
  int64_t zeroPoint = type == model::GgmlType::Q4_0 ? 8 : 0;
  return zeroPoint + layout.getField(kQuants).getFlip();
}

std::string pack::getStartField(int64_t offset) {
  return "start" + std::to_string(offset);
}

LayoutAttr pack::getQuantizedActivationLayout(MLIRContext *context,
                                              int64_t rowTile,
                                              ArrayRef<int64_t> offsets) {
  LayoutBuilder b(context, Float32Type::get(context), rowTile,
                  kActivationBlock);
  b.add(kQuants, 8, 1,
        b.j.floorDiv(4) * (rowTile * 32) + b.n * 32 + (b.j % 4) * 8);
  int64_t bit = rowTile * kActivationBlock * 8;
  std::string name = "i8.m" + std::to_string(rowTile) + "k32";
  for (int64_t offset : offsets) {
    b.add(getStartField(offset), 32, kActivationBlock, b.n * 32 + bit);
    bit += rowTile * 32;
    name += "s" + std::to_string(offset);
  }
  b.add(kScale, 32, kActivationBlock, b.n * 32 + bit);
  return b.finish(name, (bit + rowTile * 32) / 8, 4);
}

LayoutAttr pack::getFloatActivationLayout(MLIRContext *context,
                                          int64_t rowTile) {
  LayoutBuilder b(context, Float32Type::get(context), rowTile, 1);
  b.add(kValues, 32, 1, b.n * 32);
  return b.finish("f32.m" + Twine(rowTile) + "k1", rowTile * 4, 4);
}

LayoutAttr pack::getKeyPageLayout(MLIRContext *context, Type elementType,
                                  int64_t pageTokens, int64_t keyDim) {
  int64_t bits = getBits(elementType);
  LayoutBuilder b(context, elementType, pageTokens, keyDim);
  b.add(kValues, bits, 1, b.j * (pageTokens * bits) + b.n * bits);
  return b.finish(getTypeName(elementType) + ".key" + Twine(keyDim),
                  pageTokens * keyDim * bits / 8, 2);
}

LayoutAttr pack::getValuePageLayout(MLIRContext *context, Type elementType,
                                    int64_t pageTokens, int64_t valueDim) {
  int64_t bits = getBits(elementType);
  LayoutBuilder b(context, elementType, pageTokens, valueDim);
  b.add(kValues, bits, 1, b.n * (valueDim * bits) + b.j * bits);
  return b.finish(getTypeName(elementType) + ".value" + Twine(valueDim),
                  pageTokens * valueDim * bits / 8, 2);
}
