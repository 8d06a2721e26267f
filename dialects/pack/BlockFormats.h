//===- BlockFormats.h - What the fields of quantised types mean
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layout says where the bits of a field lie; a block format says what number
// they stand for. Together they are all that an emitter needs to know of a
// type.
//
// The weight that element k of a row stands for is
//
//   w = D * q + M
//
//   D = scale * subscale                    subscale 1 if there is none
//   M = 0, min, or -(min * submin)          MinKind None, Added, Subtracted
//
// with q = codebook[stored], or stored - zeroPoint without a codebook, and
// stored = quants | quants_high << bits(quants).
//
// Source: ggml's block structures and dequantisation
// (github.com/ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_BLOCKFORMATS_H
#define MODELC_DIALECTS_PACK_BLOCKFORMATS_H

#include "dialects/model/GgmlTypes.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::pack {

/// Names of fields that packers and kernels agree on. Those that end in
/// `_high` continue the field without it: their bits are the more significant.
inline constexpr llvm::StringLiteral kValues = "values"; ///< Plain numbers.
inline constexpr llvm::StringLiteral kQuants = "quants"; ///< Integers.
inline constexpr llvm::StringLiteral kQuantsHigh = "quants_high";
inline constexpr llvm::StringLiteral kScale = "scale"; ///< Of a whole block.
inline constexpr llvm::StringLiteral kMin = "min";     ///< Of a whole block.
inline constexpr llvm::StringLiteral kSubscale = "subscale";
inline constexpr llvm::StringLiteral kSubscaleHigh = "subscale_high";
inline constexpr llvm::StringLiteral kSubmin = "submin";
inline constexpr llvm::StringLiteral kSubminHigh = "submin_high";

/// Fields of an image, which a kernel unpacks a panel to: what it makes of the
/// fields above.
inline constexpr llvm::StringLiteral kOperand = "operand"; ///< Quant + offset.
inline constexpr llvm::StringLiteral kBlockScale = "block_scale"; ///< D, f32.
inline constexpr llvm::StringLiteral kBlockMin = "block_min";     ///< M, f32.

/// How the bits of `scale` are a number.
enum class ScaleKind {
  F16,
  /// 2^(e - 128): half of the power of two that OCP's E8M0 means, as the
  /// codebook holds doubled values.
  HalfE8M0,
  /// Half of an unsigned E4M3 (OCP 8-bit floating point), for the same reason.
  /// Bit 7 is not read; 0x7f is 0.
  HalfUE4M3,
};

enum class MinKind { None, Added, Subtracted };

struct BlockFormat {
  model::GgmlType type;
  /// Elements that share D and M: 16 or 32.
  int64_t subBlock;
  int64_t zeroPoint;
  llvm::ArrayRef<int8_t> codebook; ///< 2^bits entries, or empty.
  ScaleKind scale;
  /// What stored subscales exceed the true ones by. If it is 0 and they have
  /// 8 bits, they are signed bytes.
  int64_t subscaleBias;
  MinKind min;
};

/// The format of a block type, or null for types that have none yet.
const BlockFormat *getBlockFormat(model::GgmlType type);

/// The same for the source type of a layout of a block type.
const BlockFormat &getBlockFormat(LayoutAttr layout);

/// What a kernel adds to q to make it an unsigned byte: the zero point, the
/// flip of signed quants, or minus the least codebook entry. 0 for quants that
/// are stored as signed bytes.
int64_t getQuantOffset(LayoutAttr layout);

/// The largest quant plus getQuantOffset().
int64_t getLargestUnsignedQuant(LayoutAttr layout);

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_BLOCKFORMATS_H
