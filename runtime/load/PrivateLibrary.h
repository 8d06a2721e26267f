//===- PrivateLibrary.h - A shared library that is in memory, loaded
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_PRIVATELIBRARY_H
#define MODELC_RUNTIME_LOAD_PRIVATELIBRARY_H

#include <span>
#include <stdint.h>

namespace modelc::rt {

/// Owns a library of the dynamic linker's, whose symbols are its own alone.
class PrivateLibrary {
public:
  /// What failed; where the system says more, it is in errno, or for Load in
  /// lastError().
  enum class Step { None, Create, Write, Load };

  PrivateLibrary() = default;
  PrivateLibrary(const PrivateLibrary &) = delete;
  PrivateLibrary &operator=(const PrivateLibrary &) = delete;
  ~PrivateLibrary();

  /// Writes `bytes` to a new file that nobody else can open, in TMPDIR or
  /// else /tmp, and has it loaded. The file's name is gone when this returns,
  /// whatever it returns.
  [[nodiscard]] Step load(std::span<const uint8_t> bytes);

  /// What the dynamic linker had against the last library of this thread: text
  /// of its own.
  static const char *lastError();

  /// Null if there is no such symbol.
  const uint8_t *find(const char *symbol) const;

private:
  void *handle = nullptr;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_PRIVATELIBRARY_H
