//===- AppleAmx.h - Apple AMX instructions in a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The instructions that matmuls use, and the fields of their operands. What
// they do: docs/design/20261125-apple-amx.md.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H
#define MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H

#include "mlir/IR/Builders.h"

namespace modelc::codegen {

/// Bits 5 to 9 of an instruction word.
enum class AppleAmxOp : uint32_t {
  Ldx = 0,
  Ldy = 1,
  Ldz = 4,
  Stz = 5,
  Stzi = 7,
  Fma32 = 12,
  Mac16 = 14,
};

/// Bytes of a register, and of one row of Z.
inline constexpr int64_t kAppleAmxBytes = 64;

// Operands of loads and stores: flags and the register's number above an
// address of 56 bits. Two registers want an address that is a multiple of 128.
inline constexpr uint32_t kAppleAmxRegisterBit = 56;
inline constexpr uint64_t kAppleAmxPair = uint64_t(1) << 62;

// Operands of products: bytes of the X and Y files, and a row of Z.
inline constexpr uint32_t kAppleAmxZRowBit = 20, kAppleAmxXByteBit = 10;
inline constexpr uint64_t kAppleAmxSkipZ = uint64_t(1) << 27;
// Of mac16: sums of 32 bits and not 16; low bytes of the lanes of X and Y.
inline constexpr uint64_t kAppleAmxWideSums = uint64_t(1) << 62;
inline constexpr uint64_t kAppleAmxBytesOfBoth = uint64_t(3) << 60;

/// Emits instructions at the builder's place. Between set and clr nothing may
/// be called.
class AppleAmx {
public:
  AppleAmx(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  void set(); ///< On; all registers become zero.
  void clr(); ///< Off.

  /// One instruction with this operand, an i64.
  void issue(AppleAmxOp op, mlir::Value operand);
  void issue(AppleAmxOp op, uint64_t operand);
  /// A load or store at `address`, an i64, and as `bits` say.
  void issueAt(AppleAmxOp op, mlir::Value address, uint64_t bits);

private:
  void emitSetClr(bool isSet);
  void emitAsm(const llvm::Twine &text, mlir::Value operand);

  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H
