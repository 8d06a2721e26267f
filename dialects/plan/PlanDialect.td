//===- PlanDialect.td - The plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANDIALECT_TD
#define MODELC_DIALECTS_PLAN_PLANDIALECT_TD

include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::modelc::plan";
  let summary = "When and where: the records of a plan file";
  let description = [{
    The plan dialect is the plan file in the IR: one op per record of
    runtime/include/modelc/plan_format.h, before numbers replace names. See
    README.md.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::modelc::model::ModelDialect",
                           "::modelc::pack::PackDialect"];
}

#endif // MODELC_DIALECTS_PLAN_PLANDIALECT_TD
