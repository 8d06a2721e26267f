//===- SignalFrame.h - The registers in a signal's context
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_SIGNALFRAME_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_SIGNALFRAME_H

#include "Instruction.h"
#include "MachineState.h"
#include <signal.h>

namespace modelc::amxemu {

/// General registers, RIP, and FS and GS base if `segment` needs them.
void loadGeneral(const ucontext_t &context, Segment segment,
                 MachineState &state);
void storeRip(const MachineState &state, ucontext_t &context);

/// Vector and mask registers: false if the context has none of AVX-512 (the
/// kernel does not save it, or the CPU lacks it).
bool loadVectors(const ucontext_t &context, MachineState &state);

/// Writes them back, for sigreturn to load into the CPU.
void storeVectors(const MachineState &state, ucontext_t &context);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_SIGNALFRAME_H
