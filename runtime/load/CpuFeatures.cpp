//===- CpuFeatures.cpp - The choice of a variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   variants, kSystemCode, features of the machine, its devices
//     ==>  the first that fits, or what each of them lacks
//
//===----------------------------------------------------------------------===//

#include "load/CpuFeatures.h"
#include "load/BoundedText.h"
#include "load/CodeFormat.h"
#include "load/FindDevice.h"
#include "modelc/cpu_features.h"
#include <stdlib.h>
#include <string.h>

namespace modelc::rt {

/// Of x86-64, whatever the machine.
static constexpr uint64_t kAmxFeatures =
    uint64_t(1) << MODELC_FEATURE_AMX_TILE |
    uint64_t(1) << MODELC_FEATURE_AMX_INT8 |
    uint64_t(1) << MODELC_FEATURE_AMX_BF16 |
    uint64_t(1) << MODELC_FEATURE_AMX_FP16;

bool cpuFeaturesAreForced() {
  const char *value = getenv("MODELC_FORCE_CPU_FEATURES");
  return value && strcmp(value, "1") == 0;
}

bool needsAmx(uint64_t features) { return (features & kAmxFeatures) != 0; }

static const char *systemName(CodeContainer container) {
  return container == CodeContainer::Elf ? "Linux (ELF)" : "macOS (Mach-O)";
}

/// Appends what code is for, if it is not for this machine.
static bool appendForeignCode(std::span<const uint8_t> code,
                              BoundedText *text) {
  const CodeFormat format = readCodeFormat(code);
  if (format == kSystemCode)
    return false;
  if (format.container == CodeContainer::Unknown)
    text->append("has code that is neither an ELF nor a Mach-O file");
  else if (format.container != kSystemCode.container)
    text->append("has code for %s, not %s", systemName(format.container),
                 systemName(kSystemCode.container));
  else
    text->append("has code for %s (%s %u), not %s", processorName(format),
                 format.container == CodeContainer::Elf ? "ELF machine"
                                                        : "Mach-O CPU",
                 format.processor, processorName(kSystemCode));
  return true;
}

/// Appends what keeps `variant` from running on the CPU; false if nothing does.
static bool appendMisfit(const VariantTables &variant,
                         const CpuFeatures &machine, BoundedText *text) {
  if (!variant.code.empty() && appendForeignCode(variant.code, text))
    return true;
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

/// Appends why the device for `target` cannot be used, if it cannot.
static bool appendMissingDevice(const char *target, BoundedText *text) {
  char reason[MODELC_STATUS_MESSAGE_BYTES];
  if (findHipDevice(target, reason, sizeof(reason)) == MODELC_OK)
    return false;
  text->append("%s", reason);
  return true;
}

modelc_code chooseVariant(const PlanTables &tables, uint32_t candidates,
                          const CpuFeatures &machine, const Reporter &report,
                          VariantChoice *out_choice) {
  VariantChoice choice;
  BoundedText text(choice.passedOver, sizeof(choice.passedOver));
  for (uint32_t i = 0; i < candidates; ++i) {
    const VariantTables variant = tables.variantTables(i);
    const char *target = tables.string(variant.variant->target);
    const bool isForDevice = variant.variant->deviceKind != MODELC_DEVICE_CPU;
    char misfit[MODELC_STATUS_MESSAGE_BYTES];
    BoundedText reason(misfit, sizeof(misfit));
    if (isForDevice ? !appendMissingDevice(target, &reason)
                    : !appendMisfit(variant, machine, &reason)) {
      choice.variant = i;
      *out_choice = choice;
      return MODELC_OK;
    }
    choice.lacksDevice |= isForDevice;
    text.append("%s%s %s", i > 0 ? "; " : "", target, misfit);
  }
  return report.fail(MODELC_FAILED_PRECONDITION,
                     "does not run on this machine: %s", choice.passedOver);
}

} // namespace modelc::rt
