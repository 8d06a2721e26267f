//===- MachineState.h - The registers that instructions work on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_MACHINESTATE_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_MACHINESTATE_H

#include <stdint.h>

namespace modelc::amxemu {

// Palette 1, the only one there is (Intel SDM volume 1, chapter 18; CPUID
// leaf 1DH).
inline constexpr uint32_t kTileCount = 8;
inline constexpr uint32_t kMaxRows = 16;
inline constexpr uint32_t kMaxRowBytes = 64;

/// TILECFG and TILEDATA of one thread. All zeros is the initial state.
struct TileState {
  uint8_t palette; ///< 0: tiles are not configured
  uint8_t startRow;
  uint8_t rows[kTileCount]; ///< 0: the tile is not valid
  uint16_t colsb[kTileCount];
  uint8_t data[kTileCount][kMaxRows][kMaxRowBytes];
};

struct Vector {
  uint8_t bytes[64];
};

/// Memory is the process's own.
struct MachineState {
  uint64_t gpr[16]; ///< rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15
  uint64_t rip;
  uint64_t fsBase, gsBase;
  uint64_t k[8];
  Vector zmm[32];
  TileState *tiles; ///< not owned
};

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_MACHINESTATE_H
