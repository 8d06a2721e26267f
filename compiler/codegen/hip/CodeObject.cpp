//===- CodeObject.cpp - Code objects for AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   bitcode of each kernel  ==>  one module  ==>  object  ==>  ld.lld -shared
//
// The metadata of kernels is one note, written with the code, so that objects
// made apart would each bring their own, of which a loader reads the first.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/CodeObject.h"
#include "absl/status/status.h"
#include "compiler/codegen/Compile.h"
#include "compiler/codegen/Lld.h"
#include "llvm/BinaryFormat/MsgPackDocument.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace modelc;
using namespace modelc::codegen;
using llvm::StringRef;
using Elf = llvm::object::ELF64LE;

static absl::Status fail(const llvm::Twine &what) {
  return absl::InternalError("code object: " + what.str());
}

static absl::Status refuse(llvm::Error error) {
  return absl::InvalidArgumentError("code object: " +
                                    llvm::toString(std::move(error)));
}

//===----------------------------------------------------------------------===//
// Making it
//===----------------------------------------------------------------------===//

void codegen::setKernelAttributes(llvm::Function &function,
                                  const target::TargetSpec &target,
                                  int64_t groupThreads) {
  std::string threads = std::to_string(groupThreads);
  function.addFnAttr("amdgpu-flat-work-group-size", threads + "," + threads);
  // What a loader puts in registers or behind the arguments for who asks.
  for (const char *unused :
       {"dispatch-ptr", "queue-ptr", "dispatch-id", "workgroup-id-y",
        "workgroup-id-z", "workitem-id-y", "workitem-id-z", "implicitarg-ptr",
        "lds-kernel-id", "hostcall-ptr", "multigrid-sync-arg", "heap-ptr",
        "default-queue", "completion-action"})
    function.addFnAttr(("amdgpu-no-" + StringRef(unused)).str());
  function.addFnAttr("uniform-work-group-size", "true");
  // The descriptor refers to the kernel, which nobody may replace.
  function.setVisibility(llvm::GlobalValue::ProtectedVisibility);
  llvm::Module &module = *function.getParent();
  constexpr const char *kVersionFlag = "amdhsa_code_object_version";
  if (!module.getModuleFlag(kVersionFlag))
    module.addModuleFlag(llvm::Module::Error, kVersionFlag,
                         target.isGenericGpu() ? 600 : 500);
}

static absl::StatusOr<std::unique_ptr<llvm::Module>>
linkModules(llvm::ArrayRef<std::string> modules, llvm::LLVMContext &context,
            llvm::TargetMachine &machine) {
  // Its name stands in the file.
  auto all = std::make_unique<llvm::Module>("kernels", context);
  all->setTargetTriple(machine.getTargetTriple());
  all->setDataLayout(machine.createDataLayout());
  llvm::Linker linker(*all);
  for (const std::string &bitcode : modules) {
    auto module = llvm::parseBitcodeFile(
        llvm::MemoryBufferRef(bitcode, "kernel"), context);
    if (!module)
      return fail(llvm::toString(module.takeError()));
    if (linker.linkInModule(std::move(*module)))
      return fail("kernels cannot be linked");
  }
  return all;
}

absl::StatusOr<CodeImage>
codegen::linkCodeObject(llvm::ArrayRef<std::string> modules,
                        llvm::ArrayRef<std::string> symbols,
                        const target::TargetSpec &target) {
  absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> machine =
      createTargetMachine(target);
  if (!machine.ok())
    return machine.status();
  llvm::LLVMContext context;
  absl::StatusOr<std::unique_ptr<llvm::Module>> all =
      linkModules(modules, context, **machine);
  if (!all.ok())
    return all.status();
  absl::StatusOr<std::string> object =
      generateFile(**machine, **all, llvm::CodeGenFileType::ObjectFile);
  if (!object.ok())
    return object.status();
  // Symbols stay, as the loaders of HIP look for kernels there.
  static constexpr const char *kOptions[] = {
      "ld.lld",      "-shared", "--no-undefined", "--build-id=none",
      "--threads=1", "-z",      "text",           "--no-mmap-output-file"};
  absl::StatusOr<std::string> elf = runLld(kOptions, {StringRef(*object)});
  if (!elf.ok())
    return elf.status();
  absl::StatusOr<std::vector<KernelResources>> kernels =
      readKernelResources(*elf);
  if (!kernels.ok())
    return fail(std::string(kernels.status().message()));
  for (const std::string &symbol : symbols)
    if (llvm::none_of(*kernels, [&](const KernelResources &kernel) {
          return kernel.name == symbol;
        }))
      return fail("kernel " + symbol + " is missing");
  CodeImage image;
  image.addresses.resize(symbols.size());
  image.bytes = *std::move(elf);
  return image;
}

//===----------------------------------------------------------------------===//
// Reading it
//===----------------------------------------------------------------------===//

/// The note with the metadata, in MessagePack; empty if there is none.
static llvm::Expected<StringRef>
findMetadata(const llvm::object::ELFFile<Elf> &file) {
  auto sections = file.sections();
  if (!sections)
    return sections.takeError();
  for (const Elf::Shdr &section : *sections) {
    if (section.sh_type != llvm::ELF::SHT_NOTE)
      continue;
    llvm::Error error = llvm::Error::success();
    StringRef found;
    for (const Elf::Note &note : file.notes(section, error))
      if (note.getName() == "AMDGPU" &&
          note.getType() == llvm::ELF::NT_AMDGPU_METADATA)
        found = note.getDescAsStringRef(section.sh_addralign);
    if (error)
      return std::move(error);
    if (!found.empty())
      return found;
  }
  return StringRef();
}

static uint64_t getNumber(llvm::msgpack::MapDocNode &map, StringRef key) {
  auto found = map.find(key);
  if (found == map.end())
    return 0;
  llvm::msgpack::DocNode &node = found->second;
  if (node.getKind() == llvm::msgpack::Type::UInt)
    return node.getUInt();
  return node.getKind() == llvm::msgpack::Type::Int
             ? static_cast<uint64_t>(node.getInt())
             : 0;
}

static KernelResources readKernel(llvm::msgpack::MapDocNode &map) {
  auto get = [&](StringRef key) { return getNumber(map, key); };
  KernelResources kernel = {};
  auto name = map.find(".name");
  if (name != map.end() && name->second.isString())
    kernel.name = name->second.getString().str();
  kernel.vgprs = get(".vgpr_count");
  kernel.agprs = get(".agpr_count");
  kernel.sgprs = get(".sgpr_count");
  kernel.vgprSpills = get(".vgpr_spill_count");
  kernel.sgprSpills = get(".sgpr_spill_count");
  kernel.ldsBytes = get(".group_segment_fixed_size");
  kernel.scratchBytes = get(".private_segment_fixed_size");
  kernel.argumentBytes = get(".kernarg_segment_size");
  kernel.waveLanes = get(".wavefront_size");
  return kernel;
}

absl::StatusOr<std::vector<KernelResources>>
codegen::readKernelResources(StringRef elf) {
  auto object = llvm::object::ELFObjectFile<Elf>::create(
      llvm::MemoryBufferRef(elf, "code object"));
  if (!object)
    return refuse(object.takeError());
  auto metadata = findMetadata(object->getELFFile());
  if (!metadata)
    return refuse(metadata.takeError());
  llvm::msgpack::Document document;
  std::vector<KernelResources> kernels;
  auto refuseText = [] {
    return absl::InvalidArgumentError(
        "code object: expected metadata of kernels");
  };
  if (metadata->empty() || !document.readFromBlob(*metadata, /*Multi=*/false) ||
      !document.getRoot().isMap())
    return refuseText();
  auto &root = document.getRoot().getMap();
  auto list = root.find("amdhsa.kernels");
  if (list == root.end() || !list->second.isArray())
    return refuseText();
  for (llvm::msgpack::DocNode &node : list->second.getArray()) {
    if (!node.isMap())
      return refuseText();
    kernels.push_back(readKernel(node.getMap()));
  }
  return kernels;
}
