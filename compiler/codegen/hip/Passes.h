//===- Passes.h - Passes of code generation for AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From kernels as emitters write them to code of one work-item. See Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_PASSES_H
#define MODELC_COMPILER_CODEGEN_HIP_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace modelc::codegen {

#define GEN_PASS_DECL
#include "compiler/codegen/hip/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/codegen/hip/Passes.h.inc"

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_PASSES_H
