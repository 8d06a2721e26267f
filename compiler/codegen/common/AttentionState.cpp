//===- AttentionState.cpp - The softmax of attention, page by page
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The maximum of scores here ignores NaN, which differs from the page's rule
// only where a score is NaN. Then exp of it is NaN, which reaches every element
// of the result and stays there, as the rule wants.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/AttentionState.h"
#include "compiler/codegen/common/Math.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kPage = MODELC_PAGE_TOKENS;
static constexpr int64_t kWord = sizeof(float);
static constexpr uint32_t kMinusInfinity = 0xff800000;
static constexpr uint32_t kMinusZero = 0x80000000;

static Value emitMax(KernelBuilder &b, Value x, Value y) {
  return b.select(b.cmpF(arith::CmpFPredicate::OGT, x, y), x, y);
}

void codegen::emitPageSoftmax(KernelBuilder &b, Value scores, Value state,
                              Value first, Value count) {
  constexpr int64_t kVectors = kPage / kLanes;
  Value bound = b.splat(b.truncate(count, b.i32()));
  SmallVector<Value> masks, x;
  Value maxima;
  for (int64_t v = 0; v < kVectors; ++v) {
    Value number =
        b.add(b.laneNumbers(), b.splatI32(static_cast<int32_t>(v * kLanes)));
    masks.push_back(b.cmpI(arith::CmpIPredicate::slt, number, bound));
    if (first)
      masks[v] =
          b.bitAnd(masks[v], b.cmpI(arith::CmpIPredicate::sge, number,
                                    b.splat(b.truncate(first, b.i32()))));
    Value loaded = b.load(b.vec(b.f32()), scores, v * kLanes * kWord);
    x.push_back(b.select(masks[v], loaded, b.splatF32Bits(kMinusInfinity)));
    maxima = v == 0 ? x[v] : emitMax(b, maxima, x[v]);
  }
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    maxima = emitMax(b, b.slice(maxima, 0, half), b.slice(maxima, half, half));
  Value pageMax = b.extract(maxima, 0);

  Value sums, shift = b.splat(pageMax);
  for (int64_t v = 0; v < kVectors; ++v) {
    Value p = b.select(masks[v], emitExpOfNonPositive(b, b.sub(x[v], shift)),
                       b.splatF32(0));
    b.store(p, scores, v * kLanes * kWord);
    sums = v == 0 ? p : b.add(sums, p);
  }
  b.store(pageMax, state, RowState::kPageMaxima);
  b.store(b.reduceTree(sums), state, RowState::kPageSums);
}

void codegen::emitPageFactors(KernelBuilder &b, Value states, Value exists) {
  auto load = [&](int64_t field) {
    return b.load(b.vec(b.f32()), states, field);
  };
  Value oldMax = load(RowState::kMaxima), pageMax = load(RowState::kPageMaxima);
  Value newMax = emitMax(b, oldMax, pageMax);
  Value keep = emitExpOfNonPositive(b, b.sub(oldMax, newMax));
  Value gain = emitExpOfNonPositive(b, b.sub(pageMax, newMax));
  Value oldSum = load(RowState::kSums), pageSum = load(RowState::kPageSums);
  Value newSum = b.fma(oldSum, keep, b.mul(pageSum, gain));
  auto store = [&](int64_t field, Value value, Value otherwise) {
    b.store(b.select(exists, value, otherwise), states, field);
  };
  store(RowState::kMaxima, newMax, oldMax);
  store(RowState::kSums, newSum, oldSum);
  store(RowState::kKeep, keep, b.splatF32(1));
  store(RowState::kGain, gain, b.splatF32Bits(kMinusZero));
}
