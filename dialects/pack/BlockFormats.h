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
// with q = codebook[stored], or stored - zeroPoint without a codebook. How
// `stored` comes from the fields is the type's QuantKind:
//
//   Planes  quants | quants_high << bits(quants)
//   Grid    level | sign << bits(level): the level of this element in the entry
//           of a grid, which a number of several elements names
//   Trits   a digit to the base 3 of a byte that holds up to five of them
//
// Source: ggml's block structures and dequantisation
// (github.com/ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_BLOCKFORMATS_H
#define MODELC_DIALECTS_PACK_BLOCKFORMATS_H

#include "dialects/model/GgmlTypes.h"
#include "dialects/pack/Grids.h"
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
/// Numbers of entries of a grid, a bit for each sign, and words of several
/// things that GridFormat takes apart.
inline constexpr llvm::StringLiteral kGrid = "grid";
inline constexpr llvm::StringLiteral kGridHigh = "grid_high";
inline constexpr llvm::StringLiteral kSigns = "signs";
inline constexpr llvm::StringLiteral kMixed = "mixed";
/// Bytes of trits, by how far apart the elements of a byte are.
inline constexpr llvm::StringLiteral kTrits32 = "trits_32";
inline constexpr llvm::StringLiteral kTrits16 = "trits_16";
inline constexpr llvm::StringLiteral kTrits4 = "trits_4";

/// Fields of an image, which a kernel unpacks a panel to: what it makes of the
/// fields above.
inline constexpr llvm::StringLiteral kOperand = "operand"; ///< Quant + offset.
inline constexpr llvm::StringLiteral kBlockSubscale = "block_subscale"; ///< f32
inline constexpr llvm::StringLiteral kBlockScale = "block_scale"; ///< D, f32.
inline constexpr llvm::StringLiteral kBlockMin = "block_min";     ///< M, f32.

/// Fields of activations that are cut into three bf16, which add up to them.
inline constexpr llvm::StringLiteral kParts[] = {"high", "middle", "low"};

/// How the bits of `scale` are a number.
enum class ScaleKind {
  F16,
  /// 2^(e - 128): half of the power of two that OCP's E8M0 means, as the
  /// codebook holds doubled values.
  HalfE8M0,
  /// Half of an unsigned E4M3 (OCP 8-bit floating point), for the same reason.
  /// Bit 7 is not read; but 0x7f is 0, and 0xff is 480 / 2.
  HalfUE4M3,
  /// An F16, of which each of four `mixed` words has four bits, its highest:
  /// the first word those of least weight.
  F16InMixed,
};

enum class MinKind { None, Added, Subtracted };

enum class QuantKind { Planes, Grid, Trits };

/// A number that is a part of a field's elements, or a whole one: each element
/// of the field holds one for every `unit` elements of the weight, `bits` bits
/// each, the first from bit `first` on and the others `step` bits further.
struct Slice {
  llvm::StringRef field;
  int64_t bits = 0; ///< 0: there is no such number.
  int64_t unit = 0;
  int64_t first = 0, step = 0;
};

/// What the fields of a type with a grid mean.
struct GridFormat {
  Grid grid;
  Slice entry;     ///< Number of the entry, or its low bits.
  Slice entryHigh; ///< The bits above them, if there are more.
  /// The bit above the level. Of a unit of 1: a bit of each element. Of 7 bits:
  /// those of seven elements of 8, and the eighth is their parity. Else one
  /// bit for all elements of the unit.
  Slice sign;
  Slice subscale;
  /// D = scale * (2 * subscale + 1) / 2^scaleShift.
  int64_t scaleShift;

  int64_t getEntryBits() const { return entry.bits + entryHigh.bits; }
};

/// Bytes that hold `trits` elements each: byte j those of begin + j, begin + j
/// + bytes, and so on, the first being the most significant digit of the
/// fraction byte / 256 to the base 3.
struct TritRun {
  llvm::StringRef field;
  int64_t begin, bytes, trits;
};

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
  const GridFormat *grid = nullptr;   ///< Of QuantKind::Grid.
  llvm::ArrayRef<TritRun> trits = {}; ///< Of QuantKind::Trits.
  /// True if sub-blocks of 16 enter a dot product together, each sum multiplied
  /// by its subscale, which is no part of D then: of types whose products of
  /// quant and subscale are bytes. See docs/numerics.md, "Matmul".
  bool joinsSubBlocks = false;

  QuantKind getQuantKind() const {
    if (grid)
      return QuantKind::Grid;
    return trits.empty() ? QuantKind::Planes : QuantKind::Trits;
  }

  /// Elements whose products with activations are one exact sum: 16 or 32.
  int64_t getSumLength() const;
};

/// The format of a block type, or null for types that have none yet.
const BlockFormat *getBlockFormat(model::GgmlType type);

/// The same for the source type of a layout of a block type.
const BlockFormat &getBlockFormat(LayoutAttr layout);

/// Bits of a level of a grid.
int64_t getLevelBits(Grid grid);

/// The run of a block's element k.
const TritRun &getTritRun(const BlockFormat &format, int64_t k);

/// What a kernel adds to q to make it an unsigned byte: the zero point, the
/// flip of signed quants, or minus the least codebook entry. 0 for quants that
/// are stored as signed bytes.
int64_t getQuantOffset(LayoutAttr layout);

/// The largest quant plus getQuantOffset().
int64_t getLargestUnsignedQuant(LayoutAttr layout);

/// What the operands of an image are if they are products of quants and
/// subscales.
struct OperandProducts {
  /// The range, 255 at most. As signed bytes they hold it; plus -least they
  /// are unsigned ones.
  int64_t least, largest;
  /// True if all are negated, and D with them, which has the same result: of
  /// Q3_K, where -4 * -32 were too large for a signed byte.
  bool isNegated;
};

/// Those of a panel of a type that joins sub-blocks.
OperandProducts getOperandProducts(LayoutAttr panel);

/// True for an image that has products as operands.
bool holdsProducts(LayoutAttr layout);

/// How a unit of outer products, whose sums have 16 or 32 bits, adds up
/// getSumLength() products of q with activations in -127 .. 127; q is a quant,
/// or for types that join sub-blocks its product with a subscale. Sums of 16
/// bits are those of parts of the length, of which there are at most two:
///
///   elems * |q - center| * 127 <= 32767    for all q
///
/// and what the center takes away, center * sum(activations), is added later.
struct OuterSums {
  int64_t bits;   ///< 16 or 32.
  int64_t center; ///< What operands are less than q; 0 for 32 bits.
  int64_t elems;  ///< Of one sum: all of the length for 32 bits.
};

OuterSums getOuterSums(LayoutAttr layout);

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_BLOCKFORMATS_H
