//===- CodeImage.cpp - The machine code of a plan, mapped to be executed
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   CODE section in the file      image in memory
//   | rodata | text |        ==>  | rodata, r-x | --- | text, r-x |
//
// One range of addresses is reserved for the image, so that the distances
// between segments are as linked, and each segment is mapped into it straight
// from the plan's file: its pages are those of the page cache, shared by all
// processes. Nothing is copied and nothing relocated.
//
// Assumes checked segments (ReadVariant.cpp): inside CODE, ascending, not
// sharing a page of memory, file and memory offsets equal modulo the page size.
//
//===----------------------------------------------------------------------===//

#include "load/CodeImage.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

namespace modelc::rt {

static modelc_code reportMapError(int fd, int error, const Reporter &report);

modelc_code CodeImage::map(int fd, uint64_t codeFileOffset,
                           const VariantTables &variant,
                           const Reporter &report) {
  const ModelcCodeSegment &last = variant.codeSegments.back();
  const uint64_t imageBytes =
      alignUp(last.address + last.memoryBytes, MODELC_PLAN_PAGE_BYTES);
  if (!image.reserveAddresses(imageBytes))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "cannot reserve 0x%lx bytes for its code: %s",
                       static_cast<unsigned long>(imageBytes), strerror(errno));
  for (const ModelcCodeSegment &segment : variant.codeSegments) {
    const uint64_t before = segment.address % MODELC_PLAN_PAGE_BYTES;
    void *mapped = mmap(
        image.data() + segment.address - before, before + segment.fileBytes,
        PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
        static_cast<off_t>(codeFileOffset + segment.fileOffset - before));
    if (mapped == MAP_FAILED)
      return reportMapError(fd, errno, report);
  }
  base = image.data();
  return MODELC_OK;
}

static modelc_code reportMapError(int fd, int error, const Reporter &report) {
  struct statvfs fileSystem;
  const bool isNoexec =
      fstatvfs(fd, &fileSystem) == 0 && (fileSystem.f_flag & ST_NOEXEC) != 0;
  if (isNoexec)
    return report.fail(MODELC_PERMISSION_DENIED,
                       "cannot execute its code: its file system is mounted "
                       "noexec");
  const bool isDenied = error == EPERM || error == EACCES;
  return report.fail(isDenied ? MODELC_PERMISSION_DENIED
                              : MODELC_RESOURCE_EXHAUSTED,
                     "cannot execute its code: mmap: %s", strerror(error));
}

} // namespace modelc::rt
