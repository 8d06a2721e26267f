//===- PackEnums.td - Enums of the pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKENUMS_TD
#define MODELC_DIALECTS_PACK_PACKENUMS_TD

include "mlir/IR/EnumAttr.td"

def Pack_Reason : I32EnumAttr<"Reason", "Why a weight has its layout", [
    I32EnumAttrCase<"FirstChoice", 0, "first_choice">,
    I32EnumAttrCase<"NotAMatmul", 1, "not_a_matmul">,
    I32EnumAttrCase<"GatherOnly", 2, "gather_only">,
    I32EnumAttrCase<"TiedToMatmul", 3, "tied_to_matmul">,
    I32EnumAttrCase<"NoKernelForType", 4, "no_kernel_for_type">,
    I32EnumAttrCase<"NoKernelForShape", 5, "no_kernel_for_shape">,
    I32EnumAttrCase<"NotUsed", 6, "not_used">,
    I32EnumAttrCase<"FoldedIntoConstant", 7, "folded_into_constant">]> {
  let cppNamespace = "::modelc::pack";
  let genSpecializedAttr = 0;
}

#endif // MODELC_DIALECTS_PACK_PACKENUMS_TD
