//===- Passes.h - Passes of the fuse stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the model as imported to the model in steps. See Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_FUSE_PASSES_H
#define MODELC_COMPILER_FUSE_PASSES_H

#include "dialects/model/ModelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace modelc::fuse {

#define GEN_PASS_DECL
#include "compiler/fuse/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/fuse/Passes.h.inc"

} // namespace modelc::fuse

#endif // MODELC_COMPILER_FUSE_PASSES_H
