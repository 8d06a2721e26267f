//===- AssembleIr.h - Object files of LLVM IR
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_CODEGEN_ASSEMBLEIR_H
#define MODELC_TEST_CODEGEN_ASSEMBLEIR_H

#include <string>

namespace llvm {
class Module;
} // namespace llvm

namespace modelc::codegen::test {

/// The object file of `module`, whose triple and data layout are set, for an
/// x86 or AArch64 machine.
std::string assemble(llvm::Module &module, const char *triple, const char *cpu);

/// The same of a module as text; the parser's words if it is none.
std::string assembleIr(const char *ir, const char *triple, const char *cpu);

} // namespace modelc::codegen::test

#endif // MODELC_TEST_CODEGEN_ASSEMBLEIR_H
