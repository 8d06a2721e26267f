//===- ScalarCode.h - The integer instructions that decide how loops go
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_SCALARCODE_H
#define MODELC_COMPILER_COST_SCALARCODE_H

#include "compiler/cost/Machine.h"

namespace modelc::cost {

/// What an instruction does to integer registers, flags or scalar memory.
enum class ScalarOp : uint8_t {
  // Two operands; the first is the destination.
  Add,
  Adc,
  Sub,
  Sbb,
  And,
  Or,
  Xor,
  Cmp,
  Test,
  IMul,
  Shl,
  Shr,
  Sar,
  // One operand.
  Inc,
  Dec,
  Neg,
  Not,
  // Destination and source of their own.
  Mov,
  MovS,
  Lea,
  /// Both halves of a product: `to` the upper, `third` the lower, of `from` and
  /// the register of `fixed`.
  MulWide,
  // Three operands: to = from op third.
  IMul3,
  ShlX,
  ShrX,
  SarX,
  AndN,
  // On a condition.
  CMov,
  Set,
  Jump,
  JumpIf,
  Return,
  Push,
  Pop,
  /// LDTILECFG.
  TileConfig,
  /// Registers in `clobbers` become unknown, and the flags if they are written.
  Unknown,
};

/// Register numbers are those of encodings: 0 is RAX, 4 RSP, 15 R15.
inline constexpr int8_t kNoRegister = -1;
inline constexpr int8_t kRip = 16;

struct ScalarOperand {
  enum Kind : uint8_t { None, Register, Immediate, Memory } kind = None;
  uint8_t bytes = 8;
  bool isHighByte = false;   ///< AH, BH, CH, DH.
  int8_t base = kNoRegister; ///< Or the register.
  int8_t index = kNoRegister;
  int64_t scale = 1;
  int64_t value = 0; ///< Displacement or immediate.
};

struct ScalarInstruction {
  ScalarOp op = ScalarOp::Unknown;
  uint8_t condition = 0; ///< X86's condition code.
  int8_t fixed = kNoRegister;
  bool writesFlags = false;
  uint16_t clobbers = 0; ///< Bit i: register i. For Unknown.
  ScalarOperand to;
  ScalarOperand from;
  ScalarOperand third;      ///< Second source.
  uint64_t nextAddress = 0; ///< Of the instruction that follows.
};

/// Translates; nothing if the instruction touches neither registers nor flags,
/// nor memory as a whole integer.
std::optional<ScalarInstruction> translate(const Machine &machine,
                                           const Instruction &instruction);

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_SCALARCODE_H
