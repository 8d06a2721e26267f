//===- PackDialect.td - The pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKDIALECT_TD
#define MODELC_DIALECTS_PACK_PACKDIALECT_TD

include "mlir/IR/OpBase.td"

def Pack_Dialect : Dialect {
  let name = "pack";
  let cppNamespace = "::modelc::pack";
  let summary = "How the bytes of weights and activations lie";
  let description = [{
    The pack dialect gives every weight a layout, `#pack.layout`, which is a
    value: packers, kernel emitters, sizers, inspectors and oracles ask it
    where an element lies, and none computes an offset on its own. See
    README.md and docs/layouts.md.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::modelc::model::ModelDialect"];
}

#endif // MODELC_DIALECTS_PACK_PACKDIALECT_TD
