//===- ModelTypes.td - Types of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELTYPES_TD
#define MODELC_DIALECTS_MODEL_MODELTYPES_TD

include "dialects/model/ModelDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Model_QuantizedType : TypeDef<Model_Dialect, "Quantized"> {
  let mnemonic = "ggml";
  let summary = "Element type of a quantised GGUF tensor";
  let description = [{
    The element type of a tensor whose blocks are of a quantised ggml type:

    ```mlir
    tensor<256x512x!model.ggml<q4_0>>
    ```

    Float and integer tensors have builtin element types instead. Names, block
    sizes and ids are in GgmlTypes.def.

    Constraints:
    * (C1) the name is a quantised type of GgmlTypes.def.
  }];
  let parameters = (ins "::modelc::model::GgmlType":$type);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // MODELC_DIALECTS_MODEL_MODELTYPES_TD
