//===- ScheduleAttention.cpp - Attention as steps over pages of the cache
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   rope and norm of q and k     ==>  plan.step @mc_rope_store, which also
//                                     appends to the pools
//   the rest of model.attention  ==>  plan.step @mc_attention
//   model.head_matmul            ==>  plan.step @mc_prepare, a row tile of
//                                     each head in turns; @mc_matmul..._heads
//   model.join_heads             ==>  plan.step @mc_join_heads
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Scheduler.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "modelc/plan_format.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;
using pack::LayoutAttr;
using plan::CountSource;

namespace {

/// What happens to q or k between its matmul and attention.
struct HeadChain {
  Value source; ///< The matmul's result.
  model::RopeOp rope;
  model::RmsNormOp norm;
};

} // namespace

/// Walks up from an operand of attention through rope and head norm, which
/// must have no other user.
static HeadChain getHeadChain(Value value) {
  HeadChain chain{value, {}, {}};
  if (auto rope = chain.source.getDefiningOp<model::RopeOp>();
      rope && rope->hasOneUse()) {
    chain.rope = rope;
    chain.source = rope.getX();
  }
  if (auto norm = chain.source.getDefiningOp<model::RmsNormOp>();
      norm && norm->hasOneUse()) {
    chain.norm = norm;
    chain.source = norm.getX();
  }
  return chain;
}

/// q and k must be treated alike for one kernel to serve both.
static LogicalResult verifyChains(model::AttentionOp op, const HeadChain &q,
                                  const HeadChain &k, int64_t keyDim) {
  model::RopeOp qRope = q.rope, kRope = k.rope;
  model::RmsNormOp qNorm = q.norm, kNorm = k.norm;
  if (bool(qRope) != bool(kRope) ||
      (qRope && (getColumns(qRope.getTable()) != getColumns(kRope.getTable()) ||
                 qRope.getPairing() != kRope.getPairing())))
    return op.emitOpError("expected the same rope on q and k");
  for (model::RopeOp rope : {qRope, kRope})
    if (rope && static_cast<int64_t>(rope.getHeadDim()) != keyDim)
      return op.emitOpError("expected a rope over heads of ")
             << keyDim << " elements";
  if (bool(qNorm) != bool(kNorm) || (qNorm && qNorm.getEps() != kNorm.getEps()))
    return op.emitOpError("expected the same norm on q and k");
  for (model::RmsNormOp norm : {qNorm, kNorm})
    if (norm && model::getWeightShape(norm.getWeight().getType())[0] != keyDim)
      return op.emitOpError("expected a norm as long as a head");
  if ((qRope || qNorm) && !q.source.hasOneUse())
    return op.emitOpError("expected no other user of q, which is rotated and "
                          "normalised in place");
  return success();
}

/// What the step reads that normalises, rotates and appends to the cache.
static SmallVector<Value>
getStoreInputs(model::AttentionOp op, const HeadChain &q, const HeadChain &k) {
  model::RopeOp qRope = q.rope, kRope = k.rope;
  model::RmsNormOp qNorm = q.norm, kNorm = k.norm;
  SmallVector<Value> values = {q.source, k.source};
  if (op.getV())
    values.push_back(op.getV());
  if (kRope)
    values.push_back(kRope.getTable());
  if (qRope && qRope.getTable() != kRope.getTable())
    values.push_back(qRope.getTable());
  if (qNorm)
    values.append({qNorm.getWeight(), kNorm.getWeight()});
  return values;
}

/// Gives a pool of pages its state and returns its name.
std::string Scheduler::addPool(model::AttentionOp op, const char *part,
                               int64_t kvHeads, LayoutAttr page) {
  return steps.addState(
      op.getLoc(), (op.getCache() + part).str(),
      llvm::alignTo(kvHeads * page.getBytes(), MODELC_BUFFER_ALIGN),
      op.getWindow().value_or(0));
}

/// Tiles among which the heads of a kv head are shared, where there are few of
/// these: as few as have a block of rows each, if they come out even.
static int64_t getParts(int64_t groupHeads) {
  constexpr int64_t kLeastHeads = 4; // Fewer would load keys too often.
  int64_t parts =
      llvm::divideCeil(groupHeads, plan::AttentionSpecAttr::kBlockRows);
  for (; groupHeads / parts >= kLeastHeads; ++parts)
    if (groupHeads % parts == 0)
      return parts;
  return 1;
}

LogicalResult Scheduler::schedule(model::AttentionOp op) {
  auto cache = symbols.lookup<model::CacheOp>(op.getCache());
  int64_t kvHeads = cache.getKvHeads(), keyDim = cache.getKeyDim();
  int64_t valueDim = cache.getValueDim(), heads = op.getHeads();
  if (!caches.insert(cache).second)
    return op.emitOpError("expected no other attention over ")
           << op.getCacheAttr();
  HeadChain q = getHeadChain(op.getQ()), k = getHeadChain(op.getK());
  if (failed(verifyChains(op, q, k, keyDim)))
    return failure();
  bool hasQueryTable = q.rope && q.rope.getTable() != k.rope.getTable();
  SmallVector<std::string> operands;
  for (Value value : getStoreInputs(op, q, k)) {
    FailureOr<std::string> symbol = lookup(op, value);
    if (failed(symbol))
      return failure();
    operands.push_back(*symbol);
  }

  MLIRContext *context = op.getContext();
  LayoutAttr keyPage = pack::getKeyPageLayout(context, cache.getType(),
                                              MODELC_PAGE_TOKENS, keyDim);
  LayoutAttr valuePage = keyPage;
  std::string name = op.getCache().str();
  SmallVector<std::string> pools = {addPool(op, ".k", kvHeads, keyPage)};
  if (!cache.getShared()) {
    valuePage = pack::getValuePageLayout(context, cache.getType(),
                                         MODELC_PAGE_TOKENS, valueDim);
    pools.push_back(addPool(op, ".v", kvHeads, valuePage));
  }
  operands.append(pools);
  int64_t pairs = q.rope ? getColumns(q.rope.getTable()) / 2 : 0;
  model::RopePairing pairing =
      q.rope ? q.rope.getPairing() : model::RopePairing::Adjacent;
  auto store = plan::RopeStoreSpecAttr::get(
      context, heads, kvHeads, keyDim, valueDim, pairs, pairing, keyPage,
      valuePage, q.norm ? q.norm.getEpsAttr() : FloatAttr(), hasQueryTable,
      cache.getShared());
  steps.addStep(op.getLoc(),
                {name + ".store", steps.getWholeRange(CountSource::Tokens),
                 /*tileDivisor=*/1, kvHeads},
                store, operands);

  operands = {memory[q.source]};
  operands.append(pools);
  if (op.getSinks()) {
    FailureOr<std::string> sinks = lookup(op, op.getSinks());
    if (failed(sinks) || failed(verifyPacked(op, op.getSinks())))
      return failure();
    operands.push_back(*sinks);
  }
  operands.push_back(addValue(op.getResult(), name + ".out"));
  auto spec = plan::AttentionSpecAttr::get(
      context, heads, kvHeads, keyDim, valueDim, op.getScaleAttr(), keyPage,
      valuePage, /*tileTokens=*/1, op.getWindow().value_or(0), op.getCapAttr(),
      op.getSinks() != nullptr, cache.getShared(),
      cache.getShared() ? getParts(heads / kvHeads) : 1);
  scheduleAttention(op, spec, operands);
  return success();
}

/// The reading half: one token a tile when there is one, else as many as fill
/// a block of query rows, which share loads of K and V.
void Scheduler::scheduleAttention(model::AttentionOp op,
                                  plan::AttentionSpecAttr one,
                                  ArrayRef<std::string> operands) {
  int64_t groupHeads = one.getHeads() / one.getKvHeads() / one.getParts();
  auto getTokens = [&](int64_t rows) {
    return std::max<int64_t>(1, rows / groupHeads);
  };
  int64_t few = getTokens(plan::AttentionSpecAttr::kBlockRows);
  // A row's factor is loaded for each vector of K or V then, and not for two.
  // Where tokens are few, more tiles are worth more.
  constexpr int64_t kTiles = 4;
  int64_t many = steps.getTarget().vectorLoads > 1
                     ? getTokens(plan::AttentionSpecAttr::kWideBlockRows)
                     : few;
  for (const CountRange &range :
       steps.getRegimes(CountSource::Tokens, steps.getTarget().regimes,
                        /*hasImages=*/false)) {
    int64_t tileTokens = range.max == 1               ? 1
                         : range.max >= kTiles * many ? many
                                                      : few;
    auto spec = plan::AttentionSpecAttr::get(
        op.getContext(), one.getHeads(), one.getKvHeads(), one.getKeyDim(),
        one.getValueDim(), one.getScale(), one.getKeyPage(), one.getValuePage(),
        tileTokens, one.getWindow(), one.getCap(), one.getSinks(),
        one.getShared(), one.getParts());
    StepInfo info{op.getCache().str() + ".attention", range, tileTokens,
                  one.getKvHeads() * one.getParts()};
    steps.addStep(op.getLoc(), info, spec, operands);
  }
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

/// Panels of pairs of bf16 are multiplied as floats: there are no tiles here.
static LayoutAttr getHeadInputLayout(Value weight, const CountRange &range) {
  if (isBlockType(getLayout(weight)))
    return getInputLayout(weight, range);
  return pack::getFloatActivationLayout(weight.getContext(), range.rowTile);
}

/// Heads are many and their matrices small, so images would not pay: all
/// regimes are those without.
LogicalResult Scheduler::schedule(model::HeadMatmulOp op) {
  for (Value operand : op.getOperands())
    if (failed(lookup(op, operand)))
      return failure();
  if (failed(verifyPacked(op, op.getWeight())))
    return failure();
  Value weight = op.getWeight();
  auto type = cast<pack::PackedTensorType>(weight.getType());
  model::Matrices matrices = *model::getMatrices(type);
  std::string name = getStepName(weight);
  std::string result = addValue(op.getResult(), name + ".out");
  SmallVector<CountRange> regimes =
      steps.getRegimes(CountSource::Tokens, steps.getTarget().regimes,
                       /*hasImages=*/false);
  int64_t bytes = 0;
  for (const CountRange &range : regimes)
    bytes = std::max<int64_t>(bytes,
                              getHeadInputLayout(weight, range)
                                  .getMatrixBytes(range.max, matrices.columns));
  std::string prepared =
      steps.addSlot(op.getLoc(), name + ".in", matrices.count * bytes);
  OpBuilder &b = steps.getBuilder();
  for (const CountRange &range : regimes) {
    LayoutAttr input = getHeadInputLayout(weight, range);
    auto prepare = plan::PrepareSpecAttr::get(
        op.getContext(), matrices.columns, input, /*gather=*/false,
        /*eps=*/FloatAttr(), /*grouped=*/false, matrices.count,
        op.getHeadDim());
    StepInfo info{name + ".prepare", range, range.rowTile, matrices.count};
    steps.addStep(op.getLoc(), info, prepare, {memory[op.getX()], prepared});

    auto matmul = plan::MatmulSpecAttr::get(
        op.getContext(), matrices.columns, input,
        b.getArrayAttr({getLayout(weight)}),
        b.getDenseI64ArrayAttr({matrices.rows}), model::Epilogue::Store,
        model::Activation::Silu, /*bias=*/false,
        getTileRows({matrices.rows},
                    llvm::divideCeil(kWantedTiles, matrices.count),
                    steps.getTarget()),
        /*imagePanels=*/0, /*imageColumns=*/0, /*cap=*/FloatAttr());
    auto spec =
        plan::HeadMatmulSpecAttr::get(op.getContext(), matmul, matrices.count);
    info = {name, range, range.max, matrices.count * matmul.getTileCount()};
    info.bytesFixed = type.getPackedBytes();
    info.opsPerCount = 2 * matrices.count * matrices.rows * matrices.columns;
    steps.addStep(op.getLoc(), info, spec, {prepared, memory[weight], result});
  }
  return success();
}

LogicalResult Scheduler::schedule(model::JoinHeadsOp op) {
  SmallVector<int64_t> heads;
  for (auto [source, dim] : llvm::zip_equal(op.getSources(), op.getDims()))
    heads.push_back(getColumns(source) / dim);
  OpBuilder &b = steps.getBuilder();
  auto spec = plan::JoinHeadsSpecAttr::get(
      op.getContext(), op.getHeads(), b.getDenseI64ArrayAttr(heads),
      op.getDimsAttr(), op.getBeginsAttr(), op.getCountsAttr());
  return scheduleRows(op, spec, Value(), "heads");
}
