//===- Passes.h - Passes of the schedule stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the packed model to a plan without free choices. See Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SCHEDULE_PASSES_H
#define MODELC_COMPILER_SCHEDULE_PASSES_H

#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace modelc::schedule {

#define GEN_PASS_DECL
#include "compiler/schedule/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/schedule/Passes.h.inc"

} // namespace modelc::schedule

#endif // MODELC_COMPILER_SCHEDULE_PASSES_H
