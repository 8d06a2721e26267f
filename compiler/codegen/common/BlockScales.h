//===- BlockScales.h - The scales and minima of quantised blocks
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the stored fields to the numbers D and M of dialects/pack/BlockFormats.h
// (docs/numerics.md, "Block scales"), for the rows of a panel at once or for
// one row.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_BLOCKSCALES_H
#define MODELC_COMPILER_CODEGEN_COMMON_BLOCKSCALES_H

#include "compiler/codegen/common/FieldSlice.h"

namespace modelc::codegen {

/// f32, scalars or vectors of kLanes.
struct BlockScales {
  mlir::Value scale; ///< D.
  mlir::Value min;   ///< What is added: M or -M; null if the type has none.
};

/// D and M of the sub-block that begins with element `k` of the group. D has no
/// subscale in it where sub-blocks are joined.
BlockScales emitBlockScales(KernelBuilder &b, pack::LayoutAttr layout,
                            int64_t k, FieldLoader load);

/// The true subscale of a type that keeps one in a field of its own, i32.
mlir::Value emitSubscale(KernelBuilder &b, pack::LayoutAttr layout, int64_t k,
                         FieldLoader load);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_BLOCKSCALES_H
