//===- AssembleIr.cpp - Object files of LLVM IR
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/codegen/AssembleIr.h"
#include "compiler/codegen/Compile.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace modelc::codegen;

std::string test::assemble(llvm::Module &module, const char *tripleName,
                           const char *cpu) {
  initializeBackends();
  LLVMInitializeAArch64AsmParser(); // Of inline assembly, which no kernel has.
  llvm::Triple triple(tripleName);
  std::string message;
  std::unique_ptr<llvm::TargetMachine> machine(
      llvm::TargetRegistry::lookupTarget(triple, message)
          ->createTargetMachine(triple, cpu, "", {}, llvm::Reloc::PIC_));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  machine->addPassesToEmitFile(passes, stream, nullptr,
                               llvm::CodeGenFileType::ObjectFile);
  passes.run(module);
  return std::string(bytes);
}

std::string test::assembleIr(const char *ir, const char *triple,
                             const char *cpu) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic error;
  auto module = llvm::parseAssemblyString(ir, error, context);
  if (!module)
    return error.getMessage().str();
  return assemble(*module, triple, cpu);
}
