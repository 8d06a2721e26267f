//===- CachePages.cpp - How kernels read and write pages of the cache
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asks the layouts, and quantises blocks:
//
//   two vectors of f32  ==>  largest magnitude  ==>  f16 scale  ==>  quants
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/CachePages.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/Math.h"
#include "dialects/pack/BlockFormats.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

/// Strides of either kind of page. A stride along k that only one element
/// would use is that of a contiguous row.
static std::optional<CachePage> getPage(pack::LayoutAttr layout, int64_t dim) {
  if (layout.getRows() != MODELC_PAGE_TOKENS || layout.getK() != dim)
    return std::nullopt;
  CachePage page = {};
  page.hasScales =
      layout.getSource() ==
      model::getElementType(layout.getContext(), model::GgmlType::Q8_0);
  if (!page.hasScales && !layout.getSource().isF16())
    return std::nullopt;
  page.dim = dim;
  page.field = page.hasScales ? pack::kQuants : pack::kValues;
  page.elementBytes = page.hasScales ? 1 : sizeof(uint16_t);
  std::optional<int64_t> rowStride = getRowStride(layout, page.field);
  std::optional<int64_t> elementStride =
      dim == 1 ? page.elementBytes : getElementStride(layout, page.field);
  if (!rowStride || !elementStride)
    return std::nullopt;
  page.first = layout.getByteOffset(page.field, 0, 0);
  page.rowStride = *rowStride;
  page.elementStride = *elementStride;
  if (!page.hasScales)
    return page;
  pack::FieldAttr scale = layout.getField(pack::kScale);
  std::optional<int64_t> scaleRowStride = getRowStride(layout, pack::kScale);
  if (!scaleRowStride || scale.getUnit() != 2 * kLanes)
    return std::nullopt;
  std::optional<int64_t> scaleStride =
      dim == scale.getUnit() ? int64_t(sizeof(uint16_t))
                             : getElementStride(layout, pack::kScale);
  if (!scaleStride)
    return std::nullopt;
  page.blockElems = scale.getUnit();
  page.firstScale = layout.getByteOffset(pack::kScale, 0, 0);
  page.scaleRowStride = *scaleRowStride;
  page.scaleStride = *scaleStride;
  return page;
}

std::optional<CachePage> codegen::getKeyPage(pack::LayoutAttr layout,
                                             int64_t dim) {
  std::optional<CachePage> page = getPage(layout, dim);
  if (!page || !hasRowVectors(layout, page->field) ||
      (page->hasScales && !hasRowVectors(layout, pack::kScale)))
    return std::nullopt;
  return page;
}

std::optional<CachePage> codegen::getValuePage(pack::LayoutAttr layout,
                                               int64_t dim) {
  std::optional<CachePage> page = getPage(layout, dim);
  if (!page || page->elementStride != page->elementBytes)
    return std::nullopt;
  return page;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Value codegen::loadElements(KernelBuilder &b, const CachePage &page,
                            Value pointer, int64_t bytes, int64_t lanes,
                            Value scales) {
  Value x =
      b.loadFloats(page.getElementType(b), pointer, page.first + bytes, lanes);
  return page.hasScales ? b.mul(x, scales) : x;
}

SmallVector<Value> codegen::forEachKeyElement(KernelBuilder &b,
                                              const CachePage &layout,
                                              const KeyVectors &keys,
                                              ValueRange initial,
                                              AddKeyElement body) {
  SmallVector<Value> scales(keys.vectors);
  auto addRange = [&](Value begin, Value end, ValueRange sums) {
    return b.forLoop(begin, end, 1, sums, [&](Value d, ValueRange carried) {
      return body(d, carried, scales);
    });
  };
  if (!layout.hasScales)
    return addRange(b.constI64(0), b.constI64(layout.dim), initial);
  Value positions =
      b.offset(keys.page, b.mul(keys.first, layout.scaleRowStride));
  auto addBlock = [&](Value begin, ValueRange sums) {
    Value block = b.divU(begin, layout.blockElems);
    Value source = b.offset(positions, b.mul(block, layout.scaleStride));
    for (int64_t v = 0; v < keys.vectors; ++v)
      scales[v] =
          b.loadFloats(b.f16(), source,
                       layout.firstScale + v * kLanes * layout.scaleRowStride);
    return addRange(begin, b.add(begin, layout.blockElems), sums);
  };
  return b.forLoop(b.constI64(0), b.constI64(layout.dim), layout.blockElems,
                   initial, addBlock);
}

void codegen::prefetchPart(KernelBuilder &b, Value pointer, Value turn,
                           int64_t bytes) {
  constexpr int64_t kCacheLine = 64;
  Value part = b.offset(pointer, b.mul(turn, bytes));
  for (int64_t at = 0; at < bytes; at += kCacheLine)
    b.prefetch(part, at);
}

/// Vectors of positions, one for each of kLanes elements, to vectors of
/// elements, one for each position. Each round deals the two halves of the
/// vectors out in turns, which turns the bits of a number's place (vector,
/// lane) by one.
static SmallVector<Value> transpose(KernelBuilder &b, SmallVector<Value> x) {
  constexpr int32_t kHalf = kLanes / 2;
  SmallVector<int32_t> low, high;
  for (int32_t i = 0; i < kHalf; ++i) {
    low.append({i, i + static_cast<int32_t>(kLanes)});
    high.append({i + kHalf, i + kHalf + static_cast<int32_t>(kLanes)});
  }
  for (int64_t round = 1; round < kLanes; round *= 2) {
    SmallVector<Value> next;
    for (int32_t i = 0; i < kHalf; ++i) {
      next.push_back(b.shuffle(x[i], x[i + kHalf], low));
      next.push_back(b.shuffle(x[i], x[i + kHalf], high));
    }
    x = next;
  }
  return x;
}

CachePage codegen::getTurnedPage(int64_t vectors) {
  CachePage page = {};
  page.elementBytes = page.elementStride = sizeof(float);
  page.rowStride = vectors * kLanes * sizeof(float);
  page.isTurned = true;
  return page;
}

void codegen::emitTurnedKeys(KernelBuilder &b, const CachePage &layout,
                             const KeyElements &keys, Value target) {
  int64_t rowBytes = getTurnedPage(keys.vectorLanes.size()).rowStride;
  b.forLoop(b.constI64(0), keys.limit, kLanes, [&](Value position) {
    Value elements = b.offset(keys.page, b.mul(position, layout.rowStride));
    Value scales = b.offset(keys.page, b.mul(position, layout.scaleRowStride));
    auto load = [&](Value d) {
      Value scale;
      if (layout.hasScales) {
        Value block = b.divU(d, layout.blockElems);
        scale = b.loadFloats(b.f16(),
                             b.offset(scales, b.mul(block, layout.scaleStride)),
                             layout.firstScale);
      }
      Value element = b.offset(elements, b.mul(d, layout.elementStride));
      return loadElements(b, layout, element, 0, kLanes, scale);
    };
    for (auto [v, lanes] : llvm::enumerate(keys.vectorLanes)) {
      int64_t firstLane = static_cast<int64_t>(v) * kLanes;
      SmallVector<Value> x(kLanes, b.splatF32(0));
      for (int64_t i = 0; i < lanes; ++i)
        x[i] = load(b.add(keys.first, firstLane + i));
      Value rows = b.offset(target, b.mul(position, rowBytes));
      for (auto [i, row] : llvm::enumerate(transpose(b, x)))
        b.store(row, rows,
                static_cast<int64_t>(i) * rowBytes +
                    firstLane * static_cast<int64_t>(sizeof(float)));
    }
  });
}

Value codegen::splatValueScale(KernelBuilder &b, const CachePage &layout,
                               Value page, Value position, Value element) {
  Value block = b.divU(element, layout.blockElems);
  Value bytes = b.add(b.mul(position, layout.scaleRowStride),
                      b.mul(block, layout.scaleStride));
  return b.toF32(
      b.splat(b.load(b.f16(), b.offset(page, bytes), layout.firstScale)));
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

CachedBlock codegen::emitCachedBlock(KernelBuilder &b, ArrayRef<Value> x) {
  using Predicate = arith::CmpIPredicate;
  Value m = b.bitcast(emitLargestMagnitude(b, x), b.f32());
  Value scale = b.roundTo(b.div(m, b.constF32(127)), b.f16());
  // m, and so the scale, has no sign: the bits of a NaN are above those of
  // infinity, which are above those of numbers.
  Value bits = b.extendU(b.bitcast(scale, b.i16()), b.i32());
  Value isNumber = b.cmpI(Predicate::ult, bits, b.constI32(0x7c00));
  Value hasQuants =
      b.bitAnd(isNumber, b.cmpI(Predicate::ne, bits, b.constI32(0)));
  Value nan = b.bitcast(b.truncate(b.constI32(0x7e00), b.i16()), b.f16());
  CachedBlock block;
  block.scale = b.select(isNumber, scale, nan);
  Value inverse = b.splat(
      b.select(hasQuants, b.div(b.constF32(1), b.toF32(scale)), b.constF32(0)));
  // Only where the scale is subnormal can a quotient exceed 127 by a half.
  Value most = b.splatI32(127), least = b.splatI32(-127);
  for (Value values : x) {
    // Conversion of what does not fit an integer would be undefined.
    Value safe = b.select(hasQuants, values, b.splatF32(0));
    Value q = b.floatToInt(b.roundEven(b.mul(safe, inverse)), b.i32());
    block.quants.push_back(b.truncate(b.minS(b.maxS(q, least), most), b.i8()));
  }
  return block;
}
