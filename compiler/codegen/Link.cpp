//===- Link.cpp - Object files to one code image
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   objects  ==>  memory files  ==>  ld.lld -shared  ==>  pipe  ==>
//     CodeImage: bytes, segments, addresses
//
// LLD reads and writes files only; these have no names in any folder, so that
// nothing stays behind however the process ends. Its output cannot be a memory
// file, beside which LLD would make a temporary one, but it can be a pipe.
//
// The image may hold a writable .dynamic section, which only a dynamic linker
// would read: it is not among the segments to map.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Link.h"
#include "absl/status/status.h"
#include "lld/Common/Driver.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;
using Elf = llvm::object::ELF64LE;
using ElfFile = llvm::object::ELFFile<Elf>;

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

/// Runs LLD; its messages on failure.
static absl::Status runLld(llvm::ArrayRef<const char *> arguments) {
  // LLD is one per process. A fatal error inside it comes back only while
  // crash recovery is on; its signal handlers go when it ends.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  std::string output;
  llvm::raw_string_ostream stream(output);
  const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
  llvm::CrashRecoveryContext::Enable();
  lld::Result result = lld::lldMain(arguments, stream, stream, drivers);
  llvm::CrashRecoveryContext::Disable();
  if (result.retCode != 0)
    return absl::InternalError("linking the kernels failed: " +
                               StringRef(output).trim().str());
  return absl::OkStatus();
}

absl::StatusOr<CodeImage>
codegen::linkKernels(llvm::ArrayRef<std::string> objects,
                     llvm::ArrayRef<std::string> symbols) {
  std::vector<Descriptor> files;
  std::vector<std::string> paths;
  for (const std::string &object : objects) {
    files.push_back(makeMemoryFile(object));
    if (files.back().get() < 0)
      return absl::ResourceExhaustedError("no memory to link the kernels in");
    paths.push_back(files.back().getPath());
  }
  PipeReader output;
  if (!output.start())
    return absl::ResourceExhaustedError("no file descriptors to link with");
  std::string outputPath = output.getPath();
  // Pages are those of MODELC_PLAN_PAGE_BYTES; constants and code share a
  // segment.
  std::vector<const char *> arguments = {"ld.lld",
                                         "-shared",
                                         "--no-undefined",
                                         "--no-rosegment",
                                         "--strip-all",
                                         "--build-id=none",
                                         "--hash-style=gnu",
                                         "--threads=1",
                                         "-z",
                                         "norelro",
                                         "-z",
                                         "text",
                                         "-z",
                                         "noexecstack",
                                         "-z",
                                         "max-page-size=4096",
                                         "--no-mmap-output-file",
                                         "-o",
                                         outputPath.c_str()};
  for (const std::string &path : paths)
    arguments.push_back(path.c_str());
  if (absl::Status status = runLld(arguments); !status.ok())
    return status;
  return readCodeImage(output.finish(), symbols);
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

static absl::Status fail(const llvm::Twine &what) {
  return absl::InternalError("code image: " + what.str());
}

static absl::Status fail(llvm::Error error) {
  return fail(llvm::toString(std::move(error)));
}

/// Nothing but .dynamic is writable, and nothing is relocated.
static absl::Status checkSections(const ElfFile &file) {
  auto sections = file.sections();
  if (!sections)
    return fail(sections.takeError());
  for (const Elf::Shdr &section : *sections) {
    StringRef name = "?";
    if (auto found = file.getSectionName(section))
      name = *found;
    else
      llvm::consumeError(found.takeError());
    bool isRelocation = section.sh_type == llvm::ELF::SHT_REL ||
                        section.sh_type == llvm::ELF::SHT_RELA ||
                        section.sh_type == llvm::ELF::SHT_RELR;
    if (isRelocation && section.sh_size != 0)
      return fail("has dynamic relocations in " + name);
    bool isWritable = (section.sh_flags & llvm::ELF::SHF_WRITE) != 0;
    if (isWritable && section.sh_type != llvm::ELF::SHT_DYNAMIC)
      return fail("has writable data in " + name);
  }
  return absl::OkStatus();
}

static absl::Status readSegments(const ElfFile &file, CodeImage &image) {
  auto headers = file.program_headers();
  if (!headers)
    return fail(headers.takeError());
  for (const Elf::Phdr &header : *headers) {
    if (header.p_type != llvm::ELF::PT_LOAD ||
        (header.p_flags & llvm::ELF::PF_W) != 0)
      continue;
    if (header.p_filesz != header.p_memsz ||
        header.p_offset % MODELC_PLAN_PAGE_BYTES !=
            header.p_vaddr % MODELC_PLAN_PAGE_BYTES)
      return fail("segment at 0x" + llvm::utohexstr(header.p_vaddr) +
                  " cannot be mapped from a file");
    image.segments.push_back(
        {header.p_offset, header.p_vaddr, header.p_filesz, header.p_memsz});
  }
  return absl::OkStatus();
}

/// Addresses of all defined symbols; fails if any is not defined.
static absl::StatusOr<llvm::StringMap<uint64_t>>
readSymbols(const llvm::object::ELFObjectFile<Elf> &object) {
  llvm::StringMap<uint64_t> addresses;
  for (const llvm::object::ELFSymbolRef &symbol :
       object.getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    if (!name)
      return fail(name.takeError());
    auto flags = symbol.getFlags();
    if (!flags)
      return fail(flags.takeError());
    if (*flags & llvm::object::SymbolRef::SF_Undefined)
      return fail("symbol " + *name + " is not defined");
    auto address = symbol.getAddress();
    if (!address)
      return fail(address.takeError());
    addresses[*name] = *address;
  }
  return addresses;
}

absl::StatusOr<CodeImage>
codegen::readCodeImage(std::string elf, llvm::ArrayRef<std::string> symbols) {
  auto object = llvm::object::ELFObjectFile<Elf>::create(
      llvm::MemoryBufferRef(elf, "code image"));
  if (!object)
    return fail(object.takeError());
  CodeImage image;
  if (absl::Status s = checkSections(object->getELFFile()); !s.ok())
    return s;
  if (absl::Status s = readSegments(object->getELFFile(), image); !s.ok())
    return s;
  absl::StatusOr<llvm::StringMap<uint64_t>> addresses = readSymbols(*object);
  if (!addresses.ok())
    return addresses.status();
  for (const std::string &symbol : symbols) {
    auto found = addresses->find(symbol);
    if (found == addresses->end())
      return fail("kernel " + symbol + " is missing");
    image.addresses.push_back(found->second);
  }
  image.elf = std::move(elf);
  return image;
}
