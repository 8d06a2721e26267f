//===- Machine.cpp - What LLVM knows of a target's machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of LLVM's MC layer that belong to one CPU, in the order in which
// they need each other.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include <mutex>

using namespace modelc;
using namespace modelc::cost;

absl::StatusOr<std::unique_ptr<Machine>>
Machine::create(const target::TargetSpec &target) {
  llvm::Triple triple(target.triple);
  if (!triple.isX86())
    return absl::FailedPreconditionError(
        "costs are estimated for x86-64 only, not for " + target.name.str());
  static std::once_flag isInitialized;
  std::call_once(isInitialized, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86Disassembler();
  });
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return absl::InternalError(error);
  auto machine = std::unique_ptr<Machine>(new Machine());
  machine->registers.reset(backend->createMCRegInfo(triple));
  machine->assembly.reset(
      backend->createMCAsmInfo(*machine->registers, triple, machine->options));
  machine->instructions.reset(backend->createMCInstrInfo());
  machine->analysis.reset(
      backend->createMCInstrAnalysis(machine->instructions.get()));
  machine->subtarget.reset(
      backend->createMCSubtargetInfo(triple, target.cpu, target.features));
  machine->context = std::make_unique<llvm::MCContext>(
      triple, machine->assembly.get(), machine->registers.get(),
      machine->subtarget.get());
  machine->disassembler.reset(
      backend->createMCDisassembler(*machine->subtarget, *machine->context));
  if (!machine->disassembler ||
      !machine->subtarget->getSchedModel().hasInstrSchedModel())
    return absl::InternalError("LLVM has no scheduling model of " +
                               target.cpu.str());
  return machine;
}

absl::StatusOr<std::vector<Instruction>>
Machine::decode(llvm::ArrayRef<uint8_t> code, uint64_t address) const {
  std::vector<Instruction> decoded;
  for (uint64_t at = 0; at < code.size();) {
    Instruction next = {address + at, 0, llvm::MCInst()};
    if (disassembler->getInstruction(next.inst, next.bytes, code.drop_front(at),
                                     next.address, llvm::nulls()) !=
        llvm::MCDisassembler::Success)
      return absl::DataLossError("no instruction at 0x" +
                                 llvm::utohexstr(next.address, true) +
                                 " of the code");
    at += next.bytes;
    decoded.push_back(std::move(next));
  }
  return decoded;
}
