//===- Machine.h - Registers, waves and work-groups
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_MACHINE_H
#define MODELC_TEST_EMULATORS_AMDGPU_MACHINE_H

#include "Chip.h"
#include "Instruction.h"
#include "Memory.h"

#include <cstring>
#include <string>
#include <vector>

namespace modelc::amdgpu {

/// Numbers of scalar registers, as instructions encode them.
enum : uint16_t {
  kVcc = 106,
  kTtmp = 108,
  kExec = 126,
  kSharedBase = 235, ///< 64 bits wide, like the next
  kPrivateBase = 237,
  kScc = 253,
};
inline constexpr uint32_t kScalars = 260;

/// The high words of flat addresses of LDS and of scratch.
inline constexpr uint32_t kSharedAperture = 0x01000000;
inline constexpr uint32_t kPrivateAperture = 0x02000000;

/// Lanes that are held, whatever the wave size.
inline constexpr uint32_t kMaxLanes = 64;

struct Code;

/// What the waves of a work-group share.
struct Group {
  const Chip *chip = nullptr;
  const Memory *memory = nullptr;
  Code *code = nullptr;
  std::vector<uint8_t> lds;
  uint32_t waves = 0;    ///< that have not ended
  uint32_t arrivals = 0; ///< at the barrier, in this phase
  uint32_t phase = 0;    ///< barriers that are complete
  std::string error;     ///< the first; execution ends with it
  uint64_t errorPc = 0;  ///< where it was
};

enum class WaveState : uint8_t { Running, Waiting, Ended };

struct Wave {
  Group *group;
  const Chip *chip;
  uint32_t lanes; ///< chip->waveSize
  WaveState state = WaveState::Running;
  uint32_t barrierPhase = 0; ///< waits until the group has passed it
  bool hasArrived = false;   ///< at the barrier, and did not wait yet
  uint64_t pc = 0;           ///< the address of the next instruction
  uint64_t nextPc = 0;       ///< after this one; branches set it
  bool scc = false;
  uint32_t scalars[kScalars] = {};
  uint32_t scratchBytes = 0;                ///< of one lane
  std::vector<uint8_t> scratch;             ///< [lane][scratchBytes]
  uint32_t (*vectors)[kMaxLanes] = nullptr; ///< [512][64], not owned

  uint64_t pairOf(uint32_t reg) const {
    if (reg == chip->null)
      return 0;
    return scalars[reg] | uint64_t(scalars[reg + 1]) << 32;
  }
  /// A mask as wide as the wave.
  uint64_t maskOf(uint32_t reg) const {
    return lanes == 64 ? pairOf(reg) : scalars[reg];
  }
  uint64_t exec() const { return maskOf(kExec); }

  void setScalar(uint32_t reg, uint32_t value) {
    if (reg != chip->null)
      scalars[reg] = value;
  }
  void setPair(uint32_t reg, uint64_t value) {
    if (reg == chip->null)
      return;
    scalars[reg] = uint32_t(value);
    scalars[reg + 1] = uint32_t(value >> 32);
  }
  void setMask(uint32_t reg, uint64_t value) {
    if (lanes == 64)
      setPair(reg, value);
    else
      setScalar(reg, uint32_t(value));
  }

  /// Ends the execution of the work-group with an error.
  void fault(const std::string &what);
  /// The error of an access that is out of bounds.
  void faultAt(uint64_t address, uint64_t sizeBytes);
};

/// A scalar operand, of 32 or 64 bits.
inline uint32_t readScalar(const Wave &wave, const Operand &operand) {
  return operand.kind == OperandKind::Constant ? uint32_t(operand.constant)
         : operand.reg == kScc                 ? uint32_t(wave.scc)
                                               : wave.scalars[operand.reg];
}
inline uint64_t readScalar64(const Wave &wave, const Operand &operand) {
  return operand.kind == OperandKind::Constant ? operand.constant
                                               : wave.pairOf(operand.reg);
}

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_MACHINE_H
