//===- NeonDot.h - What AArch64's instruction sets share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_AARCH64_NEONDOT_H
#define MODELC_COMPILER_CODEGEN_AARCH64_NEONDOT_H

#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/StoredQuads.h"

namespace modelc::codegen {

/// Looks up by TBL, and gathers by a load for each entry.
class NeonIntDot : public IntDot {
public:
  mlir::Value lookUp(KernelBuilder &b, llvm::ArrayRef<int8_t> table,
                     mlir::Value indices) const override;
  mlir::Value gather(KernelBuilder &b, mlir::Value table,
                     mlir::Value indices) const override;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_AARCH64_NEONDOT_H
