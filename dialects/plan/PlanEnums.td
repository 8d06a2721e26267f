//===- PlanEnums.td - Enums of the plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANENUMS_TD
#define MODELC_DIALECTS_PLAN_PLANENUMS_TD

include "mlir/IR/EnumAttr.td"

def Plan_CountSource : I32EnumAttr<"CountSource",
    "What a count depends on: MODELC_COUNT_* of plan_format.h",
    [I32EnumAttrCase<"One", 0, "one">,
     I32EnumAttrCase<"Tokens", 1, "tokens">,
     I32EnumAttrCase<"Outputs", 2, "outputs">]> {
  let cppNamespace = "::modelc::plan";
  let genSpecializedAttr = 0;
}
#endif // MODELC_DIALECTS_PLAN_PLANENUMS_TD
