//===- Lld.h - LLD in this process, from memory to memory
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_LLD_H
#define MODELC_COMPILER_CODEGEN_LLD_H

#include "absl/status/statusor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace modelc::codegen {

/// Runs LLD on `inputs`, the bytes of files, in their order; its output file's
/// bytes. The first of `options` is the name of a driver, "ld.lld" or
/// "ld64.lld"; inputs and output need none. Nothing is written to any disk.
/// INTERNAL with LLD's messages if it fails. One link runs at a time, whatever
/// the threads.
absl::StatusOr<std::string> runLld(llvm::ArrayRef<const char *> options,
                                   llvm::ArrayRef<llvm::StringRef> inputs);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_LLD_H
