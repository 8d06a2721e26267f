//===- AssignLayouts.cpp - A layout and a reason for each weight
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects how every weight is used, walks the list of layouts for that use to
// the first that has a kernel, and puts a pack.repack behind the weight.
//
//   %w = get_weight @w          %w = get_weight @w
//   %x = embed %t, %w     ==>   %p = repack %w {first_choice}
//   %y = linear %n, %w          %x = embed %t, %p
//                               %y = linear %n, %p
//
// Assumes one function of one block. Leaves every get_weight with one use, a
// repack, and every model op reading packed weights, vectors included.
//
//===----------------------------------------------------------------------===//

#include "compiler/layout/Passes.h"
#include "compiler/target/TargetSpec.h"
#include "dialects/pack/Layouts.h"
#include "llvm/ADT/MapVector.h"

namespace modelc::layout {
#define GEN_PASS_DEF_ASSIGNLAYOUTSPASS
#include "compiler/layout/Passes.h.inc"
} // namespace modelc::layout

using namespace mlir;
using namespace modelc;
using model::GgmlType;
using pack::LayoutAttr;
using pack::Reason;
using target::Isa;
using target::TargetSpec;

namespace {

/// What reads a weight. A matmul comes first: it decides also for the others.
enum class Use { Matmul, Expert, Gather, Vector };

/// A declared weight with all that reads it.
struct WeightUses {
  SmallVector<model::GetWeightOp> gets;
  Use use = Use::Vector;
};

/// A layout that weights of one use may get.
struct Candidate {
  LayoutAttr (*getLayout)(MLIRContext *, Type, const TargetSpec &);
  /// True if the target has kernels that read this layout and type.
  bool (*hasKernel)(const TargetSpec &, GgmlType);
};

/// The layouts of one use, best first, and the reason of whoever gets the
/// first.
struct Choices {
  ArrayRef<Candidate> candidates;
  Reason reason;
};

} // namespace

//===----------------------------------------------------------------------===//
// The lists
//===----------------------------------------------------------------------===//

static LayoutAttr getPanel(MLIRContext *context, Type type,
                           const TargetSpec &target) {
  if (type.isBF16() && !target.bf16Regimes.empty())
    return pack::getPairPanelLayout(context);
  if (target.gpu)
    return pack::getLanePanelLayout(context, type);
  return pack::getPanelLayout(context, type, target.quantFlip);
}

static LayoutAttr getMapped(MLIRContext *context, Type type,
                            const TargetSpec &) {
  return pack::getMappedLayout(context, type);
}

/// True if Kernels.def lists the type. What a matmul can decode, a gather can.
static bool isInKernelList(const TargetSpec &target, GgmlType type) {
  static constexpr std::pair<Isa, GgmlType> kKernels[] = {
#define MATMUL_KERNEL(isa, type) {Isa::isa, GgmlType::type},
#include "compiler/target/Kernels.def"
  };
  return llvm::is_contained(kKernels, std::pair(target.isa, type));
}

/// Numbers that stand alone: kernels of every target read them where they are.
static bool isNumber(const TargetSpec &, GgmlType type) {
  return model::getGgmlTypeInfo(type).kind != model::GgmlKind::Block;
}

static bool isFloat32(const TargetSpec &, GgmlType type) {
  return type == GgmlType::F32;
}

/// Rows that are gathered may be of any type that a kernel can decode.
static bool isDecodable(const TargetSpec &target, GgmlType type) {
  return isNumber(target, type) || isInKernelList(target, type);
}

static Choices getChoices(Use use) {
  static constexpr Candidate kMatmul[] = {{getPanel, isInKernelList},
                                          {getMapped, isNumber}};
  static constexpr Candidate kGather[] = {{getMapped, isDecodable}};
  static constexpr Candidate kVector[] = {{getMapped, isFloat32}};
  switch (use) {
  case Use::Matmul:
  case Use::Expert:
    return {kMatmul, Reason::FirstChoice};
  case Use::Gather:
    return {kGather, Reason::GatherOnly};
  case Use::Vector:
    return {kVector, Reason::NotAMatmul};
  }
  llvm_unreachable("all uses are listed");
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

static bool isIn(OpOperand &operand, MutableOperandRange range) {
  return llvm::any_of(range, [&](OpOperand &o) { return &o == &operand; });
}

/// How `operand`, a weight, is used, or an error.
static FailureOr<Use> getUse(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (auto linear = dyn_cast<model::LinearOp>(op)) {
    if (isIn(operand, linear.getWeightsMutable()))
      return Use::Matmul;
    if (isIn(operand, linear.getNormMutable()) ||
        isIn(operand, linear.getBiasesMutable()))
      return Use::Vector;
  }
  if (auto matmul = dyn_cast<model::MatmulOp>(op))
    if (&operand == &matmul.getWeightMutable())
      return Use::Matmul;
  if (auto matmul = dyn_cast<model::HeadMatmulOp>(op))
    if (&operand == &matmul.getWeightMutable())
      return Use::Expert;
  if (auto experts = dyn_cast<model::ExpertsOp>(op)) {
    if (isIn(operand, experts.getNormMutable()) ||
        isIn(operand, experts.getBiasesMutable()))
      return Use::Vector;
    if (llvm::is_contained({&experts.getGateMutable(), &experts.getUpMutable(),
                            &experts.getDownMutable()},
                           &operand))
      return Use::Expert;
  }
  if (auto route = dyn_cast<model::RouteOp>(op))
    if (isIn(operand, route.getBiasMutable()))
      return Use::Vector;
  if (auto embed = dyn_cast<model::EmbedOp>(op))
    if (&operand == &embed.getTableMutable())
      return Use::Gather;
  if (auto norm = dyn_cast<model::RmsNormOp>(op))
    if (&operand == &norm.getWeightMutable())
      return Use::Vector;
  if (auto norm = dyn_cast<model::LayerNormOp>(op))
    if (&operand == &norm.getWeightMutable() ||
        &operand == &norm.getBiasMutable())
      return Use::Vector;
  if (auto attention = dyn_cast<model::AttentionOp>(op))
    if (isIn(operand, attention.getSinksMutable()))
      return Use::Vector;
  if (auto conv = dyn_cast<model::CausalConvOp>(op))
    if (&operand == &conv.getWeightMutable())
      return Use::Vector;
  if (auto rule = dyn_cast<model::DeltaRuleOp>(op))
    if (&operand == &rule.getRateMutable() ||
        &operand == &rule.getBiasMutable())
      return Use::Vector;
  if (auto add = dyn_cast<model::AddBiasOp>(op))
    if (&operand == &add.getBiasMutable())
      return Use::Vector;
  return op->emitOpError("operand ")
         << operand.getOperandNumber()
         << " is a weight, which only matmuls, experts, embeddings, norms and "
            "biases read";
}

namespace {

class AssignLayouts
    : public layout::impl::AssignLayoutsPassBase<AssignLayouts> {
public:
  using AssignLayoutsPassBase::AssignLayoutsPassBase;

private:
  void runOnOperation() override {
    const TargetSpec *spec = target::findTarget(target);
    if (!spec) {
      getOperation().emitError("unknown target '") << target << "'";
      return signalPassFailure();
    }
    if (failed(collectUses()))
      return signalPassFailure();
    for (auto &[name, weight] : weights)
      if (failed(assign(weight, *spec)))
        return signalPassFailure();
  }

  /// Fills `weights`; removes get_weights that nothing reads.
  LogicalResult collectUses() {
    SmallVector<model::GetWeightOp> gets;
    getOperation().walk([&](model::GetWeightOp op) { gets.push_back(op); });
    for (model::GetWeightOp get : gets) {
      if (get->use_empty()) {
        get.erase();
        continue;
      }
      WeightUses &weight = weights[get.getWeightAttr()];
      weight.gets.push_back(get);
      for (OpOperand &operand : get->getUses()) {
        FailureOr<Use> use = getUse(operand);
        if (failed(use))
          return failure();
        weight.use = std::min(weight.use, *use);
      }
    }
    return success();
  }

  /// Puts a repack behind the first get_weight and makes all read it.
  LogicalResult assign(WeightUses &weight, const TargetSpec &spec) {
    model::GetWeightOp first = weight.gets.front();
    RankedTensorType source = first.getType();
    GgmlType type = *model::getGgmlType(source.getElementType());
    Choices choices = getChoices(weight.use);
    const Candidate *chosen =
        llvm::find_if(choices.candidates, [&](const Candidate &candidate) {
          return candidate.hasKernel(spec, type);
        });
    if (chosen == choices.candidates.end())
      return first.emitError("tensor '")
             << first.getWeight() << "': no kernel of target " << spec.name
             << " reads " << model::getGgmlTypeInfo(type).name << " weights";
    bool isFirst = chosen == choices.candidates.begin();
    Reason reason = isFirst ? choices.reason : Reason::NoKernelForType;
    bool isFallback = !isFirst && weight.use <= Use::Expert;

    OpBuilder b(first);
    b.setInsertionPointAfter(first);
    LayoutAttr layout =
        chosen->getLayout(&getContext(), source.getElementType(), spec);
    auto packed =
        pack::PackedTensorType::get(&getContext(), source.getShape(), layout);
    for (model::GetWeightOp other : llvm::drop_begin(weight.gets)) {
      other.replaceAllUsesWith(first.getResult());
      other.erase();
    }
    auto repack = pack::RepackOp::create(b, first.getLoc(), packed, first,
                                         reason, isFallback);
    first.getResult().replaceAllUsesExcept(repack, repack);
    ++numWeights;
    numFallbacks += isFallback;
    return success();
  }

  llvm::MapVector<SymbolRefAttr, WeightUses> weights;
};

} // namespace
