//===- FindHipDevice.cpp - Whether there is an AMD GPU for a variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "device/HipDevice.h"
#include "load/FindDevice.h"

namespace modelc::rt {

modelc_code findHipDevice(const char *target, char *out_reason,
                          size_t reasonBytes) {
  BoundedText reason(out_reason, reasonBytes);
  HipDevice device;
  return openHipDevice(target, &reason, &device) ? MODELC_OK
                                                 : MODELC_FAILED_PRECONDITION;
}

} // namespace modelc::rt
