//===- Compile.h - One kernel from its specification to an object file
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMPILE_H
#define MODELC_COMPILER_CODEGEN_COMPILE_H

#include "compiler/codegen/Codegen.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace modelc::codegen {

/// What to make of a kernel.
enum class KernelOutput { Mlir, Llvm, Bitcode, Assembly, Object };

/// Makes LLVM's backends for x86-64, AArch64 and AMDGPU known to its registry,
/// from any thread and any number of times.
void initializeBackends();

/// Compiles each request on its own, on up to `threads` threads, to the bytes
/// of an object file or to text. As compileKernels otherwise.
absl::StatusOr<std::vector<std::string>>
compileEach(llvm::ArrayRef<KernelRequest> requests,
            const target::TargetSpec &target, unsigned threads,
            KernelOutput output,
            llvm::function_ref<void()> onKernelDone = nullptr);

/// LLVM's machine of a target, which floats of kernels are safe with: nothing
/// is contracted. INTERNAL if LLVM has none.
absl::StatusOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const target::TargetSpec &target);

/// An optimised module as a file of machine code. INTERNAL if LLVM cannot.
absl::StatusOr<std::string> generateFile(llvm::TargetMachine &machine,
                                         llvm::Module &module,
                                         llvm::CodeGenFileType fileType);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMPILE_H
