//===- HipDevice.cpp - The AMD GPU that a plan runs on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "gfx11-generic", devices {gfx90a:..., gfx1101, gfx1100}  ==>  the second
//
// Whoever has several that fit shows one to the process by HIP's own
// HIP_VISIBLE_DEVICES.
//
//===----------------------------------------------------------------------===//

#include "device/HipDevice.h"
#include "modelc/modelc.h"

namespace modelc::rt {

namespace {
/// A generic target and one chip that runs its code.
struct FamilyMember {
  std::string_view family;
  std::string_view chip;
};
} // namespace

static constexpr FamilyMember kFamilyMembers[] = {
    {"gfx9-4-generic", "gfx942"},   {"gfx9-4-generic", "gfx950"},
    {"gfx10-3-generic", "gfx1030"}, {"gfx10-3-generic", "gfx1031"},
    {"gfx10-3-generic", "gfx1032"}, {"gfx10-3-generic", "gfx1033"},
    {"gfx10-3-generic", "gfx1034"}, {"gfx10-3-generic", "gfx1035"},
    {"gfx10-3-generic", "gfx1036"}, {"gfx11-generic", "gfx1100"},
    {"gfx11-generic", "gfx1101"},   {"gfx11-generic", "gfx1102"},
    {"gfx11-generic", "gfx1103"},   {"gfx11-generic", "gfx1150"},
    {"gfx11-generic", "gfx1151"},   {"gfx11-generic", "gfx1152"},
    {"gfx11-generic", "gfx1153"},   {"gfx12-generic", "gfx1200"},
    {"gfx12-generic", "gfx1201"},
};

bool hipTargetFits(std::string_view target, std::string_view archName) {
  const std::string_view chip = archName.substr(0, archName.find(':'));
  if (target == chip)
    return true;
  for (const FamilyMember &member : kFamilyMembers)
    if (target == member.family && chip == member.chip)
      return true;
  return false;
}

bool openHipDevice(const char *target, BoundedText *reason,
                   HipDevice *out_device) {
  HipDevice device;
  HipLibrary &hip = device.hip;
  if (!hip.load(reason))
    return false;
  const auto succeeded = [&](const char *call, HipError error) {
    if (error != kHipSuccess)
      reason->append("needs an AMD GPU of this kind: %s: %s", call,
                     hip.hipGetErrorName(error));
    return error == kHipSuccess;
  };
  // Without a device, or without the driver, this fails, and says which.
  int count = 0;
  if (!succeeded("hipGetDeviceCount", hip.hipGetDeviceCount(&count)))
    return false;
  char others[MODELC_STATUS_MESSAGE_BYTES];
  BoundedText found(others, sizeof(others));
  for (int number = 0; number < count; ++number) {
    HipDeviceProperties properties = {};
    if (!succeeded("hipGetDevicePropertiesR0600",
                   hip.hipGetDevicePropertiesR0600(&properties, number)))
      return false;
    // The arrays may be full.
    properties.name[sizeof(properties.name) - 1] = '\0';
    properties.gcnArchName[sizeof(properties.gcnArchName) - 1] = '\0';
    if (!hipTargetFits(target, properties.gcnArchName)) {
      found.append("%s%s (%s)", number > 0 ? ", " : "", properties.name,
                   properties.gcnArchName);
      continue;
    }
    int integrated = 0;
    if (!succeeded("hipDeviceGetAttribute",
                   hip.hipDeviceGetAttribute(&integrated,
                                             kHipAttributeIntegrated, number)))
      return false;
    device.number = number;
    device.isIntegrated = integrated != 0;
    BoundedText(device.name, sizeof(device.name))
        .append("%s (%s)", properties.name, properties.gcnArchName);
    *out_device = device;
    return true;
  }
  reason->append("needs an AMD GPU of this kind, found %s",
                 count > 0 ? others : "none");
  return false;
}

} // namespace modelc::rt
