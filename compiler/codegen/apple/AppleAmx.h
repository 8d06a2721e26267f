//===- AppleAmx.h - Apple AMX instructions in a kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H
#define MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H

#include "mlir/IR/Builders.h"

namespace modelc::codegen {

/// What one region of products leaves in Z.
enum class AppleAmxSums {
  /// int32 of one panel of X: fewer than 2^17 products of any bytes.
  Int32,
  /// int16 of two panels of X, which is twice as fast: whoever asks for them
  /// proves that no sum leaves the range.
  Int16,
};

/// Products of panels of int8, exact, in one region from `set` to `clr`.
///
///   panel[pair][row][2]: 32 rows and, side by side, two steps of k; 64 bytes
///   for a pair, so that a register of X or Y holds a pair for all rows
///
/// `x` points to panels of X, one for Int32, for Int16 two, which follow each
/// other; `y` to one panel of Y; `pairs` is an i64. `sums` takes
///
///   Int32: int32 [y row][x row]
///   Int16: int16 [y row][panel of X][x row]
///
/// sums = sum over pairs and both steps of x * y. All pointers are !llvm.ptr,
/// `sums` at a multiple of 128; `panelBytes`, an i64, is the distance of the
/// panels of X. Apple AMX must be off before, and is off behind.
/// The description of the instructions: docs/design/20261125-apple-amx.md.
void emitAppleAmxProducts(mlir::OpBuilder &b, mlir::Location loc,
                          AppleAmxSums kind, mlir::Value x,
                          mlir::Value panelBytes, mlir::Value y,
                          mlir::Value sums, mlir::Value pairs);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_APPLE_APPLEAMX_H
