//===- Preload.cpp - The library: handlers, reports, the C API
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// When the library is loaded it takes SIGILL, and with AMXEMU_CPUID=1 also
// SIGSEGV, through which the kernel reports CPUID. It keeps them: a handler
// that the program sets later, or had, is asked about what is not ours.
//
//   our instruction                ==> emulated, the program goes on
//   ours, but hardware refuses it  ==> a line on stderr, default action of the
//                                      signal that the hardware would cause
//   anything else                  ==> the program's handler, or a line on
//                                      stderr and the default action
//
// Environment: AMXEMU_REPORT=1, AMXEMU_CPUID=1 (README.md).
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"
#include "FakeCpuid.h"
#include "amxemu.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define AMXEMU_EXPORT extern "C" __attribute__((visibility("default")))

namespace modelc::amxemu {
namespace {

using Sigaction = int (*)(int, const struct sigaction *, struct sigaction *);

/// The C library's sigaction, behind ours below.
Sigaction realSigaction() {
  static Sigaction real;
  if (!real)
    real = reinterpret_cast<Sigaction>(dlsym(RTLD_NEXT, "sigaction"));
  return real;
}

/// What we took over, and whom the program would have handle it.
struct Taken {
  bool isOurs;
  struct sigaction next;
};
Taken takenIll, takenSegv;
uint32_t native;

Taken *takenOf(int signal) {
  Taken *taken = signal == SIGILL    ? &takenIll
                 : signal == SIGSEGV ? &takenSegv
                                     : nullptr;
  return taken && taken->isOurs ? taken : nullptr;
}

void writeLine(const Message &message) {
  // No way to tell anyone that stderr is gone.
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message.data(), message.sizeChars());
}

void restoreDefault(int signal) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_handler = SIG_DFL;
  realSigaction()(signal, &action, nullptr);
}

/// Ends the process as an unhandled signal does.
[[noreturn]] void dieOf(int signal) {
  restoreDefault(signal);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
  _exit(128 + signal);
}

/// To the program's own handler. Without one, to the default action: the
/// instruction is executed again, unhandled.
void passOn(int signal, siginfo_t *info, void *context, const Taken &taken) {
  const struct sigaction &next = taken.next;
  if (next.sa_flags & SA_SIGINFO)
    next.sa_sigaction(signal, info, context);
  else if (next.sa_handler == SIG_DFL || next.sa_handler == SIG_IGN)
    restoreDefault(signal);
  else
    next.sa_handler(signal);
}

bool hasHandler(const Taken &taken) {
  return (taken.next.sa_flags & SA_SIGINFO) ||
         (taken.next.sa_handler != SIG_DFL && taken.next.sa_handler != SIG_IGN);
}

void onIllegal(int signal, siginfo_t *info, void *context) {
  const int savedErrno = errno;
  auto &registers = *static_cast<ucontext_t *>(context);
  const uint64_t rip = uint64_t(registers.uc_mcontext.gregs[REG_RIP]);
  const Emulation emulation = emulate(registers, native);
  if (emulation.outcome != Outcome::Done) {
    Message line;
    line << "amxemu: at 0x";
    line.hex(rip) << ": " << emulation.message.data();
    if (emulation.outcome == Outcome::Faulted) {
      const bool isGp = emulation.kind == FaultKind::GeneralProtection;
      line << (isGp ? " (#GP)\n" : " (#UD)\n");
      writeLine(line);
      dieOf(isGp ? SIGSEGV : SIGILL);
    }
    line << "\n";
    if (!hasHandler(takenIll))
      writeLine(line);
    passOn(signal, info, context, takenIll);
  }
  errno = savedErrno;
}

void onSegv(int signal, siginfo_t *info, void *context) {
  const int savedErrno = errno;
  if (info->si_code != SI_KERNEL ||
      !fakeCpuid(*static_cast<ucontext_t *>(context)))
    passOn(signal, info, context, takenSegv);
  errno = savedErrno;
}

/// Our handler may be interrupted by another SIGILL or SIGSEGV: what it reads
/// and writes for the program may not be there. It runs on the stack of the
/// thread, as the alternative one may be too small.
void take(int signal, Taken &taken, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action;
  memset(&action, 0, sizeof(action));
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  taken.isOurs = realSigaction()(signal, &action, &taken.next) == 0;
}

bool isSet(const char *variable) {
  const char *value = getenv(variable);
  return value && strcmp(value, "1") == 0;
}

__attribute__((constructor)) void install() {
  native = nativeSets();
  take(SIGILL, takenIll, onIllegal);
  if (isSet("AMXEMU_CPUID")) {
    take(SIGSEGV, takenSegv, onSegv);
    if (!startCpuidFaulting())
      writeLine(Message() << "amxemu: this kernel or CPU cannot trap CPUID\n");
  }
}

__attribute__((destructor)) void reportAtExit() {
  if (isSet("AMXEMU_REPORT"))
    amxemu_report();
}

} // namespace
} // namespace modelc::amxemu

using namespace modelc::amxemu;

AMXEMU_EXPORT uint32_t amxemu_native_sets(void) { return native; }

AMXEMU_EXPORT uint64_t amxemu_count(const char *mnemonic) {
  for (uint32_t i = 0; i < kMnemonicCount; ++i)
    if (strcmp(kMnemonicNames[i], mnemonic) == 0)
      return readCount(Mnemonic(i));
  return UINT64_MAX;
}

AMXEMU_EXPORT void amxemu_reset_counts(void) { resetCounts(); }

AMXEMU_EXPORT void amxemu_report(void) {
  for (uint32_t i = 0; i < kMnemonicCount; ++i)
    if (const uint64_t count = readCount(Mnemonic(i))) {
      Message line;
      line << "amxemu: " << kMnemonicNames[i];
      writeLine(line.padTo(sizeof("amxemu: ") - 1 + 15)
                << " " << count << "\n");
    }
}

/// The program's sigaction: of the signals that we took it sets and gets what
/// comes after us.
AMXEMU_EXPORT int sigaction(int signal, const struct sigaction *action,
                            struct sigaction *old) {
  Taken *taken = takenOf(signal);
  if (!taken)
    return realSigaction()(signal, action, old);
  const struct sigaction before = taken->next;
  if (action)
    taken->next = *action;
  if (old)
    *old = before;
  return 0;
}
