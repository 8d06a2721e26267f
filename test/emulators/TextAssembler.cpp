//===- TextAssembler.cpp - Bytes of instructions that are written as text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/emulators/TextAssembler.h"
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

using namespace modelc::test;

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

} // namespace

/// What is the same for all text.
struct TextAssembler::Target {
  llvm::Triple triple;
  llvm::MCTargetOptions options;
  const llvm::Target *target;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
};

TextAssembler::TextAssembler(const char *triple, const std::string &cpu,
                             const std::string &features)
    : target(std::make_unique<Target>()) {
  Target &t = *target;
  t.triple = llvm::Triple(triple);
  std::string error;
  t.target = llvm::TargetRegistry::lookupTarget(t.triple, error);
  t.registers.reset(t.target->createMCRegInfo(t.triple));
  t.asmInfo.reset(t.target->createMCAsmInfo(*t.registers, t.triple, t.options));
  t.instructions.reset(t.target->createMCInstrInfo());
  t.subtarget.reset(t.target->createMCSubtargetInfo(t.triple, cpu, features));
}

TextAssembler::~TextAssembler() = default;

std::optional<std::vector<uint8_t>>
TextAssembler::assemble(const std::string &text, bool isQuiet) const {
  llvm::SourceMgr source;
  if (isQuiet)
    source.setDiagHandler([](const llvm::SMDiagnostic &, void *) {});
  source.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text), {});
  llvm::MCContext context(target->triple, target->asmInfo.get(),
                          target->registers.get(), target->subtarget.get(),
                          &source, &target->options);
  std::unique_ptr<llvm::MCObjectFileInfo> objectFile(
      target->target->createMCObjectFileInfo(context, false));
  context.setObjectFileInfo(objectFile.get());
  std::unique_ptr<llvm::MCCodeEmitter> emitter(
      target->target->createMCCodeEmitter(*target->instructions, context));
  ByteStreamer streamer(context, *emitter);
  target->target->createNullTargetStreamer(streamer);
  std::unique_ptr<llvm::MCAsmParser> parser(
      llvm::createMCAsmParser(source, context, streamer, *target->asmInfo));
  std::unique_ptr<llvm::MCTargetAsmParser> targetParser(
      target->target->createMCAsmParser(
          *target->subtarget, *parser, *target->instructions, target->options));
  parser->setTargetParser(*targetParser);
  if (parser->Run(/*NoInitialTextSection=*/false))
    return std::nullopt;
  return streamer.code;
}
