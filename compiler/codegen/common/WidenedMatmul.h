//===- WidenedMatmul.h - Quants multiplied as bf16 numbers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a matrix unit of bf16 numbers brings to a matmul of block-quantised
// weights by many rows. A quant has 8 bits at most, so it is a bf16 number, and
// sums of their products over a sub-block are below 2^24, so that they are
// exact in any order: the unit gives float(s) of docs/numerics.md, "Matmul".
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_WIDENEDMATMUL_H
#define MODELC_COMPILER_CODEGEN_COMMON_WIDENEDMATMUL_H

#include "compiler/codegen/common/IntDot.h"

namespace modelc::codegen {

/// Widened images of `panels` panels times consecutive row tiles.
struct WidenedMatmul {
  pack::LayoutAttr image;
  pack::LayoutAttr input;
  int64_t columns;       ///< K, of the input.
  int64_t imageColumns;  ///< K of an image's place.
  int64_t panels;        ///< 1 .. 4.
  mlir::Value imageBase; ///< First byte of the first image.
  mlir::Value inputBase; ///< Where the first row tile has the image's first k.
  mlir::Value rowTiles;  ///< How many, i64, at least 1.
  mlir::Value groups;    ///< Of the images, i64, at least 1.
  mlir::Value products;  ///< Scratch of the matmul's getProductBytes().
  mlir::Value sums;      ///< f32 [row tile][panel][row of the tile][kLanes].
  mlir::Value zeros;     ///< Those of a row tile before the first k.
  mlir::Value begins;    ///< True if the images have the first k, i1.
};

/// True if the target has a matrix unit that multiplies these.
bool canMultiplyWidened(pack::LayoutAttr weight, pack::LayoutAttr input,
                        const target::TargetSpec &target);

/// Once in a kernel, before and behind all products with panels whose
/// sub-blocks are as long as those of `panel`.
void beginWidened(KernelBuilder &b, pack::LayoutAttr panel);
void endWidened(KernelBuilder &b);

/// Stores the quads of a step as the pairs of a widened image.
void unpackWidened(KernelBuilder &b, const UnpackStep &step);

/// Adds the images' products to `sums`.
void emitWidened(KernelBuilder &b, const WidenedMatmul &matmul);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_WIDENEDMATMUL_H
