//===- AtomicFile.h - A file that appears whole or not at all
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Output is written to a file without a name, or, where the file system has
// none, under a temporary name in the same directory, and takes its name when
// it is complete.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SUPPORT_ATOMICFILE_H
#define MODELC_COMPILER_SUPPORT_ATOMICFILE_H

#include "absl/status/statusor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace modelc::support {

/// Owns the file until commit(). Movable; not for use by several threads, the
/// descriptor and writeAt excepted.
class AtomicFile {
public:
  /// Prepares to replace or create `path`. NOT_FOUND, PERMISSION_DENIED or
  /// another code with the system's reason.
  static absl::StatusOr<AtomicFile> create(llvm::StringRef path);

  /// An anonymous file in memory; commit() is not for it.
  static absl::StatusOr<AtomicFile> createInMemory(llvm::StringRef name);

  AtomicFile(AtomicFile &&other);
  AtomicFile &operator=(AtomicFile &&) = delete;
  /// Removes what was not committed.
  ~AtomicFile();

  int getDescriptor() const { return descriptor; }

  /// Sets the size and reserves the space on disk, so that a full disk is
  /// found here. RESOURCE_EXHAUSTED.
  absl::Status reserve(uint64_t bytes);

  /// Writes all of `bytes` at `offset`. Any thread.
  absl::Status writeAt(uint64_t offset, llvm::ArrayRef<uint8_t> bytes);

  /// Gives the file its name, replacing what was there.
  absl::Status commit();

private:
  AtomicFile(std::string path, std::string temporary, int descriptor)
      : path(std::move(path)), temporary(std::move(temporary)),
        descriptor(descriptor) {}
  absl::Status linkTemporary();

  std::string path;
  std::string temporary; ///< Empty while the file has no name at all.
  int descriptor;
};

} // namespace modelc::support

#endif // MODELC_COMPILER_SUPPORT_ATOMICFILE_H
