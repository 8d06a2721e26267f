//===- Snippet.h - Pieces of assembly to test the cost model on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_COST_SNIPPET_H
#define MODELC_TEST_COST_SNIPPET_H

#include "compiler/cost/Loops.h"
#include "gtest/gtest.h"

/// Defines NAME(), the bytes of `text`, instructions in AT&T syntax. They are
/// data of the test and never run.
#define MODELC_SNIPPET(NAME, text)                                             \
  asm(".pushsection .rodata." #NAME ",\"a\"\n" #NAME "Begin:\n" text           \
      "\n" #NAME "End:\n.popsection\n");                                       \
  extern "C" const uint8_t NAME##Begin[], NAME##End[];                         \
  static llvm::ArrayRef<uint8_t> NAME() { return {NAME##Begin, NAME##End}; }

namespace modelc::cost::test {

/// Where snippets lie.
inline constexpr uint64_t kSnippetAddress = 0x1000;

/// Machines are made once.
inline const Machine &getMachine(llvm::StringRef target) {
  static std::map<std::string, std::unique_ptr<Machine>> machines;
  std::unique_ptr<Machine> &machine = machines[target.str()];
  if (!machine) {
    absl::StatusOr<std::unique_ptr<Machine>> made =
        Machine::create(*target::findTarget(target));
    EXPECT_TRUE(made.ok()) << made.status();
    machine = *std::move(made);
  }
  return *machine;
}

inline absl::StatusOr<Flow> findSnippetFlow(llvm::ArrayRef<uint8_t> code) {
  const Machine &machine = getMachine("znver4");
  absl::StatusOr<std::vector<Instruction>> decoded =
      machine.decode(code, kSnippetAddress);
  if (!decoded.ok())
    return decoded.status();
  return findFlow(machine, *std::move(decoded));
}

} // namespace modelc::cost::test

#endif // MODELC_TEST_COST_SNIPPET_H
