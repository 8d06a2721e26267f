//===- FieldAccess.cpp - Vectors of a layout's elements
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/FieldAccess.h"

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;

bool codegen::hasRowVectors(pack::LayoutAttr layout, StringRef name) {
  pack::FieldAttr field = layout.getField(name);
  if (!field)
    return false;
  int64_t stride = std::max<int64_t>(8, field.getBits());
  for (int64_t k = 0; k < layout.getK(); k += field.getUnit())
    for (int64_t n = 0; n < layout.getRows(); ++n)
      if (layout.getBitOffset(name, n, k) !=
          layout.getBitOffset(name, 0, k) + n * stride)
        return false;
  return true;
}

bool codegen::hasQuadVectors(pack::LayoutAttr layout, StringRef name) {
  pack::FieldAttr field = layout.getField(name);
  int64_t unit = field ? field.getUnit() : 0;
  if (!field || layout.getK() % (4 * unit) != 0)
    return false;
  int64_t rowBits = getQuadWords(layout, name) * 32;
  for (int64_t j = 0; j < layout.getK() / unit; ++j)
    for (int64_t n = 0; n < layout.getRows(); ++n)
      if (layout.getBitOffset(name, n, j * unit) !=
          layout.getBitOffset(name, 0, j / 4 * 4 * unit) + n * rowBits +
              (j % 4) * 8)
        return false;
  return true;
}

int64_t codegen::getQuadWords(pack::LayoutAttr layout, StringRef field) {
  if (layout.getRows() == 1)
    return 1;
  int64_t rowBits =
      layout.getBitOffset(field, 1, 0) - layout.getBitOffset(field, 0, 0);
  return rowBits == 64 || rowBits == 128 ? rowBits / 32 : 1;
}

int64_t codegen::getQuadByte(pack::LayoutAttr layout, StringRef field,
                             int64_t k) {
  return layout.getBitOffset(field, 0, k) / 8;
}

int64_t codegen::getQuadShift(pack::LayoutAttr layout, StringRef field,
                              int64_t k) {
  return layout.getBitOffset(field, 0, k) % 8;
}

std::optional<int64_t> codegen::getRowStride(pack::LayoutAttr layout,
                                             StringRef name) {
  pack::FieldAttr field = layout.getField(name);
  if (!field)
    return std::nullopt;
  int64_t stride = 0;
  if (layout.getRows() > 1)
    stride =
        layout.getByteOffset(name, 1, 0) - layout.getByteOffset(name, 0, 0);
  for (int64_t k = 0; k < layout.getK(); k += field.getUnit())
    for (int64_t n = 1; n < layout.getRows(); ++n)
      if (layout.getByteOffset(name, n, k) !=
          layout.getByteOffset(name, 0, k) + n * stride)
        return std::nullopt;
  return stride;
}

std::optional<int64_t> codegen::getElementStride(pack::LayoutAttr layout,
                                                 StringRef name) {
  pack::FieldAttr field = layout.getField(name);
  if (!field || layout.getK() <= field.getUnit())
    return std::nullopt;
  int64_t stride = layout.getByteOffset(name, 0, field.getUnit()) -
                   layout.getByteOffset(name, 0, 0);
  for (int64_t n = 0; n < layout.getRows(); ++n)
    for (int64_t k = 0; k < layout.getK(); k += field.getUnit())
      if (layout.getByteOffset(name, n, k) !=
          layout.getByteOffset(name, n, 0) + k / field.getUnit() * stride)
        return std::nullopt;
  return stride;
}

std::optional<llvm::SmallVector<int64_t>>
codegen::getRowOrder(pack::LayoutAttr layout, StringRef name) {
  pack::FieldAttr field = layout.getField(name);
  if (!field || field.getBits() % 8 != 0 || !getRowStride(layout, name))
    return std::nullopt;
  llvm::SmallVector<int64_t> order(layout.getK() / field.getUnit());
  for (int64_t k = 0; k < layout.getK(); k += field.getUnit()) {
    int64_t bits =
        layout.getBitOffset(name, 0, k) - layout.getBitOffset(name, 0, 0);
    int64_t place = bits / field.getBits();
    if (bits < 0 || place >= static_cast<int64_t>(order.size()))
      return std::nullopt;
    order[place] = k;
  }
  return order;
}
