//===- ModelDialect.td - The model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELDIALECT_TD
#define MODELC_DIALECTS_MODEL_MODELDIALECT_TD

include "mlir/IR/OpBase.td"

def Model_Dialect : Dialect {
  let name = "model";
  let cppNamespace = "::modelc::model";
  let summary = "A language model as a network of logical tensors";
  let description = [{
    The model dialect says what a network computes, on logical tensors, and
    nothing of how its bytes lie or who computes which part. See README.md.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif // MODELC_DIALECTS_MODEL_MODELDIALECT_TD
