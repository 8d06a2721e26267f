//===- Lld.cpp - LLD in this process, from memory to memory
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   inputs  ==>  memory files  ==>  LLD  ==>  pipe  ==>  output
//
// LLD reads and writes files only; these have no names in any folder, so that
// nothing stays behind however the process ends. Its output cannot be a memory
// file, beside which LLD would make a temporary one, but it can be a pipe.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Lld.h"
#include "absl/status/status.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

LLD_HAS_DRIVER(elf)
LLD_HAS_DRIVER(macho)

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Files without a name
//===----------------------------------------------------------------------===//

namespace {

/// A file descriptor that is closed at the end of its scope.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd(fd) {}
  Descriptor(Descriptor &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() { reset(); }

  void reset(int value = -1) {
    if (fd >= 0)
      close(fd);
    fd = value;
  }
  int get() const { return fd; }
  /// A name under which this process can open it.
  std::string getPath() const { return "/proc/self/fd/" + std::to_string(fd); }

private:
  int fd;
};

/// Collects what is written to a pipe until its writers close it.
class PipeReader {
public:
  /// False if there are no descriptors left.
  bool start();
  /// Where to write, until `finish`.
  std::string getPath() const { return writeEnd.getPath(); }
  /// All that was written.
  std::string finish();
  ~PipeReader() { finish(); }

private:
  void readAll();

  Descriptor readEnd, writeEnd;
  std::thread thread;
  std::string bytes;
};

} // namespace

/// An unnamed file in memory with these bytes; negative on failure.
static Descriptor makeMemoryFile(StringRef bytes) {
  Descriptor file(memfd_create("modelc-link", MFD_CLOEXEC));
  while (file.get() >= 0 && !bytes.empty()) {
    ssize_t written = write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return Descriptor();
    bytes = bytes.drop_front(static_cast<size_t>(written));
  }
  return file;
}

bool PipeReader::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return false;
  readEnd.reset(ends[0]);
  writeEnd.reset(ends[1]);
  thread = std::thread([this] { readAll(); });
  return true;
}

void PipeReader::readAll() {
  std::vector<char> buffer(64 * 1024);
  while (true) {
    ssize_t count = read(readEnd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    bytes.append(buffer.data(), static_cast<size_t>(count));
  }
}

std::string PipeReader::finish() {
  writeEnd.reset();
  if (thread.joinable())
    thread.join();
  return std::move(bytes);
}

//===----------------------------------------------------------------------===//
// LLD
//===----------------------------------------------------------------------===//

/// LLD's messages on failure.
static absl::Status runDrivers(llvm::ArrayRef<const char *> arguments) {
  // LLD is one per process. A fatal error inside it comes back only while
  // crash recovery is on; its signal handlers go when it ends.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::string output;
  llvm::raw_string_ostream stream(output);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link},
                                    {lld::Darwin, &lld::macho::link}};
  llvm::CrashRecoveryContext::Enable();
  lld::Result result = lld::lldMain(arguments, stream, stream, drivers);
  llvm::CrashRecoveryContext::Disable();
  if (result.retCode != 0)
    return absl::InternalError("linking the kernels failed: " +
                               StringRef(output).trim().str());
  return absl::OkStatus();
}

absl::StatusOr<std::string>
codegen::runLld(llvm::ArrayRef<const char *> options,
                llvm::ArrayRef<StringRef> inputs) {
  std::vector<Descriptor> files;
  std::vector<std::string> paths;
  for (StringRef input : inputs) {
    files.push_back(makeMemoryFile(input));
    if (files.back().get() < 0)
      return absl::ResourceExhaustedError("no memory to link the kernels in");
    paths.push_back(files.back().getPath());
  }
  PipeReader output;
  if (!output.start())
    return absl::ResourceExhaustedError("no file descriptors to link with");
  std::string outputPath = output.getPath();
  std::vector<const char *> arguments = options.vec();
  arguments.insert(arguments.end(), {"-o", outputPath.c_str()});
  for (const std::string &path : paths)
    arguments.push_back(path.c_str());
  if (absl::Status status = runDrivers(arguments); !status.ok())
    return status;
  return output.finish();
}
