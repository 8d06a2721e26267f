//===- GroupCursor.h - A place inside the groups of a packed matrix
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels run through a group in steps of k. Each field advances by a stride
// of its own, which the layout gives; the cursor knows them all, so that a
// loop over steps needs one counter.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_GROUPCURSOR_H
#define MODELC_COMPILER_CODEGEN_COMMON_GROUPCURSOR_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// True if every field advances by the same whole number of bytes with every
/// `step` elements of k: one that lasts longer than a step stays where it is.
bool advancesEvenly(pack::LayoutAttr layout, int64_t step);

/// Step `index` of the group that begins at `base`. Without an index, k counts
/// from the group's beginning.
struct GroupCursor {
  pack::LayoutAttr layout;
  mlir::Value base;
  mlir::Value index; ///< i64, or null.
  int64_t step = 0;  ///< Elements of one step; advancesEvenly.

  /// First byte of the group, moved by what `field` advances in `index` steps.
  mlir::Value getBase(KernelBuilder &b, llvm::StringRef field) const;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_GROUPCURSOR_H
