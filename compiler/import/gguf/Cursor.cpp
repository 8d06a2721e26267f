//===- Cursor.cpp - Reads a file's fields, never past its end
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One comparison stands between every read and the end of the file; it cannot
// overflow, as it compares with what is left.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/Cursor.h"

using namespace modelc::gguf;

llvm::StringRef Cursor::readString(const Subject &subject,
                                   llvm::StringRef field) {
  const uint64_t sizeBytes = read<uint64_t>(subject, field);
  llvm::ArrayRef<uint8_t> text = readBytes(sizeBytes, subject, field);
  return {reinterpret_cast<const char *>(text.data()), text.size()};
}

llvm::ArrayRef<uint8_t> Cursor::readBytes(uint64_t count,
                                          const Subject &subject,
                                          llvm::StringRef field) {
  if (ok() && count > remainingBytes())
    fail(subject, field,
         llvm::Twine(remainingBytes()) + " bytes to the end of the file",
         llvm::Twine(count));
  if (!ok())
    return {};
  llvm::ArrayRef<uint8_t> result = bytes.slice(position, count);
  position += count;
  return result;
}

void Cursor::fail(const Subject &subject, llvm::StringRef field,
                  const llvm::Twine &found, const llvm::Twine &expected) {
  if (ok())
    error = makeError(file, subject, field, found, expected);
}
