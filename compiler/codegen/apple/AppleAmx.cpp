//===- AppleAmx.cpp - Apple AMX instructions in a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   set
//   for each pair of k:  ldx, ldy, mac16 of even bytes, mac16 of odd bytes
//   for each row:        stzi twice, or stz of two rows
//   clr
//
// An instruction is the word 0x00201000 | op << 5 | register, and its operand
// a general register, always x9 here: the assembler then has a constant word to
// write. Nothing but memory and the unit's own registers is changed.
//
// mac16 takes bytes from the low halves of 16-bit lanes, at any byte of the
// register file: one byte further, low halves are the other bytes, and both
// bytes of each lane are used without being moved.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/apple/AppleAmx.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// Bits 5 to 9 of the word.
enum Opcode : uint32_t {
  kLdx = 0,
  kLdy = 1,
  kStz = 5,
  kStzi = 7,
  kMac16 = 14,
  kSetClr = 17
};

/// Operands of loads and stores: the register, above a pointer of 56 bits.
constexpr uint32_t kRegisterBit = 56;
constexpr uint64_t kPair = uint64_t(1) << 62;

/// Operands of mac16.
constexpr uint64_t kIntoInt32 = uint64_t(1) << 62;
constexpr uint64_t kXIsInt8 = uint64_t(1) << 61;
constexpr uint64_t kYIsInt8 = uint64_t(1) << 60;
constexpr uint32_t kZRowBit = 20, kXOffsetBit = 10, kYOffsetBit = 0;

constexpr int64_t kRegisterBytes = 64;
constexpr int64_t kRows = 32;

class Emitter {
public:
  Emitter(OpBuilder &b, Location loc) : b(b), loc(loc) {}

  void emitRegion(AppleAmxSums kind, Value x, Value panelBytes, Value y,
                  Value sums, Value pairs);

private:
  Value makeInt(uint64_t value);
  /// The address as an integer.
  Value getAddress(Value pointer);
  void emitAsm(const Twine &text, Value operand);
  void emitSetClr(bool isSet);
  void issue(Opcode opcode, Value operand);
  /// `address` with other bits of the operand above.
  void issueAt(Opcode opcode, Value address, uint64_t bits);
  void emitPair(AppleAmxSums kind, Value x, Value panelBytes, Value y);
  void emitStores(AppleAmxSums kind, Value sums);

  OpBuilder &b;
  Location loc;
};

} // namespace

Value Emitter::makeInt(uint64_t value) {
  return arith::ConstantOp::create(
      b, loc, b.getI64IntegerAttr(static_cast<int64_t>(value)));
}

Value Emitter::getAddress(Value pointer) {
  return LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
}

void Emitter::emitAsm(const Twine &text, Value operand) {
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
void Emitter::emitSetClr(bool isSet) {
  const uint32_t word = 0x00201000 | kSetClr << 5 | (isSet ? 0 : 1);
  emitAsm("nop\nnop\nnop\n.long " + Twine(word), Value());
}

void Emitter::issue(Opcode opcode, Value operand) {
  const uint32_t word = 0x00201000 | opcode << 5 | 9;
  emitAsm(".long " + Twine(word), operand);
}

void Emitter::issueAt(Opcode opcode, Value address, uint64_t bits) {
  issue(opcode, arith::OrIOp::create(b, loc, address, makeInt(bits)));
}

/// X registers 0 and 2, Y register 0: each with one behind it that is never
/// used, from which the last, unused byte at an odd offset comes.
void Emitter::emitPair(AppleAmxSums kind, Value x, Value panelBytes, Value y) {
  const int panels = kind == AppleAmxSums::Int16 ? 2 : 1;
  for (int panel = 0; panel < panels; ++panel) {
    issueAt(kLdx, x, uint64_t(2 * panel) << kRegisterBit);
    if (panel + 1 < panels)
      x = arith::AddIOp::create(b, loc, x, panelBytes);
  }
  issueAt(kLdy, y, 0);
  const uint64_t widths =
      kXIsInt8 | kYIsInt8 | (kind == AppleAmxSums::Int32 ? kIntoInt32 : 0);
  for (uint64_t step = 0; step < 2; ++step)
    for (int panel = 0; panel < panels; ++panel) {
      const uint64_t xOffset = uint64_t(2 * panel * kRegisterBytes) + step;
      issue(kMac16, makeInt(widths | uint64_t(panel) << kZRowBit |
                            xOffset << kXOffsetBit | step << kYOffsetBit));
    }
}

/// Rows 2 * j and 2 * j + 1 of Z are row j of Y: the even and odd lanes of
/// int32, which stzi puts in order, or the two panels' lanes of int16.
void Emitter::emitStores(AppleAmxSums kind, Value sums) {
  for (int64_t row = 0; row < kRows; ++row) {
    Value address = arith::AddIOp::create(
        b, loc, sums, makeInt(uint64_t(row * 2 * kRegisterBytes)));
    const uint64_t zRow = uint64_t(2 * row) << kRegisterBit;
    if (kind == AppleAmxSums::Int16) {
      issueAt(kStz, address, kPair | zRow);
      continue;
    }
    issueAt(kStzi, address, zRow);
    Value right =
        arith::AddIOp::create(b, loc, address, makeInt(kRegisterBytes));
    issueAt(kStzi, right, zRow | uint64_t(1) << kRegisterBit);
  }
}

void Emitter::emitRegion(AppleAmxSums kind, Value x, Value panelBytes, Value y,
                         Value sums, Value pairs) {
  Value xAddress = getAddress(x), yAddress = getAddress(y);
  emitSetClr(true);
  auto loop = scf::ForOp::create(b, loc, makeInt(0), pairs, makeInt(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value offset = arith::MulIOp::create(b, loc, loop.getInductionVar(),
                                         makeInt(kRegisterBytes));
    emitPair(kind, arith::AddIOp::create(b, loc, xAddress, offset), panelBytes,
             arith::AddIOp::create(b, loc, yAddress, offset));
  }
  emitStores(kind, getAddress(sums));
  emitSetClr(false);
}

void codegen::emitAppleAmxProducts(OpBuilder &b, Location loc,
                                   AppleAmxSums kind, Value x, Value panelBytes,
                                   Value y, Value sums, Value pairs) {
  Emitter(b, loc).emitRegion(kind, x, panelBytes, y, sums, pairs);
}
