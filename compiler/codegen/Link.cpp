//===- Link.cpp - Object files to one code image
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   objects  ==>  ld.lld -shared (Lld.h)  ==>  CodeImage: bytes, segments,
//     addresses
//
// The image may hold a writable .dynamic section, which only a dynamic linker
// would read: it is not among the segments to map.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Link.h"
#include "absl/status/status.h"
#include "compiler/codegen/Lld.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;
using Elf = llvm::object::ELF64LE;
using ElfFile = llvm::object::ELFFile<Elf>;

absl::StatusOr<CodeImage>
codegen::linkKernels(llvm::ArrayRef<std::string> objects,
                     llvm::ArrayRef<std::string> symbols) {
  // Pages are those of MODELC_PLAN_PAGE_BYTES; constants and code share a
  // segment.
  static constexpr const char *kOptions[] = {"ld.lld",
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
                                             "--no-mmap-output-file"};
  std::vector<StringRef> inputs(objects.begin(), objects.end());
  absl::StatusOr<std::string> elf = runLld(kOptions, inputs);
  if (!elf.ok())
    return elf.status();
  return readCodeImage(*std::move(elf), symbols);
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
  image.bytes = std::move(elf);
  return image;
}
