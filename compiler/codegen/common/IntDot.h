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

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/PackDialect.h"

namespace modelc::codegen {

/// One block of kActivationBlock k, for the 16 rows of each of some panels and
/// the rows of one tile of activations.
struct DotBlock {
  pack::LayoutAttr weight;
  pack::LayoutAttr input;
  /// First byte of the weight group that holds the block, per panel.
  llvm::SmallVector<mlir::Value> weightGroups;
  /// First element of the block inside its weight group.
  int64_t k = 0;
  /// First byte of the activation group, which is the block.
  mlir::Value inputGroup;
};

/// How many k of a block the instruction set takes at once, and how.
class IntDot {
public:
  virtual ~IntDot() = default;

  /// True if `emit` can multiply these.
  virtual bool supports(pack::LayoutAttr weight,
                        pack::LayoutAttr input) const = 0;

  /// The exact sums over the block of true weight quants times activation
  /// quants: vectors of kLanes i32, [panel][row of the activation tile].
  virtual llvm::SmallVector<mlir::Value> emit(KernelBuilder &b,
                                              const DotBlock &block) const = 0;
};

/// The one for the target's instruction set. Lives for ever.
const IntDot &getIntDot(target::Isa isa);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_INTDOT_H
