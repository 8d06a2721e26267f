//===- cpu_features.h - Names of the CPU features that plans may need
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One row for each MODELC_FEATURE_* of plan_format.h: its name, and where the
// CPU says that it has it (Intel SDM volume 2, CPUID), or, on AArch64, where
// Linux does (Documentation/arch/arm64/elf_hwcaps.rst) or macOS
// (developer.apple.com, "Determining Instruction Set Characteristics"). The
// runtime's check, its messages and `modelc inspect` all come from these lists.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_CPU_FEATURES_H
#define MODELC_CPU_FEATURES_H

#include "modelc/plan_format.h"

/// X(name, linuxName, leaf, subleaf, register, bit, state)
///   name       MODELC_FEATURE_<name>
///   linuxName  as in /proc/cpuinfo
///   leaf .. bit  CPUID(leaf, subleaf).register, register one of A B C D
///   state      what the operating system must have enabled in XCR0:
///              NONE, AVX (bits 1, 2), AVX512 (and 5, 6, 7), AMX (17, 18)
#define MODELC_CPU_FEATURES(X)                                                 \
  X(SSE42, "sse4_2", 1, 0, C, 20, NONE)                                        \
  X(AVX, "avx", 1, 0, C, 28, AVX)                                              \
  X(AVX2, "avx2", 7, 0, B, 5, AVX)                                             \
  X(FMA, "fma", 1, 0, C, 12, AVX)                                              \
  X(F16C, "f16c", 1, 0, C, 29, AVX)                                            \
  X(BMI2, "bmi2", 7, 0, B, 8, NONE)                                            \
  X(AVX512F, "avx512f", 7, 0, B, 16, AVX512)                                   \
  X(AVX512BW, "avx512bw", 7, 0, B, 30, AVX512)                                 \
  X(AVX512DQ, "avx512dq", 7, 0, B, 17, AVX512)                                 \
  X(AVX512VL, "avx512vl", 7, 0, B, 31, AVX512)                                 \
  X(AVX512CD, "avx512cd", 7, 0, B, 28, AVX512)                                 \
  X(AVX512VNNI, "avx512_vnni", 7, 0, C, 11, AVX512)                            \
  X(AVX512VBMI, "avx512vbmi", 7, 0, C, 1, AVX512)                              \
  X(AVX512VBMI2, "avx512_vbmi2", 7, 0, C, 6, AVX512)                           \
  X(AVX512BITALG, "avx512_bitalg", 7, 0, C, 12, AVX512)                        \
  X(AVX512VPOPCNTDQ, "avx512_vpopcntdq", 7, 0, C, 14, AVX512)                  \
  X(AVX512IFMA, "avx512ifma", 7, 0, B, 21, AVX512)                             \
  X(AVX512BF16, "avx512_bf16", 7, 1, A, 5, AVX512)                             \
  X(AVX512FP16, "avx512_fp16", 7, 0, D, 23, AVX512)                            \
  X(GFNI, "gfni", 7, 0, C, 8, NONE)                                            \
  X(VAES, "vaes", 7, 0, C, 9, AVX)                                             \
  X(VPCLMULQDQ, "vpclmulqdq", 7, 0, C, 10, AVX)                                \
  X(AVXVNNI, "avx_vnni", 7, 1, A, 4, AVX)                                      \
  X(AMX_TILE, "amx_tile", 7, 0, D, 24, AMX)                                    \
  X(AMX_INT8, "amx_int8", 7, 0, D, 25, AMX)                                    \
  X(AMX_BF16, "amx_bf16", 7, 0, D, 22, AMX)                                    \
  X(AMX_FP16, "amx_fp16", 7, 1, A, 21, AMX)

/// X(name, linuxName, word, bit, macName)
///   bit `bit` of getauxval(AT_<word>) on Linux
///   macName  sysctl hw.optional.arm.<macName>
#define MODELC_ARM_FEATURES(X)                                                 \
  X(ASIMDDP, "asimddp", HWCAP, 20, "FEAT_DotProd")                             \
  X(I8MM, "i8mm", HWCAP2, 13, "FEAT_I8MM")                                     \
  X(ASIMDHP, "asimdhp", HWCAP, 10, "FEAT_FP16")                                \
  X(BF16, "bf16", HWCAP2, 14, "FEAT_BF16")                                     \
  X(SME, "sme", HWCAP2, 23, "FEAT_SME")                                        \
  X(SME2, "sme2", HWCAP2, 37, "FEAT_SME2")

#ifdef __cplusplus
extern "C" {
#endif

/// Name of MODELC_FEATURE_* number `feature`, or NULL if there is none.
static inline const char *modelc_cpu_feature_name(uint32_t feature) {
#define MODELC_FEATURE_CASE(name, linuxName, leaf, subleaf, reg, bit, state)   \
  case MODELC_FEATURE_##name:                                                  \
    return linuxName;
#define MODELC_ARM_FEATURE_CASE(name, linuxName, word, bit, macName)           \
  case MODELC_FEATURE_##name:                                                  \
    return linuxName;
  switch (feature) {
    MODELC_CPU_FEATURES(MODELC_FEATURE_CASE)
    MODELC_ARM_FEATURES(MODELC_ARM_FEATURE_CASE)
  case MODELC_FEATURE_APPLE_AMX: // No system says so: AppleChip.cpp.
    return "apple_amx";
  default:
    return NULL;
  }
#undef MODELC_ARM_FEATURE_CASE
#undef MODELC_FEATURE_CASE
}

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_CPU_FEATURES_H
