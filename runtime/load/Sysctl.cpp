//===- Sysctl.cpp - A number that macOS knows
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only in builds for macOS. Not compiled so far: there was no Mac,
// docs/howto/run-on-a-mac.md.
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include <sys/sysctl.h>

namespace modelc::rt {

bool readSysctl(const char *name, uint32_t *out_value) {
  size_t sizeBytes = sizeof(*out_value);
  return sysctlbyname(name, out_value, &sizeBytes, nullptr, 0) == 0 &&
         sizeBytes == sizeof(*out_value);
}

} // namespace modelc::rt
