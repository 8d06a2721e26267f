//===- GroupCursor.cpp - A place inside the groups of a packed matrix
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Strides come from the index maps.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/GroupCursor.h"
#include "dialects/pack/BlockFormats.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// Bits that a field advances with one step.
static int64_t getStrideBits(pack::LayoutAttr layout, pack::FieldAttr field,
                             int64_t step) {
  if (field.getUnit() > step)
    return 0;
  StringRef name = field.getName().getValue();
  return layout.getBitOffset(name, 0, step) - layout.getBitOffset(name, 0, 0);
}

/// True if elements of k are made of bytes all over the group: digits of a byte
/// lie apart, and a scale's bits are in several words.
static bool needsWholeGroup(pack::LayoutAttr layout) {
  std::optional<model::GgmlType> type = model::getGgmlType(layout.getSource());
  const pack::BlockFormat *format =
      type ? pack::getBlockFormat(*type) : nullptr;
  return format && (format->getQuantKind() == pack::QuantKind::Trits ||
                    format->scale == pack::ScaleKind::F16InMixed);
}

bool codegen::advancesEvenly(pack::LayoutAttr layout, int64_t step) {
  if (step >= layout.getK() || layout.getK() % step != 0 ||
      needsWholeGroup(layout))
    return false;
  for (auto field : layout.getFields().getAsRange<pack::FieldAttr>()) {
    StringRef name = field.getName().getValue();
    int64_t stride = getStrideBits(layout, field, step);
    bool isWhole = field.getUnit() >= layout.getK();
    if (stride % 8 != 0 || (!isWhole && step % field.getUnit() != 0))
      return false;
    for (int64_t n = 0; n < layout.getRows(); ++n)
      for (int64_t k = step; k < layout.getK(); ++k)
        if (layout.getBitOffset(name, n, k) !=
            layout.getBitOffset(name, n, k - step) + stride)
          return false;
  }
  return true;
}

Value GroupCursor::getBase(KernelBuilder &b, StringRef field) const {
  if (!index)
    return base;
  int64_t stride = getStrideBits(layout, layout.getField(field), step) / 8;
  return stride == 0 ? base : b.offset(base, b.mul(index, stride));
}
