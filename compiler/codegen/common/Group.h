//===- Group.h - Sorting the slots of tokens by expert
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the kernels that group and those that route and group at once.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_GROUP_H
#define MODELC_COMPILER_CODEGEN_COMMON_GROUP_H

#include "compiler/codegen/common/KernelBuilder.h"

namespace modelc::codegen {

/// Sizes and memory of one grouping; the arrays are those of
/// dialects/plan/ExpertGroups.h.
struct Grouping {
  int64_t experts, slots, rowTile;
  mlir::Value ids; ///< Read: u32 [tokens][slots], each below `experts`.
  mlir::Value counts, groups, rows, places; ///< Written.
  mlir::Value counters; ///< Scratch: u32 [experts], in whole vectors.
};

/// Groups the slots of `tokens` tokens.
void emitGrouping(KernelBuilder &b, const Grouping &grouping,
                  mlir::Value tokens);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_GROUP_H
