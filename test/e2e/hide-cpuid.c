//===- hide-cpuid.c - A machine with fewer CPU features than this one
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   LD_PRELOAD=libmodelc_hide_cpuid.so HIDE_CPUID=avx512f,avx512_vnni
//   modelc-run
//
// Makes the CPUID instruction fault (arch_prctl(2), ARCH_SET_CPUID; Intel SDM
// volume 3, "CPUID faulting") and answers it with the bits of the named
// features cleared. Where the CPU or Linux cannot do that the process ends with
// status 77.
//
//===----------------------------------------------------------------------===//

#include "modelc/cpu_features.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kSkipped = 77 };
enum { kRegisterA, kRegisterB, kRegisterC, kRegisterD };

/// CPUID faults (0) or answers (1).
static long setCpuid(unsigned long answers) {
  return syscall(SYS_arch_prctl, ARCH_SET_CPUID, answers);
}

/// Whether the list in HIDE_CPUID has `name`.
static int isHidden(const char *name) {
  const char *list = getenv("HIDE_CPUID");
  const size_t length = strlen(name);
  for (const char *at = list; at && *at; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, name, length) == 0 &&
        (at[length] == ',' || at[length] == '\0'))
      return 1;
  }
  return 0;
}

/// Clears what is hidden from the answer to CPUID(leaf, subleaf).
static void hide(unsigned leaf, unsigned subleaf, unsigned *answer) {
#define MODELC_HIDE(id, name, itsLeaf, itsSubleaf, reg, bit, state)            \
  if (leaf == (itsLeaf) && (leaf == 1 || subleaf == (itsSubleaf)) &&           \
      isHidden(name))                                                          \
    answer[kRegister##reg] &= ~(1u << (bit));
  MODELC_CPU_FEATURES(MODELC_HIDE)
#undef MODELC_HIDE
}

static void answerCpuid(int signal, siginfo_t *info, void *context) {
  (void)info;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  static const unsigned char kCpuid[] = {0x0f, 0xa2};
  if (memcmp((const void *)registers[REG_RIP], kCpuid, sizeof(kCpuid)) != 0) {
    // Another fault: let it happen again, for good.
    (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    return;
  }
  const unsigned leaf = (unsigned)registers[REG_RAX];
  const unsigned subleaf = (unsigned)registers[REG_RCX];
  unsigned answer[4];
  setCpuid(1);
  __cpuid_count(leaf, subleaf, answer[0], answer[1], answer[2], answer[3]);
  setCpuid(0);
  hide(leaf, subleaf, answer);
  registers[REG_RAX] = answer[kRegisterA];
  registers[REG_RBX] = answer[kRegisterB];
  registers[REG_RCX] = answer[kRegisterC];
  registers[REG_RDX] = answer[kRegisterD];
  registers[REG_RIP] += sizeof(kCpuid);
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = answerCpuid;
  if (sigaction(SIGSEGV, &action, NULL) != 0 || setCpuid(0) != 0)
    _exit(kSkipped);
}
