//===- FieldSlice.cpp - Numbers that are parts of a field's elements
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/FieldSlice.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

Value codegen::emitBits(KernelBuilder &b, Value word, int64_t shift,
                        int64_t bits) {
  int64_t width = getElementTypeOrSelf(word.getType()).getIntOrFloatBitWidth();
  if (shift > 0)
    word = b.shrU(word, b.constLike(word, shift));
  if (shift + bits == width)
    return word;
  return b.bitAnd(word, b.constLike(word, (int64_t(1) << bits) - 1));
}

Value codegen::emitSlice(KernelBuilder &b, pack::LayoutAttr layout,
                         const pack::Slice &slice, int64_t k, Type type,
                         FieldLoader load) {
  pack::FieldAttr field = layout.getField(slice.field);
  int64_t bits = std::max<int64_t>(8, field.getBits());
  int64_t number = k % field.getUnit() / slice.unit;
  int64_t shift = layout.getBitOffset(slice.field, 0, k) % 8 + slice.first +
                  number * slice.step;
  Value word = load(slice.field, b.getBuilder().getIntegerType(bits), k);
  int64_t width = std::max<int64_t>(bits, type.getIntOrFloatBitWidth());
  if (bits < width)
    word = b.extendU(word, type);
  // What is above the stored bits is zero, and needs no mask.
  bool isLast = shift + slice.bits == bits;
  word = emitBits(b, word, shift, isLast ? width - shift : slice.bits);
  return type.getIntOrFloatBitWidth() < width ? b.truncate(word, type) : word;
}
