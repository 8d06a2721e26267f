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
#include "load/BoundedText.h"

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

modelc_code findHipDevice(const char *target, const Reporter &report,
                          HipDevice *out_device) {
  HipDevice device;
  HipLibrary &hip = device.hip;
  if (modelc_code code = hip.load(report))
    return code;
  // Without a device, or without the driver, this fails, and says which.
  int count = 0;
  if (const HipError error = hip.hipGetDeviceCount(&count))
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "needs an AMD GPU %s: hipGetDeviceCount: %s", target,
                       hip.hipGetErrorName(error));
  char found[MODELC_STATUS_MESSAGE_BYTES];
  BoundedText text(found, sizeof(found));
  for (int number = 0; number < count; ++number) {
    HipDeviceProperties properties = {};
    if (const HipError error =
            hip.hipGetDevicePropertiesR0600(&properties, number))
      return hip.fail({"hipGetDevicePropertiesR0600", error}, report);
    // The array may be full.
    properties.name[sizeof(properties.name) - 1] = '\0';
    properties.gcnArchName[sizeof(properties.gcnArchName) - 1] = '\0';
    if (!hipTargetFits(target, properties.gcnArchName)) {
      text.append("%s%s (%s)", number > 0 ? ", " : "", properties.name,
                  properties.gcnArchName);
      continue;
    }
    int integrated = 0;
    if (const HipError error = hip.hipDeviceGetAttribute(
            &integrated, kHipAttributeIntegrated, number))
      return hip.fail({"hipDeviceGetAttribute", error}, report);
    device.number = number;
    device.isIntegrated = integrated != 0;
    BoundedText(device.name, sizeof(device.name))
        .append("%s (%s)", properties.name, properties.gcnArchName);
    *out_device = device;
    return MODELC_OK;
  }
  return report.fail(MODELC_FAILED_PRECONDITION,
                     "needs an AMD GPU %s, found %s", target,
                     count > 0 ? found : "none");
}

} // namespace modelc::rt
