//===- InstructionSets.h - Where each instruction set is
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_INSTRUCTIONSETS_H
#define MODELC_COMPILER_CODEGEN_COMMON_INSTRUCTIONSETS_H

#include "compiler/codegen/common/IntDot.h"

namespace modelc::codegen {

// Each lives for ever, in the folder of its processor.
const IntDot &getAvx2Dot();
const IntDot &getAvx512VnniDot();
const IntDot &getIntelAmxDot();
const IntDot &getNeonDotprodDot();
const IntDot &getNeonI8mmDot();
const IntDot &getSmeDot();
const IntDot &getAppleAmxDot();
const IntDot &getHipDot();
const IntDot &getHipMatrixDot();

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_INSTRUCTIONSETS_H
