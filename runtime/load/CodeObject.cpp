//===- CodeObject.cpp - The code of AMD GPUs, before a driver sees it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   | Elf header | program headers .. | segments .. | section headers |
//
// Sources: System V ABI, "ELF header", "Sections", "Program header"; LLVM,
// "User Guide for AMDGPU Backend", "ELF Code Object". The structs are our own,
// as not every system has elf.h.
//
//===----------------------------------------------------------------------===//

#include "load/CodeObject.h"
#include "load/CodeFormat.h"
#include "load/Memory.h"
#include <string.h>

namespace modelc::rt {

namespace {

struct ElfHeader {
  uint8_t ident[16];
  uint16_t type;
  uint16_t machine;
  uint32_t version;
  uint64_t entry;
  uint64_t programOffset;
  uint64_t sectionOffset;
  uint32_t flags;
  uint16_t headerBytes;
  uint16_t programBytes; ///< Of one program header.
  uint16_t programCount;
  uint16_t sectionBytes; ///< Of one section header.
  uint16_t sectionCount;
  uint16_t nameSection;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfProgram {
  uint32_t type;
  uint32_t flags;
  uint64_t offset;
  uint64_t address;
  uint64_t physicalAddress;
  uint64_t fileBytes;
  uint64_t memoryBytes;
  uint64_t alignment;
};
static_assert(sizeof(ElfProgram) == 56);

struct ElfSection {
  uint32_t name;
  uint32_t type;
  uint64_t flags;
  uint64_t address;
  uint64_t offset;
  uint64_t sizeBytes;
  uint32_t link;
  uint32_t info;
  uint64_t alignment;
  uint64_t entryBytes;
};
static_assert(sizeof(ElfSection) == 64);

/// Values of ident, and a section without bytes in the file.
enum {
  kIdentClass = 4,
  kIdentData = 5,
  kIdentAbi = 7,
  kClass64 = 2,
  kLittleEndian = 1,
  kAbiAmdGpuHsa = 64,
  kSectionNoBits = 8
};

/// Addresses that a code object may span, as a CPU's code image.
constexpr uint64_t kMaxMemoryBytes = uint64_t(1) << 30;

} // namespace

/// Whether `count` records of T lie at `offset`.
template <typename T>
static bool hasTable(std::span<const uint8_t> code, uint64_t offset,
                     uint16_t count, uint16_t recordBytes) {
  return count == 0 || (recordBytes == sizeof(T) &&
                        isInside(offset, count * sizeof(T), code.size()));
}

/// Record `index` of a table that is there.
template <typename T>
static T readRecord(std::span<const uint8_t> code, uint64_t offset,
                    uint16_t index) {
  T record;
  memcpy(&record, code.data() + offset + index * sizeof(T), sizeof(T));
  return record;
}

const char *findCodeObjectFault(std::span<const uint8_t> code) {
  constexpr CodeFormat kAmdGpu = {CodeContainer::Elf, kElfAmdGpu};
  if (code.size() < sizeof(ElfHeader) || readCodeFormat(code) != kAmdGpu)
    return "is no ELF file for AMD GPUs";
  const auto header = readRecord<ElfHeader>(code, 0, 0);
  if (header.ident[kIdentClass] != kClass64 ||
      header.ident[kIdentData] != kLittleEndian ||
      header.ident[kIdentAbi] != kAbiAmdGpuHsa)
    return "is no ELF file of 64 bits for HSA";
  if (!hasTable<ElfProgram>(code, header.programOffset, header.programCount,
                            header.programBytes))
    return "has program headers outside of it";
  if (!hasTable<ElfSection>(code, header.sectionOffset, header.sectionCount,
                            header.sectionBytes))
    return "has section headers outside of it";
  for (uint16_t i = 0; i < header.programCount; ++i) {
    const auto program = readRecord<ElfProgram>(code, header.programOffset, i);
    if (!isInside(program.offset, program.fileBytes, code.size()))
      return "has a segment outside of it";
    if (!isInside(program.address, program.memoryBytes, kMaxMemoryBytes))
      return "has a segment at an address that is too large";
  }
  for (uint16_t i = 0; i < header.sectionCount; ++i) {
    const auto section = readRecord<ElfSection>(code, header.sectionOffset, i);
    if (section.type != kSectionNoBits &&
        !isInside(section.offset, section.sizeBytes, code.size()))
      return "has a section outside of it";
  }
  return nullptr;
}

} // namespace modelc::rt
