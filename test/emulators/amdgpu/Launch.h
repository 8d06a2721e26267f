//===- Launch.h - Running a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_LAUNCH_H
#define MODELC_TEST_EMULATORS_AMDGPU_LAUNCH_H

#include "CodeObject.h"
#include "Decoder.h"
#include "Machine.h"

#include <string>
#include <vector>

namespace modelc::amdgpu {

/// A loaded code object, and those of its instructions that were reached.
struct Code {
  Code(const Chip &chip, CodeObject object);

  /// The instruction at `address`, or null: `error` says what is wrong.
  const Instruction *at(uint64_t address, std::string &error);

  CodeObject object;

private:
  Decoder decoder;
  std::vector<Instruction> decoded; ///< one for each 4 bytes of the object
};

struct Extent {
  uint32_t x = 1, y = 1, z = 1;
};

struct Dispatch {
  const Kernel *kernel;
  Extent groups;    ///< work-groups of the grid
  Extent groupSize; ///< work-items of a work-group
  uint32_t dynamicLdsBytes = 0;
  /// The explicit arguments, where the metadata says; hidden ones are filled
  /// in by launch().
  std::vector<uint8_t> kernargs;
};

/// Runs all work-groups, one after the other, to their end. Returns an empty
/// text or one line: what failed, with chip, kernel and offset in its code.
/// Memory may have been written by then.
std::string launch(const Chip &chip, Memory &memory, Code &code,
                   const Dispatch &dispatch);

/// Runs a wave until it ends, waits, or the group has an error.
void runWave(Wave &wave);

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_LAUNCH_H
