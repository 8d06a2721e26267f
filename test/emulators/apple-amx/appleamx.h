//===- appleamx.h - What a test can ask the emulator of Apple AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C11. For programs that link the library; one into which it is preloaded
// finds the functions with dlsym(RTLD_DEFAULT, "appleamx_count").
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_APPLEAMX_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_APPLEAMX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// How often all threads of the process have executed an instruction;
/// `mnemonic` in small letters, "matint". UINT64_MAX if there is no such
/// instruction. The sum is exact once the threads are joined.
uint64_t appleamx_count(const char *mnemonic);

/// Sets all counters to 0.
void appleamx_reset_counts(void);

/// Writes a line `appleamx: matint 123` to stderr for each counter that is not
/// 0. Called at exit if the environment has APPLEAMX_REPORT=1.
void appleamx_report(void);

/// The generation to be: 1, 2 or 3 for M1, M2, M3. For all threads; at first
/// that of APPLEAMX_CHIP=m1, m2, m3 in the environment, or else M1. -1 if there
/// is no such chip, else 0.
int appleamx_set_chip(int generation);

#ifdef __cplusplus
}
#endif

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_APPLEAMX_H
