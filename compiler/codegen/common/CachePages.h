//===- CachePages.h - How kernels read and write pages of the cache
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the kernels that fill pages and those that read them expect of the
// layouts of both types of cache (pack::getKeyPageLayout, getValuePageLayout).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_CACHEPAGES_H
#define MODELC_COMPILER_CODEGEN_COMMON_CACHEPAGES_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// Where a page of MODELC_PAGE_TOKENS positions has element d of position j:
/// at byte `first` + j * `rowStride` + d * `elementStride`; if the page has
/// scales (f16), that of block b = d / `blockElems` at byte `firstScale` + j *
/// `scaleRowStride` + b * `scaleStride`.
struct CachePage {
  llvm::StringRef field; ///< Of elements.
  bool hasScales;        ///< Elements are i8; else f16.
  int64_t dim;
  int64_t elementBytes;
  int64_t first, rowStride, elementStride;
  int64_t blockElems = 0, firstScale = 0, scaleRowStride = 0, scaleStride = 0;
  bool isTurned = false; ///< Elements are f32: no page, but a copy of one.

  mlir::Type getElementType(KernelBuilder &b) const {
    return isTurned ? b.f32() : hasScales ? b.i8() : b.f16();
  }
};

/// Keys of `dim` elements: consecutive positions lie side by side. Nothing for
/// another layout.
std::optional<CachePage> getKeyPage(pack::LayoutAttr layout, int64_t dim);

/// Values of `dim` elements: consecutive elements lie side by side. Nothing for
/// another layout.
std::optional<CachePage> getValuePage(pack::LayoutAttr layout, int64_t dim);

/// `lanes` elements, from element (0, 0)'s place in a page at `pointer` +
/// `bytes` on, as f32; times their scales, if the page has any.
mlir::Value loadElements(KernelBuilder &b, const CachePage &page,
                         mlir::Value pointer, int64_t bytes, int64_t lanes,
                         mlir::Value scales);

/// `vectors` vectors of positions, from position `first` on, of the keys of a
/// page at `page`.
struct KeyVectors {
  mlir::Value page, first;
  int64_t vectors;
};

/// Gives the next sums; `scales` are those of each vector, null if the page has
/// none.
using AddKeyElement = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::Value d, mlir::ValueRange sums, llvm::ArrayRef<mlir::Value> scales)>;

/// Runs the body for all elements d in ascending order. Scales stay in
/// registers for a block of elements.
llvm::SmallVector<mlir::Value> forEachKeyElement(KernelBuilder &b,
                                                 const CachePage &layout,
                                                 const KeyVectors &keys,
                                                 mlir::ValueRange initial,
                                                 AddKeyElement body);

/// Asks for part `turn` of what lies at `pointer` in parts of `bytes` bytes.
void prefetchPart(KernelBuilder &b, mlir::Value pointer, mlir::Value turn,
                  int64_t bytes);

/// Elements first + 16 * v .. + vectorLanes[v] of positions [0, limit) of the
/// keys of a page at `page`.
struct KeyElements {
  mlir::Value page, limit, first;
  llvm::ArrayRef<int64_t> vectorLanes;
};

/// Copies them to `target` as getTurnedPage() has them, and of the positions up
/// to the next multiple of kLanes what the page holds. Other lanes are 0.
void emitTurnedKeys(KernelBuilder &b, const CachePage &layout,
                    const KeyElements &keys, mlir::Value target);

/// Elements that emitTurnedKeys() made: f32 [position][vectors * kLanes].
CachePage getTurnedPage(int64_t vectors);

/// The scale of an element of a position of the values of a page at `page`, in
/// every lane.
mlir::Value splatValueScale(KernelBuilder &b, const CachePage &layout,
                            mlir::Value page, mlir::Value position,
                            mlir::Value element);

/// Scale (f16) and quants (i8) of a block of 32 elements, given as two vectors
/// of f32: docs/numerics.md, "Attention".
struct CachedBlock {
  mlir::Value scale;
  llvm::SmallVector<mlir::Value, 2> quants;
};
CachedBlock emitCachedBlock(KernelBuilder &b, llvm::ArrayRef<mlir::Value> x);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_CACHEPAGES_H
