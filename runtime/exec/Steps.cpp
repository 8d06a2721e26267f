//===- Steps.cpp - What every device makes of a plan's steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {space ARENA, offset 0x80}  ==>  arena + 0x80
//
//===----------------------------------------------------------------------===//

#include "exec/Steps.h"

namespace modelc::rt {

void *resolveOperand(const ModelcOperand &operand, const VariantTables &tables,
                     const OperandBases &bases, const StatePages &pages) {
  const auto address = [&]() -> const void * {
    switch (operand.space) {
    case MODELC_SPACE_WEIGHTS:
      return operand.offset +
             (bases.weights
                  ? bases.weights + tables.weights[operand.index].offset
                  : bases.eachWeight[operand.index]);
    case MODELC_SPACE_ARENA:
      return bases.arena + operand.offset;
    case MODELC_SPACE_STATE:
      return pages.pool(operand.index);
    case MODELC_SPACE_CONSTANTS:
      return bases.constants + operand.offset;
    default: // MODELC_SPACE_INPUTS; the others were refused.
      return bases.inputs;
    }
  };
  return const_cast<void *>(address());
}

} // namespace modelc::rt
