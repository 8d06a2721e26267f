//===- CodeObject.h - A code object in the memory of the device
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_CODEOBJECT_H
#define MODELC_TEST_EMULATORS_AMDGPU_CODEOBJECT_H

#include "Chip.h"
#include "Memory.h"

#include <cstdint>
#include <string>
#include <vector>

namespace modelc::amdgpu {

struct Argument {
  uint32_t offsetBytes, sizeBytes;
  std::string kind; ///< by_value, global_buffer, hidden_block_count_x, ...
};

/// What the metadata and the kernel descriptor say. LLVM's "User Guide for
/// AMDGPU Backend", sections "Code Object Metadata" and "Kernel Descriptor".
struct Kernel {
  std::string name;
  std::vector<Argument> arguments;
  uint64_t entry;     ///< address of the first instruction
  uint64_t sizeBytes; ///< of its code; 0: unknown
  uint32_t kernargBytes, groupBytes, privateBytes;
  uint32_t vectorRegisters, scalarRegisters;
  uint32_t scalarSpills, vectorSpills;
  uint32_t rsrc1, rsrc2, rsrc3; ///< COMPUTE_PGM_RSRC1..3
  uint16_t properties;          ///< KERNEL_CODE_PROPERTIES
  uint16_t preload;             ///< kernarg preload: length, offset in dwords
};

struct CodeObject {
  std::string target;                ///< like gfx942 or gfx11-generic
  uint64_t begin = 0, sizeBytes = 0; ///< where it is, in device memory
  std::vector<Kernel> kernels;

  const Kernel *find(const std::string &name) const;
};

/// Loads the ELF file in [bytes, bytes + sizeBytes) for `chip` into `memory`,
/// which owns the copy. False: `error` says why, in one line.
bool loadCodeObject(const void *bytes, uint64_t sizeBytes, const Chip &chip,
                    Memory &memory, CodeObject &object, std::string &error);

/// The size of the ELF file that begins at `bytes`, from its own headers; 0 if
/// it is none. (hipModuleLoadData is not told one.)
uint64_t elfSizeBytes(const void *bytes);

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_CODEOBJECT_H
