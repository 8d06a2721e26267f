//===- Manual.h - The Intel SDM's pseudo code, said plainly and once more
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests compare with. Shares nothing with the emulator: neither its
// types nor its arithmetic (floats are done in integers here). Each function
// follows the "Operation" section of the instruction's page in the SDM,
// volume 2; names are the manual's.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_MANUAL_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_MANUAL_H

#include <array>
#include <stdint.h>
#include <string>

namespace modelc::manual {

// Floats, as bits.

/// a * b + c with one rounding, DAZ = FTZ = 1, round to nearest even. Any NaN
/// result is 7FC00000H: the tests compare NaNs as equal.
uint32_t fp32Fma(uint32_t a, uint32_t b, uint32_t c);
uint32_t fp32Add(uint32_t a, uint32_t b);
uint32_t convertFp16ToFp32(uint16_t x);
uint32_t makeFp32(uint16_t bfloat16);
uint16_t convertFp32ToBfloat16(uint32_t x);

/// As bits, with all NaNs equal.
bool sameFp32(uint32_t a, uint32_t b);

// Tiles.

struct Tile {
  int rows = 0, colsb = 0;
  std::array<std::array<uint8_t, 64>, 16> row = {};
};

/// TDPBSSD, TDPBSUD, TDPBUSD, TDPBUUD: the letters say whether the first and
/// the second source are signed.
void tdpb(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2, bool src1Signed,
          bool src2Signed);
void tdpbf16ps(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2);
void tdpfp16ps(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2);
void tileload(Tile &tdest, int startRow, const uint8_t *membegin,
              int64_t stride);

// Vectors.

using Register = std::array<uint8_t, 64>;

/// The operands of a vector instruction. SRC2 is a register, or the memory
/// operand with broadcast already done.
struct VectorCase {
  int vl; ///< bits: 128, 256, 512
  Register dest, src1, src2;
  uint64_t k; ///< all ones where there is no mask
  bool zeroing;
  uint8_t imm8;
};

/// DEST of the instruction `name` afterwards; for VPSHUFBITQMB the mask, in
/// the first 8 bytes. VPCOMPRESS to memory is what it writes to a register
/// with zeroing.
Register vector(const std::string &name, const VectorCase &operands);

} // namespace modelc::manual

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_MANUAL_H
