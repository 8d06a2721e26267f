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

/// A 32-bit number of sysctl(3); false if the system does not know the name.
using ReadSysctl = bool (*)(const char *name, uint32_t *out_value);

/// Bits MODELC_FEATURE_*, by Apple's names: hw.optional.arm.* for what is
/// architectural ("since macOS 12", developer.apple.com, "Determining
/// Instruction Set Characteristics"), hw.cpufamily for Apple AMX, about which
/// the system says nothing.
uint64_t detectAppleChip(ReadSysctl read);

/// sysctlbyname(3).
bool readSysctl(const char *name, uint32_t *out_value);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_APPLECHIP_H
