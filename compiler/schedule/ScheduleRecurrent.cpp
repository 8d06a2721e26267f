//===- ScheduleRecurrent.cpp - Layers with a state, and gates, as steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   model.causal_conv            ==>  plan.state sequence
//                                     plan.step @mc_causal_conv
//   model.delta_rule             ==>  plan.state sequence
//                                     plan.step @mc_delta_rule
//   rms_norm of heads, model.glu ==>  plan.step @mc_siluglu
//   model.columns                ==>  plan.step @mc_columns
//
// A token needs what the one before it left, so steps with a state are cut into
// tiles by columns, never by tokens.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Scheduler.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;
using plan::CountSource;

/// Kernels of states work in whole vectors.
static constexpr int64_t kVector = 16;

static LogicalResult verifyVectors(Operation *op, int64_t elements) {
  if (elements % kVector == 0)
    return success();
  return op->emitOpError("no kernel works on ")
         << elements << " columns, which are no multiple of " << kVector;
}

LogicalResult Scheduler::schedule(model::GluOp op) {
  auto norm = op.getUp().getDefiningOp<model::RmsNormOp>();
  if (norm && (!norm->hasOneUse() || norm.getResidual()))
    norm = {};
  SmallVector<Value> values = {op.getGate(), norm ? norm.getX() : op.getUp()};
  int64_t headDim = 0;
  if (norm) {
    if (failed(verifyPacked(norm, norm.getWeight())))
      return failure();
    values.push_back(norm.getWeight());
    headDim = model::getWeightShape(norm.getWeight().getType())[0];
  }
  SmallVector<std::string> operands;
  for (Value value : values) {
    FailureOr<std::string> symbol = lookup(op, value);
    if (failed(symbol))
      return failure();
    operands.push_back(*symbol);
  }
  auto spec = plan::GluSpecAttr::get(
      op.getContext(), getColumns(op.getResult()), op.getActivation(), headDim,
      norm ? norm.getEpsAttr() : FloatAttr());
  std::string name = norm ? getStepName(norm.getWeight()) : "gate";
  operands.push_back(addValue(op.getResult(), name + ".out"));
  steps.addStep(op.getLoc(), {name, steps.getWholeRange(CountSource::Tokens)},
                spec, operands);
  return success();
}

LogicalResult Scheduler::schedule(model::ColumnsOp op) {
  int64_t period = op.getPeriod();
  auto spec = plan::ColumnsSpecAttr::get(op.getContext(),
                                         getColumns(op.getX()) / period,
                                         op.getFirst(), op.getLength(), period);
  return scheduleRows(op, spec, Value(), "columns");
}

LogicalResult Scheduler::scheduleSequence(Operation *op,
                                          plan::KernelSpecInterface spec,
                                          StringRef state, int64_t bytes,
                                          int64_t tiles) {
  if (!states.insert(state).second)
    return op->emitOpError("expected no other op with state @") << state;
  SmallVector<std::string> operands;
  for (Value value : op->getOperands()) {
    FailureOr<std::string> symbol = lookup(op, value);
    if (failed(symbol))
      return failure();
    operands.push_back(*symbol);
  }
  operands.push_back(steps.addSequenceState(op->getLoc(), state, bytes));
  operands.push_back(addValue(op->getResult(0), (state + ".out").str()));
  StepInfo info{(state + ".step").str(),
                steps.getWholeRange(CountSource::Tokens)};
  info.tileDivisor = info.range.max;
  info.tileMultiplier = tiles;
  steps.addStep(op->getLoc(), info, spec, operands);
  return success();
}

LogicalResult Scheduler::schedule(model::CausalConvOp op) {
  int64_t channels = getColumns(op.getX());
  int64_t taps = model::getWeightShape(op.getWeight().getType())[1];
  if (failed(verifyPacked(op, op.getWeight())) ||
      failed(verifyVectors(op, channels)))
    return failure();
  auto spec = plan::CausalConvSpecAttr::get(op.getContext(), channels, taps);
  return scheduleSequence(op, spec, op.getState(), spec.getStateBytes(),
                          spec.getTileCount());
}

LogicalResult Scheduler::schedule(model::DeltaRuleOp op) {
  ArrayRef<int64_t> shape =
      symbols.lookup<model::StateOp>(op.getState()).getShape();
  if (failed(verifyPacked(op, op.getRate())) ||
      failed(verifyPacked(op, op.getBias())) ||
      failed(verifyVectors(op, shape[1])) ||
      failed(verifyVectors(op, shape[2])))
    return failure();
  auto spec = plan::DeltaRuleSpecAttr::get(op.getContext(), shape[0],
                                           op.getKeyHeads(), shape[1], shape[2],
                                           op.getTiled(), op.getEpsAttr());
  return scheduleSequence(op, spec, op.getState(), spec.getStateBytes(),
                          spec.getTileCount());
}
