//===- Route.cpp - Emits the kernels that choose experts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for token:
//     probabilities of its logits              experts in lanes, to scratch
//     keys of their scores                     the same
//     keys of experts of groups that are not used = 0
//     for slot:
//       the largest key of the lowest expert   ==> ids, weights
//       that key = 0
//     weights are normalised and scaled
//
// A key is an unsigned integer that sorts as its score does, NaN last; no score
// has the key 0. So there is always a largest key, and it is that of an expert
// which was not chosen yet (docs/numerics.md, "Routing").
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Group.h"
#include "compiler/codegen/common/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;
using arith::CmpIPredicate;

static constexpr int64_t kWord = sizeof(float);

namespace {

class RouteEmitter {
public:
  RouteEmitter(KernelBuilder &b, plan::RouteSpecAttr spec)
      : b(b), spec(spec), experts(spec.getExperts()) {}

  LogicalResult emit();

private:
  void emitToken(Value token);
  SmallVector<Value>
  forEachVector(ValueRange initial,
                function_ref<SmallVector<Value>(Value first, int64_t lanes,
                                                ValueRange carried)>
                    body);
  Value loadFloats(Value base, Value first, int64_t lanes);
  Value getScratch(Value base, Value first);
  Value findMax(Value row);
  void emitSoftmax(Value row);
  void emitSigmoid(Value row);
  void emitKeys(Value row);
  void limitToGroups();
  Value findBest();
  void chooseExperts(Value idsRow, Value weightsRow);

  KernelBuilder &b;
  plan::RouteSpecAttr spec;
  int64_t experts;
  Value logits, bias, ids, weights;
  Value keys, probabilities; ///< Scratch: a word for each expert.
  Value groupKeys;           ///< The same for each group.
};

} // namespace

LogicalResult codegen::emitRoute(KernelBuilder &b, plan::RouteSpecAttr spec) {
  return RouteEmitter(b, spec).emit();
}

LogicalResult RouteEmitter::emit() {
  int64_t next = 0;
  logits = b.loadOperand(next++);
  if (spec.getBias())
    bias = b.loadOperand(next++);
  ids = b.loadOperand(next++);
  weights = b.loadOperand(next++);
  keys = b.loadScratch();
  probabilities = b.offset(keys, llvm::alignTo(experts, kLanes) * kWord);
  groupKeys = b.offset(probabilities, llvm::alignTo(experts, kLanes) * kWord);
  Value begin = b.loadTileBegin(), end = b.loadTileEnd();
  auto emitOne = [&](Value token) { emitToken(token); };
  if (spec.getGroupRows() == 0) {
    b.forLoop(begin, end, 1, emitOne);
    return success();
  }
  Grouping grouping = {experts,
                       spec.getSlots(),
                       spec.getGroupRows(),
                       ids,
                       b.loadOperand(next),
                       b.loadOperand(next + 1),
                       b.loadOperand(next + 2),
                       b.loadOperand(next + 3),
                       keys};
  Value tokens = b.loadCount();
  b.forLoop(begin, end, 1, [&](Value) {
    b.forLoop(b.constI64(0), tokens, 1, emitOne);
    emitGrouping(b, grouping, tokens);
  });
  return success();
}

void RouteEmitter::emitToken(Value token) {
  Value row = b.offset(logits, b.mul(token, experts * kWord));
  if (spec.getGating() == model::Gating::Softmax)
    emitSoftmax(row);
  else
    emitSigmoid(row);
  emitKeys(row);
  if (spec.getLimitGroups() > 0)
    limitToGroups();
  Value slots = b.mul(token, spec.getSlots() * kWord);
  chooseExperts(b.offset(ids, slots), b.offset(weights, slots));
}

//===----------------------------------------------------------------------===//
// Vectors of experts
//===----------------------------------------------------------------------===//

/// Runs the body for kLanes experts at a time, and for those that are left.
SmallVector<Value> RouteEmitter::forEachVector(
    ValueRange initial,
    function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
  int64_t whole = experts - experts % kLanes;
  SmallVector<Value> values(initial);
  if (whole > 0)
    values = b.forLoop(b.constI64(0), b.constI64(whole), kLanes, values,
                       [&](Value first, ValueRange carried) {
                         return body(first, kLanes, carried);
                       });
  if (whole < experts)
    values = body(b.constI64(whole), experts - whole, values);
  return values;
}

/// The floats of experts first .. first + lanes - 1; the other lanes are 0.
Value RouteEmitter::loadFloats(Value base, Value first, int64_t lanes) {
  return b.loadFloats(b.f32(), b.offset(base, b.mul(first, kWord)), 0, lanes);
}

Value RouteEmitter::getScratch(Value base, Value first) {
  return b.offset(base, b.mul(first, kWord));
}

/// `vector` in the first lanes, 0 bits in the others.
static Value keepLanes(KernelBuilder &b, Value vector, Value zero,
                       int64_t lanes) {
  return lanes == kLanes ? vector : b.select(b.laneMask(lanes), vector, zero);
}

/// Unsigned integers that sort as the scores do; -0 and 0 are equal, and NaN
/// is the largest.
static Value emitSortKeys(KernelBuilder &b, Value scores) {
  Value bits =
      b.bitcast(b.add(scores, b.splatF32(0)), b.vec(b.i32())); // -0 + 0 = 0.
  Value ones = b.splatI32(-1), sign = b.splatI32(INT32_MIN);
  Value isNegative = b.cmpI(CmpIPredicate::slt, bits, b.splatI32(0));
  Value sorted =
      b.select(isNegative, b.bitXor(bits, ones), b.bitOr(bits, sign));
  Value isNan = b.cmpF(arith::CmpFPredicate::UNO, scores, scores);
  return b.select(isNan, ones, sorted);
}

/// The float of a scalar key.
static Value emitFloatOfKey(KernelBuilder &b, Value key) {
  Value isNegative = b.cmpI(CmpIPredicate::sge, key, b.constI32(0));
  Value bits = b.select(isNegative, b.bitXor(key, b.constI32(-1)),
                        b.bitXor(key, b.constI32(INT32_MIN)));
  return b.bitcast(bits, b.f32());
}

//===----------------------------------------------------------------------===//
// Probabilities
//===----------------------------------------------------------------------===//

/// The largest logit; NaN if one is.
Value RouteEmitter::findMax(Value row) {
  Value zero = b.splatI32(0);
  Value largest = forEachVector(
      zero,
      [&](Value first, int64_t lanes,
          ValueRange carried) -> SmallVector<Value> {
        Value key = emitSortKeys(b, loadFloats(row, first, lanes));
        return {b.maxU(carried[0], keepLanes(b, key, zero, lanes))};
      })[0];
  return emitFloatOfKey(b, b.reduceMaxUInt(largest));
}

void RouteEmitter::emitSoftmax(Value row) {
  Value max = b.splat(findMax(row)), zero = b.splatF32(0);
  Value sums =
      forEachVector(zero,
                    [&](Value first, int64_t lanes,
                        ValueRange carried) -> SmallVector<Value> {
                      Value x = b.sub(loadFloats(row, first, lanes), max);
                      Value q = keepLanes(b, emitExp(b, x), zero, lanes);
                      b.store(q, getScratch(probabilities, first));
                      return {b.add(carried[0], q)};
                    })[0];
  Value sum = b.splat(b.reduceTree(sums));
  forEachVector({}, [&](Value first, int64_t, ValueRange) {
    Value place = getScratch(probabilities, first);
    b.store(b.div(b.load(b.vec(b.f32()), place), sum), place);
    return SmallVector<Value>();
  });
}

void RouteEmitter::emitSigmoid(Value row) {
  forEachVector({}, [&](Value first, int64_t lanes, ValueRange) {
    Value l = loadFloats(row, first, lanes), one = b.splatF32(1);
    Value p = b.div(one, b.add(one, emitExp(b, b.neg(l))));
    b.store(p, getScratch(probabilities, first));
    return SmallVector<Value>();
  });
}

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

/// Lanes beyond the experts have the key 0.
void RouteEmitter::emitKeys(Value row) {
  forEachVector({}, [&](Value first, int64_t lanes, ValueRange) {
    Value score = loadFloats(row, first, lanes);
    if (bias || spec.getLimitGroups() > 0)
      score = b.load(b.vec(b.f32()), getScratch(probabilities, first));
    if (bias)
      score = b.add(score, loadFloats(bias, first, lanes));
    Value key = keepLanes(b, emitSortKeys(b, score), b.splatI32(0), lanes);
    b.store(key, getScratch(keys, first));
    return SmallVector<Value>();
  });
}

/// Unsigned integers that sort as the scores do; see emitSortKeys for vectors.
static Value emitSortKey(KernelBuilder &b, Value score) {
  return b.extract(emitSortKeys(b, b.splat(score)), 0);
}

/// The experts of the groups that are not used get the key 0, which no score
/// has. So do the groups that are used, as they are found.
void RouteEmitter::limitToGroups() {
  Value groups = b.constI64(spec.getLimitGroups()), zero = b.constI64(0);
  Value used = b.constI64(spec.getLimitUsed()), none = b.constI32(0);
  int64_t size = experts / spec.getLimitGroups();
  auto getKey = [&](Value group) {
    return b.offset(groupKeys, b.mul(group, kWord));
  };
  b.forLoop(zero, groups, 1, [&](Value group) {
    Value first = b.mul(group, size);
    // The largest key and the next.
    SmallVector<Value> two = b.forLoop(
        first, b.add(first, size), 1, ValueRange{none, none},
        [&](Value expert, ValueRange top) -> SmallVector<Value> {
          Value key = b.load(b.i32(), getScratch(keys, expert));
          return {b.maxU(top[0], key), b.maxU(top[1], b.minU(top[0], key))};
        });
    Value score = b.add(emitFloatOfKey(b, two[0]), emitFloatOfKey(b, two[1]));
    b.store(emitSortKey(b, score), getKey(group));
  });
  b.forLoop(zero, used, 1, [&](Value) {
    SmallVector<Value> best =
        b.forLoop(zero, groups, 1, ValueRange{none, zero},
                  [&](Value group, ValueRange top) -> SmallVector<Value> {
                    Value key = b.load(b.i32(), getKey(group));
                    Value isLarger = b.cmpI(CmpIPredicate::ugt, key, top[0]);
                    return {b.select(isLarger, key, top[0]),
                            b.select(isLarger, group, top[1])};
                  });
    b.store(none, getKey(best[1]));
  });
  b.forLoop(zero, b.constI64(experts), 1, [&](Value expert) {
    Value key = b.load(b.i32(), getKey(b.divU(expert, size)));
    Value isUsed = b.cmpI(CmpIPredicate::eq, key, none);
    Value place = getScratch(keys, expert);
    b.store(b.select(isUsed, b.load(b.i32(), place), none), place);
  });
}

/// The lowest of the experts with the largest key, as i32.
Value RouteEmitter::findBest() {
  // Of each lane the largest key and the number of its expert.
  SmallVector<Value> lanes = forEachVector(
      ValueRange{b.splatI32(0), b.laneNumbers()},
      [&](Value first, int64_t, ValueRange carried) -> SmallVector<Value> {
        Value key = b.load(b.vec(b.i32()), getScratch(keys, first));
        Value number =
            b.add(b.splat(b.truncate(first, b.i32())), b.laneNumbers());
        Value isLarger = b.cmpI(CmpIPredicate::ugt, key, carried[0]);
        return {b.select(isLarger, key, carried[0]),
                b.select(isLarger, number, carried[1])};
      });
  Value top = b.splat(b.reduceMaxUInt(lanes[0]));
  Value isTop = b.cmpI(CmpIPredicate::eq, lanes[0], top);
  // The least number is the complement of the largest complement.
  Value complement = b.bitXor(lanes[1], b.splatI32(-1));
  Value best = b.reduceMaxUInt(b.select(isTop, complement, b.splatI32(0)));
  return b.bitXor(best, b.constI32(-1));
}

void RouteEmitter::chooseExperts(Value idsRow, Value weightsRow) {
  Value slots = b.constI64(spec.getSlots());
  auto choose = [&](Value slot, ValueRange sum) -> SmallVector<Value> {
    Value best = findBest();
    Value place = b.mul(b.extendU(best, b.i64()), kWord);
    b.store(b.constI32(0), b.offset(keys, place));
    Value p = b.load(b.f32(), b.offset(probabilities, place));
    b.store(best, b.offset(idsRow, b.mul(slot, kWord)));
    b.store(p, b.offset(weightsRow, b.mul(slot, kWord)));
    return {b.add(sum[0], p)};
  };
  Value sum = b.forLoop(b.constI64(0), slots, 1, b.constF32(0), choose)[0];
  float scale = spec.getScale().getValue().convertToFloat();
  if (!spec.getNormalise() && scale == 1)
    return;
  b.forLoop(b.constI64(0), slots, 1, [&](Value slot) {
    Value place = b.offset(weightsRow, b.mul(slot, kWord));
    Value weight = b.load(b.f32(), place);
    if (spec.getNormalise())
      weight = b.div(weight, sum);
    if (scale != 1)
      weight = b.mul(weight, b.constF32(scale));
    b.store(weight, place);
  });
}
