//===- checksum.h - The checksums of a plan file
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CRC32C (Castagnoli; RFC 3720 section 12.1) and the three uses that a plan
// makes of it: of the header, of a section, of a weight. The writer and the
// reader of plans both include this file; it needs no library.
//
// The CPU's own CRC32C instruction is used where the machine has it (x86-64
// since SSE4.2, AArch64 since v8.1), found at run time. Its result comes after
// three cycles, but one can start every cycle; so long inputs run as three
// streams, which are joined by a multiplication in GF(2)[x].
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_CHECKSUM_H
#define MODELC_CHECKSUM_H

#include "modelc/plan_format.h"
#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#define MODELC_CRC32C_TARGET __attribute__((target("sse4.2")))
#elif defined(__aarch64__)
#define MODELC_CRC32C_TARGET __attribute__((target("+crc")))
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "plans are little-endian and mapped as they are");

enum {
  /// Bytes of one of the three streams. Joining costs about 250 cycles per
  /// 3 x 8192 bytes, which take 3072: 8 %.
  MODELC_CRC32C_STREAM_BYTES = 8192
};

/// The polynomial, bits reversed.
#define MODELC_CRC32C_POLYNOMIAL UINT32_C(0x82f63b78)
/// x^(8 * MODELC_CRC32C_STREAM_BYTES) modulo the polynomial, bits reversed.
#define MODELC_CRC32C_STREAM_POWER UINT32_C(0x28461564)

/// The product of two polynomials of degree < 32 modulo the CRC's, with bit 31
/// the coefficient of x^0.
static inline uint32_t modelc_crc32c_multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int i = 0; i < 32; ++i) {
    product ^= b & (0u - (a >> 31));
    a <<= 1;
    b = (b >> 1) ^ (MODELC_CRC32C_POLYNOMIAL & (0u - (b & 1)));
  }
  return product;
}

/// Extends the register `state` (not inverted) by `bytes` bytes, four bits at
/// a time: for machines without the instruction, of which few are left.
static inline uint32_t
modelc_crc32c_software(uint32_t state, const uint8_t *data, size_t bytes) {
  static const uint32_t kNibble[16] = {
      0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
      0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
      0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
  for (size_t i = 0; i < bytes; ++i) {
    state ^= data[i];
    state = (state >> 4) ^ kNibble[state & 15];
    state = (state >> 4) ^ kNibble[state & 15];
  }
  return state;
}

#if defined(MODELC_CRC32C_TARGET)

MODELC_CRC32C_TARGET static inline uint32_t
modelc_crc32c_word(uint32_t state, const uint8_t *data) {
  uint64_t word;
  memcpy(&word, data, sizeof(word));
#if defined(__x86_64__)
  return (uint32_t)_mm_crc32_u64(state, word);
#else
  return __builtin_arm_crc32cd(state, word);
#endif
}

MODELC_CRC32C_TARGET static inline uint32_t modelc_crc32c_byte(uint32_t state,
                                                               uint8_t byte) {
#if defined(__x86_64__)
  return _mm_crc32_u8(state, byte);
#else
  return __builtin_arm_crc32cb(state, byte);
#endif
}

/// As modelc_crc32c_software, with the CPU's instruction.
MODELC_CRC32C_TARGET static inline uint32_t
modelc_crc32c_hardware(uint32_t state, const uint8_t *data, size_t bytes) {
  const size_t stream = MODELC_CRC32C_STREAM_BYTES;
  for (; bytes >= 3 * stream; data += 3 * stream, bytes -= 3 * stream) {
    uint32_t a = state, b = 0, c = 0;
    for (size_t i = 0; i < stream; i += 8) {
      a = modelc_crc32c_word(a, data + i);
      b = modelc_crc32c_word(b, data + stream + i);
      c = modelc_crc32c_word(c, data + 2 * stream + i);
    }
    // Appending a stream multiplies what came before by its power of x.
    a = modelc_crc32c_multiply(a, MODELC_CRC32C_STREAM_POWER) ^ b;
    state = modelc_crc32c_multiply(a, MODELC_CRC32C_STREAM_POWER) ^ c;
  }
  for (; bytes >= 8; data += 8, bytes -= 8)
    state = modelc_crc32c_word(state, data);
  for (; bytes > 0; ++data, --bytes)
    state = modelc_crc32c_byte(state, *data);
  return state;
}

/// Whether this machine has the instruction.
static inline int modelc_crc32c_has_hardware(void) {
#if defined(__SSE4_2__) || defined(__ARM_FEATURE_CRC32)
  return 1;
#elif defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") != 0;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & (1 << 7)) != 0; // HWCAP_CRC32
#else
  return 0;
#endif
}

#endif // MODELC_CRC32C_TARGET

/// CRC32C of some bytes followed by `data[bytes]`; `crc` is that of the former,
/// 0 if there are none.
static inline uint32_t modelc_crc32c_extend(uint32_t crc, const void *data,
                                            size_t bytes) {
  const uint8_t *begin = (const uint8_t *)data;
#if defined(MODELC_CRC32C_TARGET)
  if (modelc_crc32c_has_hardware())
    return ~modelc_crc32c_hardware(~crc, begin, bytes);
#endif
  return ~modelc_crc32c_software(~crc, begin, bytes);
}

/// CRC32C of `data[bytes]`: what ModelcSection.checksum holds.
static inline uint32_t modelc_crc32c(const void *data, size_t bytes) {
  return modelc_crc32c_extend(0, data, bytes);
}

/// What ModelcPlanHeader.checksum holds, whatever it holds now. `sections` has
/// header->sectionCount entries.
static inline uint32_t modelc_plan_checksum(const ModelcPlanHeader *header,
                                            const ModelcSection *sections) {
  ModelcPlanHeader copy = *header;
  copy.checksum = 0;
  return modelc_crc32c_extend(modelc_crc32c(&copy, sizeof(copy)), sections,
                              sizeof(ModelcSection) * header->sectionCount);
}

/// Pieces that the checksum of a weight of `bytes` bytes is made of.
static inline uint64_t modelc_weight_piece_count(uint64_t bytes) {
  return bytes / MODELC_CHECKSUM_PIECE_BYTES +
         (bytes % MODELC_CHECKSUM_PIECE_BYTES != 0);
}

/// CRC32C of piece `index` of a weight; for work in parallel.
static inline uint32_t modelc_weight_piece_checksum(const void *weight,
                                                    uint64_t bytes,
                                                    uint64_t index) {
  const uint64_t begin = index * MODELC_CHECKSUM_PIECE_BYTES;
  uint64_t size = bytes - begin;
  if (size > MODELC_CHECKSUM_PIECE_BYTES)
    size = MODELC_CHECKSUM_PIECE_BYTES;
  return modelc_crc32c((const uint8_t *)weight + begin, (size_t)size);
}

/// What ModelcWeight.checksum holds, from the checksums of all pieces.
static inline uint32_t modelc_weight_checksum_of_pieces(const uint32_t *pieces,
                                                        uint64_t pieceCount) {
  return modelc_crc32c(pieces, (size_t)pieceCount * sizeof(uint32_t));
}

/// What ModelcWeight.checksum holds for a weight of `bytes` bytes.
static inline uint32_t modelc_weight_checksum(const void *weight,
                                              uint64_t bytes) {
  uint32_t crc = 0;
  for (uint64_t i = 0; i < modelc_weight_piece_count(bytes); ++i) {
    const uint32_t piece = modelc_weight_piece_checksum(weight, bytes, i);
    crc = modelc_crc32c_extend(crc, &piece, sizeof(piece));
  }
  return crc;
}

#ifdef __cplusplus
} // extern "C"
#endif

#endif // MODELC_CHECKSUM_H
