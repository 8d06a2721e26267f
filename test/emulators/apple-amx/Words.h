//===- Words.h - Apple AMX instructions in C++
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_WORDS_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_WORDS_H

#include "Execute.h"

namespace modelc::appleamx {

/// Executes the word of `kOpcode` with register x9.
template <Opcode kOpcode> void issue(uint64_t operand) {
  register uint64_t x9 asm("x9") = operand;
  asm volatile(".word 0x201000 + (%0 << 5) + 9" ::"i"(kOpcode), "r"(x9)
               : "memory");
}

inline void issueSet() {
  asm volatile("nop\nnop\nnop\n.word 0x201220" ::: "memory");
}
inline void issueClr() {
  asm volatile("nop\nnop\nnop\n.word 0x201221" ::: "memory");
}

/// `issue` of an opcode known at run time.
void issue(Opcode opcode, uint64_t operand);

/// All of X, Y and Z through loads, or stores, of single registers.
void loadAll(const Machine &machine);
void storeAll(Machine &machine);

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_WORDS_H
