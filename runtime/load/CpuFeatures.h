//===- CpuFeatures.h - What this machine can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The choice of the variant that fits the machine: by its features and by the
// processor its code is for, or by its device.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_CPUFEATURES_H
#define MODELC_RUNTIME_LOAD_CPUFEATURES_H

#include "load/PlanTables.h"
#include "load/Reporter.h"

namespace modelc::rt {

/// Sets of bits MODELC_FEATURE_*.
struct CpuFeatures {
  uint64_t present = 0; ///< What the CPU has.
  uint64_t usable = 0;  ///< Of these, what the operating system lets run.
};

/// Asks the CPU (CPUID, XGETBV), on AArch64 Linux (AT_HWCAP) or macOS (sysctl).
CpuFeatures detectCpuFeatures();

/// Whether the environment has MODELC_FORCE_CPU_FEATURES=1: features are not
/// checked, as an emulator will supply them.
bool cpuFeaturesAreForced();

/// The variant to use, and why not one before it.
struct VariantChoice {
  uint32_t variant = 0;
  /// Whether one before it is for a device that is not there.
  bool lacksDevice = false;
  /// What each variant before it lacks: "gfx942 needs ...; znver4 needs ...".
  char passedOver[MODELC_STATUS_MESSAGE_BYTES] = {};
};

/// The first of the first `candidates` variants whose device is there, or
/// whose code is for this processor and whose features `machine` has.
/// FAILED_PRECONDITION says of each what it needs.
modelc_code chooseVariant(const PlanTables &tables, uint32_t candidates,
                          const CpuFeatures &machine, const Reporter &report,
                          VariantChoice *out_choice);

/// Asks Linux for the use of AMX's tile registers by all threads of the
/// process (arch_prctl ARCH_REQ_XCOMP_PERM); once more is harmless. Returns 0
/// or an errno.
int requestAmxPermission();

/// Whether `features` has one of AMX's.
bool needsAmx(uint64_t features);

/// CPUs that this process may use (sched_getaffinity), on macOS performance
/// cores; at least 1.
uint32_t usableCpuCount();

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_CPUFEATURES_H
