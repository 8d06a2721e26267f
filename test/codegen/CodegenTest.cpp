//===- CodegenTest.cpp - Specifications to compile in tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/codegen/CodegenTest.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;
using namespace modelc::codegen::test;

static constexpr int64_t kRows = 256;
static constexpr int64_t kColumns = 256;

CodegenTest::CodegenTest() {
  context
      .loadDialect<model::ModelDialect, pack::PackDialect, plan::PlanDialect>();
}

const target::TargetSpec &CodegenTest::getTarget(llvm::StringRef name) {
  const target::TargetSpec *target = target::findTarget(name);
  EXPECT_NE(target, nullptr) << name.str();
  return *target;
}

Type CodegenTest::getType(model::GgmlType type) {
  return model::getElementType(&context, type);
}

/// True if the target multiplies BF16 in pairs in this regime.
static bool isOfPairs(const target::TargetSpec &target, Type type,
                      const target::Regime &regime) {
  return type.isBF16() && regime.matrixIsa && !target.gpu;
}

/// The layout of panels that the target's matmuls read.
static pack::LayoutAttr makePanel(const target::TargetSpec &target, Type type) {
  return target.gpu
             ? pack::getLanePanelLayout(type.getContext(), type)
             : pack::getPanelLayout(type.getContext(), type, target.quantFlip);
}

pack::LayoutAttr CodegenTest::makeInput(const target::TargetSpec &target,
                                        Type type, const target::Regime &regime,
                                        bool isWidened) {
  if (isOfPairs(target, type, regime))
    return pack::getPartActivationLayout(&context, regime.rowTile);
  if (isa<FloatType>(type))
    return pack::getFloatActivationLayout(&context, regime.rowTile);
  pack::ActivationNeeds needs =
      pack::getActivationNeeds(makePanel(target, type));
  if (isWidened)
    return pack::getWidenedActivationLayout(&context, regime.rowTile, needs);
  if (regime.matrixIsa == target::Isa::HipMatrix)
    return pack::getWaveTileActivationLayout(&context, needs);
  if (regime.matrixIsa)
    return pack::getRowActivationLayout(&context, regime.rowTile, needs);
  return pack::getQuantizedActivationLayout(&context, regime.rowTile, needs);
}

plan::MatmulSpecAttr CodegenTest::makeMatmul(const target::TargetSpec &target,
                                             Type type,
                                             const target::Regime &regime,
                                             model::Epilogue epilogue,
                                             bool isWidened) {
  bool hasImages = isa<model::QuantizedType>(type);
  size_t weights = epilogue == model::Epilogue::Glu ? 2 : 1;
  Attribute layout = isOfPairs(target, type, regime)
                         ? pack::getPairPanelLayout(&context)
                         : makePanel(target, type);
  SmallVector<Attribute> layouts(weights, layout);
  SmallVector<int64_t> rows(weights, kRows);
  return plan::MatmulSpecAttr::get(
      &context, kColumns, makeInput(target, type, regime, isWidened),
      ArrayAttr::get(&context, layouts), DenseI64ArrayAttr::get(&context, rows),
      epilogue, model::Activation::Silu, /*bias=*/false, /*tileRows=*/64,
      hasImages ? regime.imagePanels : 0, hasImages ? regime.imageColumns : 0,
      /*cap=*/mlir::FloatAttr());
}

plan::PrepareSpecAttr CodegenTest::makePrepare(int64_t rowTile) {
  Builder b(&context);
  return plan::PrepareSpecAttr::get(
      &context, kColumns,
      pack::getQuantizedActivationLayout(&context, rowTile,
                                         {{{8, 32}, {128, 32}}, {}}),
      /*gather=*/true, b.getF32FloatAttr(1e-5f), /*grouped=*/false,
      /*heads=*/0, /*headDim=*/0);
}

void CodegenTest::appendExpertKinds(
    const target::TargetSpec &target,
    std::vector<plan::KernelSpecInterface> &specs) {
  constexpr int64_t kExperts = 40, kSlots = 3;
  Builder b(&context);
  for (auto gating : {model::Gating::Softmax, model::Gating::Sigmoid})
    specs.push_back(plan::RouteSpecAttr::get(
        &context, kExperts, kSlots, gating, /*normalise=*/true,
        b.getF32FloatAttr(2.5f), /*bias=*/true, /*groupRows=*/4,
        /*limitGroups=*/4, /*limitUsed=*/2));
  specs.push_back(plan::GroupSpecAttr::get(&context, kExperts, kSlots, 6));
  const target::Regime &regime = target.blockRegimes.back();
  specs.push_back(plan::PrepareSpecAttr::get(
      &context, kColumns,
      pack::getFloatActivationLayout(&context, regime.rowTile),
      /*gather=*/true, b.getF32FloatAttr(1e-5f), /*grouped=*/true,
      /*heads=*/0, /*headDim=*/0));
  for (bool indirect : {false, true})
    specs.push_back(plan::ExpertsSpecAttr::get(
        &context,
        makeMatmul(target, getType(model::GgmlType::Q4_K),
                   indirect ? target.regimes.front() : regime,
                   model::Epilogue::Glu),
        kExperts, indirect));
  specs.push_back(plan::CombineSpecAttr::get(&context, kColumns, kSlots, true));
}

std::vector<KernelRequest>
CodegenTest::makeAllKinds(const target::TargetSpec &target) {
  constexpr int64_t kHeads = 4, kKvHeads = 2, kHeadDim = 32, kPairs = 16;
  Builder b(&context);
  std::vector<plan::KernelSpecInterface> specs;
  for (const target::Regime &regime : target.blockRegimes) {
#define MATMUL_KERNEL(isaName, type)                                           \
  if (target.isa == target::Isa::isaName)                                      \
    specs.push_back(makeMatmul(target, getType(model::GgmlType::type), regime, \
                               model::Epilogue::Glu));
#include "compiler/target/Kernels.def"
    specs.push_back(makePrepare(regime.rowTile));
    specs.push_back(plan::PrepareSpecAttr::get(
        &context, kColumns,
        pack::getFloatActivationLayout(&context, regime.rowTile),
        /*gather=*/false, FloatAttr(), /*grouped=*/false, /*heads=*/0,
        /*headDim=*/0));
  }
  specs.push_back(plan::EmbedSpecAttr::get(
      &context,
      pack::getPanelLayout(&context, getType(model::GgmlType::Q4_0),
                           target.quantFlip),
      kColumns, /*positions=*/0, /*scale=*/FloatAttr()));
  for (bool layer : {false, true})
    specs.push_back(plan::NormSpecAttr::get(&context, kColumns, layer,
                                            b.getF32FloatAttr(1e-5f),
                                            /*residual=*/!layer));
  specs.push_back(plan::AddSpecAttr::get(&context, kColumns));
  specs.push_back(
      plan::RopeTableSpecAttr::get(&context, kPairs, b.getF32FloatAttr(1),
                                   /*temperCount=*/0, /*temperLength=*/0));
  for (auto type : {model::GgmlType::F16, model::GgmlType::Q8_0}) {
    auto keys = pack::getKeyPageLayout(&context, getType(type),
                                       MODELC_PAGE_TOKENS, kHeadDim);
    auto values = pack::getValuePageLayout(&context, getType(type),
                                           MODELC_PAGE_TOKENS, kHeadDim);
    specs.push_back(plan::RopeStoreSpecAttr::get(
        &context, kHeads, kKvHeads, kHeadDim, kHeadDim, kPairs,
        model::RopePairing::Half, keys, values, b.getF32FloatAttr(1e-5f),
        /*queryTable=*/false, /*shared=*/false));
    specs.push_back(plan::AttentionSpecAttr::get(
        &context, kHeads, kKvHeads, kHeadDim, kHeadDim,
        b.getF32FloatAttr(0.25f), keys, values, /*tileTokens=*/4, /*window=*/0,
        /*cap=*/FloatAttr(), /*sinks=*/false, /*shared=*/false, /*parts=*/1));
    specs.push_back(plan::AttentionSpecAttr::get(
        &context, kHeads, /*kvHeads=*/1, kHeadDim, kHeadDim / 2,
        b.getF32FloatAttr(0.25f), keys, keys, /*tileTokens=*/4, /*window=*/0,
        /*cap=*/FloatAttr(), /*sinks=*/false, /*shared=*/true, /*parts=*/2));
  }
  specs.push_back(plan::HeadMatmulSpecAttr::get(
      &context,
      makeMatmul(target, b.getF32Type(), target.regimes.back(),
                 model::Epilogue::Store),
      kHeads));
  specs.push_back(plan::JoinHeadsSpecAttr::get(
      &context, kHeads, b.getDenseI64ArrayAttr({kHeads, 1}),
      b.getDenseI64ArrayAttr({kHeadDim, 8}), b.getDenseI64ArrayAttr({3, 0}),
      b.getDenseI64ArrayAttr({17, 8})));
  appendExpertKinds(target, specs);
  // Regimes that differ for block types only give float kernels twice.
  llvm::StringSet<> names;
  std::vector<KernelRequest> requests;
  for (plan::KernelSpecInterface spec : specs)
    if (names.insert(spec.getKernelName()).second)
      requests.push_back({spec.getKernelName(), spec});
  return requests;
}
