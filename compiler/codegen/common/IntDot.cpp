//===- IntDot.cpp - The instruction set of a matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/InstructionSets.h"
#include "dialects/pack/Layouts.h"

using namespace modelc;
using namespace modelc::codegen;

pack::LayoutAttr IntDot::getImageLayout(pack::LayoutAttr panel) const {
  return pack::getImageLayout(panel);
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
  }
  llvm_unreachable("no such instruction set");
}

/// True if activations of this layout are those of the matrix unit.
static bool multiplies(target::Isa matrixIsa, pack::LayoutAttr input) {
  return matrixIsa == target::Isa::Sme ? pack::hasQuadTiles(input)
                                       : pack::hasQuantRows(input);
}

const IntDot &codegen::getIntDot(const target::TargetSpec &target,
                                 pack::LayoutAttr input) {
  for (const target::Regime &regime : target.blockRegimes)
    if (regime.matrixIsa && multiplies(*regime.matrixIsa, input))
      return getIntDot(*regime.matrixIsa);
  return getIntDot(target.isa);
}
