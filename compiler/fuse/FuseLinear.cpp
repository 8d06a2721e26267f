//===- FuseLinear.cpp - Matmuls with what goes before and after
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Greedy patterns, each with one rule; see Passes.td for what is taken in.
//
//   %n = rms_norm %x, %g
//   %z = matmul %n, %w     ==>  %y = linear residual %x norm(%g) weights(%w)
//   %y = add %x, %z                      residual(%x)
//
// model.experts takes in norm and residual in the same way.
//
// Assumes IR as imported. Leaves no model.matmul.
//
//===----------------------------------------------------------------------===//

#include "compiler/fuse/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace modelc::fuse {
#define GEN_PASS_DEF_FUSELINEARPASS
#include "compiler/fuse/Passes.h.inc"
} // namespace modelc::fuse

using namespace mlir;
using namespace modelc::model;

/// The linear `store` of one weight that makes `value` and whose only use is
/// this one, or null.
static LinearOp getLinearOfOnlyUse(Value value) {
  auto linear = value.getDefiningOp<LinearOp>();
  if (!linear || linear.getEpilogue() != Epilogue::Store ||
      linear.getWeights().size() != 1 || !value.hasOneUse())
    return {};
  return linear;
}

/// The experts without a residual whose result has only this use, or null.
static ExpertsOp getExpertsOfOnlyUse(Value value) {
  auto experts = value.getDefiningOp<ExpertsOp>();
  if (!experts || experts.getResidual() || !value.hasOneUse())
    return {};
  return experts;
}

/// The norm of whole rows whose only reader is the owner of `value`, without a
/// sum.
static RmsNormOp getNormOfOnlyUse(Value value) {
  auto norm = value.getDefiningOp<RmsNormOp>();
  if (!norm || norm.getResidual() || !value.hasOneUse() ||
      getWeightShape(norm.getWeight().getType())[0] !=
          norm.getX().getType().getDimSize(1))
    return {};
  return norm;
}

/// The operand of a sum that `find` takes for a branch, and the other one, the
/// residual. The second operand first: of two branches the first is the stream.
/// A null branch if neither is one.
template <typename OpT>
static std::pair<OpT, Value> findBranch(AddOp sum, OpT (*find)(Value)) {
  if (OpT branch = find(sum.getB()))
    return {branch, sum.getA()};
  return {find(sum.getA()), sum.getB()};
}

/// True if every use of `value` is the input of a matmul, or of a linear or
/// experts of which `canTakeIn` says that they take in what makes the value.
static bool isOnlyInput(Value value,
                        function_ref<bool(Operation *)> canTakeIn) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    return use.getOperandNumber() == 0 &&
           (isa<MatmulOp>(use.getOwner()) || canTakeIn(use.getOwner()));
  });
}

/// True for ops with a place for a norm of their input.
static bool canTakeInNorm(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return !linear.getNorm() && !linear.getRows();
  auto experts = dyn_cast<ExpertsOp>(op);
  return experts && !experts.getNorm();
}

/// True for ops with a place for the rows that they are to compute.
static bool canTakeInRows(Operation *op) {
  auto linear = dyn_cast<LinearOp>(op);
  return linear && !linear.getRows();
}

namespace {

/// A pattern that counts how often it fired.
template <typename OpT> struct CountingPattern : OpRewritePattern<OpT> {
  CountingPattern(MLIRContext *context, Pass::Statistic &count)
      : OpRewritePattern<OpT>(context), count(count) {}
  Pass::Statistic &count;
};

/// matmul ==> linear store.
struct MatmulToLinear : CountingPattern<MatmulOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LinearOp>(
        op, op->getResultTypes(), Epilogue::Store, op.getX(),
        /*rows=*/Value(), /*norm=*/Value(), op.getWeight(),
        /*biases=*/ValueRange(), /*residual=*/Value(), /*eps=*/FloatAttr(),
        /*activation=*/ActivationAttr(), /*cap=*/FloatAttr());
    ++count;
    return success();
  }
};

/// add_bias(linear) ==> linear biases. The linear moves to the later op,
/// where the bias is defined.
struct TakeInBias : CountingPattern<AddBiasOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(AddBiasOp op,
                                PatternRewriter &rewriter) const override {
    LinearOp linear = getLinearOfOnlyUse(op.getX());
    if (!linear || !linear.getBiases().empty())
      return failure();
    rewriter.replaceOpWithNewOp<LinearOp>(
        op, op->getResultTypes(), Epilogue::Store, linear.getX(),
        linear.getRows(), linear.getNorm(), linear.getWeights(), op.getBias(),
        /*residual=*/Value(), linear.getEpsAttr(),
        /*activation=*/ActivationAttr(), /*cap=*/FloatAttr());
    rewriter.eraseOp(linear);
    ++count;
    return success();
  }
};

/// add(linear, r) or add(r, linear) ==> linear residual(r). The linear moves
/// to the later op, where the residual is defined.
struct TakeInResidual : CountingPattern<AddOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto [linear, residual] = findBranch(op, getLinearOfOnlyUse);
    if (!linear)
      return failure();
    rewriter.replaceOpWithNewOp<LinearOp>(
        op, op->getResultTypes(), Epilogue::Residual, linear.getX(),
        linear.getRows(), linear.getNorm(), linear.getWeights(),
        linear.getBiases(), residual, linear.getEpsAttr(),
        /*activation=*/ActivationAttr(), /*cap=*/FloatAttr());
    rewriter.eraseOp(linear);
    ++count;
    return success();
  }
};

/// activate(linear(x)) ==> linear <activate>
struct TakeInActivation : CountingPattern<ActivateOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(ActivateOp op,
                                PatternRewriter &rewriter) const override {
    LinearOp linear = getLinearOfOnlyUse(op.getX());
    if (!linear)
      return failure();
    rewriter.replaceOpWithNewOp<LinearOp>(
        op, op->getResultTypes(), Epilogue::Activate, linear.getX(),
        linear.getRows(), linear.getNorm(), linear.getWeights(),
        linear.getBiases(), /*residual=*/Value(), linear.getEpsAttr(),
        op.getActivationAttr(), op.getCapAttr());
    rewriter.eraseOp(linear);
    ++count;
    return success();
  }
};

/// add(experts, r) or add(r, experts) ==> experts residual(r), as for linears.
struct TakeInExpertsResidual : CountingPattern<AddOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto [experts, residual] = findBranch(op, getExpertsOfOnlyUse);
    if (!experts)
      return failure();
    rewriter.replaceOpWithNewOp<ExpertsOp>(
        op, experts.getType(), experts.getActivationAttr(), experts.getX(),
        experts.getIds(), experts.getWeights(), experts.getNorm(),
        experts.getGate(), experts.getUp(), experts.getDown(),
        experts.getBiases(), residual, experts.getEpsAttr());
    rewriter.eraseOp(experts);
    ++count;
    return success();
  }
};

/// a + rms_norm(x) ==> rms_norm(x) residual(a)
struct TakeInNormResidual : CountingPattern<AddOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto [norm, residual] = findBranch(op, getNormOfOnlyUse);
    if (!norm)
      return failure();
    rewriter.replaceOpWithNewOp<RmsNormOp>(op, norm.getType(), norm.getX(),
                                           norm.getWeight(), residual,
                                           norm.getEpsAttr());
    rewriter.eraseOp(norm);
    ++count;
    return success();
  }
};

/// linear(rms_norm(x)) ==> linear x norm, and the same of experts.
template <typename OpT> struct TakeInNorm : CountingPattern<OpT> {
  using CountingPattern<OpT>::CountingPattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    auto norm = op.getX().template getDefiningOp<RmsNormOp>();
    if (!norm || norm.getResidual() || !canTakeInNorm(op))
      return failure();
    int64_t length = getWeightShape(norm.getWeight().getType())[0];
    if (length != op.getX().getType().getDimSize(1) ||
        !isOnlyInput(norm, canTakeInNorm))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(norm.getX());
      op.getNormMutable().assign(norm.getWeight());
      op.setEpsAttr(norm.getEpsAttr());
    });
    ++this->count;
    return success();
  }
};

/// linear(select_rows(x)) ==> linear x rows.
struct TakeInRows : CountingPattern<LinearOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    auto select = op.getX().getDefiningOp<SelectRowsOp>();
    if (!select || !canTakeInRows(op) || !isOnlyInput(select, canTakeInRows))
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.getXMutable().assign(select.getX());
      op.getRowsMutable().assign(select.getRows());
    });
    ++count;
    return success();
  }
};

class FuseLinear : public modelc::fuse::impl::FuseLinearPassBase<FuseLinear> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MatmulToLinear>(&getContext(), numLinears);
    patterns.add<TakeInBias, TakeInResidual, TakeInActivation,
                 TakeInExpertsResidual, TakeInNormResidual,
                 TakeInNorm<LinearOp>, TakeInNorm<ExpertsOp>, TakeInRows>(
        &getContext(), numFused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
