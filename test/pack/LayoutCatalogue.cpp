//===- LayoutCatalogue.cpp - Every layout of Layouts.h, for tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// See LayoutCatalogue.h.
//
//===----------------------------------------------------------------------===//

#include "test/pack/LayoutCatalogue.h"

using namespace modelc;
using namespace modelc::pack;
using namespace modelc::test;

const ActivationNeeds test::kDrawnNeeds = {{{8, 32}, {32, 16}}, {16}};

PackContext::PackContext() {
  context.loadDialect<model::ModelDialect, PackDialect>();
}

mlir::Type PackContext::getType(llvm::StringRef name) {
  return model::getElementType(&context, *model::getGgmlTypeByName(name));
}

std::vector<mlir::Type> test::getPanelTypes(PackContext &context) {
  std::vector<mlir::Type> types;
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    mlir::Type type = model::getElementType(context.get(), info.type);
    if (type && getPanelLayout(context.get(), type, 0))
      types.push_back(type);
  }
  return types;
}

std::vector<LayoutAttr> test::getTargets(PackContext &context,
                                         mlir::Type type) {
  std::vector<LayoutAttr> targets = {getMappedLayout(context.get(), type)};
  if (getBlockFormat(*model::getGgmlType(type)))
    targets.push_back(getLanePanelLayout(context.get(), type));
  targets.push_back(getPanelLayout(context.get(), type, 0));
  if (type == context.getType("q8_0"))
    targets.push_back(getPanelLayout(context.get(), type, 0x80));
  if (type == context.getType("bf16"))
    targets.push_back(getPairPanelLayout(context.get()));
  return targets;
}

/// Types whose panels for GPUs are drawn: one for each number of bits, and one
/// of trits. Floats have the panels of CPUs.
static bool isDrawn(PackContext &context, mlir::Type type) {
  constexpr llvm::StringLiteral kDrawn[] = {"q4_0", "q8_0", "q4_K",
                                            "q5_K", "q6_K", "tq1_0"};
  return !getBlockFormat(*model::getGgmlType(type)) ||
         llvm::any_of(kDrawn, [&](llvm::StringRef name) {
           return type == context.getType(name);
         });
}

std::vector<LayoutAttr> test::getCatalogue(PackContext &context) {
  std::vector<LayoutAttr> layouts;
  for (mlir::Type type : getPanelTypes(context))
    for (LayoutAttr layout : getTargets(context, type))
      if (layout != getLanePanelLayout(context.get(), type) ||
          isDrawn(context, type))
        layouts.push_back(layout);
  for (const char *name : {"q8_0", "q4_K", "q6_K"})
    layouts.push_back(getImageLayout(
        getPanelLayout(context.get(), context.getType(name), 0)));
  layouts.push_back(
      getImageLayout(getPanelLayout(context.get(), context.getType("q2_K"), 0),
                     /*operandK=*/4, /*keepsSubscales=*/true));
  layouts.push_back(getWidenedImageLayout(
      getPanelLayout(context.get(), context.getType("q4_K"), 0)));
  layouts.push_back(getOuterImageLayout(
      getPanelLayout(context.get(), context.getType("q4_K"), 0)));
  mlir::Type f16 = context.getType("f16");
  layouts.push_back(
      getQuantizedActivationLayout(context.get(), 4, kDrawnNeeds));
  layouts.push_back(getRowActivationLayout(context.get(), 8, kDrawnNeeds));
  layouts.push_back(getQuadTileActivationLayout(context.get(), kDrawnNeeds));
  layouts.push_back(getWaveTileActivationLayout(context.get(), kDrawnNeeds));
  layouts.push_back(getPairActivationLayout(context.get(), {{{8, 32}}, {32}}));
  layouts.push_back(getWidenedActivationLayout(context.get(), 32, kDrawnNeeds));
  layouts.push_back(getFloatActivationLayout(context.get(), 4));
  layouts.push_back(getPartActivationLayout(context.get(), 4));
  for (mlir::Type type : {f16, context.getType("q8_0")}) {
    layouts.push_back(getKeyPageLayout(context.get(), type, 64, 128));
    layouts.push_back(getValuePageLayout(context.get(), type, 64, 128));
  }
  return layouts;
}
