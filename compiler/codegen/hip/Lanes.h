//===- Lanes.h - What the lanes of a DPP row can do together
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector of 16 * m elements is m of them in each of a row's 16 lanes: a
// scalar for m = 1, else a vector. All is built where the builder stands.
//
// Sources: LLVM, "User Guide for AMDGPU Backend", llvm.amdgcn.update.dpp; AMD,
// "CDNA3 Instruction Set Architecture", "RDNA3 Instruction Set Architecture",
// DPP and DS_BPERMUTE_B32.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_LANES_H
#define MODELC_COMPILER_CODEGEN_HIP_LANES_H

#include "compiler/codegen/common/KernelBuilder.h"

namespace modelc::codegen {

/// True for a vector that is dealt out to lanes.
bool isDistributed(mlir::Type type);
/// Elements that a lane has of it.
int64_t getLaneElements(mlir::Type type);
/// What a lane has of a vector; other types are what they are.
mlir::Type getLaneType(mlir::Type type);

class Lanes {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;

  /// Finds the lane's number at the beginning of a function.
  Lanes(mlir::OpBuilder &builder, mlir::Location loc, int64_t waveLanes);

  /// The lane's number in its row, i32.
  Value getNumber() const { return number; }

  /// `values[i]` in lane i; kLanes of them.
  Value select(llvm::ArrayRef<Value> values);
  /// The same of constants of one type.
  Value selectConstants(llvm::ArrayRef<mlir::TypedAttr> values);

  /// What lane `lane` has, in all lanes.
  Value share(Value value, int64_t lane);
  /// In lane i what lane (i + distance) % kLanes has.
  Value rotate(Value value, int64_t distance);
  /// In lane i what lane sources[i] has; -1 stands for any.
  Value permute(Value value, llvm::ArrayRef<int64_t> sources);

  /// Element `index` of what a lane has.
  Value getElement(Value value, int64_t index);
  /// What a lane has of a vector, from its elements.
  Value join(llvm::ArrayRef<Value> elements);
  /// The same of so many equal ones.
  Value splat(Value element, int64_t elements) {
    return join(llvm::SmallVector<Value>(elements, element));
  }
  /// A vector in every lane, whatever its size.
  Value makeVector(llvm::ArrayRef<Value> elements);

  int64_t getPermuteCount() const { return permutes; }

private:
  Value constI32(int32_t value);
  template <typename T>
  Value selectRange(llvm::ArrayRef<T> values, int64_t begin, int64_t size);
  Value makeValue(Value value) { return value; }
  Value makeValue(mlir::TypedAttr value);
  Value forEachWord(Value value, llvm::function_ref<Value(Value)> body);
  Value moveByDpp(Value value, uint32_t control);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  Value number;
  Value firstOfRow; ///< The number of the row's first lane in the wave, i32.
  int64_t permutes = 0;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_LANES_H
