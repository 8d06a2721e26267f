//===- BlockScales.cpp - The scales and minima of quantised blocks
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   scale f16, subscale u6      D = float(scale) * float(subscale)
//   min f16, submin u6          M = float(min) * float(submin)
//
// Both products are exact: 11 bits times at most 8.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/BlockScales.h"
#include "dialects/pack/BlockFormats.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// `value` in the type of `like`, an integer or a vector of integers.
static Value constantLike(KernelBuilder &b, Value like, int64_t value) {
  auto vector = dyn_cast<VectorType>(like.getType());
  Type element = vector ? vector.getElementType() : like.getType();
  auto attr = b.getBuilder().getIntegerAttr(element, value);
  if (!vector)
    return arith::ConstantOp::create(b.getBuilder(), b.getLoc(), attr);
  return arith::ConstantOp::create(b.getBuilder(), b.getLoc(),
                                   DenseElementsAttr::get(vector, attr));
}

/// The type of `like` with another element type.
static Type getTypeLike(Value like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return VectorType::get(vector.getShape(), element);
  return element;
}

static Value toFloat(KernelBuilder &b, Value integer) {
  return b.intToFloat(integer, getTypeLike(integer, b.f32()));
}

/// Bits [shift, shift + bits) of `bytes`.
static Value extractBits(KernelBuilder &b, Value bytes, int64_t shift,
                         int64_t bits) {
  if (shift > 0)
    bytes = b.shrU(bytes, constantLike(b, bytes, shift));
  return b.bitAnd(bytes, constantLike(b, bytes, (int64_t(1) << bits) - 1));
}

/// The element of `field`, continued by `high` if the layout has that:
/// unsigned bytes.
static Value emitStoredBits(KernelBuilder &b, pack::LayoutAttr layout,
                            StringRef field, StringRef high, int64_t k,
                            FieldLoader load) {
  auto extract = [&](StringRef name) {
    int64_t bits = layout.getField(name).getBits();
    Value bytes = load(name, b.i8(), k);
    return bits >= 8 ? bytes
                     : extractBits(b, bytes,
                                   layout.getBitOffset(name, 0, k) % 8, bits);
  };
  Value low = extract(field);
  if (!layout.getField(high))
    return low;
  Value shift = constantLike(b, low, layout.getField(field).getBits());
  return b.bitOr(low, b.shl(extract(high), shift));
}

/// The power of two 2^(e - 128) of each byte e.
static Value emitHalfE8M0(KernelBuilder &b, Value bytes) {
  Value e = b.extendU(bytes, getTypeLike(bytes, b.i32()));
  // 2^-128 and 2^-127 are subnormal: one bit of the fraction.
  Value subnormal = b.shl(constantLike(b, e, 1 << 21), e);
  Value normal = b.shl(b.sub(e, constantLike(b, e, 1)), constantLike(b, e, 23));
  Value isSubnormal =
      b.cmpI(arith::CmpIPredicate::ult, e, constantLike(b, e, 2));
  return b.bitcast(b.select(isSubnormal, subnormal, normal),
                   getTypeLike(e, b.f32()));
}

/// Half of the unsigned E4M3 number of each byte.
static Value emitHalfUE4M3(KernelBuilder &b, Value bytes) {
  Value code = b.extendU(bytes, getTypeLike(bytes, b.i32()));
  code = b.bitAnd(code, constantLike(b, code, 0x7f));
  // Exponent and fraction moved to a float's place; the bias 7 becomes 127,
  // and one less for the half.
  constexpr int64_t kRebias = (127 - 7 - 1) << 23;
  Value normal = b.bitcast(b.add(b.shl(code, constantLike(b, code, 20)),
                                 constantLike(b, code, kRebias)),
                           getTypeLike(code, b.f32()));
  // Codes below 8 are subnormal: fraction * 2^-9, halved.
  Value scale = b.bitcast(constantLike(b, code, (127 - 10) << 23),
                          getTypeLike(code, b.f32()));
  Value subnormal = b.mul(toFloat(b, code), scale);
  Value zero = b.bitcast(constantLike(b, code, 0), getTypeLike(code, b.f32()));
  using Predicate = arith::CmpIPredicate;
  Value value = b.select(b.cmpI(Predicate::ult, code, constantLike(b, code, 8)),
                         subnormal, normal);
  return b.select(b.cmpI(Predicate::eq, code, constantLike(b, code, 0x7f)),
                  zero, value);
}

BlockScales codegen::emitBlockScales(KernelBuilder &b, pack::LayoutAttr layout,
                                     int64_t k, FieldLoader load) {
  const pack::BlockFormat &format = pack::getBlockFormat(layout);
  bool isF16 = format.scale == pack::ScaleKind::F16;
  Value stored = load(pack::kScale, isF16 ? b.f16() : b.i8(), k);
  BlockScales result;
  switch (format.scale) {
  case pack::ScaleKind::F16:
    result.scale = b.toF32(stored);
    break;
  case pack::ScaleKind::HalfE8M0:
    result.scale = emitHalfE8M0(b, stored);
    break;
  case pack::ScaleKind::HalfUE4M3:
    result.scale = emitHalfUE4M3(b, stored);
    break;
  }
  if (layout.getField(pack::kSubscale)) {
    Value bits = emitStoredBits(b, layout, pack::kSubscale, pack::kSubscaleHigh,
                                k, load);
    Type i32 = getTypeLike(bits, b.i32());
    bool isSigned = layout.getField(pack::kSubscale).getBits() == 8;
    Value sub = isSigned ? b.extendS(bits, i32) : b.extendU(bits, i32);
    if (format.subscaleBias != 0)
      sub = b.sub(sub, constantLike(b, sub, format.subscaleBias));
    result.scale = b.mul(result.scale, toFloat(b, sub));
  }
  if (format.min == pack::MinKind::None)
    return result;
  result.min = b.toF32(load(pack::kMin, b.f16(), k));
  if (format.min == pack::MinKind::Subtracted) {
    Value bits =
        emitStoredBits(b, layout, pack::kSubmin, pack::kSubminHigh, k, load);
    Value sub = toFloat(b, b.extendU(bits, getTypeLike(bits, b.i32())));
    result.min = b.neg(b.mul(result.min, sub));
  }
  return result;
}
