//===- CodeImage.h - The machine code of a plan, mapped to be executed
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_CODEIMAGE_H
#define MODELC_RUNTIME_LOAD_CODEIMAGE_H

#include "load/Memory.h"
#include "load/PlanTables.h"
#include "load/Reporter.h"

namespace modelc::rt {

/// Owns the mapping; the code runs while this lives. CodeImage.cpp maps
/// segments of shared objects, CodeImageMac.cpp, in its place, loads dylibs.
class CodeImage {
public:
  CodeImage();
  ~CodeImage();

  /// Maps the segments of `variant` from `fd`, the plan's file, in which the
  /// CODE section begins at `codeFileOffset`. PERMISSION_DENIED if the file
  /// system does not let code run, RESOURCE_EXHAUSTED without memory. On macOS
  /// it is dyld that maps the section's bytes, from a file of their own.
  [[nodiscard]] modelc_code map(int fd, uint64_t codeFileOffset,
                                const VariantTables &variant,
                                const Reporter &report);

  /// Address of virtual address `codeOffset` of the image.
  const uint8_t *address(uint64_t codeOffset) const {
    return base + codeOffset;
  }

private:
  /// What keeps the code in memory.
  struct Loaded;

  const uint8_t *base = nullptr;
  Owned<Loaded> loaded;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_CODEIMAGE_H
