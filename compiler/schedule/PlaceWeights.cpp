//===- PlaceWeights.cpp - Offsets of weights and constants
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   plan.weight @a : 100 bytes  ==>  at 0
//   plan.weight @b : 300 bytes  ==>  at 128
//
// Assumes nothing. Leaves an offset on every weight and constant; the sizes of
// weights are those of tensors in a file, so their sum is one of a file.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Passes.h"
#include "compiler/schedule/WeightPlacement.h"
#include "modelc/kernel_abi.h"
#include "llvm/Support/MathExtras.h"

namespace modelc::schedule {
#define GEN_PASS_DEF_PLACEWEIGHTSPASS
#include "compiler/schedule/Passes.h.inc"
} // namespace modelc::schedule

using namespace mlir;
using namespace modelc;

/// Bytes of a constant, if the plan file can hold it as it is.
static FailureOr<uint64_t> getConstantBytes(plan::ConstantOp constant) {
  Type element = constant.getValue().getElementType();
  if (!isa<DenseElementsAttr>(constant.getValue()) || !element.isIntOrFloat() ||
      element.getIntOrFloatBitWidth() % 8 != 0)
    return constant.emitOpError("expected dense numbers of whole bytes, found ")
           << constant.getValue();
  return constant.getValue().getNumElements() *
         (element.getIntOrFloatBitWidth() / 8);
}

namespace {

class PlaceWeights : public schedule::impl::PlaceWeightsPassBase<PlaceWeights> {
  void runOnOperation() override {
    uint64_t offset = 0;
    for (auto weight : getOperation().getBody().getOps<plan::WeightOp>()) {
      pack::PackedTensorType type = weight.getPackedType();
      offset = llvm::alignTo(offset, schedule::getWeightAlign(type));
      weight.setOffset(offset);
      offset += type.getPackedBytes();
    }
    weightBytes = offset;
    offset = 0;
    for (auto constant : getOperation().getBody().getOps<plan::ConstantOp>()) {
      offset = llvm::alignTo(offset, MODELC_BUFFER_ALIGN);
      FailureOr<uint64_t> bytes = getConstantBytes(constant);
      if (failed(bytes))
        return signalPassFailure();
      constant.setOffset(offset);
      offset += *bytes;
    }
  }
};

} // namespace
