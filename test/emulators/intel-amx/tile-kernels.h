//===- tile-kernels.h - Real Sapphire Rapids code, for the tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// C11. The functions are compiled for Sapphire Rapids; so they run where
// libamxemu.so is loaded, or where the CPU has it all.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_TILE_KERNELS_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_TILE_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Asks the kernel for the tiles' state; only where the CPU has them does this
/// succeed, and only there is it needed.
void tile_ask_permission(void);

/// Rows and bytes per row of tmm0, tmm1, tmm2.
struct tile_shapes {
  uint8_t rows[3];
  uint16_t colsb[3];
};

/// LDTILECFG with palette `palette`.
void tile_configure(const struct tile_shapes *shapes, uint8_t palette);
/// STTILECFG.
void tile_store_config(void *out_bytes);
void tile_release(void);

/// Tiles lie in memory in rows of 64 bytes.
void tile_load0(const void *from);
void tile_store0(void *to);

/// c += a * b with tmm0 = c, tmm1 = a, tmm2 = b, all loaded and c stored;
/// `repeats` times the product.
typedef void (*tile_product)(void *c, const void *a, const void *b,
                             int32_t repeats);
void tile_dpbssd(void *c, const void *a, const void *b, int32_t repeats);
void tile_dpbsud(void *c, const void *a, const void *b, int32_t repeats);
void tile_dpbusd(void *c, const void *a, const void *b, int32_t repeats);
void tile_dpbuud(void *c, const void *a, const void *b, int32_t repeats);
void tile_dpbf16ps(void *c, const void *a, const void *b, int32_t repeats);
void tile_dpfp16ps(void *c, const void *a, const void *b, int32_t repeats);

/// d[i] += four products u8 * s8, by AVX-VNNI; 8 dwords.
void vector_dpbusd(int32_t d[8], const uint8_t a[32], const int8_t b[32]);
/// out[i] = table[index[i] % 64], by AVX512-VBMI.
void vector_permute(uint8_t out[64], const uint8_t index[64],
                    const uint8_t table[64]);
/// Rounds to BF16, by AVX512-BF16, where bit i of `mask` is set; else 0.
void vector_round(uint16_t out[16], const float in[16], uint16_t mask);

#ifdef __cplusplus
}
#endif

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_TILE_KERNELS_H
