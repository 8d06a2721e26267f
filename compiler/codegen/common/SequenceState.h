//===- SequenceState.h - State of a fixed size for each sequence
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_SEQUENCESTATE_H
#define MODELC_COMPILER_CODEGEN_COMMON_SEQUENCESTATE_H

#include "compiler/codegen/common/KernelBuilder.h"

namespace modelc::codegen {

/// The part of a token's sequence in a state of kind SEQUENCE.
struct SequenceState {
  mlir::Value address; ///< First byte of the sequence's state.
  mlir::Value isFirst; ///< i1: the token is the first of its sequence.
};

/// Finds the state of `token` (i64) in `pool`, which has `bytes` for each
/// sequence.
SequenceState emitSequenceState(KernelBuilder &b, mlir::Value pool,
                                mlir::Value token, int64_t bytes);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_SEQUENCESTATE_H
