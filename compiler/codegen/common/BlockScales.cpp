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
//   scale f16, subscale u4      D = float(scale) * float(2 * subscale + 1) / 8
//
// All products are exact: 11 bits times at most 8.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/BlockScales.h"
#include "dialects/pack/BlockFormats.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// The type of `like` with another element type.
static Type getTypeLike(Value like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return VectorType::get(vector.getShape(), element);
  return element;
}

static Value toFloat(KernelBuilder &b, Value integer) {
  return b.intToFloat(integer, getTypeLike(integer, b.f32()));
}

/// The element of `field`, continued by `high` if the layout has that:
/// unsigned bytes.
static Value emitStoredBits(KernelBuilder &b, pack::LayoutAttr layout,
                            StringRef field, StringRef high, int64_t k,
                            FieldLoader load) {
  auto extract = [&](StringRef name) {
    int64_t bits = layout.getField(name).getBits();
    Value bytes = load(name, b.i8(), k);
    return bits >= 8
               ? bytes
               : emitBits(b, bytes, layout.getBitOffset(name, 0, k) % 8, bits);
  };
  Value low = extract(field);
  if (!layout.getField(high))
    return low;
  Value shift = b.constLike(low, layout.getField(field).getBits());
  return b.bitOr(low, b.shl(extract(high), shift));
}

/// The F16 of which four words of `mixed` have four bits each.
static Value emitF16InMixed(KernelBuilder &b, pack::LayoutAttr layout,
                            FieldLoader load) {
  int64_t unit = layout.getField(pack::kMixed).getUnit();
  Value bits;
  for (int64_t i = 0; i < 4; ++i) {
    Value part = emitSlice(b, layout, {pack::kMixed, 4, unit, 12}, i * unit,
                           b.i32(), load);
    part = b.shl(part, b.constLike(part, 4 * i));
    bits = bits ? b.bitOr(bits, part) : part;
  }
  bits = b.truncate(bits, b.i16());
  return b.toF32(b.bitcast(bits, getTypeLike(bits, b.f16())));
}

/// The power of two 2^(e - 128) of each byte e.
static Value emitHalfE8M0(KernelBuilder &b, Value bytes) {
  Value e = b.extendU(bytes, getTypeLike(bytes, b.i32()));
  // 2^-128 and 2^-127 are subnormal: one bit of the fraction.
  Value subnormal = b.shl(b.constLike(e, 1 << 21), e);
  Value normal = b.shl(b.sub(e, b.constLike(e, 1)), b.constLike(e, 23));
  Value isSubnormal = b.cmpI(arith::CmpIPredicate::ult, e, b.constLike(e, 2));
  return b.bitcast(b.select(isSubnormal, subnormal, normal),
                   getTypeLike(e, b.f32()));
}

/// Half of the unsigned E4M3 number of each byte.
static Value emitHalfUE4M3(KernelBuilder &b, Value bytes) {
  using Predicate = arith::CmpIPredicate;
  Value isNan = b.cmpI(Predicate::eq, bytes, b.constLike(bytes, 0x7f));
  Value code = b.extendU(bytes, b.i32());
  code = b.bitAnd(code, b.constLike(code, 0x7f));
  // Exponent and fraction moved to a float's place; the bias 7 becomes 127,
  // and one less for the half.
  constexpr int64_t kRebias = (127 - 7 - 1) << 23;
  Value normal = b.bitcast(
      b.add(b.shl(code, b.constLike(code, 20)), b.constLike(code, kRebias)),
      getTypeLike(code, b.f32()));
  // Codes below 8 are subnormal: fraction * 2^-9, halved.
  Value scale = b.bitcast(b.constLike(code, (127 - 10) << 23),
                          getTypeLike(code, b.f32()));
  Value subnormal = b.mul(toFloat(b, code), scale);
  Value zero = b.bitcast(b.constLike(code, 0), getTypeLike(code, b.f32()));
  Value value = b.select(b.cmpI(Predicate::ult, code, b.constLike(code, 8)),
                         subnormal, normal);
  return b.select(isNan, zero, value);
}

/// The field `scale`, or what stands for it.
static Value emitScale(KernelBuilder &b, pack::LayoutAttr layout, int64_t k,
                       FieldLoader load) {
  switch (pack::getBlockFormat(layout).scale) {
  case pack::ScaleKind::F16:
    return b.toF32(load(pack::kScale, b.f16(), k));
  case pack::ScaleKind::HalfE8M0:
    return emitHalfE8M0(b, load(pack::kScale, b.i8(), k));
  case pack::ScaleKind::HalfUE4M3:
    return emitHalfUE4M3(b, load(pack::kScale, b.i8(), k));
  case pack::ScaleKind::F16InMixed:
    return emitF16InMixed(b, layout, load);
  }
  llvm_unreachable("no such kind of scale");
}

Value codegen::emitSubscale(KernelBuilder &b, pack::LayoutAttr layout,
                            int64_t k, FieldLoader load) {
  Value bits =
      emitStoredBits(b, layout, pack::kSubscale, pack::kSubscaleHigh, k, load);
  bool isSigned = layout.getField(pack::kSubscale).getBits() == 8;
  Type type = getTypeLike(bits, b.i32());
  Value subscale = isSigned ? b.extendS(bits, type) : b.extendU(bits, type);
  int64_t bias = pack::getBlockFormat(layout).subscaleBias;
  return bias == 0 ? subscale : b.sub(subscale, b.constLike(subscale, bias));
}

/// What `scale` is multiplied by, exactly; null for 1.
static Value emitScaleFactor(KernelBuilder &b, pack::LayoutAttr layout,
                             int64_t k, FieldLoader load) {
  const pack::BlockFormat &format = pack::getBlockFormat(layout);
  if (format.grid) {
    Value sub = emitSlice(b, layout, format.grid->subscale, k, b.i32(), load);
    sub = b.add(b.add(sub, sub), b.constLike(sub, 1));
    Value power = b.constLike(sub, (127 - format.grid->scaleShift) << 23);
    return b.mul(toFloat(b, sub), b.bitcast(power, getTypeLike(sub, b.f32())));
  }
  if (!layout.getField(pack::kSubscale) || format.joinsSubBlocks)
    return {};
  return toFloat(b, emitSubscale(b, layout, k, load));
}

/// M, or null if the type has none.
static Value emitMin(KernelBuilder &b, pack::LayoutAttr layout, int64_t k,
                     FieldLoader load) {
  pack::MinKind kind = pack::getBlockFormat(layout).min;
  if (kind == pack::MinKind::None)
    return {};
  Value min = b.toF32(load(pack::kMin, b.f16(), k));
  if (kind == pack::MinKind::Added)
    return min;
  Value bits =
      emitStoredBits(b, layout, pack::kSubmin, pack::kSubminHigh, k, load);
  Value sub = toFloat(b, b.extendU(bits, getTypeLike(bits, b.i32())));
  return b.neg(b.mul(min, sub));
}

BlockScales codegen::emitBlockScales(KernelBuilder &b, pack::LayoutAttr layout,
                                     int64_t k, FieldLoader load) {
  Value scale = emitScale(b, layout, k, load);
  if (Value factor = emitScaleFactor(b, layout, k, load))
    scale = b.mul(scale, factor);
  return {scale, emitMin(b, layout, k, load)};
}
