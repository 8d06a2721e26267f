//===- PackOps.td - Operations of the pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKOPS_TD
#define MODELC_DIALECTS_PACK_PACKOPS_TD

include "dialects/pack/PackTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Pack_RepackOp : Op<Pack_Dialect, "repack", [Pure]> {
  let summary = "A weight's bytes in another layout";
  let description = [{
    result holds the weight's elements, every bit kept, as the result type's
    layout says. It is done at compile time.

    ```mlir
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<512x256x!model.ggml<q4_0>> -> !pack.tensor<512x256, #layout>
    ```

    Constraints:
    * (C1) source and result have the same shape.
    * (C2) the layout's source is the source's element type.
  }];
  let arguments = (ins AnyRankedTensor:$source, Pack_ReasonAttr:$reason,
                       UnitAttr:$fallback);
  let results = (outs Pack_TensorType:$result);
  let assemblyFormat =
      "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

#endif // MODELC_DIALECTS_PACK_PACKOPS_TD
