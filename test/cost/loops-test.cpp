//===- loops-test.cpp - Blocks and loops of machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/cost/Snippet.h"
#include <map>

namespace modelc::cost::test {
namespace {

MODELC_SNIPPET(straight, "movq %rdi, %rax\n addq $8, %rax\n ret\n int3\n int3")

MODELC_SNIPPET(nested, R"(
    xorl %eax, %eax
  1:                        # block 1: outer loop
    movl $4, %ecx
  2:                        # block 2: inner loop
    decq %rcx
    jne 2b
    incq %rax               # block 3
    cmpq $10, %rax
    jne 1b
    ret                     # block 4
)")

// The way back passes one of two ways through the body.
MODELC_SNIPPET(choice, R"(
    xorl %eax, %eax
  1:                        # block 1
    testb $1, %al
    je 2f
    addq $2, %rdx           # block 2
  2:
    incq %rax               # block 3
    cmpq $10, %rax
    jne 1b
    ret                     # block 4
)")

// Both tails go back to the one header.
MODELC_SNIPPET(twoLatches, R"(
  1:
    testb $1, %al
    je 2f
    incq %rax
    jmp 1b
  2:
    addq $3, %rax
    cmpq $10, %rax
    jb 1b
    ret
)")

MODELC_SNIPPET(call, "call 1f\n 1: ret")
MODELC_SNIPPET(indirect, "jmpq *%rax\n ret")
MODELC_SNIPPET(outside, "jmp . + 64\n ret")
// An opcode that 64-bit code does not have.
MODELC_SNIPPET(noInstruction, "nop\n .byte 0x06\n ret")

using Blocks = llvm::SmallVector<int64_t>;

// Padding behind the return is a block of no loop.
TEST(Loops, StraightCodeIsLoopZero) {
  absl::StatusOr<Flow> flow = findSnippetFlow(straight());
  ASSERT_TRUE(flow.ok()) << flow.status();
  EXPECT_EQ(flow->instructions.size(), 5u);
  EXPECT_EQ(flow->instructions[1].address, kSnippetAddress + 3);
  ASSERT_EQ(flow->loops.size(), 1u);
  EXPECT_EQ(flow->loops[0].ownBlocks, Blocks({0}));
  EXPECT_EQ(flow->loops[0].parent, -1);
}

TEST(Loops, NestedLoopsOwnWhatNoInnerLoopHas) {
  absl::StatusOr<Flow> flow = findSnippetFlow(nested());
  ASSERT_TRUE(flow.ok()) << flow.status();
  ASSERT_EQ(flow->loops.size(), 3u);
  EXPECT_EQ(flow->loops[0].ownBlocks, Blocks({0, 4}));
  EXPECT_EQ(flow->loops[1].header, 1);
  EXPECT_EQ(flow->loops[1].parent, 0);
  EXPECT_EQ(flow->loops[1].ownBlocks, Blocks({1, 3}));
  EXPECT_EQ(flow->loops[2].header, 2);
  EXPECT_EQ(flow->loops[2].parent, 1);
  EXPECT_EQ(flow->loops[2].depth, 2);
  EXPECT_EQ(flow->loops[2].ownBlocks, Blocks({2}));
}

TEST(Loops, AChoiceIsNoLoop) {
  absl::StatusOr<Flow> flow = findSnippetFlow(choice());
  ASSERT_TRUE(flow.ok()) << flow.status();
  ASSERT_EQ(flow->loops.size(), 2u);
  EXPECT_EQ(flow->loops[1].ownBlocks, Blocks({1, 2, 3}));
  EXPECT_EQ(flow->blocks[1].successors,
            (llvm::SmallVector<int64_t, 2>({3, 2})));
}

TEST(Loops, BackEdgesToOneHeaderAreOneLoop) {
  absl::StatusOr<Flow> flow = findSnippetFlow(twoLatches());
  ASSERT_TRUE(flow.ok()) << flow.status();
  ASSERT_EQ(flow->loops.size(), 2u);
  EXPECT_EQ(flow->loops[1].ownBlocks, Blocks({0, 1, 2}));
}

TEST(Loops, RefusesWhatNoKernelHas) {
  const std::pair<llvm::ArrayRef<uint8_t>, const char *> cases[] = {
      {call(), "a call at 0x1000"},
      {indirect(), "a jump to an unknown place at 0x1000"},
      {outside(), "a jump out of the kernel at 0x1000"},
      {noInstruction(), "no instruction at 0x1001"},
      {{}, "a kernel without instructions"}};
  for (const auto &[code, expected] : cases) {
    absl::StatusOr<Flow> flow = findSnippetFlow(code);
    ASSERT_FALSE(flow.ok()) << expected;
    EXPECT_NE(flow.status().message().find(expected), std::string::npos)
        << flow.status();
  }
}

} // namespace
} // namespace modelc::cost::test
