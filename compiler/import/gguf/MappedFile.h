//===- MappedFile.h - A file in memory, read only
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bytes of a model are mapped, never read into memory of our own: a model
// larger than memory compiles, and what the page cache has costs nothing.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_MAPPEDFILE_H
#define MODELC_COMPILER_IMPORT_GGUF_MAPPEDFILE_H

#include "absl/status/statusor.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace modelc::gguf {

/// Owns the mapping; it ends with the object. A program that shortens the file
/// meanwhile ends this process (SIGBUS), as with every mapped file.
class MappedFile {
public:
  /// Maps the whole of a regular file. Errors name the path and the system's
  /// reason, with the code that belongs to it (NOT_FOUND, ...).
  static absl::StatusOr<MappedFile> open(llvm::StringRef path);

  MappedFile(MappedFile &&other);
  MappedFile &operator=(MappedFile &&other);
  ~MappedFile();

  /// The file's bytes, from a page boundary on; valid as long as the object
  /// is, also after it has been moved. Any thread may read them.
  llvm::ArrayRef<uint8_t> bytes() const { return contents; }

private:
  explicit MappedFile(llvm::ArrayRef<uint8_t> contents) : contents(contents) {}

  llvm::ArrayRef<uint8_t> contents;
};

/// Takes the whole pages inside `bytes`, a part of a MappedFile, out of this
/// process's memory; a later access maps them again. Called behind a reader
/// that streams, it bounds the resident size. Any thread may call it. Memory
/// that is no mapping of a file, as under GgufModel::fromMemory, would be lost.
void releasePages(llvm::ArrayRef<uint8_t> bytes);

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_MAPPEDFILE_H
