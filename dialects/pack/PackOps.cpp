//===- PackOps.cpp - Verifiers of the pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the numbered constraints of PackOps.td.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/PackDialect.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace modelc::pack;

#define GET_OP_CLASSES
#include "dialects/pack/PackOps.cpp.inc"

LogicalResult RepackOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  PackedTensorType result = getResult().getType();
  // repack_c1
  if (source.getShape() != result.getShape())
    return emitOpError("expected the source's shape ")
           << source << ", found " << result;
  // repack_c2
  if (source.getElementType() != result.getLayout().getSource())
    return emitOpError("layout is of ")
           << result.getLayout().getSource() << ", the source of "
           << source.getElementType();
  return success();
}
