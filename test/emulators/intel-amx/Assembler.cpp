//===- Assembler.cpp - One instruction as text to its bytes, by LLVM
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Assembler.h"
#include "test/emulators/TextAssembler.h"
#include <gtest/gtest.h>
#include <llvm/Support/TargetSelect.h>

namespace modelc::amxemu {

static test::TextAssembler makeAssembler() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmParser();
  return {"x86_64-unknown-linux-gnu", "graniterapids", "+avxvnni"};
}

std::vector<uint8_t> assemble(const std::string &text) {
  static const test::TextAssembler assembler = makeAssembler();
  auto bytes = assembler.assemble(text);
  if (!bytes)
    ADD_FAILURE() << "LLVM cannot assemble: " << text;
  return bytes.value_or(std::vector<uint8_t>());
}

} // namespace modelc::amxemu
