//===- IntDot.cpp - The instruction set of a matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/MatmulTile.h"
#include "dialects/pack/Layouts.h"

using namespace modelc;
using namespace modelc::codegen;

pack::LayoutAttr IntDot::getImageLayout(pack::LayoutAttr panel) const {
  return pack::getImageLayout(panel);
}

ProductStrides IntDot::getProductStrides(const ImageProducts &products) const {
  int64_t blocks = getStep(products.image) /
                   pack::getBlockFormat(products.panel).getSumLength();
  int64_t bytes = products.getBlockBytes();
  return {products.getPanelBytes(), bytes / products.input.getRows(),
          blocks * bytes};
}

int64_t ImageProducts::getBlockBytes() const {
  return input.getRows() * kLanes * static_cast<int64_t>(sizeof(int32_t));
}

int64_t ImageProducts::getPanelBytes() const {
  return imageColumns / pack::getBlockFormat(panel).getSumLength() *
         getBlockBytes();
}

const IntDot &codegen::getIntDot(target::Isa isa) {
  switch (isa) {
  case target::Isa::Avx2:
    return getAvx2Dot();
  case target::Isa::Avx512Vnni:
    return getAvx512VnniDot();
  case target::Isa::IntelAmx:
    return getIntelAmxDot();
  case target::Isa::NeonDotprod:
    return getNeonDotprodDot();
  case target::Isa::NeonI8mm:
    return getNeonI8mmDot();
  case target::Isa::Sme:
    return getSmeDot();
  case target::Isa::AppleAmx:
    return getAppleAmxDot();
  case target::Isa::Hip:
    return getHipDot();
  case target::Isa::HipMatrix:
    return getHipMatrixDot();
  }
  llvm_unreachable("no such instruction set");
}

/// True if activations of this layout are those of the matrix unit.
static bool multiplies(target::Isa matrixIsa, pack::LayoutAttr input) {
  switch (matrixIsa) {
  case target::Isa::Sme:
    return pack::hasQuadTiles(input);
  case target::Isa::AppleAmx:
    return pack::hasQuantPairs(input);
  case target::Isa::HipMatrix:
    return pack::hasWaveTiles(input);
  default:
    return pack::hasQuantRows(input);
  }
}

const IntDot &codegen::getIntDot(const target::TargetSpec &target,
                                 pack::LayoutAttr input) {
  for (llvm::ArrayRef<target::Regime> regimes :
       {target.blockRegimes, target.shortSumRegimes})
    for (const target::Regime &regime : regimes)
      if (regime.matrixIsa && multiplies(*regime.matrixIsa, input))
        return getIntDot(*regime.matrixIsa);
  return getIntDot(target.isa);
}
