//===- Execute.h - What an instruction does to the machine
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_EXECUTE_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_EXECUTE_H

#include "Instruction.h"
#include "MachineState.h"
#include "Message.h"

namespace modelc::amxemu {

enum class FaultKind : uint8_t {
  None,
  InvalidOpcode,     ///< #UD, on Linux SIGILL
  GeneralProtection, ///< #GP, on Linux SIGSEGV
};

struct Fault {
  FaultKind kind = FaultKind::None;
  Message message;

  explicit operator bool() const { return kind != FaultKind::None; }
};

/// Executes, and moves `rip` on; after a fault the state is as before. Memory
/// operands are read and written where they say: an access that fails raises
/// SIGSEGV here. MXCSR is left as it was found. Calls nothing that a signal
/// handler may not call. Any number of threads, each with a state of its own.
Fault execute(const Instruction &instruction, MachineState &state);

/// The two halves of execute(), by Form; `rip` is not moved.
Fault executeTile(const Instruction &instruction, MachineState &state);
Fault executeVector(const Instruction &instruction, MachineState &state);

/// The address of a memory operand, without the index if `withIndex` is not
/// set (tile loads and stores).
uint64_t effectiveAddress(const Instruction &instruction,
                          const MachineState &state, bool withIndex);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_EXECUTE_H
