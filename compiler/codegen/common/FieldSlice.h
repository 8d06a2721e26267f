//===- FieldSlice.h - Numbers that are parts of a field's elements
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_FIELDSLICE_H
#define MODELC_COMPILER_CODEGEN_COMMON_FIELDSLICE_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/pack/BlockFormats.h"

namespace modelc::codegen {

/// Reads, as an `element` or a vector of them, one for each row, the smallest
/// whole bytes that hold the element of `field` for k; or, if `element` is
/// larger, those and what follows them in the row.
using FieldLoader = llvm::function_ref<mlir::Value(
    llvm::StringRef field, mlir::Type element, int64_t k)>;

/// Bits [shift, shift + bits) of an integer or of a vector of integers.
mlir::Value emitBits(KernelBuilder &b, mlir::Value word, int64_t shift,
                     int64_t bits);

/// The slice's number for element `k`, as an integer of `type`.
mlir::Value emitSlice(KernelBuilder &b, pack::LayoutAttr layout,
                      const pack::Slice &slice, int64_t k, mlir::Type type,
                      FieldLoader load);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_FIELDSLICE_H
