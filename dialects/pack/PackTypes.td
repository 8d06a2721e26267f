//===- PackTypes.td - Types of the pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKTYPES_TD
#define MODELC_DIALECTS_PACK_PACKTYPES_TD

include "dialects/pack/PackAttrs.td"
include "dialects/model/ModelInterfaces.td"

def Pack_TensorType : TypeDef<Pack_Dialect, "PackedTensor",
    [DeclareTypeInterfaceMethods<Model_WeightTypeInterface>]> {
  let mnemonic = "tensor";
  let summary = "A weight in a packed layout";
  let description = [{
    ```mlir
    !pack.tensor<512x256, #layout>
    ```

    Constraints:
    * (C1) one to three positive dimensions.
    * (C2) K is a multiple of the source type's block.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::modelc::pack::LayoutAttr":$layout);
  let assemblyFormat = "`<` custom<Shape>($shape) `,` $layout `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes of the packed weight.
    uint64_t getPackedBytes() const {
      return getLayout().getPackedBytes(getShape());
    }
  }];
}

#endif // MODELC_DIALECTS_PACK_PACKTYPES_TD
