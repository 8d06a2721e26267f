//===- AppleChip.cpp - What a Mac's processor can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sysctl  ==>  AppleChip
//
// Only in builds for macOS, and in tests.
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace modelc::rt {

/// hw.cpufamily, as XNU's mach/machine.h numbers the families.
static uint32_t appleAmxGenerationOf(uint32_t family) {
  switch (family) {
  case 0x1b588bb3: // Firestorm and Icestorm: M1, M1 Pro, Max, Ultra
    return 1;
  case 0xda33d83d: // Avalanche and Blizzard: M2, M2 Pro, Max, Ultra
    return 2;
  case 0xfa33415e: // Ibiza: M3
  case 0x5f4dea93: // Lobos: M3 Pro
  case 0x72015832: // Palma: M3 Max
    return 3;
  default:
    return 0;
  }
}

AppleChip detectAppleChip(ReadSysctl read) {
  const auto has = [&](const char *name) {
    uint32_t value = 0;
    return read(name, &value) && value != 0;
  };
  AppleChip chip;
  chip.hasDotProd = has("hw.optional.arm.FEAT_DotProd");
  chip.hasI8mm = has("hw.optional.arm.FEAT_I8MM");
  chip.hasBf16 = has("hw.optional.arm.FEAT_BF16");
  chip.hasSme = has("hw.optional.arm.FEAT_SME");
  chip.hasSme2 = has("hw.optional.arm.FEAT_SME2");
  uint32_t family = 0;
  if (read("hw.cpufamily", &family))
    chip.appleAmxGeneration = appleAmxGenerationOf(family);
  return chip;
}

#if defined(__APPLE__)
bool readSysctl(const char *name, uint32_t *out_value) {
  size_t sizeBytes = sizeof(*out_value);
  return sysctlbyname(name, out_value, &sizeBytes, nullptr, 0) == 0 &&
         sizeBytes == sizeof(*out_value);
}
#endif

} // namespace modelc::rt
