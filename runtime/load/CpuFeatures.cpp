//===- CpuFeatures.cpp - What this machine can execute
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
#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/auxv.h>
#endif

namespace modelc::rt {

#if defined(__x86_64__)
static constexpr uint16_t kHostElfMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr uint16_t kHostElfMachine = EM_AARCH64;
#else
#error "modelc's runtime knows x86-64 and AArch64"
#endif

/// Of x86-64, whatever the machine.
static constexpr uint64_t kAmxFeatures =
    uint64_t(1) << MODELC_FEATURE_AMX_TILE |
    uint64_t(1) << MODELC_FEATURE_AMX_INT8 |
    uint64_t(1) << MODELC_FEATURE_AMX_BF16 |
    uint64_t(1) << MODELC_FEATURE_AMX_FP16;

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
#define MODELC_DETECT(name, linuxName, word, bit)                              \
  features.usable |= uint64_t(getauxval(AT_##word) >> bit & 1)                 \
                     << MODELC_FEATURE_##name;
  MODELC_ARM_FEATURES(MODELC_DETECT)
#undef MODELC_DETECT
  features.present = features.usable;
  return features;
}

int requestAmxPermission() { return ENOSYS; }

#endif

bool cpuFeaturesAreForced() {
  const char *value = getenv("MODELC_FORCE_CPU_FEATURES");
  return value && strcmp(value, "1") == 0;
}

bool needsAmx(uint64_t features) { return (features & kAmxFeatures) != 0; }

uint32_t usableCpuCount() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    return static_cast<uint32_t>(CPU_COUNT(&cpus));
  // More CPUs than cpu_set_t has bits.
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : static_cast<uint32_t>(online);
}

static const char *elfMachineName(uint16_t machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "AArch64";
  default:
    return "another processor";
  }
}

namespace {
/// Appends to a bounded buffer.
class Text {
public:
  Text(char *buffer, size_t bufferBytes) : next(buffer), left(bufferBytes) {
    *buffer = '\0';
  }
  void append(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(next, left, format, arguments);
    va_end(arguments);
    const size_t used = written < 0              ? 0
                        : size_t(written) < left ? size_t(written)
                                                 : left - 1;
    next += used;
    left -= used;
  }

private:
  char *next;
  size_t left;
};
} // namespace

/// Appends what keeps `variant` from running; false if nothing does.
static bool appendMisfit(const VariantTables &variant,
                         const CpuFeatures &machine, Text *text) {
  if (!variant.code.empty()) {
    Elf64_Ehdr elf = {};
    if (variant.code.size() >= sizeof(elf))
      memcpy(&elf, variant.code.data(), sizeof(elf));
    if (memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) {
      text->append("has code that is no ELF file");
      return true;
    }
    if (elf.e_machine != kHostElfMachine) {
      text->append("has code for %s (ELF machine %d), not %s",
                   elfMachineName(elf.e_machine), elf.e_machine,
                   elfMachineName(kHostElfMachine));
      return true;
    }
  }
  const uint64_t missing = variant.variant->features & ~machine.usable;
  if (missing == 0 || cpuFeaturesAreForced())
    return false;
  text->append("needs");
  for (uint32_t i = 0; i < MODELC_FEATURE_COUNT; ++i) {
    if ((missing >> i & 1) == 0)
      continue;
    const bool disabled = (machine.present >> i & 1) != 0;
    text->append(" %s%s", modelc_cpu_feature_name(i),
                 disabled ? " (disabled by the operating system)" : "");
  }
  return true;
}

modelc_code chooseVariant(const PlanTables &tables, uint32_t candidates,
                          const CpuFeatures &machine, const Reporter &report,
                          uint32_t *out_variant) {
  char reasons[MODELC_STATUS_MESSAGE_BYTES];
  Text text(reasons, sizeof(reasons));
  for (uint32_t i = 0; i < candidates; ++i) {
    const VariantTables variant = tables.variantTables(i);
    text.append("%s%s ", i > 0 ? "; " : "",
                tables.string(variant.variant->target));
    if (!appendMisfit(variant, machine, &text)) {
      *out_variant = i;
      return MODELC_OK;
    }
  }
  return report.fail(MODELC_FAILED_PRECONDITION,
                     "does not run on this machine: %s", reasons);
}

} // namespace modelc::rt
