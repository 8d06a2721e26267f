//===- AssembleIr.h - Object files of LLVM IR
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_CODEGEN_ASSEMBLEIR_H
#define MODELC_TEST_CODEGEN_ASSEMBLEIR_H

#include <string>

namespace modelc::codegen::test {

/// The object file of a module for an x86 or AArch64 machine; the parser's
/// words if there is no module.
std::string assembleIr(const char *ir, const char *triple, const char *cpu);

} // namespace modelc::codegen::test

#endif // MODELC_TEST_CODEGEN_ASSEMBLEIR_H
