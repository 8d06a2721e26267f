//===- Math.cpp - Emits the functions of docs/numerics.md
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding to an integer n is done by adding and subtracting 1.5 * 2^23 (f32)
// or 1.5 * 2^52 (f64): the lowest bits of the sum are n, without a conversion,
// which is undefined where a lane does not fit. Lanes that hold NaN or lie
// beyond the range pass through the same instructions; their bits are NaN by
// themselves, or replaced at the end.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Math.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

//===----------------------------------------------------------------------===//
// exp
//===----------------------------------------------------------------------===//

/// The float 2^n; n a vector of i32.
static Value emitPowerOfTwo(KernelBuilder &b, Value n) {
  Value biased = b.add(n, b.splatI32(127));
  return b.bitcast(b.shl(biased, b.splatI32(23)), b.vec(b.f32()));
}

/// y * 2^n, rounded once, for y around 1 and -151 <= n <= 128, an integer: n as
/// a float, `shifted` as one to which 1.5 * 2^23 was added. Two factors, as one
/// may not be a float; the first product is exact.
static Value emitScaleByPowerOfTwo(KernelBuilder &b, Value y, Value n,
                                   Value shifted) {
  if (b.getTarget().isa == target::Isa::Avx512Vnni) {
    constexpr int32_t kRoundAsMxcsr = 4;
    Value all = b.truncate(b.constI32(-1), b.i16());
    return b.callIntrinsic(y.getType(), "llvm.x86.avx512.mask.scalef.ps.512",
                           {y, n, y, all, b.constI32(kRoundAsMxcsr)});
  }
  Value exponent = b.sub(b.bitcast(shifted, b.vec(b.i32())),
                         b.splatI32(0x4b400000)); // The bits of 1.5 * 2^23.
  Value half = b.shrS(exponent, b.splatI32(1));
  y = b.mul(y, emitPowerOfTwo(b, half));
  return b.mul(y, emitPowerOfTwo(b, b.sub(exponent, half)));
}

Value codegen::emitExp(KernelBuilder &b, Value x) {
  Value isLarge =
      b.cmpF(arith::CmpFPredicate::OGT, x, b.splatF32Bits(0x42b17217));
  Value y = emitExpOfNonPositive(b, x);
  return b.select(isLarge, b.splatF32Bits(0x7f800000), y);
}

/// exp of x from -88 to 89, where it may be subnormal or infinite; anything for
/// other numbers.
static Value emitBoundedExp(KernelBuilder &b, Value x) {
  // n = rne(x * LOG2E).
  Value magic = b.splatF32(0x1.8p+23f);
  Value shifted = b.add(b.mul(x, b.splatF32Bits(0x3fb8aa3b)), magic);
  Value n = b.sub(shifted, magic);

  Value minusN = b.neg(n);
  Value r = b.fma(minusN, b.splatF32Bits(0x3f318000), x); // LN2_HI
  r = b.fma(minusN, b.splatF32Bits(0xb95e8083), r);       // LN2_LO
  Value p = b.splatF32(1.9875691500e-4f);
  for (float coefficient :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
        5.0000001201e-1f})
    p = b.fma(p, r, b.splatF32(coefficient));
  Value y = b.add(b.fma(p, b.mul(r, r), r), b.splatF32(1));
  return emitScaleByPowerOfTwo(b, y, n, shifted);
}

/// 1 + exp(x). Up to -88 the sum is 1, and from 89 on infinite: for x in
/// between nothing has to be replaced, as what exp gives as 0 is lost in the
/// sum, and what it gives as infinity is at least 2^128.
static Value emitOnePlusExp(KernelBuilder &b, Value x) {
  using arith::CmpFPredicate;
  Value most = b.splatF32(89), least = b.splatF32(-88);
  x = b.select(b.cmpF(CmpFPredicate::OGT, x, most), most, x);
  x = b.select(b.cmpF(CmpFPredicate::OLT, x, least), least, x);
  return b.add(b.splatF32(1), emitBoundedExp(b, x));
}

Value codegen::emitExpOfNonPositive(KernelBuilder &b, Value x) {
  Value y = emitBoundedExp(b, x);
  Value isSmall =
      b.cmpF(arith::CmpFPredicate::OLT, x, b.splatF32Bits(0xc2aeac4f));
  return b.select(isSmall, b.splatF32(0), y);
}

Value codegen::emitTanh(KernelBuilder &b, Value x) {
  using arith::CmpFPredicate;
  Value bits = b.bitcast(x, b.vec(b.i32()));
  Value sign = b.bitAnd(bits, b.splatI32(std::numeric_limits<int32_t>::min()));
  Value a = b.bitcast(b.bitXor(bits, sign), b.vec(b.f32()));
  Value z = b.mul(x, x), p = b.splatF32(-5.70498872745e-3f);
  for (float coefficient : {2.06390887954e-2f, -5.37397155531e-2f,
                            1.33314422036e-1f, -3.33332819422e-1f})
    p = b.fma(p, z, b.splatF32(coefficient));
  Value small = b.fma(b.mul(p, z), x, x);

  Value sum = emitOnePlusExp(b, b.add(a, a));
  Value large = b.sub(b.splatF32(1), b.div(b.splatF32(2), sum));
  large = b.bitcast(b.bitOr(b.bitcast(large, b.vec(b.i32())), sign),
                    b.vec(b.f32()));
  Value isSmall = b.cmpF(CmpFPredicate::OLT, a, b.splatF32(0.625f));
  return b.select(isSmall, small, large);
}

/// x / (1 + exp(-z)).
static Value emitSigmoidProduct(KernelBuilder &b, Value x, Value z) {
  return b.div(x, emitOnePlusExp(b, b.neg(z)));
}

/// By tanh, whose exponential form it is.
static Value emitGelu(KernelBuilder &b, Value x) {
  Value factor = b.fma(b.mul(x, x), b.splatF32Bits(0x3d922279),
                       b.splatF32Bits(0x3fcc422a));
  return emitSigmoidProduct(b, x, b.mul(x, factor));
}

Value codegen::emitSoftCap(KernelBuilder &b, Value x, float cap) {
  return b.mul(emitTanh(b, b.mul(x, b.splatF32(1 / cap))), b.splatF32(cap));
}

Value codegen::emitActivation(KernelBuilder &b, model::Activation activation,
                              FloatAttr cap, Value x) {
  switch (activation) {
  case model::Activation::Silu:
    return emitSigmoidProduct(b, x, x);
  case model::Activation::Gelu:
    return emitGelu(b, x);
  case model::Activation::SoftCap:
    return emitSoftCap(b, x, cap.getValue().convertToFloat());
  case model::Activation::Sigmoid:
    return emitSigmoidProduct(b, b.splatF32(1), x);
  case model::Activation::SwigluOai:
    break;
  }
  llvm_unreachable("the verifier refuses it");
}

/// gpt-oss's unit.
static Value emitSwigluOai(KernelBuilder &b, Value gate, Value up) {
  using arith::CmpFPredicate;
  Value limit = b.splatF32(7), least = b.splatF32(-7);
  Value g = b.select(b.cmpF(CmpFPredicate::OGT, gate, limit), limit, gate);
  Value u = b.select(b.cmpF(CmpFPredicate::OGT, up, limit), limit, up);
  u = b.select(b.cmpF(CmpFPredicate::OLT, up, least), least, u);
  Value swish = emitSigmoidProduct(b, g, b.mul(g, b.splatF32(1.702f)));
  return b.mul(swish, b.add(u, b.splatF32(1)));
}

Value codegen::emitGlu(KernelBuilder &b, model::Activation activation,
                       Value gate, Value up) {
  if (activation == model::Activation::SwigluOai)
    return emitSwigluOai(b, gate, up);
  return b.mul(emitActivation(b, activation, /*cap=*/FloatAttr(), gate), up);
}

//===----------------------------------------------------------------------===//
// softplus
//===----------------------------------------------------------------------===//

/// ln(w) for 1 <= w <= 2 or NaN.
static Value emitSmallLog(KernelBuilder &b, Value w) {
  using arith::CmpFPredicate;
  Value isLarge = b.cmpF(CmpFPredicate::OGT, w, b.splatF32Bits(0x3fb504f3));
  Value m = b.select(isLarge, b.mul(w, b.splatF32(0.5f)), w);
  Value e = b.select(isLarge, b.splatF32(1), b.splatF32(0));
  Value f = b.sub(m, b.splatF32(1));
  Value z = b.mul(f, f);
  Value p = b.splatF32(7.0376836292e-2f);
  for (float coefficient :
       {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f,
        1.4249322787e-1f, -1.6668057665e-1f, 2.0000714765e-1f,
        -2.4999993993e-1f, 3.3333331174e-1f})
    p = b.fma(p, f, b.splatF32(coefficient));
  Value y = b.mul(b.mul(p, f), z);
  y = b.fma(e, b.splatF32Bits(0xb95e8083), y); // LN2_LO
  y = b.fma(z, b.splatF32(-0.5f), y);
  return b.fma(e, b.splatF32Bits(0x3f318000), b.add(f, y)); // LN2_HI
}

Value codegen::emitSoftplus(KernelBuilder &b, Value x) {
  Value one = b.splatF32(1), zero = b.splatF32(0);
  Value bits = b.bitcast(x, b.vec(b.i32()));
  Value sign = b.splatI32(std::numeric_limits<int32_t>::min());
  Value u =
      emitExpOfNonPositive(b, b.bitcast(b.bitOr(bits, sign), b.vec(b.f32())));
  Value w = b.add(one, u);
  // What was lost when w was rounded.
  Value rest = b.div(b.sub(u, b.sub(w, one)), w);
  Value isPositive = b.cmpF(arith::CmpFPredicate::OGT, x, zero);
  Value top = b.select(isPositive, x, zero);
  return b.add(top, b.add(emitSmallLog(b, w), rest));
}

//===----------------------------------------------------------------------===//
// Cosine and sine
//===----------------------------------------------------------------------===//

/// `bits` with its lowest-but-one bit moved to the sign of an f64 and applied
/// to x.
static Value emitFlipSign(KernelBuilder &b, Value x, Value bits) {
  Value two = b.splatInt(2, b.i64()), shift = b.splatInt(62, b.i64());
  Value sign = b.shl(b.bitAnd(bits, two), shift);
  Value flipped = b.bitXor(b.bitcast(x, b.vec(b.i64())), sign);
  return b.bitcast(flipped, b.vec(b.f64()));
}

CosSin codegen::emitCosSin(KernelBuilder &b, Value theta) {
  auto constant = [&](double value) { return b.splat(b.constF64(value)); };
  Value magic = constant(0x1.8p+52);
  Value shifted =
      b.add(b.mul(theta, constant(0x1.45f306dc9c883p-1)), magic); // 2/pi
  Value minusN = b.neg(b.sub(shifted, magic));
  Value quadrant = b.bitcast(shifted, b.vec(b.i64())); // Its two lowest bits.
  Value r = b.fma(minusN, constant(0x1.921fb54442d18p+0), theta);
  r = b.fma(minusN, constant(0x1.1a62633145c07p-54), r);
  Value z = b.mul(r, r);

  Value ps = constant(1.58969099521155010221e-10);
  for (double s : {-2.50507602534068634195e-08, 2.75573137070700676789e-06,
                   -1.98412698298579493134e-04, 8.33333333332248946124e-03,
                   -1.66666666666666324348e-01})
    ps = b.fma(ps, z, constant(s));
  Value sin = b.fma(b.mul(r, z), ps, r);

  Value pc = constant(-1.13596475577881948265e-11);
  for (double c : {2.08757232129817482790e-09, -2.75573143513906633035e-07,
                   2.48015872894767294178e-05, -1.38888888888741095749e-03,
                   4.16666666666666019037e-02})
    pc = b.fma(pc, z, constant(c));
  Value cos = b.fma(b.mul(z, z), pc, b.fma(z, constant(-0.5), constant(1)));

  // By quadrant: (c, s), (-s, c), (-c, -s), (s, -c).
  Value one = b.splatInt(1, b.i64()), zero = b.splatInt(0, b.i64());
  Value isSwapped =
      b.cmpI(arith::CmpIPredicate::ne, b.bitAnd(quadrant, one), zero);
  Value first = b.select(isSwapped, sin, cos);
  Value second = b.select(isSwapped, cos, sin);
  first = emitFlipSign(b, first, b.add(quadrant, one));
  second = emitFlipSign(b, second, quadrant);
  return {b.roundTo(first, b.f32()), b.roundTo(second, b.f32())};
}

//===----------------------------------------------------------------------===//
// Row norms
//===----------------------------------------------------------------------===//

Value codegen::emitLargestMagnitude(KernelBuilder &b,
                                    llvm::ArrayRef<Value> vectors) {
  Value largest;
  for (Value v : vectors) {
    Value bits = b.bitAnd(b.bitcast(v, b.vec(b.i32())), b.splatI32(0x7fffffff));
    largest = largest ? b.maxU(largest, bits) : bits;
  }
  return b.reduceMaxUInt(largest);
}

/// Sums over a row in kLanes lanes: `addVector` adds a vector of elements to
/// the lanes; those that do not exist are masked out by `lanes` < kLanes.
static Value
emitRowSum(KernelBuilder &b, Value row, int64_t elements,
           function_ref<Value(Value x, Value sums, int64_t lanes)> addVector) {
  int64_t whole = elements - elements % kLanes;
  Value lanes =
      b.forLoop(b.constI64(0), b.constI64(whole), kLanes, b.splatF32(0),
                [&](Value i, ValueRange sums) -> SmallVector<Value> {
                  Value x = b.loadFloats(b.f32(), b.offset(row, b.mul(i, 4)));
                  return {addVector(x, sums[0], kLanes)};
                })[0];
  if (whole < elements) {
    int64_t rest = elements - whole;
    lanes = addVector(b.loadFloats(b.f32(), row, whole * 4, rest), lanes, rest);
  }
  return b.reduceTree(lanes);
}

Value codegen::emitMean(KernelBuilder &b, Value row, int64_t elements) {
  // Lanes beyond the end add 0, which changes no sum that began with +0.
  Value sum = emitRowSum(b, row, elements, [&](Value x, Value sums, int64_t) {
    return b.add(sums, x);
  });
  return b.div(sum, b.constF32(float(elements)));
}

Value codegen::emitInverseRms(KernelBuilder &b, Value row, int64_t elements,
                              float eps, Value mean) {
  // Lanes beyond the end add 0 * 0, which is nothing; less a mean they would
  // be something.
  auto addSquares = [&](Value x, Value sums, int64_t lanes) {
    if (mean)
      x = b.sub(x, b.splat(mean));
    if (mean && lanes < kLanes)
      x = b.select(b.laneMask(lanes), x, b.splatF32(0));
    return b.fma(x, x, sums);
  };
  Value sum = emitRowSum(b, row, elements, addSquares);
  Value meanSquare = b.div(sum, b.constF32(float(elements)));
  return b.div(b.constF32(1), b.sqrt(b.add(meanSquare, b.constF32(eps))));
}
