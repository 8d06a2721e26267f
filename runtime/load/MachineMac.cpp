//===- MachineMac.cpp - What a Mac can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sysctl  ==>  bits MODELC_FEATURE_*, cores
//
// In place of MachineLinux.cpp in builds for macOS. Not run on a Mac so far,
// docs/howto/run-on-a-mac.md; tests run it as part of a Linux program.
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include "load/CpuFeatures.h"
#include <errno.h>

namespace modelc::rt {

CpuFeatures detectCpuFeatures() {
  CpuFeatures features;
  features.usable = detectAppleChip(readSysctl);
  features.present = features.usable;
  return features;
}

int requestAmxPermission() { return ENOSYS; }

/// Performance cores alone: with an efficiency core they would wait for it at
/// each barrier.
uint32_t usableCpuCount() {
  uint32_t count = 0;
  for (const char *name : {"hw.perflevel0.logicalcpu", "hw.logicalcpu"})
    if (readSysctl(name, &count) && count > 0)
      return count;
  return 1;
}

} // namespace modelc::rt
