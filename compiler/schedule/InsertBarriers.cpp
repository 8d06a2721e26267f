//===- InsertBarriers.cpp - Which steps wait for all earlier ones
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the steps once. For a step, the earlier steps that may still run are
// those since the last barrier that is certain to have been passed.
//
//   "norm"  writes @a            "norm"  writes @a
//   "qkv"   reads @a       ==>   "qkv"   reads @a   barrier
//
// Two operands touch the same memory if they are the same symbol, or slots
// whose places in the arena overlap. A counter is read like an operand.
//
// Assumes placed slots. Leaves every hazard behind a barrier.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Passes.h"

namespace modelc::schedule {
#define GEN_PASS_DEF_INSERTBARRIERSPASS
#include "compiler/schedule/Passes.h.inc"
} // namespace modelc::schedule

using namespace mlir;
using namespace modelc;
using plan::Access;
using plan::StepOp;

/// True if there is a count for which both steps run. Counts of different
/// sources are independent.
static bool mayRunTogether(StepOp a, StepOp b) {
  return a.getCount() != b.getCount() ||
         (a.getMin() <= b.getMax() && b.getMin() <= a.getMax());
}

/// True if `step` runs whenever `other` does.
static bool coversRangeOf(StepOp step, StepOp other) {
  return step.getCount() == other.getCount() &&
         step.getMin() <= other.getMin() && step.getMax() >= other.getMax();
}

namespace {

/// One operand of a step: which memory, and what happens to it.
struct Touch {
  StringAttr symbol;
  int64_t begin = -1; ///< Offsets in the arena; -1 for other memory.
  int64_t end = -1;
  Access access;

  bool conflictsWith(const Touch &other) const {
    if (!plan::writes(access) && !plan::writes(other.access))
      return false;
    return symbol == other.symbol || (begin < other.end && other.begin < end);
  }
};

/// A step with its operands looked up.
struct StepTouches {
  StepOp step;
  SmallVector<Touch> touches;

  bool conflictsWith(const StepTouches &other) const {
    for (const Touch &a : touches)
      for (const Touch &b : other.touches)
        if (a.conflictsWith(b))
          return true;
    return false;
  }
};

} // namespace

static StepTouches collectTouches(StepOp step, const SymbolTable &symbols) {
  StepTouches result{step, {}};
  auto addTouch = [&](FlatSymbolRefAttr symbol, Access access) {
    Touch touch{symbol.getAttr(), -1, -1, access};
    if (auto slot = symbols.lookup<plan::SlotOp>(symbol.getAttr())) {
      touch.begin = *slot.getOffset();
      touch.end = touch.begin + static_cast<int64_t>(slot.getBytes());
    }
    result.touches.push_back(touch);
  };
  for (auto [symbol, access] :
       llvm::zip_equal(step.getOperands_().getAsRange<FlatSymbolRefAttr>(),
                       step.getSpec().getAccesses()))
    addTouch(symbol, access);
  if (step.getCounter())
    addTouch(step.getCounterAttr(), Access::Read);
  return result;
}

/// Looks back from `step` for a conflict that no barrier separates.
static bool needsBarrier(const StepTouches &step,
                         ArrayRef<StepTouches> earlier) {
  for (const StepTouches &other : llvm::reverse(earlier)) {
    if (mayRunTogether(step.step, other.step) && step.conflictsWith(other))
      return true;
    // Whatever came before `other` ended before it started, if it ran.
    StepOp op = other.step;
    if (op.getBarrier() && coversRangeOf(op, step.step))
      return false;
  }
  return false;
}

namespace {

class InsertBarriers
    : public schedule::impl::InsertBarriersPassBase<InsertBarriers> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto slot : getOperation().getBody().getOps<plan::SlotOp>())
      if (!slot.getOffset()) {
        slot.emitOpError("has no place in the arena yet");
        return signalPassFailure();
      }
    SmallVector<StepTouches> earlier;
    for (StepOp step : getOperation().getBody().getOps<StepOp>()) {
      StepTouches touches = collectTouches(step, symbols);
      bool barrier = needsBarrier(touches, earlier);
      step.setBarrier(barrier);
      numBarriers += barrier;
      earlier.push_back(std::move(touches));
    }
  }
};

} // namespace
