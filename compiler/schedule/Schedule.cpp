//===- Schedule.cpp - The packed model as steps over named memory
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The heart of the schedule stage, one function per op of the model:
//
//   %x = model.embed %tokens, %t      plan.slot @token_embd.out
//                                ==>  plan.step "token_embd" @mc_embed_...
//
//   %y = model.linear store %x   ==>  plan.step @mc_prepare (one per regime)
//                                     plan.step @mc_matmul  (one per regime)
//
//   model.route, model.experts   ==>  ScheduleExperts.cpp
//   model.head_matmul            ==>  ScheduleAttention.cpp
//
//   model.rope, model.rms_norm of heads, and the appending half of
//   model.attention              ==>  plan.step @mc_rope_store
//   the rest of model.attention  ==>  plan.step @mc_attention
//
// Assumes that every weight went through pack.repack. Leaves one plan.variant
// and the model.weight declarations; @forward and the caches are gone.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Passes.h"
#include "compiler/schedule/Scheduler.h"
#include "compiler/support/Rope.h"
#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "modelc/plan_format.h"
#include "llvm/Support/MathExtras.h"

namespace modelc::schedule {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "compiler/schedule/Passes.h.inc"
} // namespace modelc::schedule

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;
using pack::LayoutAttr;
using pack::PackedTensorType;
using plan::CountSource;

int64_t schedule::getColumns(Value value) {
  return cast<RankedTensorType>(value.getType()).getDimSize(1);
}

LayoutAttr schedule::getLayout(Value weight) {
  return cast<PackedTensorType>(weight.getType()).getLayout();
}

/// Arguments of @forward.
enum ForwardArgument { kTokens, kPositions, kOutputRows };

/// Kernels find the step's inputs by what they are, not by an operand.
static LogicalResult verifyInput(Operation *user, Value value,
                                 ForwardArgument expected) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getArgNumber() != expected)
    return user->emitOpError("expected argument ")
           << int(expected) << " of @forward, found " << value;
  return success();
}

/// The name of the tensor behind a packed weight.
static StringRef getWeightName(Value weight) {
  auto repack = weight.getDefiningOp<pack::RepackOp>();
  return repack.getSource().getDefiningOp<model::GetWeightOp>().getWeight();
}

std::string schedule::getStepName(Value weight) {
  StringRef name = getWeightName(weight);
  name.consume_back(".weight");
  return name.str();
}

bool schedule::isBlockType(LayoutAttr layout) {
  return isa<model::QuantizedType>(layout.getSource());
}

FailureOr<std::string> Scheduler::lookup(Operation *user, Value value) {
  auto it = memory.find(value);
  if (it != memory.end())
    return it->second;
  Operation *def = value.getDefiningOp();
  return user->emitOpError("no kernel of target ")
         << steps.getTarget().name << " computes its operand "
         << (def ? def->getName().getStringRef() : StringRef("argument"));
}

LogicalResult schedule::verifyPacked(Operation *user, Value weight) {
  if (weight.getDefiningOp<pack::RepackOp>())
    return success();
  return user->emitOpError("expected a packed weight, found ") << weight;
}

std::string Scheduler::addValue(Value value, StringRef name) {
  int64_t bytes = steps.getUbatch() * getColumns(value) * sizeof(float);
  std::string slot = steps.addSlot(value.getLoc(), name, bytes);
  memory[value] = slot;
  return slot;
}

//===----------------------------------------------------------------------===//
// Weights, embedding, rope table
//===----------------------------------------------------------------------===//

LogicalResult Scheduler::schedule(pack::RepackOp op) {
  if (!op.getSource().getDefiningOp<model::GetWeightOp>())
    return op.emitOpError("expected a weight of the source, found ")
           << op.getSource();
  StringRef name = getWeightName(op.getResult());
  plan::WeightOp::create(steps.getBuilder(), op.getLoc(), name,
                         op.getResult().getType(), op.getReason(),
                         op.getFallback(), /*offset=*/IntegerAttr());
  memory[op.getResult()] = name.str();
  return success();
}

LogicalResult Scheduler::schedule(model::EmbedOp op) {
  FailureOr<std::string> table = lookup(op, op.getTable());
  if (failed(table) || failed(verifyPacked(op, op.getTable())))
    return failure();
  auto ids = dyn_cast<BlockArgument>(op.getTokens());
  bool isByPosition = ids && ids.getArgNumber() == kPositions;
  if (!isByPosition && failed(verifyInput(op, op.getTokens(), kTokens)))
    return failure();
  int64_t columns = getColumns(op.getResult());
  int64_t rows = model::getWeightShape(op.getTable().getType())[0];
  auto spec = plan::EmbedSpecAttr::get(
      op.getContext(), getLayout(op.getTable()), columns,
      isByPosition ? rows : 0, op.getScaleAttr());
  StepInfo info{getStepName(op.getTable()),
                steps.getWholeRange(CountSource::Tokens)};
  std::string result = addValue(op.getResult(), info.name + ".rows");
  steps.addStep(op.getLoc(), info, spec, {*table, result});
  return success();
}

/// The facts of `rope` that its frequencies depend on.
static support::RopeParams getRopeParams(model::RopeAttr rope) {
  auto getFloat = [](FloatAttr value) {
    return static_cast<float>(value.getValueAsDouble());
  };
  support::RopeScaling scaling = support::RopeScaling::None;
  if (rope.getScaling() == model::RopeScaling::Linear)
    scaling = support::RopeScaling::Linear;
  if (rope.getScaling() == model::RopeScaling::Yarn)
    scaling = support::RopeScaling::Yarn;
  return {rope.getDims(),
          getFloat(rope.getBase()),
          scaling,
          getFloat(rope.getFactor()),
          rope.getOriginalContext(),
          getFloat(rope.getExtFactor()),
          getFloat(rope.getBetaFast()),
          getFloat(rope.getBetaSlow())};
}

LogicalResult Scheduler::schedule(model::RopeTableOp op) {
  if (failed(verifyInput(op, op.getPositions(), kPositions)))
    return failure();
  model::RopeAttr rope = op.getRope();
  std::optional<ArrayRef<float>> divisors = op.getDivisors();
  std::vector<double> frequencies = support::computeRopeFrequencies(
      getRopeParams(rope), divisors ? *divisors : ArrayRef<float>());
  OpBuilder &b = steps.getBuilder();
  auto type = RankedTensorType::get({static_cast<int64_t>(frequencies.size())},
                                    b.getF64Type());
  std::string constant =
      steps.addConstant(op.getLoc(), "rope.frequencies",
                        DenseElementsAttr::get(type, ArrayRef(frequencies)));
  SmallVector<std::string> operands = {constant};
  ArrayRef<float> temper = op.getTemper().value_or(ArrayRef<float>());
  if (!temper.empty()) {
    auto temperType = RankedTensorType::get(
        {static_cast<int64_t>(temper.size())}, b.getF32Type());
    operands.push_back(
        steps.addConstant(op.getLoc(), "rope.temper",
                          DenseElementsAttr::get(temperType, temper)));
  }
  auto spec = plan::RopeTableSpecAttr::get(
      op.getContext(), rope.getDims() / 2, rope.getAttentionFactor(),
      temper.size(), op.getTemperLength().value_or(0));
  StepInfo info{"rope.table", steps.getWholeRange(CountSource::Tokens)};
  operands.push_back(addValue(op.getResult(), "rope.table"));
  steps.addStep(op.getLoc(), info, spec, operands);
  return success();
}

//===----------------------------------------------------------------------===//
// Matmuls
//===----------------------------------------------------------------------===//

bool schedule::haveTilePairs(ValueRange weights) {
  return llvm::all_of(
      weights, [](Value weight) { return pack::hasPairs(getLayout(weight)); });
}

bool schedule::haveFloatPanels(ValueRange weights) {
  return llvm::all_of(weights, [](Value weight) {
    LayoutAttr layout = getLayout(weight);
    return !isBlockType(layout) && layout.getRows() == pack::kPanelRows &&
           !pack::hasPairs(layout);
  });
}

/// True if products of all these block types have sums of 16 bits.
static bool haveShortSums(ValueRange weights) {
  return llvm::all_of(weights, [](Value weight) {
    LayoutAttr layout = getLayout(weight);
    if (!isBlockType(layout))
      return false;
    pack::OuterSums sums = pack::getOuterSums(layout);
    return sums.bits == 16 &&
           sums.elems == pack::getBlockFormat(layout).getSumLength();
  });
}

std::optional<target::Isa> schedule::getMatrixIsa(ValueRange weights,
                                                  const CountRange &range) {
  return haveTilePairs(weights) ? target::Isa::IntelAmx : range.matrixIsa;
}

LayoutAttr schedule::getInputLayout(ValueRange weights,
                                    const CountRange &range) {
  MLIRContext *context = weights[0].getContext();
  if (haveTilePairs(weights))
    return pack::getPartActivationLayout(context, range.rowTile);
  if (!isBlockType(getLayout(weights[0])))
    return pack::getFloatActivationLayout(context, range.rowTile);
  pack::ActivationNeeds needs;
  if (range.matrixIsa == target::Isa::AppleAmx) {
    for (Value weight : weights)
      needs.add(pack::getOuterNeeds(getLayout(weight)));
    return pack::getPairActivationLayout(context, needs);
  }
  for (Value weight : weights)
    needs.add(pack::getActivationNeeds(getLayout(weight)));
  if (range.matrixIsa == target::Isa::Sme)
    return pack::getQuadTileActivationLayout(context, needs);
  if (range.matrixIsa == target::Isa::HipMatrix)
    return pack::getWaveTileActivationLayout(context, needs);
  if (range.isWidened)
    return pack::getWidenedActivationLayout(context, range.rowTile, needs);
  if (range.matrixIsa)
    return pack::getRowActivationLayout(context, range.rowTile, needs);
  return pack::getQuantizedActivationLayout(context, range.rowTile, needs);
}

int64_t schedule::getTileRows(ArrayRef<int64_t> rows, int64_t wantedTiles,
                              const target::TargetSpec &target) {
  if (target.gpu)
    return pack::kPanelRows;
  int64_t most = *llvm::max_element(rows);
  for (int64_t tileRows = 4 * pack::kPanelRows; tileRows > pack::kPanelRows;
       tileRows /= 2)
    if (most / tileRows >= wantedTiles)
      return tileRows;
  return pack::kPanelRows;
}

plan::MatmulSpecAttr Scheduler::getMatmulSpec(model::LinearOp op,
                                              LayoutAttr input,
                                              const CountRange &range) {
  OpBuilder &b = steps.getBuilder();
  SmallVector<Attribute> layouts;
  SmallVector<int64_t> rows;
  for (Value weight : op.getWeights()) {
    layouts.push_back(getLayout(weight));
    rows.push_back(model::getMatrices(weight.getType())->rows);
  }
  model::Activation activation =
      op.getActivation().value_or(model::Activation::Silu);
  return plan::MatmulSpecAttr::get(
      op.getContext(), getColumns(op.getX()), input, b.getArrayAttr(layouts),
      b.getDenseI64ArrayAttr(rows), op.getEpilogue(), activation,
      !op.getBiases().empty(),
      range.tileRows > 0 ? range.tileRows
                         : getTileRows(rows, kWantedTiles, steps.getTarget()),
      range.imagePanels, range.imageColumns, op.getCapAttr());
}

std::string Scheduler::addResult(Value result, Value residual, StringRef name) {
  Operation *op = result.getDefiningOp();
  if (residual) {
    bool readLater = llvm::any_of(residual.getUsers(), [&](Operation *user) {
      return user != op && op->isBeforeInBlock(user);
    });
    if (!readLater) {
      std::string shared = memory[residual]; // Inserting may move it.
      return memory[result] = shared;
    }
  }
  return addValue(result, name);
}

/// Rows that the prepared input and the outputs have.
static CountSource getCountSource(model::LinearOp op) {
  return op.getRows() ? CountSource::Outputs : CountSource::Tokens;
}

/// True if the target has a regime that widens quants, and these weights are
/// for it: it pays where there are minima to add too.
static bool shouldWiden(ValueRange weights, int64_t columns,
                        const target::TargetSpec &target) {
  SmallVector<LayoutAttr> panels;
  for (Value weight : weights)
    panels.push_back(getLayout(weight));
  return target.widened && llvm::all_of(panels, isBlockType) &&
         pack::canWiden(panels, columns) &&
         llvm::all_of(panels, [](LayoutAttr panel) {
           return pack::getBlockFormat(panel).min != pack::MinKind::None;
         });
}

/// The target's regimes, and what the tuning has in place of them: it speaks of
/// those that unpack images for vectors.
FailureOr<SmallVector<CountRange>> Scheduler::getRegimes(model::LinearOp op) {
  const target::TargetSpec &target = steps.getTarget();
  ArrayRef<target::Regime> own = target.regimes;
  bool hasImages = isBlockType(getLayout(op.getWeights()[0]));
  if (hasImages) {
    own = target.blockRegimes;
    if (!target.shortSumRegimes.empty() && haveShortSums(op.getWeights()))
      own = target.shortSumRegimes;
  } else if (haveTilePairs(op.getWeights())) {
    own = target.bf16Regimes;
  } else if (!target.floatPanelRegimes.empty() &&
             haveFloatPanels(op.getWeights())) {
    own = target.floatPanelRegimes;
    hasImages = true;
  }
  SmallVector<CountRange> regimes =
      steps.getRegimes(getCountSource(op), own, hasImages);
  if (shouldWiden(op.getWeights(), getColumns(op.getX()), target))
    steps.addWidened(regimes);
  for (CountRange &range : regimes) {
    if (range.imagePanels == 0 || range.matrixIsa)
      continue;
    std::string kernel = steps.getKernelSymbol(
        getMatmulSpec(op, getInputLayout(op.getWeights(), range), range),
        range.matrixIsa);
    const target::MatmulChoice *choice = tuning.find(kernel);
    if (!choice)
      continue;
    for (Value weight : op.getWeights())
      if (int64_t group = getLayout(weight).getK();
          choice->imageColumns % group != 0)
        return op.emitOpError("expected a tuning of ")
               << kernel << " with images of whole groups of " << group
               << " columns, found " << choice->imageColumns;
    tunedKernels.insert(kernel);
    range.rowTile = choice->rowTile;
    range.imagePanels = choice->imagePanels;
    range.imageColumns = choice->imageColumns;
    range.tileRows = choice->tileRows;
  }
  return regimes;
}

void Scheduler::scheduleRegime(model::LinearOp op, const CountRange &range,
                               StringRef name, StringRef prepared,
                               ArrayRef<std::string> results) {
  LayoutAttr input = getInputLayout(op.getWeights(), range);
  int64_t columns = getColumns(op.getX());
  auto prepare = plan::PrepareSpecAttr::get(
      op.getContext(), columns, input, op.getRows() != nullptr, op.getEpsAttr(),
      /*grouped=*/false, /*heads=*/0, /*headDim=*/0);
  SmallVector<std::string> operands = {memory[op.getX()]};
  if (op.getNorm())
    operands.push_back(memory[op.getNorm()]);
  operands.push_back(prepared.str());
  StepInfo info{(name + ".prepare").str(), range};
  info.tileDivisor = range.rowTile;
  steps.addStep(op.getLoc(), info, prepare, operands);

  plan::MatmulSpecAttr matmul = getMatmulSpec(op, input, range);
  operands = {prepared.str()};
  info = {name.str(), range};
  info.isa = getMatrixIsa(op.getWeights(), range);
  for (Value weight : op.getWeights()) {
    operands.push_back(memory[weight]);
    auto type = cast<PackedTensorType>(weight.getType());
    info.bytesFixed += type.getPackedBytes();
    info.opsPerCount += 2 * model::getMatrices(type)->rows * columns;
  }
  for (Value bias : op.getBiases())
    operands.push_back(memory[bias]);
  if (op.getResidual())
    operands.push_back(memory[op.getResidual()]);
  operands.append(results.begin(), results.end());
  info.tileDivisor = range.max;
  info.tileMultiplier = matmul.getTileCount();
  steps.addStep(op.getLoc(), info, matmul, operands);
}

LogicalResult Scheduler::schedule(model::LinearOp op) {
  for (Value operand : op.getOperands())
    if (operand != op.getRows() && failed(lookup(op, operand)))
      return failure();
  if (op.getRows() && failed(verifyInput(op, op.getRows(), kOutputRows)))
    return failure();

  prepareTokensBeside(op);
  std::string name = getStepName(op.getWeights()[0]);
  SmallVector<std::string> results;
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    results.push_back(addResult(op.getResults()[i], op.getResidual(),
                                getStepName(op.getWeights()[i]) + ".out"));
  FailureOr<SmallVector<CountRange>> regimes = getRegimes(op);
  if (failed(regimes))
    return failure();
  uint64_t bytes = 0;
  for (const CountRange &range : *regimes)
    bytes =
        std::max(bytes, getInputLayout(op.getWeights(), range)
                            .getMatrixBytes(range.max, getColumns(op.getX())));
  std::string prepared = steps.addSlot(op.getLoc(), name + ".in", bytes);
  for (const CountRange &range : *regimes)
    scheduleRegime(op, range, name, prepared, results);
  return success();
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult Scheduler::scheduleRows(Operation *op,
                                      plan::KernelSpecInterface spec,
                                      Value residual, const std::string &name) {
  SmallVector<std::string> operands;
  for (Value value : op->getOperands()) {
    FailureOr<std::string> symbol = lookup(op, value);
    if (failed(symbol))
      return failure();
    operands.push_back(*symbol);
  }
  operands.push_back(addResult(op->getResult(0), residual, name + ".out"));
  steps.addStep(op->getLoc(), {name, steps.getWholeRange(CountSource::Tokens)},
                spec, operands);
  return success();
}

/// True if the step that stores keys normalises these heads, or that of a
/// gated unit.
static bool isNormOfHeads(model::RmsNormOp op) {
  if (!op->hasOneUse())
    return false;
  Operation *user = *op->user_begin();
  if (auto glu = dyn_cast<model::GluOp>(user))
    return glu.getUp() == op.getResult() && !op.getResidual();
  return isa<model::RopeOp, model::AttentionOp>(user);
}

LogicalResult Scheduler::schedule(model::RmsNormOp op) {
  if (isNormOfHeads(op))
    return success();
  if (failed(lookup(op, op.getWeight())) ||
      failed(verifyPacked(op, op.getWeight())))
    return failure();
  int64_t columns = getColumns(op.getX());
  if (model::getWeightShape(op.getWeight().getType())[0] != columns)
    return op.emitOpError("expected a norm of whole rows");
  auto spec = plan::NormSpecAttr::get(op.getContext(), columns,
                                      /*layer=*/false, op.getEpsAttr(),
                                      op.getResidual() != nullptr);
  return scheduleRows(op, spec, op.getResidual(), getStepName(op.getWeight()));
}

LogicalResult Scheduler::schedule(model::LayerNormOp op) {
  if (failed(lookup(op, op.getWeight())) ||
      failed(verifyPacked(op, op.getWeight())))
    return failure();
  auto spec = plan::NormSpecAttr::get(op.getContext(), getColumns(op.getX()),
                                      /*layer=*/true, op.getEpsAttr(),
                                      /*residual=*/false);
  return scheduleRows(op, spec, Value(), getStepName(op.getWeight()));
}

LogicalResult Scheduler::schedule(model::AddOp op) {
  auto spec = plan::AddSpecAttr::get(op.getContext(), getColumns(op.getA()));
  return scheduleRows(op, spec, op.getA(), "add");
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

LogicalResult Scheduler::schedule(func::ReturnOp op) {
  auto last = op.getNumOperands() == 1
                  ? op.getOperand(0).getDefiningOp<model::LinearOp>()
                  : model::LinearOp();
  if (!last || !last.getRows())
    return op.emitOpError("expected logits of the selected rows");
  logits = memory[op.getOperand(0)];
  return success();
}

LogicalResult Scheduler::schedule(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<pack::RepackOp, model::EmbedOp, model::RopeTableOp, model::LinearOp,
            model::RmsNormOp, model::LayerNormOp, model::AddOp, model::GluOp,
            model::ColumnsOp, model::CausalConvOp, model::DeltaRuleOp,
            model::RouteOp, model::ExpertsOp, model::HeadMatmulOp,
            model::JoinHeadsOp, model::AttentionOp, func::ReturnOp>(
          [&](auto typed) { return schedule(typed); })
      .Case<model::GetWeightOp, model::RopeOp>(
          // Done where their results are used; if that place cannot, it says
          // so by lookup().
          [](auto) { return success(); })
      .Default([&](Operation *other) {
        return other->emitOpError("no kernel of target ")
               << steps.getTarget().name << " computes this";
      });
}

LogicalResult Scheduler::run(func::FuncOp forward) {
  if (!forward.getBody().hasOneBlock())
    return forward.emitOpError("expected one block");
  for (Operation &op : forward.getBody().front())
    if (failed(schedule(&op)))
      return failure();
  for (const auto &[kernel, choice] : tuning.getChoices())
    if (!tunedKernels.contains(kernel))
      return forward.emitError()
             << "expected a tuning of this model's kernels, found one of "
             << kernel;
  return success();
}

namespace {

class Schedule : public schedule::impl::SchedulePassBase<Schedule> {
public:
  using SchedulePassBase::SchedulePassBase;

private:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const target::TargetSpec *spec = target::findTarget(target);
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!spec || !forward || ubatch < 1 || ubatch > MODELC_MAX_UBATCH) {
      module.emitError() << "plan-schedule: expected a function @forward, a "
                            "known target and a ubatch of 1 to "
                         << int64_t(MODELC_MAX_UBATCH) << ", found target '"
                         << target << "' and ubatch " << int64_t(ubatch);
      return signalPassFailure();
    }
    absl::StatusOr<target::Tuning> choices = target::Tuning::parse(tuning);
    if (!choices.ok()) {
      module.emitError() << "plan-schedule: tuning: "
                         << std::string(choices.status().message());
      return signalPassFailure();
    }
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto variant = plan::VariantOp::create(
        b, module.getLoc(), spec->name, ubatch,
        static_cast<int64_t>(spec->requiredFeatures), "", IntegerAttr());
    variant.getBody().emplaceBlock();
    Scheduler scheduler(module, variant, *spec, *choices);
    if (failed(scheduler.run(forward)))
      return signalPassFailure();
    variant.setLogits(scheduler.getLogits());
    numSteps = scheduler.getSteps().getStepCount();
    numKernels = scheduler.getSteps().getKernelCount();
    forward.erase();
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (isa<model::CacheOp, model::StateOp>(op))
        op.erase();
  }
};

} // namespace
