//===- Instruction.h - A decoded instruction, and the decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_INSTRUCTION_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

namespace modelc::amxemu {

enum class Mnemonic : uint8_t {
#define AMXEMU_TILE(name, ...) name,
#define AMXEMU_EVEX(name, ...) name,
#include "Instructions.def"
};

inline constexpr const char *kMnemonicNames[] = {
#define AMXEMU_TILE(name, ...) #name,
#define AMXEMU_EVEX(name, ...) #name,
#include "Instructions.def"
};
inline constexpr uint32_t kMnemonicCount =
    sizeof(kMnemonicNames) / sizeof(kMnemonicNames[0]);

/// Instruction sets; bit 1 << set of amxemu_native_sets().
enum class Set : uint8_t {
#define AMXEMU_SET(name, text) name,
#include "Instructions.def"
};

inline constexpr const char *kSetNames[] = {
#define AMXEMU_SET(name, text) text,
#include "Instructions.def"
};
inline constexpr uint32_t kSetCount = sizeof(kSetNames) / sizeof(kSetNames[0]);

/// Which operands there are, and where the encoding holds them.
enum class Form : uint8_t {
  // Of tiles. Memory operands of Load and Store are base + displacement, and
  // the index register, shifted, is the distance of two rows.
  ConfigLoad,  ///< 64 bytes of memory
  ConfigStore, ///< 64 bytes of memory
  Release,
  Zero,  ///< dest
  Load,  ///< dest, memory
  Store, ///< memory, dest (which is only read)
  Dot,   ///< dest (read too), src1 = ModRM.rm, src2 = vvvv
  // Of vectors.
  Ternary,    ///< dest (may be read too), src1 = vvvv, src2 = ModRM.rm
  Unary,      ///< dest, src2
  Narrow,     ///< dest of half the width of src2
  Compress,   ///< dest = ModRM.rm or memory, src2 = ModRM.reg
  Expand,     ///< dest, src2; memory holds the active elements only
  MaskResult, ///< dest is a mask register, src1, src2
};

/// Whether a masked-off element of a memory operand may be read: exception
/// classes E4NF and E4.
enum class MemoryRead : uint8_t { Whole, Masked };

enum class Segment : uint8_t { None, Fs, Gs };

struct MemoryOperand {
  bool hasBase, hasIndex, ripRelative;
  /// Prefix 67H: the offset is taken modulo 2^32.
  bool address32;
  Segment segment;
  uint8_t base, index; ///< numbers of general registers: 0 rax .. 15 r15
  uint8_t indexShift;
  /// Bytes; EVEX's compressed displacement is already multiplied out.
  int64_t displacement;
};

struct Instruction {
  Mnemonic mnemonic;
  Set set;
  Form form;
  MemoryRead memoryRead;
  uint8_t lengthBytes;
  bool hasMemory;
  MemoryOperand memory;
  uint8_t dest, src1, src2;
  // Vectors only.
  uint8_t vectorBytes; ///< 16, 32, 64
  uint8_t elementBytes;
  uint8_t broadcastBytes; ///< of this operand; 0: it is not broadcast
  uint8_t mask;           ///< k register; 0: all elements are written
  bool zeroing;
  uint8_t immediate;

  const char *name() const { return kMnemonicNames[size_t(mnemonic)]; }
};

enum class DecodeStatus : uint8_t {
  Decoded,
  Unknown, ///< not an instruction of Instructions.def
  Illegal, ///< one of them in an encoding that is #UD; see `reason`
};

struct Decoded {
  DecodeStatus status;
  const char *reason;
  Instruction instruction;
};

/// Decodes what begins at `bytes`. Reads no byte that the instruction does not
/// have, so code at the end of a page is safe, and at most `sizeBytes`, of
/// which 15 are enough. 64-bit mode.
Decoded decode(const uint8_t *bytes, size_t sizeBytes);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_INSTRUCTION_H
