//===- WorkGroup.h - How a GPU's work-groups share a kernel's tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_WORKGROUP_H
#define MODELC_COMPILER_CODEGEN_HIP_WORKGROUP_H

#include "compiler/target/TargetSpec.h"
#include "dialects/plan/PlanDialect.h"

namespace modelc::codegen {

/// A work-group, which is one wave or some. Its DPP rows, of 16 work-items
/// each, have a tile each, or share one.
struct WorkGroup {
  int64_t threads = 0; ///< Work-items; 0 on CPUs.
  int64_t tiles = 0;   ///< Those of the step that it computes.
  /// Bytes of LDS of a tile, whole multiples of MODELC_BUFFER_ALIGN.
  int64_t scratchBytes = 0;
  bool sharesTile = false; ///< All rows work on one tile.
};

/// That of a kernel. Zeros on CPUs. Code generation and the plan's records ask
/// here; rows that have no LDS left for a tile of their own idle.
WorkGroup getWorkGroup(plan::KernelSpecInterface spec,
                       const target::TargetSpec &target);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_WORKGROUP_H
