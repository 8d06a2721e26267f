//===- AppleChip.cpp - What a Mac's processor can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sysctl  ==>  bits MODELC_FEATURE_*
//
// Only in builds for macOS, and in tests.
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include "modelc/cpu_features.h"

namespace modelc::rt {

/// hw.cpufamily, as XNU's mach/machine.h numbers the families. An M4 is said to
/// execute Apple AMX still, but has SME for that.
static bool hasAppleAmx(uint32_t family) {
  switch (family) {
  case 0x1b588bb3: // Firestorm and Icestorm: M1, M1 Pro, Max, Ultra
  case 0xda33d83d: // Avalanche and Blizzard: M2, M2 Pro, Max, Ultra
  case 0xfa33415e: // Ibiza: M3
  case 0x5f4dea93: // Lobos: M3 Pro
  case 0x72015832: // Palma: M3 Max
    return true;
  default:
    return false;
  }
}

uint64_t detectAppleChip(ReadSysctl read) {
  uint64_t features = 0;
  const auto add = [&](uint32_t feature, bool has) {
    features |= uint64_t(has) << feature;
  };
  uint32_t value = 0;
#define MODELC_DETECT(name, linuxName, word, bit, macName)                     \
  add(MODELC_FEATURE_##name,                                                   \
      read("hw.optional.arm." macName, &value) && value != 0);
  MODELC_ARM_FEATURES(MODELC_DETECT)
#undef MODELC_DETECT
  // Kernels are compiled for streaming vectors of this length.
  constexpr uint32_t kVectorBytes = 64;
  if (!read("hw.optional.arm.sme_max_svl_b", &value) || value != kVectorBytes)
    features &= ~(uint64_t(1) << MODELC_FEATURE_SME |
                  uint64_t(1) << MODELC_FEATURE_SME2);
  add(MODELC_FEATURE_APPLE_AMX,
      read("hw.cpufamily", &value) && hasAppleAmx(value));
  return features;
}

} // namespace modelc::rt
