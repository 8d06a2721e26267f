//===- MachoImage.h - A Mac's dylib in a Linux process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_MACHOIMAGE_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_MACHOIMAGE_H

#include <stddef.h>
#include <stdint.h>

namespace modelc::appleamx {

/// Maps the one segment of code of a dylib that needs nothing of dyld, and
/// finds its symbols. For tests.
class MachoImage {
public:
  MachoImage() = default;
  MachoImage(const MachoImage &) = delete;
  MachoImage &operator=(const MachoImage &) = delete;
  ~MachoImage();

  /// Null if it is mapped; else what is wrong with the file: no arm64 dylib,
  /// damaged, or with segments, imports or fix-ups that would need dyld.
  const char *open(const char *path);

  /// The address of an exported symbol, C's name; null if there is none.
  void *find(const char *symbol) const;

private:
  const char *readCommands();
  const char *readSegment(uint64_t at);
  const char *readSymbols(uint64_t at);
  template <typename T> bool read(uint64_t at, T *value) const;

  const uint8_t *file = nullptr;
  size_t fileBytes = 0;
  uint8_t *code = nullptr;
  uint64_t codeBytes = 0;
  uint32_t symbolsAt = 0, symbolCount = 0, namesAt = 0, namesBytes = 0;
};

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_MACHOIMAGE_H
