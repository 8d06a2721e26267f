//===- FakeCpuid.h - A CPUID that shows what is emulated
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_FAKECPUID_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_FAKECPUID_H

#include <signal.h>
#include <stdint.h>

namespace modelc::amxemu {

/// Registers that CPUID returns.
struct CpuidResult {
  uint32_t a, b, c, d;
};

/// The CPU's answer with the bits and leaves of all emulated sets added.
CpuidResult addEmulated(uint32_t leaf, uint32_t subleaf, CpuidResult result);

/// Makes CPUID raise SIGSEGV in this thread and those it starts; false if the
/// kernel or the CPU cannot (arch_prctl ARCH_SET_CPUID).
bool startCpuidFaulting();

/// If the context stands at a CPUID: executes it, with the answer of
/// addEmulated, and returns true.
bool fakeCpuid(ucontext_t &context);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_FAKECPUID_H
