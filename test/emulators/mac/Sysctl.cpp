//===- Sysctl.cpp - What macOS would say on a chip of Apple's
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In place of runtime/load/Sysctl.cpp. The environment's MODELC_MAC_CHIP is m1,
// m2, m3 or m4. Families: mach/machine.h of XNU; features: LLVM's
// AArch64Processors.td, and lists of sysctl that owners of Macs published.
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include <stdlib.h>
#include <string.h>

namespace modelc::rt {

namespace {
/// Values by chip, M1 first.
struct Row {
  const char *name;
  uint32_t values[4];
};

constexpr Row kRows[] = {
    {"hw.cpufamily", {0x1b588bb3, 0xda33d83d, 0xfa33415e, 0x6f5129ac}},
    {"hw.perflevel0.logicalcpu", {4, 4, 4, 4}},
    {"hw.optional.arm.FEAT_DotProd", {1, 1, 1, 1}},
    {"hw.optional.arm.FEAT_FP16", {1, 1, 1, 1}},
    {"hw.optional.arm.FEAT_I8MM", {0, 1, 1, 1}},
    {"hw.optional.arm.FEAT_BF16", {0, 1, 1, 1}},
    {"hw.optional.arm.FEAT_SME", {0, 0, 0, 1}},
    {"hw.optional.arm.FEAT_SME2", {0, 0, 0, 1}},
    {"hw.optional.arm.sme_max_svl_b", {0, 0, 0, 64}},
};
} // namespace

bool readSysctl(const char *name, uint32_t *out_value) {
  const char *chip = getenv("MODELC_MAC_CHIP");
  const bool isChip = chip && strlen(chip) == 2 && chip[0] == 'm' &&
                      chip[1] >= '1' && chip[1] <= '4';
  if (!isChip)
    return false;
  for (const Row &row : kRows)
    if (strcmp(row.name, name) == 0) {
      *out_value = row.values[chip[1] - '1'];
      return true;
    }
  return false;
}

} // namespace modelc::rt
