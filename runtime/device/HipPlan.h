//===- HipPlan.h - What the sessions of a plan share on a device
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels, weights and constants of one variant. Constant once it is open, so
// threads share it without locks.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPPLAN_H
#define MODELC_RUNTIME_DEVICE_HIPPLAN_H

#include "device/HipMemory.h"
#include "device/HipStream.h"
#include "load/Memory.h"
#include "load/PlanTables.h"
#include "load/Reporter.h"

namespace modelc::rt {

class HipPlan {
public:
  HipPlan() = default;
  HipPlan(const HipPlan &) = delete;
  HipPlan &operator=(const HipPlan &) = delete;
  ~HipPlan();

  /// Finds a device for `variant`, whose bytes outlive this, loads its code and
  /// puts its weights there: copied, or where the device uses the host's
  /// memory mapped. FAILED_PRECONDITION without a device; RESOURCE_EXHAUSTED
  /// says how much memory is needed and how much is free, before anything is
  /// done; INTERNAL if HIP fails.
  [[nodiscard]] modelc_code open(const PlanTables &tables,
                                 const VariantTables &variant,
                                 const Reporter &report);

  const HipDevice &device() const { return hipDevice; }
  HipFunctionHandle kernel(uint32_t index) const { return kernels[index]; }
  /// The device's addresses: of each weight, and of CONSTANTS.
  const uint8_t *const *weights() const { return weightAddresses.data(); }
  const uint8_t *constants() const { return constantsCopy.data(); }

private:
  bool loadKernels(const PlanTables &tables, const VariantTables &variant,
                   HipStream *stream, const char **out_missing);
  bool copyWeights(const VariantTables &variant, uint64_t weightBytes,
                   HipStream *stream);

  HipDevice hipDevice;
  HipModuleHandle module = nullptr;
  HeapArray<HipFunctionHandle> kernels;
  HipMappedRange mappedWeights;
  HipBuffer copiedWeights;
  HipBuffer constantsCopy;
  HeapArray<const uint8_t *> weightAddresses;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPPLAN_H
