//===- Plan.h - An open plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What modelc_open makes. Everything in it is constant afterwards, so threads
// share it without locks.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_PLAN_H
#define MODELC_RUNTIME_LOAD_PLAN_H

#include "load/CodeImage.h"
#include "load/Memory.h"
#include "load/PlanTables.h"
#include "load/Reporter.h"

namespace modelc::rt {
class HipPlan;
} // namespace modelc::rt

struct modelc_plan {
  /// File name without directory; begins the messages about the plan.
  char name[256] = {};
  /// The plan's file; empty for a plan in memory.
  modelc::rt::Mapping file;
  modelc::rt::PlanTables tables;
  /// The first variant that fits the machine.
  uint32_t variantIndex = 0;
  /// Its message is that of modelc_plan_warning.
  modelc_status warning = {};
  modelc::rt::VariantTables variant;
  /// On a CPU: the code, and one function for each record of variant.kernels.
  modelc::rt::CodeImage code;
  modelc::rt::HeapArray<ModelcKernel> kernels;
  /// On a GPU: kernels and weights there. Null on a CPU.
  modelc::rt::Owned<modelc::rt::HipPlan> hip;
};

namespace modelc::rt {

/// Compares the bytes of all weights with their checksums, and the bytes
/// between them with zero, on all CPUs. DATA_LOSS names the first that differs.
modelc_code verifyWeights(const PlanTables &tables, const Reporter &report);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_PLAN_H
