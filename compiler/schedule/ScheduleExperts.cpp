//===- ScheduleExperts.cpp - Mixtures of experts as steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %ids, %w = model.route %logits   ==>  route     ids and weights of tokens
//                                         group     rows sorted by expert
//                                                   (ExpertGroups.h)
//
//   %y = model.experts %x, %ids, %w  ==>  prepare   norm, quantisation
//                                         experts   gate, up, activation
//                                         prepare   quantisation
//                                         experts   down
//                                         combine   weighted sum, residual
//
// The group step counts the groups and their row tiles; the steps between it
// and combine have as many tiles as that asks for.
//
// Regimes are those of a dense matmul, by rows of an expert instead of tokens.
// While an expert has one row or so, row tiles have one row: the input is then
// prepared once for each token, and expert matmuls find their rows in it. That
// step stands before the router's, so that nothing between them waits for it.
// For more, prepare gathers the rows of each expert into row tiles; the norm is
// then computed for each gathered row anew, which costs less than to write
// normalised rows and to read them back.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Scheduler.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/ExpertGroups.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;
using pack::PackedTensorType;
using plan::CountSource;
using plan::ExpertGroupLimits;

//===----------------------------------------------------------------------===//
// model.route
//===----------------------------------------------------------------------===//

static int64_t getSlots(Value ids) {
  return cast<RankedTensorType>(ids.getType()).getDimSize(1);
}

/// The most rows, row tiles and groups of a regime.
static ExpertGroupLimits getLimits(const CountRange &range,
                                   const ExpertRouting &routing) {
  return {range.max, routing.slots, routing.experts, range.rowTile};
}

LogicalResult Scheduler::schedule(model::RouteOp op) {
  FailureOr<std::string> logits = lookup(op, op.getLogits());
  if (failed(logits) || (op.getBias() && failed(lookup(op, op.getBias()))))
    return failure();
  ExpertRouting routing = {};
  routing.experts = getColumns(op.getLogits());
  routing.slots = getSlots(op.getIds());
  // Kernels number rows in 32 bits, with room for those that fill tiles.
  constexpr int64_t kMaxSlots = int64_t(1) << 26;
  if (steps.getUbatch() * routing.slots > kMaxSlots)
    return op.emitOpError("expected at most ")
           << kMaxSlots << " slots of all tokens, found " << steps.getUbatch()
           << " * " << routing.slots;

  StringRef name = *logits;
  name.consume_back(".out");
  ExpertGroupLimits most = {};
  int64_t rowsBytes = 0;
  for (const CountRange &range : steps.getExpertRegimes(
           /*hasImages=*/false, routing.experts, routing.slots)) {
    most = getLimits(range, routing);
    rowsBytes = std::max(rowsBytes, most.getRowsBytes());
  }
  auto addSlot = [&](const char *part, int64_t bytes) {
    return steps.addSlot(op.getLoc(), (name + part).str(), bytes);
  };
  routing.ids = addSlot(".ids", most.getPlacesBytes());
  routing.weights = addSlot(".weights", most.getPlacesBytes());
  routing.counts = addSlot(".counts", plan::kCountsBytes);
  routing.groups = addSlot(".groups", most.getGroupsBytes());
  routing.rows = addSlot(".rows", rowsBytes);
  routing.places = addSlot(".places", most.getPlacesBytes());
  memory[op.getWeights()] = routing.weights;
  addRouteSteps(op, name, routing);
  routings[op.getIds()] = std::move(routing);
  return success();
}

/// One step for one token, which groups too; for more, tokens are routed in
/// parallel before they are grouped.
void Scheduler::addRouteSteps(model::RouteOp op, StringRef name,
                              const ExpertRouting &routing) {
  SmallVector<CountRange> regimes = steps.getExpertRegimes(
      /*hasImages=*/false, routing.experts, routing.slots);
  auto addRoute = [&](const CountRange &range, int64_t groupRows) {
    auto spec = plan::RouteSpecAttr::get(
        op.getContext(), routing.experts, routing.slots, op.getGating(),
        op.getNormalise(), op.getScaleAttr(), op.getBias() != nullptr,
        groupRows, op.getGroups().value_or(0), op.getGroupsUsed().value_or(0));
    SmallVector<std::string> operands = {memory[op.getLogits()]};
    if (op.getBias())
      operands.push_back(memory[op.getBias()]);
    operands.append({routing.ids, routing.weights});
    if (groupRows > 0)
      operands.append(
          {routing.counts, routing.groups, routing.rows, routing.places});
    StepInfo info{(name + ".route").str(), range};
    info.tileDivisor = groupRows > 0 ? range.max : 1;
    steps.addStep(op.getLoc(), info, spec, operands);
  };
  addRoute({CountSource::Tokens, 1, 1}, regimes.front().rowTile);
  if (steps.getUbatch() == 1)
    return;
  addRoute({CountSource::Tokens, 2, steps.getUbatch()}, 0);
  for (CountRange range : regimes) {
    range.min = std::max<int64_t>(range.min, 2);
    if (range.min > range.max)
      continue;
    auto spec = plan::GroupSpecAttr::get(op.getContext(), routing.experts,
                                         routing.slots, range.rowTile);
    StepInfo info{(name + ".group").str(), range};
    info.tileDivisor = range.max;
    steps.addStep(op.getLoc(), info, spec,
                  {routing.ids, routing.counts, routing.groups, routing.rows,
                   routing.places});
  }
}

//===----------------------------------------------------------------------===//
// model.experts
//===----------------------------------------------------------------------===//

/// True if the input of a regime is prepared for tokens, not for groups.
static bool isIndirect(const CountRange &range) { return range.rowTile == 1; }

SmallVector<CountRange> Scheduler::getRegimes(model::ExpertsOp op) {
  // Row tiles go by tokens in the same way with and without images.
  SmallVector<Value> gates = {op.getGate(), op.getUp()};
  bool hasOuterFloats =
      steps.getTarget().blockRegimes.back().matrixIsa ==
          target::Isa::AppleAmx &&
      (haveFloatPanels(gates) || haveFloatPanels(op.getDown()));
  bool hasImages = isBlockType(getLayout(op.getGate())) ||
                   isBlockType(getLayout(op.getDown())) || hasOuterFloats;
  return steps.getExpertRegimes(
      hasImages, model::getMatrices(op.getGate().getType())->count,
      getSlots(op.getIds()));
}

LogicalResult Scheduler::schedule(model::ExpertsOp op) {
  for (Value operand : op.getOperands())
    if (operand != op.getIds() && failed(lookup(op, operand)))
      return failure();
  auto route = op.getIds().getDefiningOp<model::RouteOp>();
  if (!route || route.getWeights() != op.getWeights())
    return op.emitOpError("expected ids and weights of one model.route");
  const ExpertRouting &routing = routings[op.getIds()];
  model::Matrices gates = *model::getMatrices(op.getGate().getType());
  if (gates.count != routing.experts)
    return op.emitOpError("expected weights of ")
           << routing.experts << " experts, found " << gates.count;

  prepareTokens(op);
  int64_t rows = 0, columns = gates.columns;
  uint64_t hiddenBytes = 0;
  for (const CountRange &range : getRegimes(op)) {
    int64_t groupRows = getLimits(range, routing).getRows();
    LayoutAttr hidden = getInputLayout(op.getDown(), range);
    hiddenBytes =
        std::max(hiddenBytes, hidden.getMatrixBytes(groupRows, gates.rows));
    rows = std::max(rows, groupRows);
  }
  auto addSlot = [&](const std::string &name, int64_t bytes) {
    return steps.addSlot(op.getLoc(), name, bytes);
  };
  std::string down = getStepName(op.getDown());
  ExpertMemory slots;
  slots.input = expertInputs[op];
  slots.hidden = addSlot(getStepName(op.getGate()) + ".out",
                         rows * gates.rows * sizeof(float));
  slots.hiddenInput = addSlot(down + ".in", hiddenBytes);
  slots.values = addSlot(down + ".out", rows * columns * sizeof(float));
  for (const CountRange &range : getRegimes(op))
    scheduleExperts(op, range, slots);

  auto combine = plan::CombineSpecAttr::get(
      op.getContext(), columns, routing.slots, op.getResidual() != nullptr);
  SmallVector<std::string> operands = {slots.values, routing.places,
                                       routing.weights};
  if (op.getResidual())
    operands.push_back(memory[op.getResidual()]);
  operands.push_back(
      addResult(op.getResult(), op.getResidual(), down + ".sum"));
  steps.addStep(op.getLoc(),
                {down + ".combine", steps.getWholeRange(CountSource::Tokens)},
                combine, operands);
  return success();
}

void Scheduler::prepareTokensBeside(model::LinearOp router) {
  for (Value logits : router.getResults())
    for (Operation *user : logits.getUsers())
      if (auto route = dyn_cast<model::RouteOp>(user))
        for (Operation *reader : route.getIds().getUsers())
          if (auto experts = dyn_cast<model::ExpertsOp>(reader);
              experts && experts.getX() == router.getX() &&
              experts.getNorm() == router.getNorm())
            prepareTokens(experts);
}

void Scheduler::prepareTokens(model::ExpertsOp op) {
  if (expertInputs.contains(op))
    return;
  int64_t columns = getColumns(op.getX());
  SmallVector<CountRange> regimes = getRegimes(op);
  uint64_t bytes = 0;
  for (const CountRange &range : regimes) {
    ExpertGroupLimits limits = {
        range.max, getSlots(op.getIds()),
        model::getMatrices(op.getGate().getType())->count, range.rowTile};
    LayoutAttr input = getInputLayout({op.getGate(), op.getUp()}, range);
    int64_t rows = isIndirect(range) ? range.max : limits.getRows();
    bytes = std::max(bytes, input.getMatrixBytes(rows, columns));
  }
  std::string slot =
      steps.addSlot(op.getLoc(), getStepName(op.getGate()) + ".in", bytes);
  expertInputs[op] = slot;
  for (const CountRange &range : regimes)
    if (isIndirect(range))
      addInputStep(op, range, slot);
}

/// The step that prepares the input of gate and up: rows of tokens, or those
/// of groups.
void Scheduler::addInputStep(model::ExpertsOp op, const CountRange &range,
                             StringRef input) {
  bool grouped = !isIndirect(range);
  auto prepare = plan::PrepareSpecAttr::get(
      op.getContext(), getColumns(op.getX()),
      getInputLayout({op.getGate(), op.getUp()}, range),
      /*gather=*/grouped, op.getEpsAttr(), grouped, /*heads=*/0,
      /*headDim=*/0);
  StepInfo info{getStepName(op.getGate()) + ".prepare", range};
  SmallVector<std::string> operands = {memory[op.getX()]};
  if (grouped) {
    const ExpertRouting &routing = routings[op.getIds()];
    info.counter = {routing.counts, plan::kRowTilesByte,
                    getLimits(range, routing).getRowTiles()};
    operands.push_back(routing.rows);
  }
  if (op.getNorm())
    operands.push_back(memory[op.getNorm()]);
  operands.push_back(input.str());
  steps.addStep(op.getLoc(), info, prepare, operands);
}

/// The steps of one regime, up to the values of all slots.
void Scheduler::scheduleExperts(model::ExpertsOp op, const CountRange &range,
                                const ExpertMemory &slots) {
  const ExpertRouting &routing = routings[op.getIds()];
  if (!isIndirect(range))
    addInputStep(op, range, slots.input);
  // Biases of gate, up and down, or none.
  ValueRange biases = op.getBiases();
  addExpertsStep(op, range, {op.getGate(), op.getUp()},
                 biases.take_front(biases.empty() ? 0 : 2), slots.input,
                 slots.hidden);
  auto prepare = plan::PrepareSpecAttr::get(
      op.getContext(), model::getMatrices(op.getDown().getType())->columns,
      getInputLayout(op.getDown(), range), /*gather=*/false, FloatAttr(),
      /*grouped=*/true, /*heads=*/0, /*headDim=*/0);
  StepInfo info{getStepName(op.getDown()) + ".prepare", range};
  info.counter = {routing.counts, plan::kRowTilesByte,
                  getLimits(range, routing).getRowTiles()};
  steps.addStep(op.getLoc(), info, prepare, {slots.hidden, slots.hiddenInput});
  addExpertsStep(op, range, {op.getDown()},
                 biases.drop_front(biases.empty() ? 0 : 2), slots.hiddenInput,
                 slots.values);
}

/// One matmul over all groups: gate and up, or down.
void Scheduler::addExpertsStep(model::ExpertsOp op, const CountRange &range,
                               ArrayRef<Value> weights, ValueRange biases,
                               StringRef input, StringRef output) {
  const ExpertRouting &routing = routings[op.getIds()];
  OpBuilder &b = steps.getBuilder();
  model::Matrices shape = *model::getMatrices(weights[0].getType());
  SmallVector<Attribute> layouts;
  SmallVector<int64_t> rows(weights.size(), shape.rows);
  for (Value weight : weights)
    layouts.push_back(getLayout(weight));
  bool isGlu = weights.size() == 2, indirect = isGlu && isIndirect(range);
  bool isOuter =
      range.matrixIsa == target::Isa::AppleAmx && haveFloatPanels(weights);
  bool hasImages = isBlockType(getLayout(weights[0])) || isOuter;
  // A token's experts share the wish for tiles.
  int64_t wanted = llvm::divideCeil(kWantedTiles, routing.slots);
  auto matmul = plan::MatmulSpecAttr::get(
      op.getContext(), shape.columns, getInputLayout(weights, range),
      b.getArrayAttr(layouts), b.getDenseI64ArrayAttr(rows),
      isGlu ? model::Epilogue::Glu : model::Epilogue::Store, op.getActivation(),
      !biases.empty(),
      hasImages && range.tileRows > 0
          ? range.tileRows
          : getTileRows(rows, wanted, steps.getTarget()),
      hasImages ? range.imagePanels : 0, hasImages ? range.imageColumns : 0,
      /*cap=*/FloatAttr());
  auto spec = plan::ExpertsSpecAttr::get(op.getContext(), matmul,
                                         routing.experts, indirect);
  StepInfo info{getStepName(weights[0]), range};
  if (hasImages || haveTilePairs(weights))
    info.isa = getMatrixIsa(weights, range);
  info.counter = {routing.counts, plan::kActiveExpertsByte,
                  getLimits(range, routing).getGroups()};
  info.tileMultiplier = matmul.getTileCount();
  SmallVector<std::string> operands = {input.str()};
  for (Value weight : weights) {
    operands.push_back(memory[weight]);
    info.bytesFixed +=
        getLayout(weight).getMatrixBytes(shape.rows, shape.columns);
    info.opsPerCount += 2 * routing.slots * shape.rows * shape.columns;
  }
  for (Value bias : biases)
    operands.push_back(memory[bias]);
  operands.push_back(routing.groups);
  if (indirect)
    operands.push_back(routing.rows);
  operands.push_back(output.str());
  steps.addStep(op.getLoc(), info, spec, operands);
}
