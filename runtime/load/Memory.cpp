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
#include <unistd.h>

namespace modelc::rt {

Mapping::~Mapping() {
  if (bytes)
    munmap(bytes, sizeBytes);
}

#ifdef MADV_HUGEPAGE

/// What one entry of a page directory maps on x86-64, and on AArch64 with
/// pages of 4 KiB.
constexpr uint64_t kHugePage = 2 << 20;

/// A token reads all weights, so how many pages there are decides how much of
/// its time goes into walking page tables. The kernel maps a file by huge pages
/// where file and addresses are aligned alike and its cache holds the file so,
/// which the advice asks for when the file is read from disk.
bool Mapping::mapFile(int fd, uint64_t fileBytes) {
  uint64_t reserved;
  if (fileBytes < kHugePage || !checkedAdd(fileBytes, kHugePage, &reserved))
    return map(fileBytes, PROT_READ, MAP_SHARED, fd);
  Mapping range;
  if (!range.reserveAddresses(reserved))
    return false;
  const uint64_t front = -reinterpret_cast<uintptr_t>(range.bytes) % kHugePage;
  uint8_t *const aligned = range.bytes + front;
  if (mmap(aligned, fileBytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) ==
      MAP_FAILED)
    return false;
  // Keeps the addresses of the file and gives back those around them.
  const uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
  const uint64_t end = front + (fileBytes + page - 1) / page * page;
  if (front)
    munmap(range.bytes, front);
  if (end < reserved)
    munmap(range.bytes + end, reserved - end);
  range.bytes = aligned;
  range.sizeBytes = fileBytes;
  *this = std::move(range);
  madvise(bytes, fileBytes, MADV_HUGEPAGE);
  return true;
}

#else

bool Mapping::mapFile(int fd, uint64_t fileBytes) {
  return map(fileBytes, PROT_READ, MAP_SHARED, fd);
}

#endif

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

static bool giveBack(uint8_t *begin, uint64_t partBytes) {
#if defined(__APPLE__)
  // macOS keeps what is in pages that are not needed.
  return mmap(begin, partBytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
              0) != MAP_FAILED;
#else
  return madvise(begin, partBytes, MADV_DONTNEED) == 0;
#endif
}

void Mapping::release(uint64_t offset, uint64_t partBytes) const {
  const uint64_t pageBytes = uint64_t(sysconf(_SC_PAGESIZE));
  const uint64_t begin = alignUp(offset, pageBytes);
  const uint64_t end = (offset + partBytes) / pageBytes * pageBytes;
  if (begin >= end)
    return;
  // A refusal costs memory and nothing else: what is there is not read again.
  if (!giveBack(bytes + begin, end - begin))
    errno = 0;
}

void Mapping::forget(uint64_t offset, uint64_t partBytes) const {
  const uint64_t pageBytes = uint64_t(sysconf(_SC_PAGESIZE));
  const uint64_t begin = alignUp(offset, pageBytes);
  const uint64_t end = (offset + partBytes) / pageBytes * pageBytes;
  // A refusal costs memory and nothing else.
  if (begin < end && madvise(bytes + begin, end - begin, MADV_DONTNEED) != 0)
    errno = 0;
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
