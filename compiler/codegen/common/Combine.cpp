//===- Combine.cpp - Emits the kernels that add up a token's experts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for token, for some columns:
//     acc = 0; for slot: acc = fma(weight, value of the slot's row, acc)
//     out = residual + acc                    (docs/numerics.md, "Experts")
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kWord = sizeof(float);

namespace {

class CombineEmitter {
public:
  CombineEmitter(KernelBuilder &b, plan::CombineSpecAttr spec)
      : b(b), spec(spec) {}

  LogicalResult emit();

private:
  void emitToken(Value token);
  void emitColumns(Value token, Value first, ArrayRef<int64_t> vectorLanes);

  KernelBuilder &b;
  plan::CombineSpecAttr spec;
  Value values, places, weights, residual, out;
};

} // namespace

LogicalResult codegen::emitCombine(KernelBuilder &b,
                                   plan::CombineSpecAttr spec) {
  return CombineEmitter(b, spec).emit();
}

LogicalResult CombineEmitter::emit() {
  values = b.loadOperand(0);
  places = b.loadOperand(1);
  weights = b.loadOperand(2);
  if (spec.getResidual())
    residual = b.loadOperand(3);
  out = b.loadOperand(spec.getResidual() ? 4 : 3);
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1,
            [&](Value token) { emitToken(token); });
  return success();
}

/// Columns in slabs of as many vectors as hide the latency of an fma.
void CombineEmitter::emitToken(Value token) {
  constexpr int64_t kVectors = 4, kSlab = kVectors * kLanes;
  int64_t columns = spec.getColumns(), whole = columns - columns % kSlab;
  b.forLoop(0, whole, kSlab, [&](Value first) {
    emitColumns(token, first, SmallVector<int64_t>(kVectors, kLanes));
  });
  SmallVector<int64_t> rest;
  for (int64_t column = whole; column < columns; column += kLanes)
    rest.push_back(std::min(columns - column, kLanes));
  if (!rest.empty())
    emitColumns(token, b.constI64(whole), rest);
}

/// Vectors of so many lanes from column `first` on.
void CombineEmitter::emitColumns(Value token, Value first,
                                 ArrayRef<int64_t> vectorLanes) {
  int64_t rowBytes = spec.getColumns() * kWord;
  Value columnBytes = b.mul(first, kWord);
  Value firstSlot = b.mul(token, spec.getSlots());
  auto load = [&](Value row, size_t i) {
    return b.loadFloats(b.f32(), row, i * kLanes * kWord, vectorLanes[i]);
  };
  auto addSlot = [&](Value slot, ValueRange sums) {
    Value entry = b.mul(b.add(firstSlot, slot), kWord);
    Value place = b.load(b.i32(), b.offset(places, entry));
    Value weight = b.splat(b.load(b.f32(), b.offset(weights, entry)));
    Value row = b.offset(values, b.mul(b.extendU(place, b.i64()), rowBytes));
    row = b.offset(row, columnBytes);
    SmallVector<Value> next;
    for (size_t i = 0; i < vectorLanes.size(); ++i)
      next.push_back(b.fma(weight, load(row, i), sums[i]));
    return next;
  };
  SmallVector<Value> sums(vectorLanes.size(), b.splatF32(0));
  sums =
      b.forLoop(b.constI64(0), b.constI64(spec.getSlots()), 1, sums, addSlot);
  Value bytes = b.add(b.mul(token, rowBytes), columnBytes);
  for (size_t i = 0; i < vectorLanes.size(); ++i) {
    Value y = sums[i];
    if (residual)
      y = b.add(load(b.offset(residual, bytes), i), y);
    b.storeLanes(y, b.offset(out, bytes), i * kLanes * kWord, vectorLanes[i]);
  }
}
