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

/// Gives a pool of pages its state and returns its name.
std::string Scheduler::addPool(model::AttentionOp op, const char *part,
                               int64_t kvHeads, LayoutAttr page) {
  return steps.addState(
      op.getLoc(), (op.getCache() + part).str(),
      llvm::alignTo(kvHeads * page.getBytes(), MODELC_BUFFER_ALIGN),
      op.getWindow().value_or(0));
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
  SmallVector<Value> values = {q.source, k.source, op.getV()};
  bool hasQueryTable = q.rope && q.rope.getTable() != k.rope.getTable();
  if (k.rope)
    values.push_back(k.rope.getTable());
  if (hasQueryTable)
    values.push_back(q.rope.getTable());
  if (q.norm)
    values.append({q.norm.getWeight(), k.norm.getWeight()});
  SmallVector<std::string> operands;
  for (Value value : values) {
    FailureOr<std::string> symbol = lookup(op, value);
    if (failed(symbol))
      return failure();
    operands.push_back(*symbol);
  }

  MLIRContext *context = op.getContext();
  LayoutAttr keyPage = pack::getKeyPageLayout(context, cache.getType(),
                                              MODELC_PAGE_TOKENS, keyDim);
  LayoutAttr valuePage = pack::getValuePageLayout(context, cache.getType(),
                                                  MODELC_PAGE_TOKENS, valueDim);
  std::string name = op.getCache().str();
  std::string keys = addPool(op, ".k", kvHeads, keyPage);
  std::string pool = addPool(op, ".v", kvHeads, valuePage);
  operands.append({keys, pool});
  int64_t pairs = q.rope ? getColumns(q.rope.getTable()) / 2 : 0;
  model::RopePairing pairing =
      q.rope ? q.rope.getPairing() : model::RopePairing::Adjacent;
  auto store = plan::RopeStoreSpecAttr::get(
      context, heads, kvHeads, keyDim, valueDim, pairs, pairing, keyPage,
      valuePage, q.norm ? q.norm.getEpsAttr() : FloatAttr(), hasQueryTable);
  steps.addStep(op.getLoc(),
                {name + ".store", steps.getWholeRange(CountSource::Tokens)},
                store, operands);

  operands = {memory[q.source], keys, pool};
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
      op.getSinks() != nullptr);
  scheduleAttention(op, spec, operands);
  return success();
}

/// The reading half: one token a tile when there is one, else as many as fill
/// a block of query rows, which share loads of K and V.
void Scheduler::scheduleAttention(model::AttentionOp op,
                                  plan::AttentionSpecAttr one,
                                  ArrayRef<std::string> operands) {
  int64_t groupHeads = one.getHeads() / one.getKvHeads();
  int64_t most =
      std::max<int64_t>(1, plan::AttentionSpecAttr::kBlockRows / groupHeads);
  for (const CountRange &range : steps.getRegimes(CountSource::Tokens, false)) {
    int64_t tileTokens = range.max == 1 ? 1 : most;
    auto spec = plan::AttentionSpecAttr::get(
        op.getContext(), one.getHeads(), one.getKvHeads(), one.getKeyDim(),
        one.getValueDim(), one.getScale(), one.getKeyPage(), one.getValuePage(),
        tileTokens, one.getWindow(), one.getCap(), one.getSinks());
    StepInfo info{op.getCache().str() + ".attention", range, tileTokens,
                  one.getKvHeads()};
    steps.addStep(op.getLoc(), info, spec, operands);
  }
}
