//===- FuseSharedInput.cpp - One linear for all over one input
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %q = linear store %x weights(%wq)
//   %k = linear store %x weights(%wk)  ==>  %q, %k, %v = linear store %x
//   %v = linear store %x weights(%wv)           weights(%wq, %wk, %wv)
//
// Assumes model-fuse-linear and model-fuse-glu. Leaves linears with another
// epilogue, or whose weights are computed, as they are.
//
//===----------------------------------------------------------------------===//

#include "compiler/fuse/InputKey.h"
#include "compiler/fuse/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace modelc::fuse {
#define GEN_PASS_DEF_FUSESHAREDINPUTPASS
#include "compiler/fuse/Passes.h.inc"
} // namespace modelc::fuse

using namespace mlir;
using namespace modelc::fuse;
using namespace modelc::model;

/// The ops that make the weights and biases of a linear. They may move to
/// where the first linear of a group stands, for they have no operands.
static SmallVector<Operation *> getWeightOps(LinearOp op) {
  SmallVector<Operation *> ops;
  for (Value weight : op.getWeights())
    ops.push_back(weight.getDefiningOp<GetWeightOp>());
  for (Value bias : op.getBiases())
    ops.push_back(bias.getDefiningOp<GetWeightOp>());
  return ops;
}

/// Replaces the linears of `group`, in order of the block, by one.
static void merge(ArrayRef<LinearOp> group) {
  LinearOp first = group.front();
  SmallVector<Value> weights, biases, results;
  SmallVector<Type> types;
  for (LinearOp op : group) {
    for (Operation *weight : getWeightOps(op))
      if (first->isBeforeInBlock(weight))
        weight->moveBefore(first);
    llvm::append_range(weights, op.getWeights());
    llvm::append_range(biases, op.getBiases());
    llvm::append_range(results, op.getResults());
    llvm::append_range(types, op->getResultTypes());
  }
  SmallVector<Location> locations;
  for (LinearOp op : group)
    locations.push_back(op.getLoc());
  OpBuilder b(first);
  auto merged = LinearOp::create(
      b, b.getFusedLoc(locations), types, Epilogue::Store, first.getX(),
      first.getRows(), first.getNorm(), weights, biases, /*residual=*/Value(),
      first.getEpsAttr(), /*activation=*/ActivationAttr(), /*cap=*/FloatAttr());
  for (auto [from, to] : llvm::zip_equal(results, merged.getResults()))
    from.replaceAllUsesWith(to);
  for (LinearOp op : group)
    op.erase();
}

namespace {

class FuseSharedInput
    : public modelc::fuse::impl::FuseSharedInputPassBase<FuseSharedInput> {
  void runOnOperation() override {
    llvm::MapVector<InputKey, SmallVector<LinearOp>> groups;
    getOperation().walk([&](LinearOp op) {
      if (op.getEpilogue() == Epilogue::Store &&
          !llvm::is_contained(getWeightOps(op), nullptr))
        groups[getInputKey(op)].push_back(op);
    });
    for (auto &[key, group] : groups) {
      if (group.size() < 2)
        continue;
      merge(group);
      numMerged += group.size() - 1;
    }
  }
};

} // namespace
