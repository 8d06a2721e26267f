//===- PackDialect.h - The pack dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_PACKDIALECT_H
#define MODELC_DIALECTS_PACK_PACKDIALECT_H

#include "dialects/model/ModelDialect.h"
#include "mlir/IR/AffineMap.h"

#include "dialects/pack/PackDialect.h.inc"
#include "dialects/pack/PackEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/pack/PackAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/pack/PackTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/pack/PackOps.h.inc"

#endif // MODELC_DIALECTS_PACK_PACKDIALECT_H
