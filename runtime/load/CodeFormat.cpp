//===- CodeFormat.cpp - What kind of file a plan's code is
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ELF     | 7f E L F | ...        | e_machine at 18, 2 bytes
//   Mach-O  | cf fa ed fe | cputype, 4 bytes | ...
//
// Sources: System V ABI, "ELF header"; mach-o/loader.h, mach_header_64.
//
//===----------------------------------------------------------------------===//

#include "load/CodeFormat.h"
#include <string.h>

namespace modelc::rt {

/// The little-endian number at `at`; 0 behind the end.
template <typename T>
static T readNumber(std::span<const uint8_t> code, size_t at) {
  T value = 0;
  if (code.size() >= at + sizeof(T))
    memcpy(&value, code.data() + at, sizeof(T));
  return value;
}

CodeFormat readCodeFormat(std::span<const uint8_t> code) {
  constexpr uint32_t kElfMagic = 0x464c457f, kMachOMagic64 = 0xfeedfacf;
  constexpr size_t kElfMachineAt = 18, kMachOCpuTypeAt = 4;
  switch (readNumber<uint32_t>(code, 0)) {
  case kElfMagic:
    return {CodeContainer::Elf, readNumber<uint16_t>(code, kElfMachineAt)};
  case kMachOMagic64:
    return {CodeContainer::MachO, readNumber<uint32_t>(code, kMachOCpuTypeAt)};
  default:
    return {};
  }
}

const char *processorName(const CodeFormat &format) {
  switch (format.processor) {
  case kElfX86:
    return "x86-64";
  case kElfAArch64:
    return "AArch64";
  case kElfAmdGpu:
    return "an AMD GPU";
  case kMachOArm64:
    return "arm64";
  default:
    return "another processor";
  }
}

} // namespace modelc::rt
