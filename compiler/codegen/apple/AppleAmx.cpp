//===- AppleAmx.cpp - Apple AMX instructions in a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction is the word 0x00201000 | op << 5 | register, and its operand
// a general register, always x9 here: the assembler then has a constant word to
// write. Nothing but memory and the unit's own registers is changed.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/apple/AppleAmx.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static uint32_t makeWord(uint32_t op, uint32_t operand) {
  return 0x00201000 | op << 5 | operand;
}

void AppleAmx::emitAsm(const Twine &text, Value operand) {
  auto dialect =
      LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT);
  auto noTailCall = LLVM::TailCallKindAttr::get(
      b.getContext(), LLVM::tailcallkind::TailCallKind::None);
  LLVM::InlineAsmOp::create(
      b, loc, TypeRange(), operand ? ValueRange(operand) : ValueRange(),
      b.getStringAttr(text),
      b.getStringAttr(operand ? "{x9},~{memory}" : "~{memory}"),
      b.getUnitAttr(), UnitAttr(), noTailCall, dialect, ArrayAttr());
}

/// Three nops before: as Apple's own code has it, for a reason not published.
void AppleAmx::emitSetClr(bool isSet) {
  constexpr uint32_t kSetClr = 17;
  emitAsm("nop\nnop\nnop\n.long " + Twine(makeWord(kSetClr, isSet ? 0 : 1)),
          Value());
}

void AppleAmx::set() { emitSetClr(true); }

void AppleAmx::clr() { emitSetClr(false); }

void AppleAmx::issue(AppleAmxOp op, Value operand) {
  emitAsm(".long " + Twine(makeWord(static_cast<uint32_t>(op), 9)), operand);
}

void AppleAmx::issue(AppleAmxOp op, uint64_t operand) {
  issue(op, arith::ConstantOp::create(
                b, loc, b.getI64IntegerAttr(static_cast<int64_t>(operand))));
}

void AppleAmx::issueAt(AppleAmxOp op, Value address, uint64_t bits) {
  Value constant = arith::ConstantOp::create(
      b, loc, b.getI64IntegerAttr(static_cast<int64_t>(bits)));
  issue(op, arith::AddIOp::create(b, loc, address, constant));
}
