//===- Math.h - Emits the functions of docs/numerics.md
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function works on kLanes lanes at once and gives each lane the bits
// that docs/numerics.md defines. None calls a library.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_MATH_H
#define MODELC_COMPILER_CODEGEN_COMMON_MATH_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/model/ModelDialect.h"

namespace modelc::codegen {

/// exp of a vector of f32.
mlir::Value emitExp(KernelBuilder &b, mlir::Value x);
/// The same where x <= 0 or NaN, in fewer instructions.
mlir::Value emitExpOfNonPositive(KernelBuilder &b, mlir::Value x);

/// tanh of a vector of f32.
mlir::Value emitTanh(KernelBuilder &b, mlir::Value x);

/// cap * tanh(x / cap) of a vector of f32.
mlir::Value emitSoftCap(KernelBuilder &b, mlir::Value x, float cap);

/// An activation of one input, of a vector of f32; `cap` is null but for
/// soft_cap.
mlir::Value emitActivation(KernelBuilder &b, model::Activation activation,
                           mlir::FloatAttr cap, mlir::Value x);

/// A gated unit, of vectors of f32.
mlir::Value emitGlu(KernelBuilder &b, model::Activation activation,
                    mlir::Value gate, mlir::Value up);

/// ln(1 + exp(x)) of a vector of f32.
mlir::Value emitSoftplus(KernelBuilder &b, mlir::Value x);

/// Cosine and sine, as vectors of f32, of angles in a vector of f64.
struct CosSin {
  mlir::Value cos, sin;
};
CosSin emitCosSin(KernelBuilder &b, mlir::Value theta);

/// The largest of the bit patterns of |x| of all lanes of some vectors of f32,
/// as an i32: infinities and NaNs are larger than all numbers.
mlir::Value emitLargestMagnitude(KernelBuilder &b,
                                 llvm::ArrayRef<mlir::Value> vectors);

/// The scalar mean of `elements` f32 at `row`.
mlir::Value emitMean(KernelBuilder &b, mlir::Value row, int64_t elements);

/// The scalar 1 / sqrt(mean of squares + eps) of `elements` f32 at `row`, less
/// `mean`, a scalar, if that is given.
mlir::Value emitInverseRms(KernelBuilder &b, mlir::Value row, int64_t elements,
                           float eps, mlir::Value mean = {});

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_MATH_H
