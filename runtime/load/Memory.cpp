//===- Memory.cpp - Memory that can be refused
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mapping over mmap. Nothing here is called between the first and the last
// step of a plan.
//
//===----------------------------------------------------------------------===//

#include "load/Memory.h"
#include <errno.h>
#include <sys/mman.h>

namespace modelc::rt {

Mapping::~Mapping() {
  if (bytes)
    munmap(bytes, sizeBytes);
}

bool Mapping::mapFile(int fd, uint64_t fileBytes) {
  return map(fileBytes, PROT_READ, MAP_SHARED, fd);
}

bool Mapping::reserve(uint64_t reservedBytes) {
  if (reservedBytes == 0) {
    *this = Mapping();
    return true;
  }
  return map(reservedBytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

bool Mapping::reserveAddresses(uint64_t reservedBytes) {
  return map(reservedBytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

bool Mapping::map(uint64_t size, int protection, int flags, int fd) {
  if (size > uint64_t(PTRDIFF_MAX)) {
    errno = ENOMEM;
    return false;
  }
  void *address = mmap(nullptr, size, protection, flags, fd, 0);
  if (address == MAP_FAILED)
    return false;
  Mapping mapped;
  mapped.bytes = static_cast<uint8_t *>(address);
  mapped.sizeBytes = size;
  *this = std::move(mapped);
  return true;
}

} // namespace modelc::rt
