//===- PlanDialect.h - The plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANDIALECT_H
#define MODELC_DIALECTS_PLAN_PLANDIALECT_H

#include "dialects/pack/PackDialect.h"
#include "mlir/IR/RegionKindInterface.h"

namespace modelc::plan {

/// What a kernel does to the memory of one operand.
enum class Access { Read, Write, ReadWrite };

inline bool reads(Access access) { return access != Access::Write; }
inline bool writes(Access access) { return access != Access::Read; }

} // namespace modelc::plan

#include "dialects/plan/PlanDialect.h.inc"
#include "dialects/plan/PlanEnums.h.inc"
#include "dialects/plan/PlanInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/plan/PlanAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.h.inc"

#endif // MODELC_DIALECTS_PLAN_PLANDIALECT_H
