//===- Trap.cpp - The library: SIGILL, counters, the C API
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For aarch64-linux. An instruction is the word 0x00201000 | op << 5 | reg,
// which raises SIGILL wherever there is no Apple AMX.
//
//   ours, and done          ==> counted, the program goes on behind it
//   ours, but not possible  ==> a line on stderr, the process ends by SIGILL
//   any other word          ==> the handler that was there before, or the
//                               default action
//
// Facts: corsix/amx, aarch64.md, setclr.md; that computed NaNs are the default
// one from the FPCR of its test.c.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"
#include "appleamx.h"
#include "test/emulators/intel-amx/Message.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#define APPLEAMX_EXPORT extern "C" __attribute__((visibility("default")))

namespace modelc::appleamx {

Refusal execute(Machine &machine, Chip chip, Opcode opcode, Operand operand) {
  switch (opcode) {
  case Opcode::Extrx:
  case Opcode::Extry:
    return executeExtract(machine, chip, opcode, operand);
  case Opcode::Fma64:
  case Opcode::Fms64:
  case Opcode::Fma32:
  case Opcode::Fms32:
  case Opcode::Fma16:
  case Opcode::Fms16:
    return executeFma(machine, opcode, operand);
  case Opcode::Mac16:
    return executeMac16(machine, operand);
  case Opcode::Vecint:
    return executeVecint(machine, chip, operand);
  case Opcode::Vecfp:
    return executeVecfp(machine, chip, operand);
  case Opcode::Matint:
    return executeMatint(machine, chip, operand);
  case Opcode::Matfp:
    return executeMatfp(machine, chip, operand);
  case Opcode::Genlut:
    return executeGenlut(machine, chip, operand);
  default:
    return executeMemory(machine, chip, opcode, operand);
  }
}

namespace {

constexpr uint32_t kSetName = uint32_t(Opcode::SetClr);
constexpr uint32_t kClrName = kOpcodeCount;
constexpr const char *kNames[] = {
    "ldx",   "ldy",   "stx",    "sty",   "ldz",    "stz",   "ldzi",   "stzi",
    "extrx", "extry", "fma64",  "fms64", "fma32",  "fms32", "mac16",  "fma16",
    "fms16", "set",   "vecint", "vecfp", "matint", "matfp", "genlut", "clr"};
constexpr uint32_t kNameCount = sizeof(kNames) / sizeof(*kNames);
static_assert(kNameCount == kOpcodeCount + 1);

uint64_t counts[kNameCount];
Chip chip = Chip::M1;
thread_local Machine machine __attribute__((tls_model("initial-exec")));
struct sigaction before;

using amxemu::Message;

void writeLine(const Message &message) {
  // No way to tell anyone that stderr is gone.
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message.data(), message.sizeChars());
}

/// The next SIGILL ends the process: the instruction is executed again.
void restoreDefault() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGILL, &action, nullptr);
}

/// set and clr. They are not re-entrant.
Refusal executeSetClr(uint32_t immediate) {
  if (immediate > 1)
    return "this immediate is neither set nor clr";
  if (immediate == 0 && machine.isOn)
    return "is on already";
  if (immediate == 1 && !machine.isOn)
    return "is not on";
  machine = {};
  machine.isOn = immediate == 0;
  return nullptr;
}

/// No rounding mode, flush or trap of the program's: DN alone.
void setFloatControl() {
  const uint64_t defaultNan = uint64_t(1) << 25;
  asm volatile("msr fpcr, %0" ::"r"(defaultNan) : "memory");
}

void passOn(int signal, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO)
    before.sa_sigaction(signal, info, context);
  else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)
    restoreDefault();
  else
    before.sa_handler(signal);
}

void refuse(uint64_t pc, const char *name, uint64_t operand, Refusal why) {
  Message line;
  line << "appleamx: at 0x";
  line.hex(pc) << ": " << name << " of 0x";
  line.hex(operand) << ": " << why << "\n";
  writeLine(line);
  restoreDefault();
}

void onIllegal(int signal, siginfo_t *info, void *context) {
  const int savedErrno = errno;
  mcontext_t &registers = static_cast<ucontext_t *>(context)->uc_mcontext;
  uint32_t word;
  memcpy(&word, reinterpret_cast<const void *>(registers.pc), sizeof(word));
  const uint32_t op = word >> 5 & 31, reg = word & 31;
  if (word >> 10 != 0x201000 >> 10 || op >= kOpcodeCount)
    return passOn(signal, info, context);
  const uint64_t operand = reg == 31 ? 0 : registers.regs[reg];
  const auto opcode = Opcode(op);
  uint32_t name = op;
  Refusal refusal = nullptr;
  if (opcode == Opcode::SetClr) {
    name = reg == 1 ? kClrName : kSetName;
    refusal = executeSetClr(reg);
  } else if (!machine.isOn) {
    refusal = "is not on";
  } else {
    setFloatControl();
    refusal = execute(machine, chip, opcode, Operand(operand));
  }
  if (refusal)
    return refuse(registers.pc, kNames[name], operand, refusal);
  __atomic_fetch_add(&counts[name], 1, __ATOMIC_RELAXED);
  registers.pc += 4;
  errno = savedErrno;
}

bool isSet(const char *variable) {
  const char *value = getenv(variable);
  return value && strcmp(value, "1") == 0;
}

/// A handler may be interrupted by SIGSEGV: operands of the program may not be
/// there.
__attribute__((constructor)) void install() {
  if (const char *name = getenv("APPLEAMX_CHIP")) {
    const bool isName = strlen(name) == 2 && name[0] == 'm';
    if (!isName || appleamx_set_chip(name[1] - '0') != 0) {
      writeLine(Message() << "appleamx: APPLEAMX_CHIP is not m1, m2 or m3\n");
      _exit(2);
    }
  }
  struct sigaction action = {};
  action.sa_sigaction = onIllegal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, &before);
}

__attribute__((destructor)) void reportAtExit() {
  if (isSet("APPLEAMX_REPORT"))
    appleamx_report();
}

} // namespace
} // namespace modelc::appleamx

using namespace modelc::appleamx;

APPLEAMX_EXPORT uint64_t appleamx_count(const char *mnemonic) {
  for (uint32_t i = 0; i < kNameCount; ++i)
    if (strcmp(kNames[i], mnemonic) == 0)
      return __atomic_load_n(&counts[i], __ATOMIC_RELAXED);
  return UINT64_MAX;
}

APPLEAMX_EXPORT void appleamx_reset_counts(void) {
  for (uint64_t &count : counts)
    __atomic_store_n(&count, 0, __ATOMIC_RELAXED);
}

APPLEAMX_EXPORT void appleamx_report(void) {
  for (uint32_t i = 0; i < kNameCount; ++i)
    if (const uint64_t count = __atomic_load_n(&counts[i], __ATOMIC_RELAXED)) {
      Message line;
      line << "appleamx: " << kNames[i] << " " << count << "\n";
      writeLine(line);
    }
}

APPLEAMX_EXPORT int appleamx_set_chip(int generation) {
  if (generation < 1 || generation > 3)
    return -1;
  chip = Chip(generation);
  return 0;
}
