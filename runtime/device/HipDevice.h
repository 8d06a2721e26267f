//===- HipDevice.h - The AMD GPU that a plan runs on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPDEVICE_H
#define MODELC_RUNTIME_DEVICE_HIPDEVICE_H

#include "device/HipLibrary.h"
#include "load/BoundedText.h"
#include <string_view>

namespace modelc::rt {

struct HipDevice {
  HipLibrary hip;
  /// HIP's number of it, in this process.
  int number = 0;
  /// It has no memory of its own, but the host's.
  bool isIntegrated = false;
  /// "AMD Instinct MI300X (gfx942:sramecc+:xnack-)".
  char name[520] = {};
};

/// Whether code for `target`, a chip ("gfx1100") or a family
/// ("gfx11-generic"), runs on a device that HIP calls `archName`
/// ("gfx942:sramecc+:xnack-"). Which chips a family has: LLVM, "User Guide for
/// AMDGPU Backend", "Generic processor targets".
bool hipTargetFits(std::string_view target, std::string_view archName);

/// The first device on which code for `target` runs. False with the reason
/// appended, which says what was found instead: "needs ...".
[[nodiscard]] bool openHipDevice(const char *target, BoundedText *reason,
                                 HipDevice *out_device);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPDEVICE_H
