//===- InterpretRecurrent.cpp - Layers with a state for each sequence
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Token after token, each with what the one before it left.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Interpreter.h"
#include "test/reference/Numerics.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::reference;

std::vector<float> &Interpreter::getState(StringRef name) {
  ArrayRef<int64_t> shape =
      module.lookupSymbol<model::StateOp>(name).getShape();
  std::vector<float> &state = states[name];
  state.resize(ShapedType::getNumElements(shape));
  return state;
}

Matrix Interpreter::columns(model::ColumnsOp op) {
  const Matrix &x = matrices[op.getX()];
  const int64_t first = op.getFirst(), length = op.getLength();
  const int64_t period = op.getPeriod();
  Matrix result(x.rows, x.columns / period * length);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < result.columns; ++i)
      result.row(t)[i] = x.row(t)[i / length * period + first + i % length];
  return result;
}

Matrix Interpreter::causalConv(model::CausalConvOp op) {
  const Matrix &x = matrices[op.getX()];
  gguf::GgufTensor tensor = getTensor(op.getWeight());
  std::vector<float> weight(tensor.shape[0] * tensor.shape[1]);
  decodeRow(WeightType::F32, tensor.bytes.data(), weight);
  Matrix result(x.rows, x.columns);
  for (int64_t t = 0; t < x.rows; ++t)
    convolve(x.row(t), weight, getState(op.getState()), result.row(t));
  return result;
}

Matrix Interpreter::deltaRule(model::DeltaRuleOp op) {
  ArrayRef<int64_t> shape =
      module.lookupSymbol<model::StateOp>(op.getState()).getShape();
  const int64_t heads = shape[0], keyDim = shape[1], valueDim = shape[2];
  const int64_t keyHeads = op.getKeyHeads(), keys = keyHeads * keyDim;
  const Matrix &x = matrices[op.getX()];
  std::vector<float> rate = getVector(op.getRate());
  std::vector<float> bias = getVector(op.getBias());
  std::vector<DeltaState> &state = deltaStates[op.getState()];
  state.resize(heads, DeltaState(keyDim, valueDim));
  Matrix result(x.rows, heads * valueDim);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t keyHead = op.getTiled() ? h % keyHeads : h / (heads / keyHeads);
      std::span<const float> row = x.row(t);
      DeltaHead head = {row.subspan(keyHead * keyDim, keyDim),
                        row.subspan(keys + keyHead * keyDim, keyDim),
                        row.subspan(2 * keys + h * valueDim, valueDim),
                        matrices[op.getDecay()].row(t)[h],
                        matrices[op.getBeta()].row(t)[h],
                        rate[h],
                        bias[h],
                        op.getEps().convertToFloat()};
      applyDeltaRule(head, length + t, state[h],
                     result.row(t).subspan(h * valueDim, valueDim));
    }
  return result;
}
