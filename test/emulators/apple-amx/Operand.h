//===- Operand.h - The 64 bits that say what an instruction is to do
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_OPERAND_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_OPERAND_H

#include <stdint.h>

namespace modelc::appleamx {

/// The general register that an instruction names: pointer, register numbers
/// and modes in fields of bits.
class Operand {
public:
  explicit Operand(uint64_t bits) : bits(bits) {}

  uint32_t field(uint32_t low, uint32_t width) const {
    return uint32_t(bits >> low) & ((1u << width) - 1);
  }
  bool bit(uint32_t at) const { return bits >> at & 1; }
  /// The low 56 bits, sign bits lost.
  uint64_t pointer() const { return bits & ((uint64_t(1) << 56) - 1); }

private:
  uint64_t bits;
};

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_OPERAND_H
