//===- ModelDialect.cpp - Registration, types and attributes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers the model dialect and answers questions on element types.
//
//===----------------------------------------------------------------------===//

#include "dialects/model/ModelDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace modelc::model;

#include "dialects/model/ModelDialect.cpp.inc"
#include "dialects/model/ModelEnums.cpp.inc"
#include "dialects/model/ModelInterfaces.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/model/ModelTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/model/ModelAttrs.cpp.inc"

void ModelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/model/ModelTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/model/ModelAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/model/ModelOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// !model.ggml
//===----------------------------------------------------------------------===//

Type QuantizedType::parse(AsmParser &parser) {
  StringRef name;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&name) || parser.parseGreater())
    return {};
  std::optional<GgmlType> type = getGgmlTypeByName(name);
  if (!type) {
    parser.emitError(loc, "unknown ggml type '") << name << "'";
    return {};
  }
  return parser.getChecked<QuantizedType>(parser.getContext(), *type);
}

void QuantizedType::print(AsmPrinter &printer) const {
  printer << "<" << getGgmlTypeInfo(getType()).name << ">";
}

LogicalResult
QuantizedType::verify(function_ref<InFlightDiagnostic()> emitError,
                      GgmlType type) {
  // ggml_c1
  if (getGgmlTypeInfo(type).kind != GgmlKind::Block)
    return emitError() << "'" << getGgmlTypeInfo(type).name
                       << "' is no quantised type; use the builtin type";
  return success();
}

//===----------------------------------------------------------------------===//
// #model.rope
//===----------------------------------------------------------------------===//

LogicalResult RopeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t dims, RopePairing, FloatAttr,
                               RopeScaling, FloatAttr, int64_t, FloatAttr,
                               FloatAttr, FloatAttr, FloatAttr) {
  // rope_attr_c1
  if (dims <= 0 || dims % 2 != 0)
    return emitError() << "expected positive, even dims, found " << dims;
  return success();
}

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

std::optional<GgmlType> modelc::model::getGgmlType(Type elementType) {
  if (auto quantized = dyn_cast<QuantizedType>(elementType))
    return quantized.getType();
  if (elementType.isF32())
    return GgmlType::F32;
  if (elementType.isF16())
    return GgmlType::F16;
  if (elementType.isBF16())
    return GgmlType::BF16;
  if (elementType.isF64())
    return GgmlType::F64;
  if (elementType.isSignlessInteger(8))
    return GgmlType::I8;
  if (elementType.isSignlessInteger(16))
    return GgmlType::I16;
  if (elementType.isSignlessInteger(32))
    return GgmlType::I32;
  if (elementType.isSignlessInteger(64))
    return GgmlType::I64;
  return std::nullopt;
}

Type modelc::model::getElementType(MLIRContext *context, GgmlType type) {
  Builder builder(context);
  switch (type) {
  case GgmlType::F32:
    return builder.getF32Type();
  case GgmlType::F16:
    return builder.getF16Type();
  case GgmlType::BF16:
    return builder.getBF16Type();
  case GgmlType::F64:
    return builder.getF64Type();
  case GgmlType::I8:
    return builder.getI8Type();
  case GgmlType::I16:
    return builder.getI16Type();
  case GgmlType::I32:
    return builder.getI32Type();
  case GgmlType::I64:
    return builder.getI64Type();
  case GgmlType::Q8_1:
  case GgmlType::Q8_K:
    return {};
  default:
    return QuantizedType::get(context, type);
  }
}

ArrayRef<int64_t> modelc::model::getWeightShape(Type weight) {
  if (auto tensor = dyn_cast<RankedTensorType>(weight))
    return tensor.getShape();
  return cast<WeightTypeInterface>(weight).getWeightShape();
}

Type modelc::model::getWeightElementType(Type weight) {
  if (auto tensor = dyn_cast<RankedTensorType>(weight))
    return tensor.getElementType();
  return cast<WeightTypeInterface>(weight).getWeightElementType();
}

bool modelc::model::isFloatVector(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!isa<WeightTypeInterface>(type) && !(tensor && tensor.hasStaticShape()))
    return false;
  ArrayRef<int64_t> shape = getWeightShape(type);
  return shape.size() == 1 && shape[0] > 0 &&
         getWeightElementType(type).isF32();
}

std::optional<Matrices> modelc::model::getMatrices(Type weight) {
  ArrayRef<int64_t> shape = getWeightShape(weight);
  if (shape.size() == 1)
    return Matrices{1, 1, shape[0]};
  if (shape.size() == 2)
    return Matrices{1, shape[0], shape[1]};
  if (shape.size() == 3)
    return Matrices{shape[0], shape[1], shape[2]};
  return std::nullopt;
}

bool modelc::model::isSlots(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.getDimSize(1) > 0 &&
         tensor.getElementType().isSignlessInteger(32);
}

bool modelc::model::isActivations(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.getDimSize(1) > 0 &&
         tensor.getElementType().isF32();
}

uint64_t modelc::model::getSourceBytes(RankedTensorType type) {
  const GgmlTypeInfo &info =
      getGgmlTypeInfo(*getGgmlType(type.getElementType()));
  return static_cast<uint64_t>(type.getNumElements() / info.blockElems) *
         static_cast<uint64_t>(info.blockBytes);
}
