//===- MachineLinux.cpp - What this machine can execute
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CPUID and XCR0 ==> bits MODELC_FEATURE_*, by the table of
// modelc/cpu_features.h. A feature is usable if the CPU has it and the
// operating system saves its registers (Intel SDM volume 1, chapter 13).
//
// On AArch64 Linux says what is usable (getauxval); what the CPU has beyond
// that is not known.
//
//===----------------------------------------------------------------------===//

#include "load/CpuFeatures.h"
#include "modelc/cpu_features.h"
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/auxv.h>
#endif

namespace modelc::rt {

#if defined(__x86_64__)

namespace {
/// Bits of XCR0 that a feature needs.
enum RequiredState : uint64_t {
  kStateNONE = 0,
  kStateAVX = 0x6,
  kStateAVX512 = 0xe6,
  kStateAMX = 0x60000
};

enum Register { kRegisterA, kRegisterB, kRegisterC, kRegisterD };
} // namespace

static bool cpuidBit(uint32_t leaf, uint32_t subleaf, Register reg, int bit) {
  uint32_t values[4] = {};
  if (!__get_cpuid_count(leaf, subleaf, &values[0], &values[1], &values[2],
                         &values[3]))
    return false;
  return (values[reg] >> bit & 1) != 0;
}

/// XCR0, or 0 if the operating system has not enabled XSAVE.
static uint64_t readXcr0() {
  constexpr int kOsxsaveBit = 27;
  if (!cpuidBit(1, 0, kRegisterC, kOsxsaveBit))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

CpuFeatures detectCpuFeatures() {
  const uint64_t xcr0 = readXcr0();
  CpuFeatures features;
  auto add = [&](uint32_t feature, bool has, uint64_t state) {
    const uint64_t bit = uint64_t(has) << feature;
    features.present |= bit;
    if ((xcr0 & state) == state)
      features.usable |= bit;
  };
#define MODELC_DETECT(name, linuxName, leaf, subleaf, reg, bit, state)         \
  add(MODELC_FEATURE_##name, cpuidBit(leaf, subleaf, kRegister##reg, bit),     \
      kState##state);
  MODELC_CPU_FEATURES(MODELC_DETECT)
#undef MODELC_DETECT
  return features;
}

int requestAmxPermission() {
  constexpr long kArchReqXcompPerm = 0x1023;
  constexpr long kXfeatureXtiledata = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0
             ? 0
             : errno;
}

#else

CpuFeatures detectCpuFeatures() {
  CpuFeatures features;
#define MODELC_DETECT(name, linuxName, word, bit, macName)                     \
  features.usable |= uint64_t(getauxval(AT_##word) >> bit & 1)                 \
                     << MODELC_FEATURE_##name;
  MODELC_ARM_FEATURES(MODELC_DETECT)
#undef MODELC_DETECT
  features.present = features.usable;
  return features;
}

int requestAmxPermission() { return ENOSYS; }

#endif

uint32_t usableCpuCount() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    return static_cast<uint32_t>(CPU_COUNT(&cpus));
  // More CPUs than cpu_set_t has bits.
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : static_cast<uint32_t>(online);
}

} // namespace modelc::rt
