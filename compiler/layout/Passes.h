//===- Passes.h - Passes of the layout stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the model in steps to the model with packed weights. See Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_LAYOUT_PASSES_H
#define MODELC_COMPILER_LAYOUT_PASSES_H

#include "dialects/pack/PackDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <memory>

namespace modelc::layout {

#define GEN_PASS_DECL
#include "compiler/layout/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "compiler/layout/Passes.h.inc"

} // namespace modelc::layout

#endif // MODELC_COMPILER_LAYOUT_PASSES_H
