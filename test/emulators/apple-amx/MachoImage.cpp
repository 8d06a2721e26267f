//===- MachoImage.cpp - A Mac's dylib in a Linux process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   file  ==>  mapped to be read: header, commands, symbols
//         ==>  __TEXT mapped once more, from the file, to be executed
//
// Structures: mach-o/loader.h, mach-o/nlist.h, as LLVM's BinaryFormat/MachO.h
// has them.
//
//===----------------------------------------------------------------------===//

#include "MachoImage.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace modelc::appleamx;

namespace {

struct Header {
  uint32_t magic, cpuType, cpuSubtype, fileType, commandCount, commandBytes;
  uint32_t flags, reserved;
};
struct Command {
  uint32_t command, sizeBytes;
};
struct Segment {
  Command command;
  char name[16];
  uint64_t address, memoryBytes, fileOffset, fileBytes;
  uint32_t maxProtection, protection, sectionCount, flags;
};
struct SymbolTable {
  Command command;
  uint32_t symbolsAt, symbolCount, namesAt, namesBytes;
};
struct Linkedit {
  Command command;
  uint32_t dataAt, dataBytes;
};
struct ChainedFixups {
  uint32_t version, startsAt, importsAt, symbolsAt, importCount;
};
struct Symbol {
  uint32_t name;
  uint8_t type, section;
  uint16_t description;
  uint64_t value;
};

enum : uint32_t {
  kMagic64 = 0xfeedfacf,
  kCpuArm64 = 0x0100000c,
  kDylib = 6,
  kSegment64 = 0x19,
  kSymbolTable = 2,
  kChainedFixups = 0x80000034,
};

/// External, and defined in a section.
constexpr uint8_t kExternal = 1, kTypeMask = 0xe, kInSection = 0xe;

} // namespace

MachoImage::~MachoImage() {
  if (code)
    munmap(code, codeBytes);
  if (file)
    munmap(const_cast<uint8_t *>(file), fileBytes);
}

template <typename T> bool MachoImage::read(uint64_t at, T *value) const {
  if (at > fileBytes || fileBytes - at < sizeof(T))
    return false;
  memcpy(value, file + at, sizeof(T));
  return true;
}

const char *MachoImage::open(const char *path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) != 0)
    return "cannot be opened";
  fileBytes = size_t(facts.st_size);
  void *mapped = mmap(nullptr, fileBytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) {
    close(fd);
    return "cannot be mapped";
  }
  file = static_cast<const uint8_t *>(mapped);
  const char *error = readCommands();
  if (!error && codeBytes == 0)
    error = "has no code";
  if (!error) {
    mapped =
        mmap(nullptr, codeBytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
      error = "cannot be mapped to be executed";
    else
      code = static_cast<uint8_t *>(mapped);
  }
  close(fd);
  return error;
}

const char *MachoImage::readCommands() {
  Header header;
  if (!read(0, &header) || header.magic != kMagic64 ||
      header.cpuType != kCpuArm64 || header.fileType != kDylib)
    return "is no dylib for arm64";
  uint64_t at = sizeof(header);
  for (uint32_t i = 0; i < header.commandCount; ++i) {
    Command command;
    if (!read(at, &command) || command.sizeBytes < sizeof(command))
      return "has a damaged command";
    const char *error = nullptr;
    if (command.command == kSegment64)
      error = readSegment(at);
    if (command.command == kSymbolTable)
      error = readSymbols(at);
    if (command.command == kChainedFixups) {
      Linkedit data;
      ChainedFixups fixups;
      if (!read(at, &data) || !read(data.dataAt, &fixups))
        return "has damaged fix-ups";
      if (fixups.importCount != 0)
        return "has imports";
    }
    if (error)
      return error;
    at += command.sizeBytes;
  }
  return nullptr;
}

const char *MachoImage::readSegment(uint64_t at) {
  Segment segment;
  if (!read(at, &segment))
    return "has a damaged segment";
  if (strncmp(segment.name, "__LINKEDIT", 16) == 0)
    return nullptr;
  if (strncmp(segment.name, "__TEXT", 16) != 0)
    return "has data";
  if (segment.address != 0 || segment.fileOffset != 0 ||
      segment.fileBytes > fileBytes || segment.memoryBytes != segment.fileBytes)
    return "has code that cannot be mapped from the file";
  codeBytes = segment.fileBytes;
  return nullptr;
}

const char *MachoImage::readSymbols(uint64_t at) {
  SymbolTable table;
  if (!read(at, &table) || table.namesAt > fileBytes ||
      fileBytes - table.namesAt < table.namesBytes || table.namesBytes == 0 ||
      file[table.namesAt + table.namesBytes - 1] != 0)
    return "has damaged symbols";
  symbolsAt = table.symbolsAt;
  symbolCount = table.symbolCount;
  namesAt = table.namesAt;
  namesBytes = table.namesBytes;
  return nullptr;
}

void *MachoImage::find(const char *symbol) const {
  for (uint32_t i = 0; i < symbolCount; ++i) {
    Symbol entry;
    if (!read(symbolsAt + uint64_t(i) * sizeof(entry), &entry) ||
        entry.name >= namesBytes)
      return nullptr;
    const auto *name =
        reinterpret_cast<const char *>(file + namesAt + entry.name);
    const bool isExport =
        (entry.type & kExternal) != 0 && (entry.type & kTypeMask) == kInSection;
    if (isExport && name[0] == '_' && strcmp(name + 1, symbol) == 0 &&
        entry.value < codeBytes)
      return code + entry.value;
  }
  return nullptr;
}
