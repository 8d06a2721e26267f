//===- FuseGlu.cpp - Gate, up and activation in one linear
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %a = linear store %x weights(%gate)
//   %b = linear store %x weights(%up)    ==>  %y = linear glu %x
//   %y = glu silu %a, %b                            weights(%gate, %up)
//
// Assumes model-fuse-linear. Leaves gated units whose two sides differ in
// their prepared input, or are read elsewhere, as they are.
//
//===----------------------------------------------------------------------===//

#include "compiler/fuse/InputKey.h"
#include "compiler/fuse/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace modelc::fuse {
#define GEN_PASS_DEF_FUSEGLUPASS
#include "compiler/fuse/Passes.h.inc"
} // namespace modelc::fuse

using namespace mlir;
using namespace modelc::fuse;
using namespace modelc::model;

/// The linear `store` of one weight that makes `side` of a gated unit and
/// nothing else, or null.
static LinearOp getSide(Value side) {
  auto linear = side.getDefiningOp<LinearOp>();
  if (!linear || linear.getEpilogue() != Epilogue::Store ||
      linear.getWeights().size() != 1 || !side.hasOneUse())
    return {};
  return linear;
}

namespace {

struct GluOfLinears : OpRewritePattern<GluOp> {
  GluOfLinears(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern(context), count(count) {}

  LogicalResult matchAndRewrite(GluOp op,
                                PatternRewriter &rewriter) const override {
    LinearOp gate = getSide(op.getGate()), up = getSide(op.getUp());
    if (!gate || !up || getInputKey(gate) != getInputKey(up))
      return failure();
    SmallVector<Value> weights = {gate.getWeights()[0], up.getWeights()[0]};
    SmallVector<Value> biases(gate.getBiases());
    llvm::append_range(biases, up.getBiases());
    rewriter.replaceOpWithNewOp<LinearOp>(
        op, op->getResultTypes(), Epilogue::Glu, gate.getX(), gate.getRows(),
        gate.getNorm(), weights, biases, /*residual=*/Value(),
        gate.getEpsAttr(), op.getActivationAttr(), /*cap=*/FloatAttr());
    rewriter.eraseOp(gate);
    rewriter.eraseOp(up);
    ++count;
    return success();
  }

  Pass::Statistic &count;
};

class FuseGlu : public modelc::fuse::impl::FuseGluPassBase<FuseGlu> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<GluOfLinears>(&getContext(), numFused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
