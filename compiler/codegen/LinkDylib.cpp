//===- LinkDylib.cpp - Object files to a dylib for macOS
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   objects, stub of libSystem  ==>  ld64.lld -dylib (Lld.h)  ==>
//     CodeImage: bytes, segment, addresses
//
// dyld refuses a dylib that depends on no other, so this one names libSystem,
// by a stub of our own that offers no symbol: whatever kernels would call is
// undefined, and the link fails.
//
// Kernels reach their constants relative to the program counter, so that
// nothing in the image depends on where it is mapped, and the file's pages are
// the process's: 16 KiB each, those of the hardware.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/LinkDylib.h"
#include "absl/status/status.h"
#include "compiler/codegen/Lld.h"
#include "compiler/target/TargetSpec.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Object/MachO.h"
#include "llvm/TargetParser/Triple.h"

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;
using llvm::object::MachOObjectFile;

/// Text-based stub, version 4 (llvm/TextAPI).
static constexpr StringRef kLibSystem =
    "--- !tapi-tbd\n"
    "tbd-version: 4\n"
    "targets: [ arm64-macos ]\n"
    "install-name: '/usr/lib/libSystem.B.dylib'\n"
    "...\n";

absl::StatusOr<CodeImage>
codegen::linkDylib(llvm::ArrayRef<std::string> objects,
                   llvm::ArrayRef<std::string> symbols) {
  // The name goes into the image's identity, where LLD would otherwise put
  // that of the output file.
  const std::string oldestMacos =
      llvm::Triple(target::kMacTriple).getOSVersion().getAsString();
  std::vector<const char *> options = {"ld64.lld",
                                       "-arch",
                                       "arm64",
                                       "-platform_version",
                                       "macos",
                                       oldestMacos.c_str(),
                                       oldestMacos.c_str(),
                                       "-dylib",
                                       "-adhoc_codesign",
                                       "-install_name",
                                       "@rpath/modelc-kernels.dylib",
                                       "-final_output",
                                       "modelc-kernels.dylib",
                                       "-S",
                                       "-x",
                                       "--threads=1"};
  std::vector<std::string> names;
  for (const std::string &symbol : symbols)
    names.push_back("_" + symbol);
  std::string alias = "_" MODELC_DYLIB_SYMBOL;
  if (!names.empty())
    options.insert(options.end(), {"-alias", names[0].c_str(), alias.c_str(),
                                   "-exported_symbol", alias.c_str()});
  for (const std::string &name : names)
    options.insert(options.end(), {"-exported_symbol", name.c_str()});
  std::vector<StringRef> inputs(objects.begin(), objects.end());
  inputs.push_back(kLibSystem);
  absl::StatusOr<std::string> bytes = runLld(options, inputs);
  if (!bytes.ok())
    return bytes.status();
  return readDylibImage(*std::move(bytes), symbols);
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

static absl::Status fail(const llvm::Twine &what) {
  return absl::InternalError("dylib: " + what.str());
}

static absl::Status fail(llvm::Error error) {
  return fail(llvm::toString(std::move(error)));
}

/// The fixed-size name of a segment or section.
static StringRef nameOf(const char (&name)[16]) {
  return StringRef(name, strnlen(name, sizeof(name)));
}

/// A dylib for macOS on arm64, with a signature; nothing but code, constants
/// and the linker's own tables. Only code and constants need be mapped.
static absl::Status readCommands(const MachOObjectFile &file,
                                 CodeImage &image) {
  if (file.getArch() != llvm::Triple::aarch64 ||
      file.getHeader().filetype != llvm::MachO::MH_DYLIB)
    return fail("is no dylib for arm64");
  bool isForMacos = false, isSigned = false;
  for (const MachOObjectFile::LoadCommandInfo &command : file.load_commands()) {
    switch (command.C.cmd) {
    case llvm::MachO::LC_BUILD_VERSION:
      isForMacos = file.getBuildVersionLoadCommand(command).platform ==
                   llvm::MachO::PLATFORM_MACOS;
      break;
    case llvm::MachO::LC_CODE_SIGNATURE:
      isSigned = file.getLinkeditDataLoadCommand(command).datasize != 0;
      break;
    case llvm::MachO::LC_SEGMENT_64: {
      llvm::MachO::segment_command_64 segment =
          file.getSegment64LoadCommand(command);
      StringRef name = nameOf(segment.segname);
      if (name == "__TEXT")
        image.segments.push_back({segment.fileoff, segment.vmaddr,
                                  segment.filesize, segment.vmsize});
      else if (name != "__LINKEDIT")
        return fail("has data in " + name);
      break;
    }
    default:
      break;
    }
  }
  if (!isForMacos)
    return fail("is not for macOS");
  return isSigned ? absl::OkStatus() : fail("is not signed");
}

/// Nothing is imported. Fix-ups would be in data, and there is none.
static absl::Status checkSymbols(const MachOObjectFile &file) {
  for (const llvm::object::SymbolRef &symbol : file.symbols()) {
    auto flags = symbol.getFlags();
    if (!flags)
      return fail(flags.takeError());
    auto name = symbol.getName();
    if (!name)
      return fail(name.takeError());
    if (*flags & llvm::object::SymbolRef::SF_Undefined)
      return fail("symbol " + *name + " is not defined");
  }
  return absl::OkStatus();
}

absl::StatusOr<CodeImage>
codegen::readDylibImage(std::string bytes,
                        llvm::ArrayRef<std::string> symbols) {
  auto file = llvm::object::ObjectFile::createMachOObjectFile(
      llvm::MemoryBufferRef(bytes, "dylib"));
  if (!file)
    return fail(file.takeError());
  CodeImage image;
  if (absl::Status s = readCommands(**file, image); !s.ok())
    return s;
  if (absl::Status s = checkSymbols(**file); !s.ok())
    return s;
  llvm::StringMap<uint64_t> addresses;
  llvm::Error error = llvm::Error::success();
  for (const llvm::object::ExportEntry &entry : (*file)->exports(error))
    addresses[entry.name()] = entry.address();
  if (error)
    return fail(std::move(error));
  for (const std::string &symbol : symbols) {
    auto found = addresses.find("_" + symbol);
    if (found == addresses.end())
      return fail("kernel " + symbol + " is missing");
    image.addresses.push_back(found->second);
  }
  image.bytes = std::move(bytes);
  return image;
}
