//===- amxemu.h - What a test can ask the emulator
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C11. For programs that link libamxemu.so; one into which it may be preloaded
// finds the functions with dlsym(RTLD_DEFAULT, "amxemu_count").
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_AMXEMU_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_AMXEMU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bits of amxemu_native_sets(), in the order of Instructions.def.
enum {
  AMXEMU_AMX_TILE = 1 << 0,
  AMXEMU_AMX_INT8 = 1 << 1,
  AMXEMU_AMX_BF16 = 1 << 2,
  AMXEMU_AMX_FP16 = 1 << 3,
  AMXEMU_AVX512_BF16 = 1 << 4,
  AMXEMU_AVX512_VBMI = 1 << 5,
  AMXEMU_AVX512_VBMI2 = 1 << 6,
  AMXEMU_AVX512_BITALG = 1 << 7,
  AMXEMU_AVX512_VPOPCNTDQ = 1 << 8,
  AMXEMU_AVX512_IFMA = 1 << 9,
  AMXEMU_AVX512_VNNI = 1 << 10,
  AMXEMU_AVX_VNNI = 1 << 11,
  AMXEMU_GFNI = 1 << 12
};

/// The instruction sets that this CPU and kernel have themselves: these never
/// trap, are not emulated and not counted. If AMX_TILE is among them, no
/// instruction on tiles is emulated at all, as the tiles are the CPU's.
uint32_t amxemu_native_sets(void);

/// How often all threads of the process have executed an instruction that was
/// emulated; `mnemonic` in small letters, "tdpbusd". UINT64_MAX if there is no
/// such instruction. The sum is exact once the threads are joined.
uint64_t amxemu_count(const char *mnemonic);

/// Sets all counters to 0.
void amxemu_reset_counts(void);

/// Writes a line `amxemu: tdpbusd         123` to stderr for each counter that
/// is not 0. Called at exit if the environment has AMXEMU_REPORT=1.
void amxemu_report(void);

#ifdef __cplusplus
}
#endif

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_AMXEMU_H
