//===- CodeFormat.h - What kind of file a plan's code is
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A CODE section is a shared object for Linux or a dylib for macOS, whole with
// its header. Each system loads one kind: kSystemCode is defined beside its
// loader, in CodeImage.cpp or CodeImageMac.cpp, and all else asks it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_CODEFORMAT_H
#define MODELC_RUNTIME_LOAD_CODEFORMAT_H

#include <span>
#include <stdint.h>

namespace modelc::rt {

enum class CodeContainer : uint8_t {
  Unknown,
  Elf,  ///< Linux.
  MachO ///< macOS.
};

/// Processors as the containers number them.
enum : uint32_t {
  kElfX86 = 62,             ///< EM_X86_64 of the System V ABI.
  kElfAmdGpu = 224,         ///< EM_AMDGPU, for GPUs.
  kElfAArch64 = 183,        ///< EM_AARCH64.
  kMachOArm64 = 0x0100000c, ///< CPU_TYPE_ARM64 of mach/machine.h.
};

struct CodeFormat {
  CodeContainer container = CodeContainer::Unknown;
  /// e_machine or cputype; 0 if the container is unknown.
  uint32_t processor = 0;

  bool operator==(const CodeFormat &) const = default;
};

/// What the runtime's loader takes.
extern const CodeFormat kSystemCode;

/// By the first bytes of a CODE section, of any length.
CodeFormat readCodeFormat(std::span<const uint8_t> code);

/// The processor's name, "another processor" if it is none of ours.
const char *processorName(const CodeFormat &format);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_CODEFORMAT_H
