//===- CodeObject.h - Code objects for AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ELF file that hipModuleLoadData takes. Source: LLVM, "User Guide for
// AMDGPU Backend", code objects of version 5, or 6 for generic targets.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_CODEOBJECT_H
#define MODELC_COMPILER_CODEGEN_HIP_CODEOBJECT_H

#include "compiler/codegen/Codegen.h"

namespace llvm {
class Function;
} // namespace llvm

namespace modelc::codegen {

/// What a kernel takes, as the code object's metadata says.
struct KernelResources {
  std::string name;
  uint64_t vgprs, agprs, sgprs; ///< Of a wave.
  uint64_t vgprSpills, sgprSpills;
  uint64_t ldsBytes;     ///< Of a work-group.
  uint64_t scratchBytes; ///< Of a work-item: what is spilled.
  uint64_t argumentBytes;
  uint64_t waveLanes;
};

/// Tells LLVM what it need not prepare for a kernel: no argument is hidden, and
/// only x has a work-group's number; and how many work-items share registers.
/// `function` has the calling convention.
void setKernelAttributes(llvm::Function &function,
                         const target::TargetSpec &target,
                         int64_t groupThreads);

/// One code object of the kernels in some modules of optimised bitcode, in
/// their order. INTERNAL if it lacks one of `symbols`, or wants anything of a
/// loader.
absl::StatusOr<CodeImage> linkCodeObject(llvm::ArrayRef<std::string> modules,
                                         llvm::ArrayRef<std::string> symbols,
                                         const target::TargetSpec &target);

/// The metadata of all kernels, in their order. INVALID_ARGUMENT if `elf` is no
/// code object.
absl::StatusOr<std::vector<KernelResources>>
readKernelResources(llvm::StringRef elf);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_CODEOBJECT_H
