//===- Instruction.h - A decoded instruction
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_INSTRUCTION_H
#define MODELC_TEST_EMULATORS_AMDGPU_INSTRUCTION_H

#include <cstdint>
#include <string_view>

namespace modelc::amdgpu {

struct Wave;
struct Instruction;

/// Executes one instruction for one wave.
using Handler = void (*)(Wave &wave, const Instruction &instruction);

enum class OperandKind : uint8_t { None, Vector, Scalar, Constant };

/// Bits of Operand::mods, LLVM's (SISrcMods). NegHi and OpSelHi are those of
/// packed instructions.
enum : uint8_t {
  kModNeg = 1,
  kModAbs = 2,
  kModNegHi = 2,
  kModOpSel = 4,
  kModOpSelHi = 8,
  kModSext = 16,
};

struct Operand {
  OperandKind kind = OperandKind::None;
  uint8_t mods = 0;
  bool high = false; ///< the upper half of a VGPR, as a 16-bit register
  /// Vector: the row of the register file, AGPRs from kAccumulators on.
  /// Scalar: the number in the encoding, 106 is VCC, 126 is EXEC.
  uint16_t reg = 0;
  uint64_t constant = 0;

  explicit operator bool() const { return kind != OperandKind::None; }
};

/// How a memory instruction finds its address.
enum class Space : uint8_t { Global, Flat, Scratch, Buffer, Local };

/// What a load or store moves. Low and High: one half of the register.
enum class AccessKind : uint8_t {
  Unsigned8,
  Signed8,
  Unsigned16,
  Signed16,
  Words1,
  Words2,
  Words3,
  Words4,
  LowUnsigned8,
  HighUnsigned8,
  LowSigned8,
  HighSigned8,
  Low16,
  High16,
};

enum class Extra : uint8_t { None, Dpp, Dpp8, Sdwa };

struct Instruction {
  Handler handler = nullptr; ///< null: not yet decoded
  uint64_t *counter = nullptr;
  const char *name = nullptr; ///< normalised, of Instructions.def
  uint8_t words = 0;
  Extra extra = Extra::None;
  bool clamp = false;
  uint8_t omod = 0; ///< 1: times 2, 2: times 4, 3: by 2
  Space space = Space::Global;
  bool highDest = false;  ///< VOP3's op_sel for a 16-bit result
  bool returns = false;   ///< an atomic that returns the old value
  bool keepsHalf = false; ///< a 16-bit result leaves the other half
  Operand dest;           ///< the vector or scalar result
  Operand dest2;          ///< a second result: carry, mask
  /// In the order of the assembler; memory: vector address, scalar address
  /// or resource, data, scalar offset.
  Operand src[4];
  int64_t offset = 0;                ///< bytes; branches: words
  uint32_t extraWord = 0;            ///< the word behind, of DPP and SDWA
  uint32_t controls = 0;             ///< cbsz | abid << 3 | blgp << 7
  const Instruction *pair = nullptr; ///< VOPD: the second half
};

/// Row of a0 in the vector register file.
inline constexpr uint16_t kAccumulators = 256;

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_INSTRUCTION_H
