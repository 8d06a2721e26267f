//===- AtomicFile.cpp - A file that appears whole or not at all
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linux gives a file without a name by O_TMPFILE (open(2)): a killed process
// leaves nothing behind. linkat(2) cannot replace a file, so the file gets a
// temporary name first and its own by rename(2).
//
//===----------------------------------------------------------------------===//

#include "compiler/support/AtomicFile.h"
#include "absl/status/status.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace modelc::support;

/// The status of a failed system call.
static absl::Status makeError(llvm::StringRef path, llvm::StringRef what,
                              int error) {
  std::string message =
      (path + ": " + what + ": " + std::strerror(error)).str();
  return absl::Status(absl::ErrnoToStatusCode(error), message);
}

/// Calls `make` with names beside `path`, short whatever the path's own length,
/// until one is free. Processes of other machines and containers may share the
/// folder, so that no name made here is certain to be. Returns the name, or
/// empty with errno.
static std::string
makeTemporary(llvm::StringRef path,
              llvm::function_ref<bool(const char *name)> make) {
  static std::atomic<unsigned> counter = 0;
  llvm::SmallString<256> folder = llvm::sys::path::parent_path(path);
  while (true) {
    llvm::SmallString<256> name = folder;
    llvm::sys::path::append(name, ".modelc-tmp-" + llvm::Twine(getpid()) + "-" +
                                      llvm::Twine(counter++));
    if (make(name.c_str()))
      return name.str().str();
    if (errno != EEXIST)
      return "";
  }
}

/// Fails if `path` is no name that a regular file has or could get.
static absl::Status verifyName(llvm::StringRef path) {
  struct stat info;
  if (stat(path.str().c_str(), &info) == 0) {
    if (S_ISREG(info.st_mode))
      return absl::OkStatus();
    return absl::InvalidArgumentError(
        (path + ": cannot write: not a regular file").str());
  }
  return errno == ENOENT ? absl::OkStatus()
                         : makeError(path, "cannot create", errno);
}

absl::StatusOr<AtomicFile> AtomicFile::create(llvm::StringRef path) {
  if (absl::Status status = verifyName(path); !status.ok())
    return status;
  std::string directory = llvm::sys::path::parent_path(path).str();
  if (directory.empty())
    directory = ".";
  constexpr mode_t kMode = 0666;
  int descriptor =
      open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kMode);
  if (descriptor >= 0)
    return AtomicFile(path.str(), "", descriptor);
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
    return makeError(path, "cannot create", errno);
  std::string temporary = makeTemporary(path, [&](const char *name) {
    descriptor = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kMode);
    return descriptor >= 0;
  });
  if (descriptor < 0)
    return makeError(path, "cannot create", errno);
  return AtomicFile(path.str(), temporary, descriptor);
}

absl::StatusOr<AtomicFile> AtomicFile::createInMemory(llvm::StringRef name) {
  int descriptor = memfd_create(name.str().c_str(), MFD_CLOEXEC);
  if (descriptor < 0)
    return makeError(name, "cannot create in memory", errno);
  return AtomicFile(name.str(), "", descriptor);
}

AtomicFile::AtomicFile(AtomicFile &&other)
    : path(std::move(other.path)), temporary(std::move(other.temporary)),
      descriptor(other.descriptor) {
  other.descriptor = -1;
  other.temporary.clear();
}

AtomicFile::~AtomicFile() {
  if (!temporary.empty())
    unlink(temporary.c_str());
  if (descriptor >= 0)
    close(descriptor);
}

absl::Status AtomicFile::reserve(uint64_t bytes) {
  int error = posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
  if (error != 0)
    return makeError(path, "cannot reserve " + std::to_string(bytes) + " bytes",
                     error);
  return absl::OkStatus();
}

absl::Status AtomicFile::writeAt(uint64_t offset,
                                 llvm::ArrayRef<uint8_t> bytes) {
  while (!bytes.empty()) {
    ssize_t written = pwrite(descriptor, bytes.data(), bytes.size(),
                             static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return makeError(path, "cannot write", written < 0 ? errno : EIO);
    bytes = bytes.drop_front(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::linkTemporary() {
  std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  temporary = makeTemporary(path, [&](const char *name) {
    return linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) ==
           0;
  });
  return temporary.empty() ? makeError(path, "cannot name the file", errno)
                           : absl::OkStatus();
}

absl::Status AtomicFile::commit() {
  if (temporary.empty())
    if (absl::Status status = linkTemporary(); !status.ok())
      return status;
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return makeError(path, "cannot rename", errno);
  temporary.clear();
  return absl::OkStatus();
}
