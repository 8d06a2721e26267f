//===- LinkDylib.h - Object files to a dylib for macOS
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_LINKDYLIB_H
#define MODELC_COMPILER_CODEGEN_LINKDYLIB_H

#include "compiler/codegen/Codegen.h"

namespace modelc::codegen {

/// Links Mach-O objects, in their order, with LLD in this process, to a dylib
/// for arm64 macOS that needs no fix-ups and bears an ad-hoc signature, without
/// which no Mac maps it. `symbols` are the functions to find the addresses of,
/// in C's spelling without the leading underscore; the dylib exports these, and
/// the first once more as MODELC_DYLIB_SYMBOL. The same objects give the same
/// bytes. INTERNAL if the result needs anything of dyld, names the first thing.
absl::StatusOr<CodeImage> linkDylib(llvm::ArrayRef<std::string> objects,
                                    llvm::ArrayRef<std::string> symbols);

/// The checks and tables of a dylib already linked: what linkDylib ends with.
absl::StatusOr<CodeImage> readDylibImage(std::string bytes,
                                         llvm::ArrayRef<std::string> symbols);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_LINKDYLIB_H
