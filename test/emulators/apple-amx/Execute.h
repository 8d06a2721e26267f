//===- Execute.h - One instruction on one machine
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_EXECUTE_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_EXECUTE_H

#include "Operand.h"
#include "Registers.h"

namespace modelc::appleamx {

/// Bits 5 to 9 of an instruction's word; 17 is set or clr, by the register
/// field.
enum class Opcode : uint32_t {
  Ldx,
  Ldy,
  Stx,
  Sty,
  Ldz,
  Stz,
  Ldzi,
  Stzi,
  Extrx,
  Extry,
  Fma64,
  Fms64,
  Fma32,
  Fms32,
  Mac16,
  Fma16,
  Fms16,
  SetClr,
  Vecint,
  Vecfp,
  Matint,
  Matfp,
  Genlut
};
inline constexpr uint32_t kOpcodeCount = 23;

/// Null if done; else why not, in the words for the user.
using Refusal = const char *;

/// Any instruction but set and clr. Floats are computed with this thread's
/// FPCR, which must have DN alone set.
Refusal execute(Machine &machine, Chip chip, Opcode opcode, Operand operand);

// Its parts, each in a file of its own.
Refusal executeMemory(Machine &machine, Chip chip, Opcode opcode,
                      Operand operand);
Refusal executeExtract(Machine &machine, Chip chip, Opcode opcode,
                       Operand operand);
Refusal executeFma(Machine &machine, Opcode opcode, Operand operand);
Refusal executeMatfp(Machine &machine, Chip chip, Operand operand);
Refusal executeVecfp(Machine &machine, Chip chip, Operand operand);
Refusal executeMac16(Machine &machine, Operand operand);
Refusal executeMatint(Machine &machine, Chip chip, Operand operand);
Refusal executeVecint(Machine &machine, Chip chip, Operand operand);
Refusal executeGenlut(Machine &machine, Chip chip, Operand operand);

/// What matint, vecint, matfp and vecfp have in common: 64 bytes of X and of Y,
/// of which one may come through indices (bits 47 to 49 and 53), then shuffles
/// (bits 27 to 30).
struct Sources {
  Register x, y;
};
Sources readSources(const Machine &machine, Operand operand,
                    uint32_t xLaneBytes, uint32_t yLaneBytes);

/// Shift and saturation of narrowing integer modes.
struct Narrowing {
  uint32_t shift;
  bool isRounding, isSaturating, isInputSigned, isOutputSigned;

  /// `value` to the range of `bits`, if at all; the caller takes the low bits.
  int64_t apply(int64_t value, uint32_t bits) const;
};

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_EXECUTE_H
