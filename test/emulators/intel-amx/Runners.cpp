//===- Runners.cpp - One instruction: by the CPU, or by a signal
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runners.h"
#include "Emulate.h"
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

// void amxemuCallWith(MachineState *state, const void *code)
static_assert(offsetof(modelc::amxemu::MachineState, gpr) == 0);
static_assert(offsetof(modelc::amxemu::MachineState, k) == 152);
static_assert(offsetof(modelc::amxemu::MachineState, zmm) == 216);
asm(R"(
  .text
  .type amxemuCallWith, @function
amxemuCallWith:
  pushq %rbx
  movq %rdi, %rbx
  .irp n, 1, 2, 3, 4, 5, 6, 7
  kmovq 152+8*\n(%rbx), %k\n
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu64 216+64*\n(%rbx), %zmm\n
  .endr
  .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  vmovdqu64 216+64*\n(%rbx), %zmm\n
  .endr
  movq 8(%rbx), %rcx
  movq 16(%rbx), %rdx
  callq *%rsi
  .irp n, 1, 2, 3, 4, 5, 6, 7
  kmovq %k\n, 152+8*\n(%rbx)
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vmovdqu64 %zmm\n, 216+64*\n(%rbx)
  .endr
  .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  vmovdqu64 %zmm\n, 216+64*\n(%rbx)
  .endr
  vzeroupper
  popq %rbx
  retq
  .size amxemuCallWith, . - amxemuCallWith
)");
extern "C" void amxemuCallWith(modelc::amxemu::MachineState *state,
                               const void *code);

namespace modelc::amxemu {
namespace {

/// A page for code.
class CodePage {
public:
  CodePage()
      : code(static_cast<uint8_t *>(
            mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}

  /// `instruction`, then a return.
  const uint8_t *write(const std::vector<uint8_t> &instruction) {
    memcpy(code, instruction.data(), instruction.size());
    code[instruction.size()] = 0xC3;
    return code;
  }

private:
  uint8_t *code;
};

CodePage &codePage() {
  static CodePage page;
  return page;
}

const uint8_t *emulatedCode;
Emulation lastEmulation;

constexpr uint32_t kUd2Bytes = 2;

/// As if the instruction stood where the UD2 is.
void onUd2(int, siginfo_t *, void *context) {
  auto &registers = *static_cast<ucontext_t *>(context);
  greg_t &rip = registers.uc_mcontext.gregs[REG_RIP];
  const greg_t behind = rip + kUd2Bytes;
  rip = reinterpret_cast<greg_t>(emulatedCode);
  lastEmulation = emulate(registers, /*nativeSets=*/0);
  rip = behind;
}

} // namespace

bool hasAvx512() {
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

void runNatively(const std::vector<uint8_t> &instruction, MachineState &state) {
  amxemuCallWith(&state, codePage().write(instruction));
}

bool runTrapped(const std::vector<uint8_t> &instruction, MachineState &state) {
  std::vector<uint8_t> code = instruction;
  code.resize(16);
  emulatedCode = code.data();
  struct sigaction action = {}, before;
  action.sa_sigaction = onUd2;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, &before);
  amxemuCallWith(&state, codePage().write({0x0F, 0x0B}));
  sigaction(SIGILL, &before, nullptr);
  if (lastEmulation.outcome == Outcome::Done)
    return true;
  ADD_FAILURE() << lastEmulation.message.data();
  return false;
}

GuardedPage::GuardedPage()
    : memory(static_cast<uint8_t *>(mmap(nullptr, 2 * kBytes, PROT_NONE,
                                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
  EXPECT_EQ(mprotect(memory, kBytes, PROT_READ | PROT_WRITE), 0);
}

GuardedPage::~GuardedPage() { munmap(memory, 2 * kBytes); }

} // namespace modelc::amxemu
