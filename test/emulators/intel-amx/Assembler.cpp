//===- Assembler.cpp - One instruction as text to its bytes, by LLVM
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Assembler.h"
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
#include <memory>

namespace modelc::amxemu {
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

/// What is the same for all instructions.
struct Target {
  Target();

  llvm::Triple triple = llvm::Triple("x86_64-unknown-linux-gnu");
  llvm::MCTargetOptions options;
  const llvm::Target *target;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
};

Target::Target() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmParser();
  std::string error;
  target = llvm::TargetRegistry::lookupTarget(triple, error);
  registers.reset(target->createMCRegInfo(triple));
  asmInfo.reset(target->createMCAsmInfo(*registers, triple, options));
  instructions.reset(target->createMCInstrInfo());
  subtarget.reset(
      target->createMCSubtargetInfo(triple, "graniterapids", "+avxvnni"));
}

} // namespace

std::vector<uint8_t> assemble(const std::string &text) {
  static Target shared;
  llvm::SourceMgr source;
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
  std::unique_ptr<llvm::MCAsmParser> parser(
      llvm::createMCAsmParser(source, context, streamer, *shared.asmInfo));
  std::unique_ptr<llvm::MCTargetAsmParser> targetParser(
      shared.target->createMCAsmParser(*shared.subtarget, *parser,
                                       *shared.instructions, shared.options));
  parser->setTargetParser(*targetParser);
  if (parser->Run(/*NoInitialTextSection=*/false)) {
    ADD_FAILURE() << "LLVM cannot assemble: " << text;
    return {};
  }
  return streamer.code;
}

} // namespace modelc::amxemu
