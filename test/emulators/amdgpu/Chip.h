//===- Chip.h - The GPUs that are emulated, and where they differ
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_CHIP_H
#define MODELC_TEST_EMULATORS_AMDGPU_CHIP_H

#include <cstdint>
#include <string_view>

namespace modelc::amdgpu {

struct Chip {
  const char *name;
  int32_t generation; ///< 9 to 12: the family of instruction encodings
  uint32_t waveSize;  ///< lanes; what LLVM's kernels for it use
  /// HW register numbers (encodings of scalar operands).
  uint16_t m0, null; ///< null 0xffff: there is none
  /// Work-group ids are in TTMP9 and TTMP7, not in SGPRs.
  bool groupIdsInTtmp;
  uint32_t multiprocessors; ///< as the product has them
};

inline constexpr Chip kChips[] = {
    {"gfx90a", 9, 64, 124, 0xffff, false, 104},
    {"gfx942", 9, 64, 124, 0xffff, false, 304},
    {"gfx1030", 10, 32, 124, 125, false, 40},
    {"gfx1100", 11, 32, 125, 124, false, 48},
    {"gfx1201", 12, 32, 125, 124, true, 32},
};

/// Bytes of LDS that a work-group can have, on all of them.
inline constexpr uint32_t kLdsBytes = 65536;

/// The chip of a name like "gfx942"; null: it is not emulated.
inline const Chip *findChip(std::string_view name) {
  for (const Chip &chip : kChips)
    if (name == chip.name)
      return &chip;
  return nullptr;
}

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_CHIP_H
