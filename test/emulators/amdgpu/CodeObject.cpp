//===- CodeObject.cpp - A code object in the memory of the device
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CodeObject.h"

#include <cstring>
#include <llvm/BinaryFormat/ELF.h>
#include <llvm/BinaryFormat/MsgPackDocument.h>
#include <llvm/Object/ELF.h>
#include <llvm/Support/AMDHSAKernelDescriptor.h>

namespace modelc::amdgpu {

namespace {

using File = llvm::object::ELFFile<llvm::object::ELF64LE>;

std::string textOf(llvm::Error error) {
  return "code object: " + llvm::toString(std::move(error));
}

/// Copies the loadable segments; their addresses begin at 0.
bool placeSegments(const File &file, Memory &memory, CodeObject &object,
                   std::string &error) {
  auto headers = file.program_headers();
  if (!headers) {
    error = textOf(headers.takeError());
    return false;
  }
  uint64_t end = 0;
  for (const auto &header : *headers)
    if (header.p_type == llvm::ELF::PT_LOAD) {
      if (header.p_memsz > (UINT64_C(1) << 32) ||
          header.p_vaddr > (UINT64_C(1) << 32) ||
          header.p_filesz > header.p_memsz ||
          header.p_offset > file.getBufSize() ||
          header.p_filesz > file.getBufSize() - header.p_offset) {
        error = "code object: a segment is outside of the file";
        return false;
      }
      end = std::max<uint64_t>(end, header.p_vaddr + header.p_memsz);
    }
  void *begin = end ? memory.allocate(end) : nullptr;
  if (!begin) {
    error = "code object: no memory for " + std::to_string(end) + " bytes";
    return false;
  }
  std::memset(begin, 0, end);
  object.begin = reinterpret_cast<uint64_t>(begin);
  object.sizeBytes = end;
  for (const auto &header : *headers)
    if (header.p_type == llvm::ELF::PT_LOAD)
      std::memcpy(static_cast<uint8_t *>(begin) + header.p_vaddr,
                  file.base() + header.p_offset, header.p_filesz);
  return true;
}

bool inObject(const CodeObject &object, uint64_t offset, uint64_t bytes) {
  return offset <= object.sizeBytes && bytes <= object.sizeBytes - offset;
}

/// Dynamic relocations of one section, all of which are of 64 bits.
bool relocate(const File &file, const File::Elf_Shdr &section,
              const CodeObject &object, std::string &error) {
  auto entries = file.relas(section);
  if (!entries) {
    error = textOf(entries.takeError());
    return false;
  }
  for (const auto &entry : *entries) {
    const uint32_t type = entry.getType(false);
    uint64_t value = object.begin + uint64_t(int64_t(entry.r_addend));
    if (type == llvm::ELF::R_AMDGPU_ABS64) {
      auto table = file.getSection(section.sh_link);
      auto symbol =
          table ? file.getRelocationSymbol(entry, *table)
                : llvm::Expected<const File::Elf_Sym *>(table.takeError());
      if (!symbol || !*symbol || (*symbol)->st_shndx == llvm::ELF::SHN_UNDEF) {
        if (!symbol)
          llvm::consumeError(symbol.takeError());
        error = "code object: a relocation's symbol is not defined";
        return false;
      }
      value += (*symbol)->st_value;
    } else if (type != llvm::ELF::R_AMDGPU_RELATIVE64) {
      error = "code object: relocation of type " + std::to_string(type);
      return false;
    }
    if (!inObject(object, entry.r_offset, 8)) {
      error = "code object: a relocation is outside of the segments";
      return false;
    }
    std::memcpy(reinterpret_cast<void *>(object.begin + entry.r_offset), &value,
                8);
  }
  return true;
}

struct Symbol {
  std::string name;
  uint64_t value, sizeBytes;
};

bool readSections(const File &file, const CodeObject &object,
                  std::vector<Symbol> &symbols, std::string &error) {
  auto sections = file.sections();
  if (!sections) {
    error = textOf(sections.takeError());
    return false;
  }
  for (const auto &section : *sections) {
    if (section.sh_type == llvm::ELF::SHT_RELA &&
        (section.sh_flags & llvm::ELF::SHF_ALLOC) &&
        !relocate(file, section, object, error))
      return false;
    if (section.sh_type != llvm::ELF::SHT_DYNSYM)
      continue;
    auto entries = file.symbols(&section);
    auto strings = file.getStringTableForSymtab(section);
    if (!entries || !strings) {
      error = textOf(entries ? strings.takeError() : entries.takeError());
      return false;
    }
    for (const auto &entry : *entries)
      if (auto name = entry.getName(*strings))
        symbols.push_back({name->str(), entry.st_value, entry.st_size});
      else
        llvm::consumeError(name.takeError());
  }
  return true;
}

const Symbol *findSymbol(const std::vector<Symbol> &symbols,
                         const std::string &name) {
  for (const Symbol &symbol : symbols)
    if (symbol.name == name)
      return &symbol;
  return nullptr;
}

/// The metadata's note, or empty.
std::string metadataOf(const File &file) {
  auto headers = file.program_headers();
  if (!headers) {
    llvm::consumeError(headers.takeError());
    return {};
  }
  std::string found;
  for (const auto &header : *headers) {
    if (header.p_type != llvm::ELF::PT_NOTE)
      continue;
    llvm::Error failed = llvm::Error::success();
    for (const auto &note : file.notes(header, failed))
      if (note.getName() == "AMDGPU" &&
          note.getType() == llvm::ELF::NT_AMDGPU_METADATA) {
        llvm::StringRef blob = note.getDescAsStringRef(header.p_align);
        found = blob.str();
      }
    llvm::consumeError(std::move(failed));
  }
  return found;
}

using Node = llvm::msgpack::DocNode;

/// An unsigned entry of a map; 0 where there is none.
uint64_t numberAt(llvm::msgpack::MapDocNode &map, const char *key) {
  auto found = map.find(key);
  if (found == map.end())
    return 0;
  if (found->second.getKind() == llvm::msgpack::Type::UInt)
    return found->second.getUInt();
  return found->second.getKind() == llvm::msgpack::Type::Int
             ? uint64_t(found->second.getInt())
             : 0;
}
std::string textAt(llvm::msgpack::MapDocNode &map, const char *key) {
  auto found = map.find(key);
  if (found == map.end() || !found->second.isString())
    return {};
  return found->second.getString().str();
}

void readArguments(llvm::msgpack::MapDocNode &map, Kernel &kernel) {
  auto found = map.find(".args");
  if (found == map.end() || !found->second.isArray())
    return;
  for (Node node : found->second.getArray()) {
    if (!node.isMap())
      continue;
    auto &argument = node.getMap();
    kernel.arguments.push_back({uint32_t(numberAt(argument, ".offset")),
                                uint32_t(numberAt(argument, ".size")),
                                textAt(argument, ".value_kind")});
  }
}

bool readDescriptor(const CodeObject &object,
                    const std::vector<Symbol> &symbols,
                    const std::string &symbolName, Kernel &kernel,
                    std::string &error) {
  const Symbol *symbol = findSymbol(symbols, symbolName);
  llvm::amdhsa::kernel_descriptor_t descriptor;
  if (!symbol || !inObject(object, symbol->value, sizeof(descriptor))) {
    error = "code object: no kernel descriptor " + symbolName;
    return false;
  }
  std::memcpy(&descriptor,
              reinterpret_cast<const void *>(object.begin + symbol->value),
              sizeof(descriptor));
  const uint64_t entry =
      symbol->value + uint64_t(descriptor.kernel_code_entry_byte_offset);
  if (!inObject(object, entry, 4) || entry % 4) {
    error = "code object: the entry of " + kernel.name + " is outside of it";
    return false;
  }
  kernel.entry = object.begin + entry;
  kernel.groupBytes = descriptor.group_segment_fixed_size;
  kernel.privateBytes = descriptor.private_segment_fixed_size;
  kernel.kernargBytes = descriptor.kernarg_size;
  kernel.rsrc1 = descriptor.compute_pgm_rsrc1;
  kernel.rsrc2 = descriptor.compute_pgm_rsrc2;
  kernel.rsrc3 = descriptor.compute_pgm_rsrc3;
  kernel.properties = descriptor.kernel_code_properties;
  kernel.preload = descriptor.kernarg_preload;
  const Symbol *code = findSymbol(symbols, kernel.name);
  kernel.sizeBytes = code ? code->sizeBytes : 0;
  return true;
}

bool readKernels(const std::string &blob, const std::vector<Symbol> &symbols,
                 CodeObject &object, std::string &error) {
  llvm::msgpack::Document document;
  if (blob.empty() || !document.readFromBlob(blob, false) ||
      !document.getRoot().isMap()) {
    error = "code object: no metadata";
    return false;
  }
  auto &root = document.getRoot().getMap();
  // amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-
  std::string target = textAt(root, "amdhsa.target");
  const size_t dashes = target.rfind("--");
  target = dashes == std::string::npos ? target : target.substr(dashes + 2);
  object.target = target.substr(0, target.find(':'));
  auto kernels = root.find("amdhsa.kernels");
  if (kernels == root.end() || !kernels->second.isArray())
    return true;
  for (Node node : kernels->second.getArray()) {
    if (!node.isMap())
      continue;
    auto &map = node.getMap();
    Kernel kernel = {};
    kernel.name = textAt(map, ".name");
    readArguments(map, kernel);
    if (!readDescriptor(object, symbols, textAt(map, ".symbol"), kernel, error))
      return false;
    kernel.vectorRegisters = uint32_t(numberAt(map, ".vgpr_count"));
    kernel.scalarRegisters = uint32_t(numberAt(map, ".sgpr_count"));
    kernel.vectorSpills = uint32_t(numberAt(map, ".vgpr_spill_count"));
    kernel.scalarSpills = uint32_t(numberAt(map, ".sgpr_spill_count"));
    object.kernels.push_back(std::move(kernel));
  }
  return true;
}

/// Generic targets are for the whole family.
bool fits(const std::string &target, const Chip &chip) {
  const std::string name = chip.name;
  return target == name || (target == "gfx9-4-generic" && name == "gfx942") ||
         (target == "gfx10-3-generic" && name == "gfx1030") ||
         (target == "gfx11-generic" && name == "gfx1100") ||
         (target == "gfx12-generic" && name == "gfx1201");
}

} // namespace

const Kernel *CodeObject::find(const std::string &name) const {
  for (const Kernel &kernel : kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

bool loadCodeObject(const void *bytes, uint64_t sizeBytes, const Chip &chip,
                    Memory &memory, CodeObject &object, std::string &error) {
  auto file = File::create(
      llvm::StringRef(static_cast<const char *>(bytes), sizeBytes));
  if (!file) {
    error = textOf(file.takeError());
    return false;
  }
  if (file->getHeader().e_machine != llvm::ELF::EM_AMDGPU) {
    error = "code object: this is not for an AMD GPU";
    return false;
  }
  std::vector<Symbol> symbols;
  if (!placeSegments(*file, memory, object, error))
    return false;
  if (readSections(*file, object, symbols, error) &&
      readKernels(metadataOf(*file), symbols, object, error)) {
    if (fits(object.target, chip))
      return true;
    error = "code object: it is for " + object.target + ", the device is a " +
            chip.name;
  }
  memory.release(reinterpret_cast<void *>(object.begin));
  return false;
}

uint64_t elfSizeBytes(const void *bytes) {
  llvm::ELF::Elf64_Ehdr header;
  std::memcpy(&header, bytes, sizeof(header));
  if (!header.checkMagic())
    return 0;
  // LLVM's linkers write the section headers last.
  return header.e_shoff + uint64_t(header.e_shnum) * header.e_shentsize;
}

} // namespace modelc::amdgpu
