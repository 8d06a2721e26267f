//===- HipDot.h - What integer dot products on AMD GPUs share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_HIPDOT_H
#define MODELC_COMPILER_CODEGEN_HIP_HIPDOT_H

#include "compiler/codegen/common/IntDot.h"

namespace modelc::codegen {

/// Looks up by V_PERM, and gathers by a load in each lane.
class HipIntDot : public IntDot {
public:
  mlir::Value lookUp(KernelBuilder &b, llvm::ArrayRef<int8_t> table,
                     mlir::Value indices) const override;
  mlir::Value gather(KernelBuilder &b, mlir::Value table,
                     mlir::Value indices) const override;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_HIPDOT_H
