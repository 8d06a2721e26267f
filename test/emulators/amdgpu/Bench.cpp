//===- Bench.cpp - A wave to try single instructions on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <gtest/gtest.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCCodeEmitter.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCFixup.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCObjectFileInfo.h>
#include <llvm/MC/MCParser/MCAsmParser.h>
#include <llvm/MC/MCParser/MCTargetAsmParser.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCStreamer.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/MCTargetOptions.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>

namespace modelc::amdgpu {
namespace {

/// Keeps the bytes of the instructions that the parser finds.
class ByteStreamer : public llvm::MCStreamer {
public:
  ByteStreamer(llvm::MCContext &context, llvm::MCCodeEmitter &emitter)
      : MCStreamer(context), emitter(emitter) {}

  void emitInstruction(const llvm::MCInst &instruction,
                       const llvm::MCSubtargetInfo &subtarget) override {
    llvm::SmallVector<char, 16> bytes;
    llvm::SmallVector<llvm::MCFixup, 1> fixups;
    emitter.encodeInstruction(instruction, bytes, fixups, subtarget);
    code.insert(code.end(), bytes.begin(), bytes.end());
  }
  bool emitSymbolAttribute(llvm::MCSymbol *, llvm::MCSymbolAttr) override {
    return true;
  }
  void emitCommonSymbol(llvm::MCSymbol *, uint64_t, llvm::Align) override {}

  std::vector<uint8_t> code;

private:
  llvm::MCCodeEmitter &emitter;
};

/// What is the same for all text of a chip.
struct Target {
  explicit Target(const Chip &chip) {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUAsmParser();
    std::string error;
    target = llvm::TargetRegistry::lookupTarget(triple, error);
    registers.reset(target->createMCRegInfo(triple));
    asmInfo.reset(target->createMCAsmInfo(*registers, triple, options));
    instructions.reset(target->createMCInstrInfo());
    subtarget.reset(target->createMCSubtargetInfo(
        triple, chip.name, chip.waveSize == 32 ? "+wavefrontsize32" : ""));
  }

  llvm::Triple triple = llvm::Triple("amdgcn-amd-amdhsa");
  llvm::MCTargetOptions options;
  const llvm::Target *target;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
};

Target &targetOf(const Chip &chip) {
  static std::map<std::string, std::unique_ptr<Target>> all;
  std::unique_ptr<Target> &entry = all[chip.name];
  if (!entry)
    entry = std::make_unique<Target>(chip);
  return *entry;
}

} // namespace

std::vector<uint8_t> assemble(const std::string &text, const Chip &chip,
                              bool mayFail) {
  Target &shared = targetOf(chip);
  llvm::SourceMgr source;
  if (mayFail)
    source.setDiagHandler([](const llvm::SMDiagnostic &, void *) {});
  source.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text), {});
  llvm::MCContext context(shared.triple, shared.asmInfo.get(),
                          shared.registers.get(), shared.subtarget.get(),
                          &source, &shared.options);
  std::unique_ptr<llvm::MCObjectFileInfo> objectFile(
      shared.target->createMCObjectFileInfo(context, false));
  context.setObjectFileInfo(objectFile.get());
  std::unique_ptr<llvm::MCCodeEmitter> emitter(
      shared.target->createMCCodeEmitter(*shared.instructions, context));
  ByteStreamer streamer(context, *emitter);
  shared.target->createNullTargetStreamer(streamer);
  std::unique_ptr<llvm::MCAsmParser> parser(
      llvm::createMCAsmParser(source, context, streamer, *shared.asmInfo));
  std::unique_ptr<llvm::MCTargetAsmParser> targetParser(
      shared.target->createMCAsmParser(*shared.subtarget, *parser,
                                       *shared.instructions, shared.options));
  parser->setTargetParser(*targetParser);
  if (parser->Run(/*NoInitialTextSection=*/false)) {
    if (!mayFail)
      ADD_FAILURE() << chip.name << ": LLVM cannot assemble: " << text;
    return {};
  }
  return streamer.code;
}

Bench::Bench(const Chip &chip, uint32_t seed)
    : chip(chip), random(seed), registers(512 * kMaxLanes) {
  group.chip = &chip;
  group.memory = &memory;
  group.lds.resize(kLdsBytes);
  group.waves = 1;
  wave.group = &group;
  wave.chip = &chip;
  wave.lanes = chip.waveSize;
  using Row = uint32_t[kMaxLanes];
  wave.vectors = reinterpret_cast<Row *>(registers.data());
  wave.setMask(kExec, ~UINT64_C(0));
}

uint32_t Bench::word() {
  static constexpr uint32_t kSpecial[] = {
      0,          1,          0xffffffff, 0x80000000, 0x7fffffff, 0x3f800000,
      0xbf800000, 0x7f800000, 0xff800000, 0x7f7fffff, 0x00000001, 0x00800000,
      0x80000001, 0x7fc00000, 0x7c003c00, 0x8000ffff};
  const uint32_t bits = uint32_t(random());
  return random() % 8 == 0 ? kSpecial[bits % std::size(kSpecial)] : bits;
}

void Bench::randomise() {
  for (uint32_t reg = 0; reg < 64; ++reg) {
    for (uint32_t lane = 0; lane < kMaxLanes; ++lane) {
      v(reg, lane) = word();
      v(kAccumulators + reg, lane) = word();
    }
    wave.scalars[reg] = word();
  }
  wave.setPair(kVcc, random() | uint64_t(random()) << 32);
  wave.scc = random() & 1;
}

std::string Bench::run(const std::string &text) {
  return run(assemble(text, chip));
}

std::string Bench::run(std::vector<uint8_t> bytes) {
  if (bytes.empty())
    return "not assembled";
  const std::vector<uint8_t> end = assemble("s_endpgm", chip);
  bytes.insert(bytes.end(), end.begin(), end.end());
  // A gap behind the code, so that the decoder can look ahead.
  void *place = memory.allocate(bytes.size() + 16);
  std::memcpy(place, bytes.data(), bytes.size());
  CodeObject object;
  object.target = chip.name;
  object.begin = reinterpret_cast<uint64_t>(place);
  object.sizeBytes = (bytes.size() + 3) / 4 * 4;
  Code code(chip, object);
  group.code = &code;
  group.error.clear();
  wave.state = WaveState::Running;
  wave.pc = object.begin;
  runWave(wave);
  memory.release(place);
  return group.error;
}

} // namespace modelc::amdgpu
