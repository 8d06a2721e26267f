//===- AppleChip.h - What a Mac's processor can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_APPLECHIP_H
#define MODELC_RUNTIME_LOAD_APPLECHIP_H

#include <stdint.h>

namespace modelc::rt {

/// Instruction sets beyond Armv8.4 that kernels may use.
struct AppleChip {
  bool hasDotProd = false;
  bool hasI8mm = false;
  bool hasBf16 = false;
  bool hasSme = false;
  bool hasSme2 = false;
  /// Apple AMX of M1, M2 or M3; 0 if there is none that is known. An M4 still
  /// executes it, but has SME for that.
  uint32_t appleAmxGeneration = 0;
};

/// A 32-bit number of sysctl(3); false if the system does not know the name.
using ReadSysctl = bool (*)(const char *name, uint32_t *out_value);

/// By Apple's names: hw.optional.arm.FEAT_* for what is architectural ("since
/// macOS 12", developer.apple.com, "Determining Instruction Set
/// Characteristics"), hw.cpufamily for Apple AMX, about which the system says
/// nothing.
AppleChip detectAppleChip(ReadSysctl read);

#if defined(__APPLE__)
/// sysctlbyname(3).
bool readSysctl(const char *name, uint32_t *out_value);
#endif

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_APPLECHIP_H
