//===- OuterFloats.h - Panels of floats by outer products
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a unit of outer products of floats brings to matmuls of many rows. Its
// sums are the chains of vectors: one fma for each k, in ascending order.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_OUTERFLOATS_H
#define MODELC_COMPILER_CODEGEN_COMMON_OUTERFLOATS_H

#include "compiler/codegen/common/ImageMatmul.h"

namespace modelc::codegen {

/// True if the target has a unit that multiplies these: panels of floats by
/// tiles of pack::kPairTileRows rows.
bool canMultiplyOuter(pack::LayoutAttr weight, pack::LayoutAttr input,
                      const target::TargetSpec &target);

/// Leaves the sums of all row tiles in `matmul.sums`. The image is f32,
/// [panel][k][row], for panels of other floats.
void emitOuterFloats(KernelBuilder &b, const ImageMatmul &matmul);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_OUTERFLOATS_H
