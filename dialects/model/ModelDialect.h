//===- ModelDialect.h - The model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELDIALECT_H
#define MODELC_DIALECTS_MODEL_MODELDIALECT_H

#include "dialects/model/GgmlTypes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/model/ModelDialect.h.inc"
#include "dialects/model/ModelEnums.h.inc"
#include "dialects/model/ModelInterfaces.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/model/ModelTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/model/ModelAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/model/ModelOps.h.inc"

namespace modelc::model {

/// The ggml type of a tensor element type: of `!model.ggml` its parameter, of
/// builtin types the ggml type of the same bits; nothing for other types.
std::optional<GgmlType> getGgmlType(mlir::Type elementType);

/// The element type that stands for `type` in a tensor; the inverse of
/// getGgmlType. Null for Q8_1 and Q8_K, which no file holds.
mlir::Type getElementType(mlir::MLIRContext *context, GgmlType type);

/// Logical shape, rows first, of a tensor or of a type with
/// WeightTypeInterface.
llvm::ArrayRef<int64_t> getWeightShape(mlir::Type weight);

/// Element type of the source tensor of such a weight.
mlir::Type getWeightElementType(mlir::Type weight);

/// True for a vector of f32 numbers: a static tensor of one dimension, or a
/// type with WeightTypeInterface that stands for one.
bool isFloatVector(mlir::Type type);

/// True for activations: a tensor of f32 numbers [tokens][features], where the
/// number of features is static and positive.
bool isActivations(mlir::Type type);

/// True for what `model.route` chooses: a tensor of i32 numbers
/// [tokens][slots], the number of slots static and positive.
bool isSlots(mlir::Type type);

/// The matrices [rows][columns] of a weight: one, or one for each expert.
struct Matrices {
  int64_t count, rows, columns;
  bool operator==(const Matrices &) const = default;
};

/// Of a weight [count][rows][columns], [rows][columns] or [columns]; nothing
/// for more dimensions.
std::optional<Matrices> getMatrices(mlir::Type weight);

/// Bytes of a tensor in its source file. Expects a verified `model.weight`
/// type.
uint64_t getSourceBytes(mlir::RankedTensorType type);

} // namespace modelc::model

#endif // MODELC_DIALECTS_MODEL_MODELDIALECT_H
