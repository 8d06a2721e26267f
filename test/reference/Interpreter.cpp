//===- Interpreter.cpp - Runs a module of the model dialect, op by op
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks @forward once; each value becomes a matrix of floats. All tokens of a
// call pass through an op before the next op; attention appends every token's
// key and value first and then reads no position beyond the token's own.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Interpreter.h"
#include "compiler/import/ModuleAttributes.h"
#include "compiler/support/Rope.h"
#include "test/reference/Numerics.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace modelc;
using namespace modelc::reference;
using gguf::GgufTensor;
using model::GgmlType;

/// The type as docs/numerics.md has it, or nothing.
static std::optional<WeightType> getWeightType(GgmlType type) {
  switch (type) {
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  case GgmlType::name:                                                         \
    return WeightType::name;
#include "test/reference/WeightTypes.def"
  default:
    return std::nullopt;
  }
}

static support::RopeScaling getScaling(model::RopeScaling scaling) {
  switch (scaling) {
  case model::RopeScaling::None:
    return support::RopeScaling::None;
  case model::RopeScaling::Linear:
    return support::RopeScaling::Linear;
  case model::RopeScaling::Yarn:
    return support::RopeScaling::Yarn;
  }
  llvm_unreachable("all scalings are listed");
}

static float getFloat(FloatAttr attr) {
  return attr.getValue().convertToFloat();
}

/// a + b or a * b of each element.
template <typename OpT>
static Matrix combine(const Matrix &a, const Matrix &b, OpT op) {
  Matrix result(a.rows, a.columns);
  for (size_t i = 0; i < a.values.size(); ++i)
    result.values[i] = op(a.values[i], b.values[i]);
  return result;
}

static Matrix add(const Matrix &a, const Matrix &b) {
  return combine(a, b, [](float x, float y) { return x + y; });
}

static float activate(model::Activation activation, FloatAttr cap, float x) {
  switch (activation) {
  case model::Activation::Silu:
    return computeSilu(x);
  case model::Activation::Gelu:
    return computeGelu(x);
  case model::Activation::SoftCap:
    return computeSoftCap(x, getFloat(cap));
  case model::Activation::Sigmoid:
    return computeSigmoid(x);
  case model::Activation::SwigluOai:
    break;
  }
  llvm_unreachable("the verifier refuses it");
}

static Matrix activate(model::Activation activation, FloatAttr cap, Matrix x) {
  for (float &value : x.values)
    value = activate(activation, cap, value);
  return x;
}

static float applyGlu(model::Activation activation, float gate, float up) {
  if (activation == model::Activation::SwigluOai)
    return computeSwigluOai(gate, up);
  return activate(activation, /*cap=*/FloatAttr(), gate) * up;
}

static Matrix applyGlu(model::Activation activation, const Matrix &gate,
                       const Matrix &up) {
  return combine(gate, up,
                 [&](float x, float y) { return applyGlu(activation, x, y); });
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

absl::StatusOr<Interpreter> Interpreter::create(ModuleOp module,
                                                const gguf::GgufModel &source) {
  for (auto weight : module.getOps<model::WeightOp>())
    if (!getWeightType(
            *model::getGgmlType(weight.getTensorType().getElementType())))
      return absl::UnimplementedError(
          ("tensor '" + weight.getSymName() + "': no numerics of this type")
              .str());
  return Interpreter(module, source);
}

absl::StatusOr<Matrix> Interpreter::run(llvm::ArrayRef<int32_t> tokens) {
  auto forward = module.lookupSymbol<func::FuncOp>(kForwardName);
  auto vocabulary = module->getAttrOfType<IntegerAttr>(kVocabSizeAttr).getInt();
  for (int32_t token : tokens)
    if (token < 0 || token >= vocabulary)
      return absl::InvalidArgumentError("no token " + std::to_string(token));
  matrices.clear();
  std::vector<int32_t> rows(tokens.size()), positions(tokens.size());
  std::iota(rows.begin(), rows.end(), 0);
  std::iota(positions.begin(), positions.end(), length);
  ids[forward.getArgument(0)] = tokens.vec();
  ids[forward.getArgument(1)] = positions;
  ids[forward.getArgument(2)] = rows;
  for (Operation &op : forward.getBody().front().without_terminator())
    execute(op);
  length += static_cast<int64_t>(tokens.size());
  return matrices[forward.getBody().front().getTerminator()->getOperand(0)];
}

void Interpreter::execute(Operation &op) {
  if (auto op_ = dyn_cast<model::LinearOp>(op))
    return linear(op_);
  if (auto op_ = dyn_cast<model::RouteOp>(op))
    return route(op_);
  if (isa<model::GetWeightOp>(op))
    return;
  auto get = [&](Value value) -> const Matrix & { return matrices[value]; };
  Matrix result =
      TypeSwitch<Operation &, Matrix>(op)
          .Case([&](model::EmbedOp o) { return embed(o); })
          .Case([&](model::RmsNormOp o) { return rmsNorm(o); })
          .Case([&](model::LayerNormOp o) { return layerNorm(o); })
          .Case([&](model::MatmulOp o) {
            return multiply(get(o.getX()), o.getWeight());
          })
          .Case([&](model::HeadMatmulOp o) { return headMatmul(o); })
          .Case([&](model::JoinHeadsOp o) { return joinHeads(o); })
          .Case([&](model::AddBiasOp o) {
            return addBias(get(o.getX()), o.getBias());
          })
          .Case(
              [&](model::AddOp o) { return add(get(o.getA()), get(o.getB())); })
          .Case([&](model::GluOp o) {
            return applyGlu(o.getActivation(), get(o.getGate()),
                            get(o.getUp()));
          })
          .Case([&](model::ActivateOp o) {
            return activate(o.getActivation(), o.getCapAttr(), get(o.getX()));
          })
          .Case([&](model::ExpertsOp o) { return experts(o); })
          .Case([&](model::RopeTableOp o) { return ropeTable(o); })
          .Case([&](model::RopeOp o) { return rope(o); })
          .Case([&](model::AttentionOp o) { return attention(o); })
          .Case([&](model::ColumnsOp o) { return columns(o); })
          .Case([&](model::CausalConvOp o) { return causalConv(o); })
          .Case([&](model::DeltaRuleOp o) { return deltaRule(o); })
          .Case([&](model::SelectRowsOp o) {
            return selectRows(get(o.getX()), o.getRows());
          });
  matrices[op.getResult(0)] = std::move(result);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

GgufTensor Interpreter::getTensor(Value weight) const {
  return *source->findRows(
      weight.getDefiningOp<model::GetWeightOp>().getWeight());
}

std::span<const float> Interpreter::decode(Value weight, int64_t index) {
  model::Matrices shape = *model::getMatrices(weight.getType());
  std::vector<float> &numbers = decoded[{weight, index}];
  if (!numbers.empty())
    return numbers;
  numbers.resize(shape.rows * shape.columns);
  GgufTensor tensor = getTensor(weight);
  WeightType type = *getWeightType(tensor.type);
  const uint8_t *row = tensor.getMatrix(index).data();
  for (int64_t n = 0; n < shape.rows; ++n)
    decodeRow(type, row + n * getRowBytes(type, shape.columns),
              std::span(numbers).subspan(n * shape.columns, shape.columns));
  return numbers;
}

std::vector<float> Interpreter::getVector(Value weight) const {
  GgufTensor tensor = getTensor(weight);
  std::vector<float> values(tensor.shape[0]);
  decodeRow(WeightType::F32, tensor.bytes.data(), values);
  return values;
}

Matrix Interpreter::embed(model::EmbedOp op) {
  GgufTensor table = getTensor(op.getTable());
  WeightType type = *getWeightType(table.type);
  const std::vector<int32_t> &tokens = ids[op.getTokens()];
  Matrix result(static_cast<int64_t>(tokens.size()), table.shape[1]);
  for (int64_t t = 0; t < result.rows; ++t) {
    // Tokens are rows of the table; positions may be beyond it.
    int64_t row = std::min<int64_t>(tokens[t], table.shape[0] - 1);
    decodeRow(type,
              table.bytes.data() + row * getRowBytes(type, result.columns),
              result.row(t));
  }
  if (op.getScale())
    for (float &value : result.values)
      value = value * getFloat(op.getScaleAttr());
  return result;
}

void Interpreter::multiply(Value weight, int64_t index,
                           std::span<const float> x, std::span<float> y) {
  GgufTensor tensor = getTensor(weight);
  WeightType type = *getWeightType(tensor.type);
  if (arithmetic == Arithmetic::Plans && isQuantized(type)) {
    reference::multiply(type, tensor.getMatrix(index).data(), x, y);
    return;
  }
  std::span<const float> numbers = decode(weight, index);
  if (arithmetic == Arithmetic::Plans)
    reference::multiply(WeightType::F32,
                        reinterpret_cast<const uint8_t *>(numbers.data()), x,
                        y);
  else if (arithmetic == Arithmetic::Simulated && isQuantized(type))
    multiplyPlainly(numbers, roundToBlocks(x), y);
  else
    multiplyPlainly(numbers, x, y);
}

Matrix Interpreter::multiply(const Matrix &x, Value weight) {
  Matrix result(x.rows, model::getMatrices(weight.getType())->rows);
  for (int64_t t = 0; t < x.rows; ++t)
    multiply(weight, 0, x.row(t), result.row(t));
  return result;
}

Matrix Interpreter::headMatmul(model::HeadMatmulOp op) {
  const Matrix &x = matrices[op.getX()];
  auto [heads, rows, columns] = *model::getMatrices(op.getWeight().getType());
  Matrix result(x.rows, heads * rows);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t h = 0; h < heads; ++h)
      multiply(op.getWeight(), h,
               x.row(t).subspan(h * op.getHeadDim(), columns),
               result.row(t).subspan(h * rows, rows));
  return result;
}

Matrix Interpreter::joinHeads(model::JoinHeadsOp op) {
  const int64_t tokens = matrices[op.getSources()[0]].rows;
  Matrix result(tokens, op.getType().getDimSize(1));
  float *next = result.values.data();
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < static_cast<int64_t>(op.getHeads()); ++h)
      for (auto [source, dim, begin, count] : llvm::zip_equal(
               op.getSources(), op.getDims(), op.getBegins(), op.getCounts())) {
        const Matrix &x = matrices[source];
        int64_t head = x.columns == dim ? 0 : h;
        next = llvm::copy(x.row(t).subspan(head * dim + begin, count), next);
      }
  return result;
}

Matrix Interpreter::addBias(Matrix x, Value bias) {
  std::vector<float> values = getVector(bias);
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t i = 0; i < x.columns; ++i)
      x.row(t)[i] += values[i];
  return x;
}

Matrix Interpreter::rmsNorm(const Matrix &x, Value weight, float eps) {
  std::vector<float> values = getVector(weight);
  Matrix result(x.rows, x.columns);
  for (int64_t t = 0; t < x.rows; ++t)
    for (size_t i = 0; i < static_cast<size_t>(x.columns); i += values.size())
      normalize(x.row(t).subspan(i, values.size()), values, eps,
                result.row(t).subspan(i, values.size()));
  return result;
}

Matrix Interpreter::rmsNorm(model::RmsNormOp op) {
  Matrix y =
      rmsNorm(matrices[op.getX()], op.getWeight(), getFloat(op.getEpsAttr()));
  return op.getResidual() ? add(matrices[op.getResidual()], y) : y;
}

Matrix Interpreter::layerNorm(model::LayerNormOp op) {
  const Matrix &x = matrices[op.getX()];
  std::vector<float> weight = getVector(op.getWeight());
  std::vector<float> bias = getVector(op.getBias());
  Matrix result(x.rows, x.columns);
  for (int64_t t = 0; t < x.rows; ++t)
    normalizeLayer(x.row(t), weight, bias, getFloat(op.getEpsAttr()),
                   result.row(t));
  return result;
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

void Interpreter::route(model::RouteOp op) {
  const Matrix &logits = matrices[op.getLogits()];
  RouteOptions options;
  options.slots = op.getWeights().getType().getDimSize(1);
  if (op.getGating() == model::Gating::Sigmoid)
    options.gating = Gating::Sigmoid;
  options.normalise = op.getNormalise();
  options.scale = getFloat(op.getScaleAttr());
  options.groups = op.getGroups().value_or(0);
  options.groupsUsed = op.getGroupsUsed().value_or(0);
  std::vector<float> bias;
  if (op.getBias())
    bias = getVector(op.getBias());
  Matrix weights(logits.rows, options.slots);
  std::vector<int32_t> chosen;
  for (int64_t t = 0; t < logits.rows; ++t) {
    Route token = reference::route(logits.row(t), bias, options);
    llvm::append_range(chosen, token.ids);
    llvm::copy(token.weights, weights.row(t).begin());
  }
  ids[op.getIds()] = std::move(chosen);
  matrices[op.getWeights()] = std::move(weights);
}

std::vector<float> Interpreter::runExpert(model::ExpertsOp op,
                                          std::span<const float> y,
                                          int64_t expert) {
  auto multiplyBy = [&](Value weight, size_t biasIndex,
                        std::span<const float> x) {
    std::vector<float> z(model::getMatrices(weight.getType())->rows);
    multiply(weight, expert, x, z);
    if (op.getBiases().empty())
      return z;
    GgufTensor biases = getTensor(op.getBiases()[biasIndex]);
    for (size_t i = 0; i < z.size(); ++i)
      z[i] = z[i] + readFloat(WeightType::F32, biases.bytes.data(),
                              expert * static_cast<int64_t>(z.size()) +
                                  static_cast<int64_t>(i));
    return z;
  };
  std::vector<float> gate = multiplyBy(op.getGate(), 0, y);
  std::vector<float> up = multiplyBy(op.getUp(), 1, y);
  for (auto [g, u] : llvm::zip(gate, up))
    g = applyGlu(op.getActivation(), g, u);
  return multiplyBy(op.getDown(), 2, gate);
}

Matrix Interpreter::experts(model::ExpertsOp op) {
  Matrix y = matrices[op.getX()];
  if (op.getNorm())
    y = rmsNorm(y, op.getNorm(), getFloat(op.getEpsAttr()));
  const Matrix &weights = matrices[op.getWeights()];
  const std::vector<int32_t> &chosen = ids[op.getIds()];
  Matrix result(y.rows, y.columns);
  for (int64_t t = 0; t < y.rows; ++t)
    for (int64_t s = 0; s < weights.columns; ++s) {
      std::vector<float> z =
          runExpert(op, y.row(t), chosen[t * weights.columns + s]);
      for (auto [sum, value] : llvm::zip(result.row(t), z))
        sum = std::fma(weights.row(t)[s], value, sum);
    }
  return op.getResidual() ? add(matrices[op.getResidual()], result) : result;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Matrix Interpreter::ropeTable(model::RopeTableOp op) {
  model::RopeAttr rope = op.getRope();
  support::RopeParams params;
  params.dims = rope.getDims();
  params.base = getFloat(rope.getBase());
  params.scaling = getScaling(rope.getScaling());
  params.factor = getFloat(rope.getFactor());
  params.originalContext = rope.getOriginalContext();
  params.extFactor = getFloat(rope.getExtFactor());
  params.betaFast = getFloat(rope.getBetaFast());
  params.betaSlow = getFloat(rope.getBetaSlow());
  std::vector<double> frequencies = support::computeRopeFrequencies(
      params, op.getDivisors().value_or(ArrayRef<float>()));
  const std::vector<int32_t> &positions = ids[op.getPositions()];
  Matrix result(static_cast<int64_t>(positions.size()), params.dims);
  ArrayRef<float> temper = op.getTemper().value_or(ArrayRef<float>());
  for (int64_t t = 0; t < result.rows; ++t) {
    computeRopeTable(positions[t], frequencies,
                     getFloat(rope.getAttentionFactor()), result.row(t));
    if (temper.empty())
      continue;
    size_t step = positions[t] / *op.getTemperLength();
    for (float &x : result.row(t))
      x = x * temper[std::min(step, temper.size() - 1)];
  }
  return result;
}

Matrix Interpreter::rope(model::RopeOp op) {
  Matrix result = matrices[op.getX()];
  const Matrix &table = matrices[op.getTable()];
  bool adjacent = op.getPairing() == model::RopePairing::Adjacent;
  int64_t headDim = op.getHeadDim();
  for (int64_t t = 0; t < result.rows; ++t)
    for (int64_t i = 0; i < result.columns; i += headDim)
      rotate(result.row(t).subspan(i, headDim), table.row(t), adjacent);
  return result;
}

Matrix Interpreter::attention(model::AttentionOp op) {
  auto cache = module.lookupSymbol<model::CacheOp>(op.getCache());
  const int64_t kvHeads = cache.getKvHeads(), heads = op.getHeads();
  const int64_t keyDim = cache.getKeyDim(), valueDim = cache.getValueDim();
  LayerState &state = caches[op.getCache()];
  const CacheType type =
      cache.getType().isF16() ? CacheType::F16 : CacheType::Q8_0;
  auto append = [&](Cache &rows, Value added, int64_t dim) {
    std::vector<float> values = matrices[added].values;
    for (size_t first = 0; first < values.size(); first += dim)
      if (arithmetic != Arithmetic::Exact)
        roundToCache(type, std::span(values).subspan(first, dim));
    llvm::append_range(rows, values);
  };
  append(state.keys, op.getK(), keyDim);
  if (!cache.getShared())
    append(state.values, op.getV(), valueDim);
  ScoreOptions options;
  options.window = op.getWindow().value_or(0);
  if (op.getCap())
    options.cap = getFloat(op.getCapAttr());
  std::vector<float> sinks;
  if (op.getSinks())
    sinks = getVector(op.getSinks());
  const Matrix &q = matrices[op.getQ()];
  Matrix result(q.rows, heads * valueDim);
  for (int64_t t = 0; t < q.rows; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t kvHead = h / (heads / kvHeads);
      HeadCache head = {state.keys.data() + kvHead * keyDim, kvHeads * keyDim,
                        state.values.data() + kvHead * valueDim,
                        kvHeads * valueDim};
      if (cache.getShared()) {
        head.values = head.keys + keyDim - valueDim;
        head.valueStride = head.keyStride;
      }
      if (op.getSinks())
        options.sink = sinks[h];
      attend(q.row(t).subspan(h * keyDim, keyDim), head, length + t,
             getFloat(op.getScaleAttr()),
             result.row(t).subspan(h * valueDim, valueDim), options);
    }
  return result;
}

Matrix Interpreter::selectRows(const Matrix &x, Value rows) {
  const std::vector<int32_t> &indices = ids[rows];
  Matrix result(static_cast<int64_t>(indices.size()), x.columns);
  for (int64_t o = 0; o < result.rows; ++o)
    llvm::copy(x.row(indices[o]), result.row(o).begin());
  return result;
}

//===----------------------------------------------------------------------===//
// Fused steps
//===----------------------------------------------------------------------===//

void Interpreter::linear(model::LinearOp op) {
  Matrix x = matrices[op.getX()];
  if (op.getRows())
    x = selectRows(x, op.getRows());
  if (op.getNorm())
    x = rmsNorm(x, op.getNorm(), getFloat(op.getEpsAttr()));
  SmallVector<Matrix> z;
  for (auto [i, weight] : llvm::enumerate(op.getWeights())) {
    z.push_back(multiply(x, weight));
    if (!op.getBiases().empty())
      z[i] = addBias(std::move(z[i]), op.getBiases()[i]);
  }
  if (op.getEpilogue() == model::Epilogue::Residual)
    z[0] = add(matrices[op.getResidual()], z[0]);
  if (op.getEpilogue() == model::Epilogue::Glu)
    z[0] = applyGlu(*op.getActivation(), z[0], z[1]);
  if (op.getEpilogue() == model::Epilogue::Activate)
    z[0] = activate(*op.getActivation(), op.getCapAttr(), std::move(z[0]));
  for (auto [result, value] : llvm::zip(op.getResults(), z))
    matrices[result] = value;
}
