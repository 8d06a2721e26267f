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
  }
  llvm_unreachable("no such instruction set");
}

const IntDot &codegen::getIntDot(const target::TargetSpec &target,
                                 pack::LayoutAttr input) {
  std::optional<target::Isa> matrixIsa = target.getMatrixIsa();
  return getIntDot(matrixIsa && pack::hasQuantRows(input) ? *matrixIsa
                                                          : target.isa);
}
