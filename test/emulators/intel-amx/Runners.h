//===- Runners.h - One instruction: by the CPU, or by a signal
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decoder and executor can be called with a machine in memory. Here the
// same bytes are executed with the same registers in the real ones.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_RUNNERS_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_RUNNERS_H

#include "MachineState.h"
#include <stddef.h>
#include <stdint.h>
#include <vector>

namespace modelc::amxemu {

/// Whether this machine has the registers zmm0-31 and k0-7.
bool hasAvx512();

/// Loads rcx, rdx, zmm0-31 and k1-k7 of `state`, executes one instruction
/// that uses no other general register, and stores zmm and k.
void runNatively(const std::vector<uint8_t> &instruction, MachineState &state);

/// The same, but the CPU meets a UD2, and the handler of its SIGILL has the
/// instruction emulated on the registers of the signal's context, even where
/// it is native. Returns false if that does not end with Outcome::Done.
bool runTrapped(const std::vector<uint8_t> &instruction, MachineState &state);

/// Two pages, of which the second one cannot be accessed.
class GuardedPage {
public:
  GuardedPage();
  ~GuardedPage();
  GuardedPage(const GuardedPage &) = delete;
  GuardedPage &operator=(const GuardedPage &) = delete;

  static constexpr size_t kBytes = 4096;
  uint8_t *begin() { return memory; }
  uint8_t *end() { return memory + kBytes; }

private:
  uint8_t *memory;
};

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_RUNNERS_H
