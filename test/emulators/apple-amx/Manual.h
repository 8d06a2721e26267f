//===- Manual.h - The published description once more, scalar by scalar
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the emulator is tested against; it shares only Registers' plain structs
// with it. Where the emulator goes over the lanes of X and Y, this goes over
// the bytes that are written and asks for each what comes there. Floats are
// computed in integers.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_MANUAL_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_MANUAL_H

#include "Execute.h"

namespace modelc::appleamx::manual {

/// IEEE 754 binary formats; the value is the width in bits.
enum class Format { Half = 16, Single = 32, Double = 64 };

/// x * y + z, rounded once to `zFormat`, to nearest even; any NaN is the
/// default one. X and Y may be of a narrower format.
uint64_t fma(Format xyFormat, uint64_t x, uint64_t y, Format zFormat,
             uint64_t z);
/// The same number; any NaN is the default one.
uint64_t convert(Format from, uint64_t value, Format to);
bool isNan(Format format, uint64_t value);
/// -1, 0, 1; neither is a NaN. -0 equals 0.
int compare(Format format, uint64_t a, uint64_t b);

/// The state after an instruction; memory operands are not for these.
void extr(Machine &machine, Chip chip, bool isRow, uint64_t operand);
void fma(Machine &machine, Format format, bool isSubtracting, uint64_t operand);
void mac16(Machine &machine, uint64_t operand);
void matint(Machine &machine, Chip chip, uint64_t operand);
void vecint(Machine &machine, Chip chip, uint64_t operand);
void matfp(Machine &machine, uint64_t operand);
void vecfp(Machine &machine, Chip chip, uint64_t operand);
void genlut(Machine &machine, uint64_t operand);

//===----------------------------------------------------------------------===//
// For the files of this
//===----------------------------------------------------------------------===//

inline uint64_t bits(uint64_t word, int high, int low) {
  return word >> low & (~uint64_t(0) >> (63 - (high - low)));
}

/// Lane `lane` of `width` bits from byte `offset` of the ring of 512 bytes.
uint64_t ringLane(const Pool &pool, uint64_t offset, int lane, int width);
/// Lane of a row of Z.
uint64_t lane(const Register &row, int lane, int width);
void setLane(Register &row, int lane, int width, uint64_t value);
int64_t extend(uint64_t value, int width, bool isSigned);

/// The tables "enable modes" for masks of 7 and 9 bits.
bool isEnabled7(uint64_t mode, uint64_t value, int lane, int lanes);
bool isEnabled9(uint64_t mode, uint64_t value, int lane, int lanes);

/// Lane of X (or Y) as matint, vecint, matfp and vecfp see it: indices,
/// shuffles.
uint64_t sourceLane(const Machine &machine, uint64_t operand, bool isY,
                    int lane, int width);

} // namespace modelc::appleamx::manual

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_MANUAL_H
