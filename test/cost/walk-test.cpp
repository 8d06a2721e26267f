//===- walk-test.cpp - How often blocks run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The walk shows nothing but counts, so what instructions compute is seen in
// how often a loop goes round.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/KernelCall.h"
#include "test/cost/Snippet.h"
#include <random>

namespace modelc::cost::test {
namespace {

absl::StatusOr<WalkResult> walkSnippet(llvm::ArrayRef<uint8_t> code,
                                       const KernelCall &call,
                                       uint64_t most = 100000) {
  absl::StatusOr<Flow> flow = findSnippetFlow(code);
  EXPECT_TRUE(flow.ok()) << flow.status();
  std::vector<MemoryRange> memory(call.getMemory().begin(),
                                  call.getMemory().end());
  memory.push_back({kSnippetAddress, {code.data(), code.size()}});
  return walk(getMachine("znver4"), *flow, call.getParams(), memory, most);
}

// For each tile, for each group of six of the count, 7 turns: offsets are those
// of ModelcKernelParams.
MODELC_SNIPPET(tiles, R"(
    movl 24(%rdi), %eax
    movl 28(%rdi), %r8d
    movl 32(%rdi), %edx
    addq $5, %rdx
    movabsq $0xaaaaaaaaaaaaaaab, %rcx
    mulxq %rcx, %r9, %rcx   # its upper half
    shrq $2, %rcx
    movq %rcx, -8(%rsp)     # a spilled number
    cmpq %r8, %rax
    jae 9f
  1:                        # block 1
    movq -8(%rsp), %rdx
  2:                        # block 2
    movl $7, %esi
  3:                        # block 3
    vpdpbusd %zmm0, %zmm1, %zmm2
    decl %esi
    jne 3b
    decq %rdx               # block 4
    jne 2b
    incq %rax               # block 5
    cmpq %r8, %rax
    jb 1b
  9:
    ret
)")

// Positions of tokens decide, as in attention: block 1 runs as often as the
// third token has positions before it.
MODELC_SNIPPET(positions, R"(
    movq 8(%rdi), %rax
    movq 8(%rax), %rax
    movl 8(%rax), %ecx
  1:
    subl $1, %ecx
    jne 1b
    ret
)")

// Operands have addresses, but nothing is known of what lies there.
MODELC_SNIPPET(data, R"(
    movq (%rdi), %rax
    movq (%rax), %rax
    xorl %edx, %edx
  1:
    incq %rdx
    cmpq (%rax), %rdx
    jne 1b
    ret
)")

MODELC_SNIPPET(endless, "1: jmp 1b")

MODELC_SNIPPET(tileConfig, R"(
    ldtilecfg 1f(%rip)
    tilerelease
    ret
  1:
    .zero 48
    .byte 16, 16, 8, 4, 1, 0, 0, 0
    .zero 8
)")

TEST(Walk, CountsTilesAndTheirLoops) {
  for (uint32_t count : {1, 6, 7, 600}) {
    KernelCall call(/*operandCount=*/0, /*tiles=*/3, count, /*tokens=*/1,
                    /*depth=*/0);
    absl::StatusOr<WalkResult> walked = walkSnippet(tiles(), call);
    ASSERT_TRUE(walked.ok()) << walked.status();
    uint64_t groups = (count + 5) / 6;
    EXPECT_EQ(walked->counts,
              std::vector<uint64_t>(
                  {1, 3, 3 * groups, 21 * groups, 3 * groups, 3, 1}));
    EXPECT_EQ(walked->guesses, 0u);
  }
}

TEST(Walk, ReadsTheInputs) {
  KernelCall call(0, 1, 3, /*tokens=*/3, /*depth=*/40);
  absl::StatusOr<WalkResult> walked = walkSnippet(positions(), call);
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ(walked->counts[1], 42u);
}

TEST(Walk, LeavesALoopThatDataDecides) {
  KernelCall call(1, 1, 1, 1, 0);
  absl::StatusOr<WalkResult> walked = walkSnippet(data(), call);
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ(walked->counts, std::vector<uint64_t>({1, 1, 1}));
  EXPECT_EQ(walked->guesses, 1u);
}

TEST(Walk, GivesUp) {
  KernelCall call(0, 1, 1, 1, 0);
  absl::StatusOr<WalkResult> walked = walkSnippet(endless(), call);
  EXPECT_EQ(walked.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(Walk, ReadsTheRowsOfTiles) {
  // Only what is before the return is code.
  absl::StatusOr<std::vector<Instruction>> decoded =
      getMachine("sapphirerapids")
          .decode(tileConfig().drop_back(64), kSnippetAddress);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  absl::StatusOr<Flow> flow =
      findFlow(getMachine("sapphirerapids"), *std::move(decoded));
  ASSERT_TRUE(flow.ok()) << flow.status();
  KernelCall call(0, 1, 1, 1, 0);
  std::vector<MemoryRange> memory(call.getMemory().begin(),
                                  call.getMemory().end());
  memory.push_back(
      {kSnippetAddress, {tileConfig().data(), tileConfig().size()}});
  absl::StatusOr<WalkResult> walked =
      walk(getMachine("sapphirerapids"), *flow, call.getParams(), memory, 100);
  ASSERT_TRUE(walked.ok()) << walked.status();
  EXPECT_EQ(walked->tileRows, TileRows({16, 16, 8, 4, 1, 0, 0, 0}));
}

// Plans are foreign bytes, and so is their code: whatever stands there is
// refused or walked, and ends.
TEST(Walk, EndsOnAnyBytes) {
  std::mt19937 random(20261124);
  int64_t decoded = 0, ended = 0;
  for (int64_t i = 0; i < 20000; ++i) {
    std::vector<uint8_t> bytes(24);
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(random());
    bytes.back() = 0xc3; // A return.
    const Machine &machine = getMachine("sapphirerapids");
    absl::StatusOr<std::vector<Instruction>> code =
        machine.decode(bytes, kSnippetAddress);
    if (!code.ok())
      continue;
    ++decoded;
    absl::StatusOr<Flow> flow = findFlow(machine, *std::move(code));
    if (!flow.ok())
      continue;
    KernelCall call(1, 2, 3, 4, 5);
    absl::StatusOr<WalkResult> walked =
        walk(machine, *flow, call.getParams(), call.getMemory(), /*most=*/1000);
    ended += walked.ok();
  }
  EXPECT_GT(decoded, 1000);
  EXPECT_GT(ended, 100);
}

//===----------------------------------------------------------------------===//
// What instructions compute
//===----------------------------------------------------------------------===//

// Goes round as often as RCX says, which `text` computes.
#define MODELC_VALUE(NAME, text)                                               \
  MODELC_SNIPPET(NAME, text "\n jmp 1f\n 1: decq %rcx\n jne 1b\n ret")

MODELC_VALUE(sums, "movl $10, %ecx\n addq $-3, %rcx\n subl $2, %ecx") // 5
MODELC_VALUE(carries, R"(
    movq $-1, %rax
    xorl %ecx, %ecx
    addq $1, %rax
    adcq $2, %rcx
    cmpq $1, %rax
    sbbq $0, %rcx
    leaq 1(%rcx,%rcx,2), %rcx)")                                      // 7
MODELC_VALUE(bits, R"(
    movl $0xff, %ecx
    andl $0x3c, %ecx
    orl $3, %ecx
    xorl $0x38, %ecx)")                                               // 7
MODELC_VALUE(halves, R"(
    movq $-1, %rcx
    movl $3, %ecx
    movb $1, %ch
    movw $0x203, %cx
    andb $1, %cl
    shrq $7, %rcx)")                                                  // 4
MODELC_VALUE(shifts, R"(
    movq $-64, %rax
    sarq $3, %rax
    negq %rax
    movl $2, %edx
    shlxq %rdx, %rax, %rcx
    shrl %ecx
    movb $1, %dl
    shlq $60, %rcx
    shrq $61, %rcx
    addq $9, %rcx)")                                                  // 9
MODELC_VALUE(extends, R"(
    movl $0xfe, %eax
    movsbq %al, %rcx
    movzbl %al, %edx
    addq %rdx, %rcx
    notq %rcx
    movl $0x1fe, %edx
    andnq %rdx, %rcx, %rcx
    shrq $2, %rcx)")                                                  // 63
MODELC_VALUE(products, R"(
    movl $6, %eax
    imulq $-7, %rax, %rcx
    imulq %rcx, %rcx
    movq %rcx, %rax
    movabsq $0x100000000000000, %rdx
    mulq %rdx
    movq %rdx, %rcx
    addq $1764, %rcx
    subq $1759, %rcx)")                                               // 11
MODELC_VALUE(choices, R"(
    movl $3, %ecx
    movl $9, %edx
    cmpl $-1, %ecx
    cmovgl %edx, %ecx
    setb %al
    movzbl %al, %eax
    addq %rax, %rcx
    cmpl %edx, %ecx
    cmovbeq %rdx, %rcx)")                                             // 10
MODELC_VALUE(stack, R"(
    movl $5, %eax
    pushq %rax
    pushq $3
    addl $2, 8(%rsp)
    popq %rdx
    popq %rcx
    subq %rdx, %rcx)")                                                // 4
MODELC_VALUE(zeroed, R"(
    movq (%rdi), %rcx
    movq (%rcx), %rcx
    xorl %ecx, %ecx
    addq $6, %rcx)")                                                  // 6

TEST(Walk, ComputesAsTheProcessorDoes) {
  const std::tuple<const char *, llvm::ArrayRef<uint8_t>, uint64_t> cases[] = {
      {"sums", sums(), 5},          {"carries", carries(), 7},
      {"bits", bits(), 7},          {"halves", halves(), 4},
      {"shifts", shifts(), 9},      {"extends", extends(), 63},
      {"products", products(), 11}, {"choices", choices(), 10},
      {"stack", stack(), 4},        {"zeroed", zeroed(), 6}};
  for (const auto &[name, code, expected] : cases) {
    KernelCall call(1, 1, 1, 1, 0);
    absl::StatusOr<WalkResult> walked = walkSnippet(code, call);
    ASSERT_TRUE(walked.ok()) << name << ": " << walked.status();
    EXPECT_EQ(walked->counts[1], expected) << name;
    EXPECT_EQ(walked->guesses, 0u) << name;
  }
}

} // namespace
} // namespace modelc::cost::test
