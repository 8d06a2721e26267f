//===- PrivateLibrary.cpp - A shared library that is in memory, loaded
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   bytes  ==>  TMPDIR/modelc-XXXXXX  ==>  dlopen  ==>  unlink
//
// For systems that run code from files alone which they have checked: macOS,
// where the pages of a signed dylib are checked as they are read. There it must
// be a new file: the system remembers a signature with the file's inode.
//
//===----------------------------------------------------------------------===//

#include "load/PrivateLibrary.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace modelc::rt {

PrivateLibrary::~PrivateLibrary() {
  if (handle)
    dlclose(handle);
}

static bool writeAll(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.subspan(size_t(written));
  }
  return true;
}

PrivateLibrary::Step PrivateLibrary::load(std::span<const uint8_t> bytes) {
  const char *folder = getenv("TMPDIR");
  char path[PATH_MAX];
  const int length = snprintf(path, sizeof(path), "%s/modelc-XXXXXX",
                              folder && *folder ? folder : "/tmp");
  if (length < 0 || size_t(length) >= sizeof(path)) {
    errno = ENAMETOOLONG;
    return Step::Create;
  }
  // For its owner alone (mkstemp), until its name is gone.
  const int fd = mkstemp(path);
  if (fd < 0)
    return Step::Create;
  bool isWritten = writeAll(fd, bytes);
  const int error = errno;
  isWritten = close(fd) == 0 && isWritten;
  if (isWritten)
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  unlink(path);
  if (!isWritten)
    errno = error;
  return !isWritten ? Step::Write : handle ? Step::None : Step::Load;
}

const char *PrivateLibrary::lastError() { return dlerror(); }

const uint8_t *PrivateLibrary::find(const char *symbol) const {
  return static_cast<const uint8_t *>(dlsym(handle, symbol));
}

} // namespace modelc::rt
