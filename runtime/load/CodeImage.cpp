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
// Where the system's pages are larger than the format's (AArch64 with pages of
// 16 or 64 KiB), neither the section nor segments begin on one: there the image
// is a copy, of about 1 MB for each process.
//
// Assumes checked segments (ReadVariant.cpp): inside CODE, ascending, not
// sharing a page of memory, file and memory offsets equal modulo the page size.
//
//===----------------------------------------------------------------------===//

#include "load/CodeImage.h"
#include "load/CodeFormat.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace modelc::rt {

#if defined(__x86_64__)
const CodeFormat kSystemCode = {CodeContainer::Elf, kElfX86};
#elif defined(__aarch64__)
const CodeFormat kSystemCode = {CodeContainer::Elf, kElfAArch64};
#else
#error "modelc's runtime knows x86-64 and AArch64"
#endif

struct CodeImage::Loaded {
  Mapping image;
};

CodeImage::CodeImage() = default;
CodeImage::~CodeImage() = default;

static bool mapSegments(Mapping *image, uint64_t imageBytes, int fd,
                        uint64_t codeFileOffset, const VariantTables &variant);
static bool copySegments(Mapping *image, uint64_t imageBytes,
                         const VariantTables &variant);
static modelc_code reportMapError(int fd, int error, const Reporter &report);

modelc_code CodeImage::map(int fd, uint64_t codeFileOffset,
                           const VariantTables &variant,
                           const Reporter &report) {
  loaded = makeOwned<Loaded>();
  if (!loaded)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to map its code");
  Mapping &image = loaded->image;
  const ModelcCodeSegment &last = variant.codeSegments.back();
  const uint64_t imageBytes =
      alignUp(last.address + last.memoryBytes, MODELC_PLAN_PAGE_BYTES);
  const bool isMapped =
      sysconf(_SC_PAGESIZE) > MODELC_PLAN_PAGE_BYTES
          ? copySegments(&image, imageBytes, variant)
          : mapSegments(&image, imageBytes, fd, codeFileOffset, variant);
  if (!isMapped)
    return reportMapError(fd, errno, report);
  base = image.data();
  return MODELC_OK;
}

static bool mapSegments(Mapping *image, uint64_t imageBytes, int fd,
                        uint64_t codeFileOffset, const VariantTables &variant) {
  if (!image->reserveAddresses(imageBytes))
    return false;
  for (const ModelcCodeSegment &segment : variant.codeSegments) {
    const uint64_t before = segment.address % MODELC_PLAN_PAGE_BYTES;
    void *mapped = mmap(
        image->data() + segment.address - before, before + segment.fileBytes,
        PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
        static_cast<off_t>(codeFileOffset + segment.fileOffset - before));
    if (mapped == MAP_FAILED)
      return false;
  }
  return true;
}

static bool copySegments(Mapping *image, uint64_t imageBytes,
                         const VariantTables &variant) {
  if (!image->reserve(imageBytes))
    return false;
  for (const ModelcCodeSegment &segment : variant.codeSegments)
    memcpy(image->data() + segment.address,
           variant.code.data() + segment.fileOffset, segment.fileBytes);
  char *begin = reinterpret_cast<char *>(image->data());
  __builtin___clear_cache(begin, begin + imageBytes);
  return mprotect(begin, imageBytes, PROT_READ | PROT_EXEC) == 0;
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
                     "cannot execute its code: %s", strerror(error));
}

} // namespace modelc::rt
