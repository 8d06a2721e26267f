//===- ModelOps.cpp - Verifiers of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the numbered constraints of ModelOps.td that ODS cannot express.
//
//===----------------------------------------------------------------------===//

#include "dialects/model/ModelDialect.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace modelc::model;

#define GET_OP_CLASSES
#include "dialects/model/ModelOps.cpp.inc"

/// Columns of a 2D tensor.
static int64_t getColumns(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}

/// Length of a vector, packed or not.
static int64_t getLength(Value vector) {
  return getWeightShape(vector.getType())[0];
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

RankedTensorType WeightOp::getTensorType() {
  return cast<RankedTensorType>(getType());
}

LogicalResult WeightOp::verify() {
  // weight_c1
  auto tensor = dyn_cast<RankedTensorType>(getType());
  if (!tensor || tensor.getRank() < 1 || tensor.getRank() > 4 ||
      !tensor.hasStaticShape())
    return emitOpError("expected a static tensor of 1 to 4 dimensions, found ")
           << getType();
  std::optional<GgmlType> type = getGgmlType(tensor.getElementType());
  if (!type)
    return emitOpError("no GGUF file holds elements of type ")
           << tensor.getElementType();
  // Sizes are formed as 64-bit counts everywhere.
  std::optional<int64_t> count = 1;
  for (int64_t dim : tensor.getShape()) {
    if (dim <= 0)
      return emitOpError("expected positive dimensions, found ") << tensor;
    count = llvm::checkedMul(*count, dim);
    if (!count)
      return emitOpError("too many elements: ") << tensor;
  }
  // weight_c2
  int64_t block = getGgmlTypeInfo(*type).blockElems;
  if (tensor.getShape().back() % block != 0)
    return emitOpError("last dimension ")
           << tensor.getShape().back() << " is no multiple of the block "
           << block;
  // weight_c3
  if (static_cast<int64_t>(getOffset()) < 0 ||
      static_cast<int32_t>(getShard()) < 0)
    return emitOpError("expected offset and shard of at least 0");
  return success();
}

LogicalResult CacheOp::verify() {
  // cache_c1
  if (static_cast<int64_t>(getKvHeads()) <= 0 ||
      static_cast<int64_t>(getKeyDim()) <= 0 ||
      static_cast<int64_t>(getValueDim()) <= 0)
    return emitOpError("expected positive heads and dimensions");
  // cache_c2
  std::optional<GgmlType> type = getGgmlType(getType());
  if (type != GgmlType::F16 && type != GgmlType::Q8_0)
    return emitOpError("expected a cache of f16 or q8_0, found ") << getType();
  int64_t block = getGgmlTypeInfo(*type).blockElems;
  if (getKeyDim() % block != 0 || getValueDim() % block != 0)
    return emitOpError("expected dimensions that blocks of ")
           << block << " divide, found " << getKeyDim() << " and "
           << getValueDim();
  // cache_c3
  if (getShared() && getValueDim() > getKeyDim())
    return emitOpError("expected values within keys of ")
           << getKeyDim() << ", found " << getValueDim();
  return success();
}

LogicalResult StateOp::verify() {
  // state_c1
  auto tensor = dyn_cast<RankedTensorType>(getType());
  if (!tensor || !tensor.hasStaticShape() || !tensor.getElementType().isF32() ||
      !llvm::all_of(tensor.getShape(), [](int64_t dim) { return dim > 0; }))
    return emitOpError("expected a static tensor of f32, found ") << getType();
  return success();
}

LogicalResult
GetWeightOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // get_weight_c1
  auto weight =
      symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError("no model.weight ") << getWeightAttr();
  if (weight.getType() != getType())
    return emitOpError("expected the weight's type ")
           << weight.getType() << ", found " << getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Computation as imported
//===----------------------------------------------------------------------===//

LogicalResult EmbedOp::verify() {
  // embed_c1
  ArrayRef<int64_t> table = getWeightShape(getTable().getType());
  if (table.size() != 2 || getColumns(getResult()) != table[1])
    return emitOpError("expected the table's columns in the result, found ")
           << getResult().getType();
  return success();
}

LogicalResult RmsNormOp::verify() {
  // rms_norm_c1
  if (getColumns(getX()) % getLength(getWeight()) != 0)
    return emitOpError("columns ")
           << getColumns(getX()) << " are no multiple of the weight's length "
           << getLength(getWeight());
  // rms_norm_c2
  if (getResidual() && getResidual().getType() != getX().getType())
    return emitOpError("expected a residual ")
           << getX().getType() << ", found " << getResidual().getType();
  return success();
}

LogicalResult LayerNormOp::verify() {
  // layer_norm_c1
  for (Value vector : {getWeight(), getBias()})
    if (getLength(vector) != getColumns(getX()))
      return emitOpError("expected weight and bias of ")
             << getColumns(getX()) << " elements, found " << getLength(vector);
  return success();
}

LogicalResult MatmulOp::verify() {
  // matmul_c1
  if (getWeightShape(getWeight().getType()).size() > 2 ||
      getMatrices(getWeight().getType()) !=
          Matrices{1, getColumns(getResult()), getColumns(getX())})
    return emitOpError("expected a weight [")
           << getColumns(getResult()) << "][" << getColumns(getX())
           << "], found " << getWeight().getType();
  return success();
}

LogicalResult HeadMatmulOp::verify() {
  // head_matmul_c1
  std::optional<Matrices> weight = getMatrices(getWeight().getType());
  int64_t headDim = getHeadDim();
  if (getWeightShape(getWeight().getType()).size() != 3 ||
      weight->columns > headDim)
    return emitOpError("expected a weight [heads][n][k] of at most ")
           << headDim << " columns, found " << getWeight().getType();
  // head_matmul_c2
  if (getColumns(getX()) != weight->count * headDim ||
      getColumns(getResult()) != weight->count * weight->rows)
    return emitOpError("expected columns ")
           << weight->count * headDim << " -> " << weight->count * weight->rows
           << ", found " << getColumns(getX()) << " -> "
           << getColumns(getResult());
  return success();
}

LogicalResult JoinHeadsOp::verify() {
  // join_heads_c1
  size_t count = getSources().size();
  if (count == 0 || getDims().size() != count || getBegins().size() != count ||
      getCounts().size() != count)
    return emitOpError("expected dims, begins and counts of ")
           << count << " sources, at least one";
  int64_t heads = getHeads(), columns = 0;
  for (auto [source, dim, begin, part] :
       llvm::zip_equal(getSources(), getDims(), getBegins(), getCounts())) {
    // join_heads_c2
    if (heads <= 0 || dim <= 0 ||
        (getColumns(source) != dim && getColumns(source) != heads * dim))
      return emitOpError("expected ")
             << heads << " heads or one of " << dim << " elements, found "
             << source.getType();
    // join_heads_c3
    if (begin < 0 || part <= 0 || part > dim - begin)
      return emitOpError("expected a part of ")
             << dim << " elements, found " << part << " from " << begin;
    columns += heads * part;
  }
  // join_heads_c4
  if (getColumns(getResult()) != columns)
    return emitOpError("expected ")
           << columns << " columns, found " << getColumns(getResult());
  return success();
}

LogicalResult AddBiasOp::verify() {
  // add_bias_c1
  if (getLength(getBias()) != getColumns(getX()))
    return emitOpError("expected a bias of length ")
           << getColumns(getX()) << ", found " << getLength(getBias());
  return success();
}

LogicalResult GluOp::verify() {
  // glu_c1
  if (getActivation() == Activation::SoftCap)
    return emitOpError("soft_cap is no gate");
  return success();
}

/// What an activation of one input may be, and that it has the cap it needs.
static LogicalResult verifyActivation(Operation *op, Activation activation,
                                      std::optional<APFloat> cap) {
  if (activation == Activation::SwigluOai)
    return op->emitOpError("swiglu_oai has two inputs");
  if (cap.has_value() != (activation == Activation::SoftCap))
    return op->emitOpError("a cap stands with soft_cap, and only there");
  if (cap && !(cap->convertToFloat() > 0))
    return op->emitOpError("expected a positive cap, found ")
           << cap->convertToFloat();
  return success();
}

LogicalResult ActivateOp::verify() {
  // activate_c1, activate_c2
  return verifyActivation(*this, getActivation(), getCap());
}

LogicalResult RouteOp::verify() {
  // route_c1
  int64_t slots = getColumns(getIds()), experts = getColumns(getLogits());
  if (slots != getColumns(getWeights()) || slots > experts)
    return emitOpError("expected as many ids as weights, at most ")
           << experts << ", found " << slots << " and "
           << getColumns(getWeights());
  // route_c2
  if (getBias() && getLength(getBias()) != experts)
    return emitOpError("expected a bias of length ")
           << experts << ", found " << getLength(getBias());
  // route_c3
  int64_t groups = getGroups().value_or(1);
  int64_t used = getGroupsUsed().value_or(1);
  if (getGroups().has_value() != getGroupsUsed().has_value() || groups <= 0 ||
      used <= 0 || used > groups)
    return emitOpError("expected groups, and of them some used, found ")
           << groups << " and " << used;
  if (!getGroups())
    return success();
  if (experts % groups != 0 || experts / groups < 2 ||
      slots > experts / groups * used)
    return emitOpError("expected groups of equally many experts, at least 2, "
                       "and of those used at least ")
           << slots << ", found " << groups << " groups of " << experts;
  return success();
}

/// True if the matmul of this weight quantises its input.
static bool isQuantized(Value weight) {
  return isa<QuantizedType>(getWeightElementType(weight.getType()));
}

/// Biases of experts of these gates: experts_c6.
static LogicalResult verifyExpertBiases(ExpertsOp op, const Matrices &gate) {
  if (op.getBiases().empty())
    return success();
  if (op.getBiases().size() != 3)
    return op.emitOpError("expected no biases or 3, found ")
           << op.getBiases().size();
  const int64_t lengths[] = {gate.rows, gate.rows, gate.columns};
  for (auto [bias, length] : llvm::zip_equal(op.getBiases(), lengths))
    if (getWeightShape(bias.getType()) != ArrayRef({gate.count, length}) ||
        !getWeightElementType(bias.getType()).isF32())
      return op.emitOpError("expected a bias [")
             << gate.count << "][" << length << "] of f32, found "
             << bias.getType();
  return success();
}

LogicalResult ExpertsOp::verify() {
  // experts_c1
  std::optional<Matrices> gate = getMatrices(getGate().getType());
  int64_t columns = getColumns(getX());
  if (!gate || gate->columns != columns)
    return emitOpError("expected gates [experts][n][")
           << columns << "], found " << getGate().getType();
  if (getMatrices(getUp().getType()) != gate)
    return emitOpError("expected gate and up of one shape, found ")
           << getGate().getType() << " and " << getUp().getType();
  if (getMatrices(getDown().getType()) !=
      Matrices{gate->count, columns, gate->rows})
    return emitOpError("expected down as [")
           << gate->count << "][" << columns << "][" << gate->rows
           << "], found " << getDown().getType();
  // experts_c2
  int64_t slots = getColumns(getIds());
  if (slots != getColumns(getWeights()) || slots > gate->count)
    return emitOpError("expected as many ids as weights, at most ")
           << gate->count << ", found " << slots << " and "
           << getColumns(getWeights());
  // experts_c3
  if (bool(getNorm()) != getEps().has_value())
    return emitOpError("an eps stands with a norm, and only there");
  if (getNorm() && getLength(getNorm()) != columns)
    return emitOpError("expected a norm of ")
           << columns << " elements, found " << getLength(getNorm());
  // experts_c4
  if (isQuantized(getGate()) != isQuantized(getUp()))
    return emitOpError("expected gate and up block-quantised or neither");
  // experts_c5
  if (getResidual() && getResidual().getType() != getX().getType())
    return emitOpError("expected a residual ")
           << getX().getType() << ", found " << getResidual().getType();
  // experts_c6
  return verifyExpertBiases(*this, *gate);
}

LogicalResult RopeTableOp::verify() {
  // rope_table_c1
  if (getColumns(getResult()) != getRope().getDims())
    return emitOpError("expected ") << getRope().getDims() << " columns, found "
                                    << getColumns(getResult());
  // rope_table_c2
  if (getDivisors() &&
      static_cast<int64_t>(getDivisors()->size()) != getRope().getDims() / 2)
    return emitOpError("expected ")
           << getRope().getDims() / 2 << " divisors, found "
           << getDivisors()->size();
  // rope_table_c3
  bool hasLength =
      getTemperLength() && static_cast<int64_t>(*getTemperLength()) > 0;
  if (getTemper() ? !hasLength || getTemper()->empty()
                  : getTemperLength().has_value())
    return emitOpError("a positive temperLength stands with a temper, which is "
                       "not empty, and only there");
  return success();
}

LogicalResult RopeOp::verify() {
  // rope_c1
  int64_t headDim = getHeadDim();
  if (headDim <= 0 || getColumns(getX()) % headDim != 0)
    return emitOpError("columns ")
           << getColumns(getX()) << " are no multiple of headDim " << headDim;
  // rope_c2
  if (getColumns(getTable()) > headDim)
    return emitOpError("table of ")
           << getColumns(getTable()) << " columns exceeds headDim " << headDim;
  return success();
}

LogicalResult AttentionOp::verify() {
  // attention_c4
  if (getWindow() && static_cast<int64_t>(*getWindow()) <= 0)
    return emitOpError("expected a positive window, found ")
           << static_cast<int64_t>(*getWindow());
  if (getCap() && !(getCap()->convertToFloat() > 0))
    return emitOpError("expected a positive cap, found ")
           << getCap()->convertToFloat();
  // attention_c5
  if (getSinks() && getLength(getSinks()) != static_cast<int64_t>(getHeads()))
    return emitOpError("expected ")
           << getHeads() << " sinks, found " << getLength(getSinks());
  return success();
}

LogicalResult
AttentionOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // attention_c1
  auto cache =
      symbolTable.lookupNearestSymbolFrom<CacheOp>(*this, getCacheAttr());
  if (!cache)
    return emitOpError("no model.cache ") << getCacheAttr();
  // attention_c3
  int64_t heads = getHeads(), kvHeads = cache.getKvHeads();
  if (heads <= 0 || heads % kvHeads != 0)
    return emitOpError("heads ")
           << heads << " are no multiple of the cache's " << kvHeads;
  // attention_c2
  int64_t keyDim = cache.getKeyDim(), valueDim = cache.getValueDim();
  if (bool(getV()) == cache.getShared())
    return emitOpError("expected values if and only if the cache has them");
  int64_t values = getV() ? getColumns(getV()) : kvHeads * valueDim;
  if (getColumns(getQ()) != heads * keyDim ||
      getColumns(getK()) != kvHeads * keyDim || values != kvHeads * valueDim ||
      getColumns(getResult()) != heads * valueDim)
    return emitOpError("expected columns ")
           << heads * keyDim << ", " << kvHeads * keyDim << ", "
           << kvHeads * valueDim << " -> " << heads * valueDim << ", found "
           << getColumns(getQ()) << ", " << getColumns(getK()) << ", " << values
           << " -> " << getColumns(getResult());
  return success();
}

LogicalResult ColumnsOp::verify() {
  // columns_c1
  int64_t first = getFirst(), length = getLength(), period = getPeriod();
  if (first < 0 || length <= 0 || first > period - length)
    return emitOpError("no columns ")
           << first << " .. " << first + length - 1 << " of " << period;
  // columns_c2
  int64_t columns = getColumns(getX());
  if (columns % period != 0 ||
      getColumns(getResult()) != columns / period * length)
    return emitOpError("expected ")
           << length << " columns for each " << period << " of " << columns
           << ", found " << getColumns(getResult());
  return success();
}

LogicalResult
CausalConvOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // causal_conv_c2
  int64_t columns = getColumns(getX());
  ArrayRef<int64_t> shape = getWeightShape(getWeight().getType());
  if (shape.size() != 2 || shape[0] != columns || shape[1] < 2 ||
      !getWeightElementType(getWeight().getType()).isF32())
    return emitOpError("expected a weight [")
           << columns << "][taps] of f32, found " << getWeight().getType();
  // causal_conv_c1
  auto state =
      symbolTable.lookupNearestSymbolFrom<StateOp>(*this, getStateAttr());
  if (!state || state.getShape() != ArrayRef({shape[1] - 1, columns}))
    return emitOpError("no model.state ")
           << getStateAttr() << " of [" << shape[1] - 1 << "][" << columns
           << "]";
  return success();
}

LogicalResult
DeltaRuleOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // delta_rule_c1
  auto state =
      symbolTable.lookupNearestSymbolFrom<StateOp>(*this, getStateAttr());
  if (!state || state.getShape().size() != 3)
    return emitOpError("no model.state ")
           << getStateAttr() << " of [heads][keyDim][valueDim]";
  // delta_rule_c2
  int64_t heads = state.getShape()[0], keyHeads = getKeyHeads();
  if (keyHeads <= 0 || heads % keyHeads != 0)
    return emitOpError("heads ")
           << heads << " are no multiple of the " << keyHeads << " of keys";
  // delta_rule_c3
  int64_t values = heads * state.getShape()[2];
  int64_t columns = 2 * keyHeads * state.getShape()[1] + values;
  if (getColumns(getX()) != columns || getColumns(getDecay()) != heads ||
      getColumns(getBeta()) != heads || getColumns(getResult()) != values ||
      getLength(getRate()) != heads || getLength(getBias()) != heads)
    return emitOpError("expected columns ")
           << columns << ", " << heads << ", " << heads << " -> " << values
           << " and vectors of " << heads << ", found " << getColumns(getX())
           << ", " << getColumns(getDecay()) << ", " << getColumns(getBeta())
           << " -> " << getColumns(getResult()) << " and "
           << getRate().getType() << ", " << getBias().getType();
  return success();
}

LogicalResult SelectRowsOp::verify() {
  // select_rows_c1
  if (getColumns(getX()) != getColumns(getResult()))
    return emitOpError("expected ")
           << getColumns(getX()) << " columns in the result, found "
           << getColumns(getResult());
  return success();
}

//===----------------------------------------------------------------------===//
// model.linear
//===----------------------------------------------------------------------===//

/// Numbers of operands and results that each epilogue asks for.
static LogicalResult verifyCounts(LinearOp op) {
  size_t weights = op.getWeights().size(), results = op.getResults().size();
  size_t wantWeights = weights, wantResults = 1;
  if (op.getEpilogue() == Epilogue::Store)
    wantResults = weights;
  else
    wantWeights = op.getEpilogue() == Epilogue::Glu ? 2 : 1;
  if (weights == 0 || weights != wantWeights || results != wantResults)
    return op.emitOpError("epilogue ")
           << stringifyEpilogue(op.getEpilogue()) << " does not fit " << weights
           << " weights and " << results << " results";
  if (bool(op.getResidual()) != (op.getEpilogue() == Epilogue::Residual))
    return op.emitOpError("a residual stands with epilogue residual, and only "
                          "there");
  if (!op.getBiases().empty() && op.getBiases().size() != weights)
    return op.emitOpError("expected no biases or ")
           << weights << ", found " << op.getBiases().size();
  return success();
}

LogicalResult LinearOp::verify() {
  // linear_c2
  if (failed(verifyCounts(*this)))
    return failure();
  for (auto [i, weight] : llvm::enumerate(getWeights())) {
    // linear_c1
    std::optional<Matrices> matrix = getMatrices(weight.getType());
    if (getWeightShape(weight.getType()).size() > 2 ||
        matrix->columns != getColumns(getX()))
      return emitOpError("weight ") << i << ": expected " << getColumns(getX())
                                    << " columns, found " << weight.getType();
    // linear_c3
    Value result =
        getResults()[getEpilogue() == Epilogue::Store ? i : size_t(0)];
    if (matrix->rows != getColumns(result))
      return emitOpError("weight ") << i << ": expected " << getColumns(result)
                                    << " rows, found " << matrix->rows;
    if (!getBiases().empty() && getLength(getBiases()[i]) != matrix->rows)
      return emitOpError("bias ")
             << i << ": expected " << matrix->rows << " elements, found "
             << getLength(getBiases()[i]);
  }
  if (getResidual() && getColumns(getResidual()) != getColumns(getResults()[0]))
    return emitOpError("expected a residual of the result's columns");
  // linear_c4
  if (bool(getNorm()) != getEps().has_value())
    return emitOpError("an eps stands with a norm, and only there");
  if (getNorm() && getLength(getNorm()) != getColumns(getX()))
    return emitOpError("expected a norm of ")
           << getColumns(getX()) << " elements, found " << getLength(getNorm());
  // linear_c5
  bool isGlu = getEpilogue() == Epilogue::Glu;
  bool isActivate = getEpilogue() == Epilogue::Activate;
  if (getActivation().has_value() != (isGlu || isActivate))
    return emitOpError("an activation stands with epilogues glu and activate, "
                       "and only there");
  if (isActivate)
    if (failed(verifyActivation(*this, *getActivation(), getCap())))
      return failure();
  if (isGlu && *getActivation() == Activation::SoftCap)
    return emitOpError("soft_cap is no gate");
  if (!isActivate && getCap())
    return emitOpError("a cap stands with soft_cap, and only there");
  // linear_c6
  if (llvm::any_of(getWeights(), isQuantized) &&
      !llvm::all_of(getWeights(), isQuantized))
    return emitOpError("expected all weights block-quantised or none");
  return success();
}
