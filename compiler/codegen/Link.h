//===- Link.h - Object files to one code image
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_LINK_H
#define MODELC_COMPILER_CODEGEN_LINK_H

#include "compiler/codegen/Codegen.h"

namespace modelc::codegen {

/// Links object files, in their order, with LLD in this process; nothing is
/// written to any disk. `symbols` are the functions to find the addresses of.
/// INTERNAL if the result needs anything of a dynamic linker, names the first
/// thing. One link runs at a time, whatever the threads.
absl::StatusOr<CodeImage> linkKernels(llvm::ArrayRef<std::string> objects,
                                      llvm::ArrayRef<std::string> symbols);

/// The checks and tables of an image already linked: what linkKernels ends
/// with.
absl::StatusOr<CodeImage> readCodeImage(std::string elf,
                                        llvm::ArrayRef<std::string> symbols);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_LINK_H
