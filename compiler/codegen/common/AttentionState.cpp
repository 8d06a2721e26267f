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

Value codegen::countPositions(KernelBuilder &b, Value position, Value begin) {
  Value count = b.sub(b.add(position, 1), begin);
  return b.minS(b.maxS(count, b.constI64(0)), b.constI64(kPage));
}

Value codegen::findFirstVisible(KernelBuilder &b, Value position, Value begin,
                                int64_t window) {
  Value first = b.sub(b.sub(position, window - 1), begin);
  return b.minS(b.maxS(first, b.constI64(0)), b.constI64(kPage));
}

void codegen::emitStartStates(KernelBuilder &b, Value set,
                              ArrayRef<Value> positions,
                              ArrayRef<Value> sinks) {
  Value last = b.splatI32(-1), maxima = b.splatF32Bits(kMinusInfinity);
  for (auto [row, position] : llvm::enumerate(positions))
    last = b.insert(last, b.truncate(position, b.i32()),
                    static_cast<int64_t>(row));
  // A sink's value is 0.
  for (auto [row, sink] : llvm::enumerate(sinks))
    maxima = b.insert(maxima, sink, static_cast<int64_t>(row));
  b.store(last, set, RowState::kPositions);
  b.store(maxima, set, RowState::kMaxima);
  b.store(b.splatF32(sinks.empty() ? 0 : 1), set, RowState::kSums);
  for (int64_t field : {RowState::kPageMaxima, RowState::kPageSums})
    b.store(b.splatF32(0), set, field);
}

/// Lanes of the page's vector v that are positions [first, count), i64 of 0 ..
/// 64; `first` may be null for 0.
static Value findExisting(KernelBuilder &b, int64_t v, Value first,
                          Value count) {
  auto splat = [&](Value number) {
    return b.splat(b.truncate(number, b.i32()));
  };
  Value number =
      b.add(b.laneNumbers(), b.splatI32(static_cast<int32_t>(v * kLanes)));
  Value exists = b.cmpI(arith::CmpIPredicate::slt, number, splat(count));
  return first ? b.bitAnd(exists, b.cmpI(arith::CmpIPredicate::sge, number,
                                         splat(first)))
               : exists;
}

/// Positions [first, count) of the page exist, at least one; all of it if
/// `count` is null.
static void emitSoftmax(KernelBuilder &b, Value scores, Value state,
                        Value first, Value count) {
  constexpr int64_t kVectors = kPage / kLanes;
  SmallVector<Value> masks, x;
  Value maxima;
  for (int64_t v = 0; v < kVectors; ++v) {
    x.push_back(b.load(b.vec(b.f32()), scores, v * kLanes * kWord));
    if (count) {
      masks.push_back(findExisting(b, v, first, count));
      x[v] = b.select(masks[v], x[v], b.splatF32Bits(kMinusInfinity));
    }
    maxima = v == 0 ? x[v] : emitMax(b, maxima, x[v]);
  }
  Value pageMax = b.foldLanes(
      maxima, [&](Value low, Value high) { return emitMax(b, low, high); });

  Value sums, shift = b.splat(pageMax);
  for (int64_t v = 0; v < kVectors; ++v) {
    Value p = emitExpOfNonPositive(b, b.sub(x[v], shift));
    if (count)
      p = b.select(masks[v], p, b.splatF32(0));
    b.store(p, scores, v * kLanes * kWord);
    sums = v == 0 ? p : b.add(sums, p);
  }
  b.store(pageMax, state, RowState::kPageMaxima);
  b.store(b.reduceTree(sums), state, RowState::kPageSums);
}

void codegen::emitPageSoftmax(KernelBuilder &b, Value scores, Value state,
                              Value begin, int64_t window) {
  Value position =
      b.extendU(b.load(b.i32(), state, RowState::kPositions), b.i64());
  Value exists = b.cmpI(arith::CmpIPredicate::ule, begin, position);
  Value first;
  if (window > 0) {
    first = findFirstVisible(b, position, begin, window);
    exists = b.bitAnd(
        exists, b.cmpI(arith::CmpIPredicate::ult, first, b.constI64(kPage)));
  }
  b.ifThen(exists, [&] {
    Value count = b.add(b.sub(position, begin), 1);
    emitSoftmax(b, scores, state, first, b.minU(count, b.constI64(kPage)));
  });
}

void codegen::emitWholePageSoftmax(KernelBuilder &b, Value scores,
                                   Value state) {
  emitSoftmax(b, scores, state, /*first=*/{}, /*count=*/{});
}

/// The rows of a set that see the page.
static Value findSeeing(KernelBuilder &b, Value set, Value begin,
                        int64_t window) {
  begin = b.splat(b.truncate(begin, b.i32()));
  Value positions = b.load(b.vec(b.i32()), set, RowState::kPositions);
  Value exists = b.cmpI(arith::CmpIPredicate::sle, begin, positions);
  if (window == 0)
    return exists;
  Value first = b.sub(
      b.sub(positions, b.splatI32(static_cast<int32_t>(window - 1))), begin);
  return b.bitAnd(exists,
                  b.cmpI(arith::CmpIPredicate::slt, first, b.splatI32(kPage)));
}

void codegen::emitPageFactors(KernelBuilder &b, Value set, Value begin,
                              int64_t window) {
  Value exists = findSeeing(b, set, begin, window);
  auto load = [&](int64_t field) { return b.load(b.vec(b.f32()), set, field); };
  Value oldMax = load(RowState::kMaxima), pageMax = load(RowState::kPageMaxima);
  Value newMax = emitMax(b, oldMax, pageMax);
  Value keep = emitExpOfNonPositive(b, b.sub(oldMax, newMax));
  Value gain = emitExpOfNonPositive(b, b.sub(pageMax, newMax));
  Value oldSum = load(RowState::kSums), pageSum = load(RowState::kPageSums);
  Value newSum = b.fma(oldSum, keep, b.mul(pageSum, gain));
  auto store = [&](int64_t field, Value value, Value otherwise) {
    b.store(b.select(exists, value, otherwise), set, field);
  };
  store(RowState::kMaxima, newMax, oldMax);
  store(RowState::kSums, newSum, oldSum);
  store(RowState::kKeep, keep, b.splatF32(1));
  store(RowState::kGain, gain, b.splatF32Bits(kMinusZero));
}
