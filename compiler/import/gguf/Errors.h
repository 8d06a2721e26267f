//===- Errors.h - How errors of GGUF files are worded
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FILE.gguf: tensor 'x': field offset: found 33, expected a multiple of 32
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_ERRORS_H
#define MODELC_COMPILER_IMPORT_GGUF_ERRORS_H

#include "absl/status/status.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <cstdint>
#include <string>

namespace modelc::gguf {

/// What in a file an error is about: `header`, `key 3` while its name is not
/// known, `key 'general.name'`, `tensor 'output.weight'`. Borrows the name.
class Subject {
public:
  static Subject header() { return Subject("header", {}, 0); }
  static Subject key(llvm::StringRef name) { return Subject("key", name, 0); }
  static Subject tensor(llvm::StringRef name) {
    return Subject("tensor", name, 0);
  }
  static Subject keyNumber(uint64_t number) {
    return Subject("key", {}, number);
  }
  static Subject tensorNumber(uint64_t number) {
    return Subject("tensor", {}, number);
  }

  std::string str() const;

private:
  Subject(llvm::StringRef kind, llvm::StringRef name, uint64_t number)
      : kind(kind), name(name), number(number) {}

  llvm::StringRef kind;
  llvm::StringRef name;
  uint64_t number; ///< From 1; 0 where there is a name or only one.
};

/// `text` in single quotes, on one line whatever its bytes are: those that are
/// not printable ASCII as \xNN, and no more than 80 of them.
std::string quote(llvm::StringRef text);

/// `FILE: SUBJECT: field FIELD: found FOUND, expected EXPECTED`, code
/// INVALID_ARGUMENT. An empty field is left out: the subject is the field.
absl::Status makeError(llvm::StringRef file, const Subject &subject,
                       llvm::StringRef field, const llvm::Twine &found,
                       const llvm::Twine &expected);

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_ERRORS_H
