//===- SequenceState.cpp - State of a fixed size for each sequence
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// pool + sequences[token] * bytes; a sequence begins at position 0.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/SequenceState.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

SequenceState codegen::emitSequenceState(KernelBuilder &b, Value pool,
                                         Value token, int64_t bytes) {
  auto loadEntry = [&](size_t field) {
    Value entry =
        b.offset(b.loadInputPointer(field), b.mul(token, sizeof(uint32_t)));
    return b.load(b.i32(), entry);
  };
  Value position = loadEntry(offsetof(ModelcStepInputs, positions));
  Value sequence = loadEntry(offsetof(ModelcStepInputs, sequences));
  return {b.offset(pool, b.mul(b.extendU(sequence, b.i64()), bytes)),
          b.cmpI(arith::CmpIPredicate::eq, position, b.constI32(0))};
}
