//===- QuadDot.h - What integer dot products on vectors share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For instruction sets that keep 16 weight rows in lanes and multiply a quad of
// each by a quad of activations.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_QUADDOT_H
#define MODELC_COMPILER_CODEGEN_COMMON_QUADDOT_H

#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/StoredQuads.h"

namespace modelc::codegen {

/// True if the weights are panels whose quads can be read, and the activations
/// quads that have what such weights need.
bool canReadQuads(pack::LayoutAttr weight, pack::LayoutAttr input);

/// True if quants are stored as signed bytes.
bool hasSignedQuants(pack::LayoutAttr weight);

/// What the bytes of `layout`, which is `panel` or its image, exceed the quants
/// by where both sides of products are signed bytes.
int64_t getSignedOffset(pack::LayoutAttr layout, pack::LayoutAttr panel);

/// True if weight bytes are numbers that a product of signed bytes takes for
/// what they are.
bool fitsSigned(pack::LayoutAttr weight);

/// First elements of the sub-block's quads, in the order of their weight bytes.
llvm::SmallVector<int64_t> getQuads(const DotBlock &block);

/// Rows [begin, begin + rows) of a panel, k counted from the cursor. All rows
/// are loaded, as they are for scales, so that the two loads are one.
StoredQuads readRows(KernelBuilder &b, const GroupCursor &weight, int64_t begin,
                     int64_t rows);

/// -offset * sum(activations) of a row, in every lane: where the sum of a dot
/// product starts whose operands are `offset` too large.
mlir::Value loadStart(KernelBuilder &b, const DotBlock &block, int64_t row,
                      int64_t offset);

/// The same for all sums of a block, [panel][row].
llvm::SmallVector<mlir::Value>
loadStarts(KernelBuilder &b, const DotBlock &block, int64_t offset);

/// All rows of the block's panels.
std::vector<StoredQuads> readPanels(KernelBuilder &b, const DotBlock &block);

/// A quad of the step's as its image has it, from element k on, in signed
/// bytes: quants, or products with subscales.
mlir::Value makeTrueOperand(KernelBuilder &b, StoredQuads &quads,
                            const UnpackStep &step, int64_t k);

/// Stores all quads of the step in its image, as makeTrueOperand has them.
void unpackTrueQuads(KernelBuilder &b, const UnpackStep &step);

/// The same plus `offset`.
void unpackQuads(KernelBuilder &b, const UnpackStep &step, int64_t offset);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_QUADDOT_H
