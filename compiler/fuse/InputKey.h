//===- InputKey.h - Which linears prepare the same input
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linears with equal keys can be one: FuseGlu and FuseSharedInput agree on it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_FUSE_INPUTKEY_H
#define MODELC_COMPILER_FUSE_INPUTKEY_H

#include "dialects/model/ModelDialect.h"
#include <tuple>

namespace modelc::fuse {

/// Block, x, rows, norm, eps; whether the input is quantised (0 or 1); biases
/// of each weight (0 or 1).
using InputKey = std::tuple<mlir::Block *, mlir::Value, mlir::Value,
                            mlir::Value, mlir::Attribute, unsigned, unsigned>;

/// The key of a verified linear.
inline InputKey getInputKey(model::LinearOp op) {
  mlir::Type weight = op.getWeights()[0].getType();
  bool quantized =
      mlir::isa<model::QuantizedType>(model::getWeightElementType(weight));
  return {op->getBlock(),  op.getX(), op.getRows(),           op.getNorm(),
          op.getEpsAttr(), quantized, !op.getBiases().empty()};
}

} // namespace modelc::fuse

#endif // MODELC_COMPILER_FUSE_INPUTKEY_H
