//===- tile-kernels.c - Real Sapphire Rapids code, for the tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tile-kernels.h"
#include <asm/prctl.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void tile_ask_permission(void) {
  const int tileData = 18;
  syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, tileData);
}

void tile_configure(const struct tile_shapes *shapes, uint8_t palette) {
  uint8_t config[64] = {palette};
  memcpy(config + 16, shapes->colsb, sizeof(shapes->colsb));
  memcpy(config + 48, shapes->rows, sizeof(shapes->rows));
  _tile_loadconfig(config);
}

void tile_store_config(void *out_bytes) { _tile_storeconfig(out_bytes); }

void tile_release(void) { _tile_release(); }

void tile_load0(const void *from) { _tile_loadd(0, from, 64); }

void tile_store0(void *to) { _tile_stored(0, to, 64); }

#define TILE_PRODUCT(name)                                                     \
  void tile_##name(void *c, const void *a, const void *b, int32_t repeats) {   \
    _tile_loadd(0, c, 64);                                                     \
    _tile_loadd(1, a, 64);                                                     \
    _tile_stream_loadd(2, b, 64);                                              \
    for (int32_t i = 0; i < repeats; ++i)                                      \
      _tile_##name(0, 1, 2);                                                   \
    _tile_stored(0, c, 64);                                                    \
  }
TILE_PRODUCT(dpbssd)
TILE_PRODUCT(dpbsud)
TILE_PRODUCT(dpbusd)
TILE_PRODUCT(dpbuud)
TILE_PRODUCT(dpbf16ps)
TILE_PRODUCT(dpfp16ps)

void vector_dpbusd(int32_t d[8], const uint8_t a[32], const int8_t b[32]) {
  const __m256i sum =
      _mm256_dpbusd_avx_epi32(_mm256_loadu_si256((const __m256i *)d),
                              _mm256_loadu_si256((const __m256i *)a),
                              _mm256_loadu_si256((const __m256i *)b));
  _mm256_storeu_si256((__m256i *)d, sum);
}

void vector_permute(uint8_t out[64], const uint8_t index[64],
                    const uint8_t table[64]) {
  _mm512_storeu_si512(out, _mm512_permutexvar_epi8(_mm512_loadu_si512(index),
                                                   _mm512_loadu_si512(table)));
}

void vector_round(uint16_t out[16], const float in[16], uint16_t mask) {
  const __m256bh rounded = _mm512_maskz_cvtneps_pbh(mask, _mm512_loadu_ps(in));
  memcpy(out, &rounded, sizeof(rounded));
}
