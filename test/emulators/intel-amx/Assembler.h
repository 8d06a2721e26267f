//===- Assembler.h - One instruction as text to its bytes, by LLVM
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_ASSEMBLER_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_ASSEMBLER_H

#include <stdint.h>
#include <string>
#include <vector>

namespace modelc::amxemu {

/// The bytes of instructions in AT&T syntax, for a CPU that has everything:
/// "tdpbssd %tmm3, %tmm2, %tmm1". Empty, and a test failure, if LLVM does not
/// understand it.
std::vector<uint8_t> assemble(const std::string &text);

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_ASSEMBLER_H
