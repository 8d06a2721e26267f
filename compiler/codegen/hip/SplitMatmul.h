//===- SplitMatmul.h - One register tile by all rows of a work-group
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_SPLITMATMUL_H
#define MODELC_COMPILER_CODEGEN_HIP_SPLITMATMUL_H

#include "compiler/codegen/common/MatmulTile.h"

namespace modelc::codegen {

/// Bytes of LDS that emitSplitTile needs for tiles of such weights and
/// activations in a work-group of `groupRows` DPP rows.
int64_t getSplitBytes(pack::LayoutAttr weight, pack::LayoutAttr input,
                      int64_t groupRows);

/// The sums of all columns, with the same bits as emitMatmulTile would give, in
/// the DPP rows of the work-group's first wave; other rows' are undefined.
/// `links` is LDS of getSplitBytes. All rows of the group come here, for the
/// same tile of one panel.
llvm::SmallVector<mlir::Value>
emitSplitTile(KernelBuilder &b, const MatmulTile &tile, mlir::Value links);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_SPLITMATMUL_H
