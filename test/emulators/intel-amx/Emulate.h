//===- Emulate.h - From a signal's context to the machine and back
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_EMULATE_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_EMULATE_H

#include "Execute.h"
#include <signal.h>

namespace modelc::amxemu {

enum class Outcome : uint8_t {
  Done,    ///< executed; the context stands behind the instruction
  Faulted, ///< one of ours in a state or encoding that hardware refuses
  NotOurs, ///< not emulated, or its set is native
};

struct Emulation {
  Outcome outcome;
  FaultKind kind;  ///< if Faulted
  Message message; ///< if not Done
};

/// Executes the instruction at the context's RIP on the context's registers
/// and the calling thread's tiles, and counts it. Sets whose bit is in
/// `nativeSets` (as of nativeSets()) are not ours; with AmxTile, no tile
/// instruction is. Async-signal-safe.
Emulation emulate(ucontext_t &context, uint32_t nativeSets);

/// What CPU and kernel have, of CPUID and XGETBV; bits 1 << Set.
uint32_t nativeSets();

/// The tiles of the calling thread.
TileState &threadTiles();

/// The process's counter of a mnemonic.
uint64_t readCount(Mnemonic mnemonic);
void resetCounts();

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_EMULATE_H
