//===- LinkDylib.h - Object files to a dylib for macOS
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_LINKDYLIB_H
#define MODELC_COMPILER_CODEGEN_LINKDYLIB_H

#include "absl/status/statusor.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace modelc::codegen {

/// Position-independent arm64 code for macOS: a Mach-O dylib that imports
/// nothing, needs no fix-ups, has no data that is written and no thread-local
/// storage, and bears an ad-hoc signature, without which no Mac maps it.
struct DylibImage {
  std::string bytes;
  /// Address inside the image of each symbol asked for, in their order: its
  /// distance from the Mach-O header.
  std::vector<uint64_t> addresses;
};

/// Links Mach-O objects, in their order, with LLD in this process. `symbols`
/// are the functions to find the addresses of, in C's spelling without the
/// leading underscore; the dylib exports these alone. The same objects give
/// the same bytes. INTERNAL if the result is not as above, names the first
/// reason.
absl::StatusOr<DylibImage> linkDylib(llvm::ArrayRef<std::string> objects,
                                     llvm::ArrayRef<std::string> symbols);

/// The checks and addresses of a dylib already linked: what linkDylib ends
/// with.
absl::StatusOr<DylibImage> readDylibImage(std::string bytes,
                                          llvm::ArrayRef<std::string> symbols);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_LINKDYLIB_H
