//===- ModelInterfaces.td - Interfaces of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELINTERFACES_TD
#define MODELC_DIALECTS_MODEL_MODELINTERFACES_TD

include "mlir/IR/OpBase.td"

def Model_WeightTypeInterface : TypeInterface<"WeightTypeInterface"> {
  let cppNamespace = "::modelc::model";
  let description = [{
    A type that stands for a weight matrix but is no tensor: later dialects
    give weights other types (`!pack.tensor`), and model ops still ask for
    their logical shape.
  }];
  let methods = [
    InterfaceMethod<"Logical shape, rows first.",
      "::llvm::ArrayRef<int64_t>", "getWeightShape">,
    InterfaceMethod<"Element type of the source tensor.",
      "::mlir::Type", "getWeightElementType">
  ];
}

#endif // MODELC_DIALECTS_MODEL_MODELINTERFACES_TD
