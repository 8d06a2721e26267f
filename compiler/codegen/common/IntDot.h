//===- IntDot.h - Integer dot products of one block
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an instruction set brings to a matmul of block-quantised weights. All
// else about these kernels is common.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_INTDOT_H
#define MODELC_COMPILER_CODEGEN_COMMON_INTDOT_H

#include "compiler/codegen/common/GroupCursor.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// What one exact sum goes over: a sub-block, or two, for the 16 rows of each
/// of some panels and the rows of one tile of activations.
struct DotBlock {
  pack::LayoutAttr input;
  /// The panel layout of the weights.
  pack::LayoutAttr panel;
  /// Where each panel's group stands: all in `panel`, or all in its image.
  llvm::ArrayRef<GroupCursor> weights;
  /// First element from the cursors.
  int64_t k = 0;
  /// Elements: 16 or 32.
  int64_t length = 0;
  /// First byte of the activation group that they lie in.
  mlir::Value inputGroup;
  /// First element inside the activation group.
  int64_t inputK = 0;
  /// Scratch of the matmul's getProductBytes(), or null. With groups of rows,
  /// the products of the step's first sub-block and the group's first row.
  mlir::Value products;
};

/// A step of one panel that is unpacked.
struct UnpackStep {
  GroupCursor panel;
  int64_t elements;  ///< Of k, from the cursor.
  mlir::Value image; ///< Where the image has this step.
  /// First byte, from there, of the quad that begins with element k.
  llvm::function_ref<int64_t(int64_t k)> getByte;
  pack::LayoutAttr layout; ///< The image's.
};

struct ColumnRange;

/// One row tile and the images of some panels.
struct ImageProducts {
  pack::LayoutAttr panel; ///< The weight's.
  pack::LayoutAttr image;
  pack::LayoutAttr input;
  int64_t panels;
  int64_t imageColumns;
  mlir::Value imageBase; ///< First byte of the first image.
  mlir::Value inputBase; ///< First byte of what meets the images' first group.
  /// First byte of the products: [panel][sub-block of imageColumns][row]
  /// [kLanes] i32, if the instruction set says nothing else.
  mlir::Value products;
  mlir::Value rowTile; ///< Number of the tile, i64.
  mlir::Value rows;    ///< Rows that all tiles have, i64, or null: all.

  /// Bytes of one sub-block's products, and of one panel's.
  int64_t getBlockBytes() const;
  int64_t getPanelBytes() const;
};

/// Bytes from products of one panel, row or step to those of the next.
struct ProductStrides {
  int64_t panel, row, step;
};

/// Those rows of a row tile whose sums a part of a kernel has: all, or, where a
/// wave of a GPU shares a row tile, those of a DPP row.
struct RowShare {
  int64_t rows;           ///< How many.
  int64_t stride = 1;     ///< Rows from one to the next.
  mlir::Value first = {}; ///< The first, i64, or null: 0.
};

/// How many k of a block the instruction set takes at once, and how.
class IntDot {
public:
  virtual ~IntDot() = default;

  /// True if `emit` can multiply these.
  virtual bool supports(pack::LayoutAttr weight,
                        pack::LayoutAttr input) const = 0;

  /// True if `emit` reads images only.
  virtual bool needsImages() const { return false; }

  /// Rows of a row tile that `emit` takes at once, if `multiply` has made the
  /// products of all of them, which it reads; 0 if it multiplies itself.
  virtual int64_t getGroupRows() const { return 0; }

  /// The rows that `emit` has sums of, all fields of which lie a word apart if
  /// they are not all.
  virtual RowShare getRowShare(KernelBuilder & /*b*/,
                               pack::LayoutAttr input) const {
    return {input.getRows()};
  }

  /// Makes the products of `range`, a part of the images' columns.
  virtual void multiply(KernelBuilder &, const ImageProducts &,
                        const ColumnRange & /*range*/) const {}

  /// Where these products are.
  virtual ProductStrides getProductStrides(const ImageProducts &products) const;

  /// The layout of a panel's image, which `unpack` writes and `emit` reads; or
  /// of one that several panels share, side by side, if it has more rows.
  virtual pack::LayoutAttr getImageLayout(pack::LayoutAttr panel) const;

  /// Once in a kernel, before and behind all that `emit` gives.
  virtual void begin(KernelBuilder &) const {}
  virtual void end(KernelBuilder &) const {}

  /// The exact sums over the block of true weight quants, or what an image has
  /// of them, times activation quants: vectors of kLanes i32, [panel][row of
  /// the activation tile].
  virtual llvm::SmallVector<mlir::Value> emit(KernelBuilder &b,
                                              const DotBlock &block) const = 0;

  /// Stores the quads of a step as `emit` multiplies them: the `operand` of the
  /// panel's image.
  virtual void unpack(KernelBuilder &b, const UnpackStep &step) const = 0;

  /// table[index] for each byte of `indices`, a vector of 16, 32 or 64 bytes
  /// below 16. `table` has at most 16 entries.
  virtual mlir::Value lookUp(KernelBuilder &b, llvm::ArrayRef<int8_t> table,
                             mlir::Value indices) const = 0;

  /// table[index] for each of 1, 8 or 16 `indices`, a vector of i32 below
  /// 2^31: words of the table at this address.
  virtual mlir::Value gather(KernelBuilder &b, mlir::Value table,
                             mlir::Value indices) const = 0;

  /// True if `permute` finds words of a table of so many for 2 * `rows` indices
  /// in fewer cycles than `gather`.
  virtual bool canPermute(int64_t /*words*/, int64_t /*rows*/) const {
    return false;
  }

  /// table[index] for each of some vectors of `indices`, i16 below the size of
  /// the table, a power of two. Vectors that are asked for at once share the
  /// loads of the table.
  virtual llvm::SmallVector<mlir::Value>
  permute(KernelBuilder & /*b*/, llvm::ArrayRef<uint16_t> /*table*/,
          llvm::ArrayRef<mlir::Value> /*indices*/) const {
    llvm_unreachable("this instruction set only gathers");
  }
};

/// The one of an instruction set. Lives for ever.
const IntDot &getIntDot(target::Isa isa);

/// The one that multiplies by such activations on this target.
const IntDot &getIntDot(const target::TargetSpec &target,
                        pack::LayoutAttr input);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_INTDOT_H
