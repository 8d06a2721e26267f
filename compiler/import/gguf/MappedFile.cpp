//===- MappedFile.cpp - A file in memory, read only
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// open, fstat, mmap, close: the mapping outlives the descriptor.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/MappedFile.h"
#include "llvm/Support/Process.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace modelc::gguf;

static absl::Status makeSystemError(llvm::StringRef path,
                                    llvm::StringRef action) {
  return absl::ErrnoToStatus(errno, path.str() + ": " + action.str());
}

/// Maps the open file `descriptor`, which the caller closes.
static absl::StatusOr<llvm::ArrayRef<uint8_t>> map(llvm::StringRef path,
                                                   int descriptor) {
  struct stat info;
  if (fstat(descriptor, &info) != 0)
    return makeSystemError(path, "cannot read the size");
  if (!S_ISREG(info.st_mode))
    return absl::InvalidArgumentError(path.str() + ": is no regular file");
  const auto sizeBytes = static_cast<size_t>(info.st_size);
  if (sizeBytes == 0)
    return llvm::ArrayRef<uint8_t>();
  void *address =
      mmap(nullptr, sizeBytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED)
    return makeSystemError(path, "cannot map");
  return llvm::ArrayRef(static_cast<const uint8_t *>(address), sizeBytes);
}

absl::StatusOr<MappedFile> MappedFile::open(llvm::StringRef path) {
  // A pipe without a writer must not stop us: hence O_NONBLOCK.
  const int descriptor =
      ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return makeSystemError(path, "cannot open");
  absl::StatusOr<llvm::ArrayRef<uint8_t>> contents = map(path, descriptor);
  ::close(descriptor);
  if (!contents.ok())
    return contents.status();
  return MappedFile(*contents);
}

MappedFile::MappedFile(MappedFile &&other)
    : contents(std::exchange(other.contents, {})) {}

MappedFile &MappedFile::operator=(MappedFile &&other) {
  std::swap(contents, other.contents);
  return *this;
}

MappedFile::~MappedFile() {
  if (!contents.empty())
    munmap(const_cast<uint8_t *>(contents.data()), contents.size());
}

void modelc::gguf::releasePages(llvm::ArrayRef<uint8_t> bytes) {
  const uintptr_t page = llvm::sys::Process::getPageSizeEstimate();
  const uintptr_t first = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t begin = (first + page - 1) / page * page;
  const uintptr_t end = (first + bytes.size()) / page * page;
  // A hint: whether the kernel follows it changes no result.
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}
