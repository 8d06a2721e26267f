//===- Cursor.h - Reads a file's fields, never past its end
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every byte of a GGUF header is read through a Cursor. The first field that
// the file cannot hold makes an error; from then on all reads give zeros and
// change nothing, so that a caller may read a few fields and ask once.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_CURSOR_H
#define MODELC_COMPILER_IMPORT_GGUF_CURSOR_H

#include "compiler/import/gguf/Errors.h"
#include "llvm/ADT/ArrayRef.h"
#include <cstring>
#include <type_traits>

namespace modelc::gguf {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "fields are copied as they lie in the file");

class Cursor {
public:
  /// `file` names the bytes in errors. Borrows both.
  Cursor(llvm::StringRef file, llvm::ArrayRef<uint8_t> bytes)
      : file(file), bytes(bytes) {}

  /// The next number, little-endian.
  template <typename T> T read(const Subject &subject, llvm::StringRef field) {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    llvm::ArrayRef<uint8_t> source = readBytes(sizeof(T), subject, field);
    if (!source.empty())
      memcpy(&value, source.data(), sizeof(T));
    return value;
  }

  /// The next string: its length as a u64, then its bytes, which need not be
  /// text. Borrowed from the file.
  llvm::StringRef readString(const Subject &subject, llvm::StringRef field);

  /// The next `count` bytes; empty after an error.
  llvm::ArrayRef<uint8_t> readBytes(uint64_t count, const Subject &subject,
                                    llvm::StringRef field);

  /// Records an error unless there is one.
  void fail(const Subject &subject, llvm::StringRef field,
            const llvm::Twine &found, const llvm::Twine &expected);

  bool ok() const { return error.ok(); }
  /// The first error.
  const absl::Status &status() const { return error; }
  llvm::StringRef fileName() const { return file; }
  uint64_t offset() const { return position; }
  uint64_t remainingBytes() const { return bytes.size() - position; }
  /// What has been read since offset() was `begin`.
  llvm::ArrayRef<uint8_t> bytesSince(uint64_t begin) const {
    return bytes.slice(begin, position - begin);
  }

private:
  llvm::StringRef file;
  llvm::ArrayRef<uint8_t> bytes;
  uint64_t position = 0;
  absl::Status error;
};

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_CURSOR_H
