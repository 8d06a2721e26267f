//===- PackDialect.cpp - Registration, attributes and types
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers the pack dialect; #pack.layout's checks and arithmetic.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/PackDialect.h"
#include "dialects/pack/Layouts.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc::pack;

/// `512x256`, as in builtin tensors.
static ParseResult parseShape(AsmParser &parser,
                              SmallVectorImpl<int64_t> &shape) {
  return parser.parseDimensionList(shape, /*allowDynamic=*/false,
                                   /*withTrailingX=*/false);
}

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape) {
  printer.printDimensionList(shape);
}

#include "dialects/pack/PackDialect.cpp.inc"
#include "dialects/pack/PackEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/pack/PackAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/pack/PackTypes.cpp.inc"

namespace {

/// Prints layouts once, as `#layout = ...` at the top of the file.
struct PackAsmInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Attribute attr, raw_ostream &os) const override {
    auto layout = dyn_cast<LayoutAttr>(attr);
    if (!layout)
      return AliasResult::NoAlias;
    for (char c : layout.getName().getValue())
      os << (c == '.' ? '_' : c);
    return AliasResult::FinalAlias;
  }
};

} // namespace

void PackDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/pack/PackAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/pack/PackTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/pack/PackOps.cpp.inc"
      >();
  addInterfaces<PackAsmInterface>();
}

//===----------------------------------------------------------------------===//
// #pack.field
//===----------------------------------------------------------------------===//

/// Evaluates an affine expression of (n, j). Division and modulo are of
/// non-negative numbers, checked by the verifier through the group's bounds.
static int64_t evaluate(AffineExpr expr, int64_t n, int64_t j) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dim.getPosition() == 0 ? n : j;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t lhs = evaluate(binary.getLHS(), n, j);
  int64_t rhs = evaluate(binary.getRHS(), n, j);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::Mod:
    return llvm::mod(lhs, rhs);
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(lhs, rhs);
  default:
    return llvm::divideCeilSigned(lhs, rhs);
  }
}

LogicalResult FieldAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                StringAttr name, int64_t bits, int64_t unit,
                                int64_t flip, AffineMapAttr map) {
  // field_c1
  if (bits < 1 || bits > 64 || !llvm::isPowerOf2_64(bits))
    return emitError() << "field " << name << ": bad width " << bits;
  if (unit < 1)
    return emitError() << "field " << name << ": bad unit " << unit;
  if (flip < 0 || (bits < 64 && flip >> bits != 0))
    return emitError() << "field " << name << ": flip " << flip
                       << " does not fit " << bits << " bits";
  // field_c2
  AffineMap value = map.getValue();
  if (value.getNumDims() != 2 || value.getNumSymbols() != 0 ||
      value.getNumResults() != 1)
    return emitError() << "field " << name
                       << ": expected a map (n, j) -> (bit), found " << map;
  bool bad = false;
  value.getResult(0).walk([&](AffineExpr e) {
    bool divides = e.getKind() == AffineExprKind::Mod ||
                   e.getKind() == AffineExprKind::FloorDiv ||
                   e.getKind() == AffineExprKind::CeilDiv;
    if (!divides)
      return;
    auto rhs =
        dyn_cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(e).getRHS());
    bad |= !rhs || rhs.getValue() <= 0;
  });
  if (bad)
    return emitError() << "field " << name
                       << ": divisors of the map must be positive constants";
  return success();
}

//===----------------------------------------------------------------------===//
// #pack.layout
//===----------------------------------------------------------------------===//

/// Marks every bit of the field in `used`; fails on overlap or overflow.
static LogicalResult markField(function_ref<InFlightDiagnostic()> emitError,
                               FieldAttr field, int64_t rows, int64_t k,
                               llvm::BitVector &used) {
  AffineExpr map = field.getMap().getValue().getResult(0);
  int64_t bits = field.getBits();
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t j = 0; j < k / field.getUnit(); ++j) {
      int64_t bit = evaluate(map, n, j);
      if (bit < 0 || bit + bits > static_cast<int64_t>(used.size()) ||
          bit % std::min<int64_t>(bits, 8) != 0)
        return emitError() << "field " << field.getName() << ": element (" << n
                           << ", " << j << ") at bit " << bit
                           << " is outside the group or straddles bytes";
      if (used.find_first_in(bit, bit + bits) != -1)
        return emitError() << "field " << field.getName() << ": element (" << n
                           << ", " << j << ") overlaps another";
      used.set(bit, bit + bits);
    }
  return success();
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringAttr name, Type, int64_t rows, int64_t k,
                                 int64_t bytes, int64_t align,
                                 ArrayAttr fields) {
  // layout_c1
  constexpr int64_t kMaxGroupBytes = 1 << 20;
  if (rows < 1 || k < 1 || bytes < 1 || bytes > kMaxGroupBytes ||
      rows > kMaxGroupBytes || k > kMaxGroupBytes || align < 1 ||
      !llvm::isPowerOf2_64(align) || (rows > 1 && bytes % align != 0))
    return emitError() << "layout " << name << ": bad group " << rows << " x "
                       << k << " of " << bytes << " bytes, align " << align;
  llvm::BitVector used(bytes * 8);
  llvm::StringSet<> names;
  for (Attribute attr : fields) {
    // layout_c2
    auto field = dyn_cast<FieldAttr>(attr);
    if (!field || !names.insert(field.getName()).second ||
        k % field.getUnit() != 0)
      return emitError() << "layout " << name << ": bad field " << attr;
    // layout_c3
    if (failed(markField(emitError, field, rows, k, used)))
      return failure();
  }
  return success();
}

FieldAttr LayoutAttr::getField(StringRef name) const {
  for (FieldAttr field : getFields().getAsRange<FieldAttr>())
    if (field.getName() == name)
      return field;
  return {};
}

int64_t LayoutAttr::getBitOffset(StringRef name, int64_t n, int64_t k) const {
  FieldAttr field = getField(name);
  assert(field && "the layout has no such field");
  return evaluate(field.getMap().getValue().getResult(0), n % getRows(),
                  k % getK() / field.getUnit());
}

int64_t LayoutAttr::getByteOffset(StringRef name, int64_t n, int64_t k) const {
  int64_t bit = getBitOffset(name, n, k);
  assert(bit % 8 == 0 && "the element does not start on a byte");
  return bit / 8;
}

int64_t LayoutAttr::getGroupsPerPanel(int64_t K) const {
  return llvm::divideCeil(K, getK());
}

int64_t LayoutAttr::getPanelOffset(int64_t n, int64_t K) const {
  return n / getRows() * getGroupsPerPanel(K) * getBytes();
}

uint64_t LayoutAttr::getMatrixBytes(int64_t N, int64_t K) const {
  return getPanelOffset(llvm::alignTo(N, getRows()), K);
}

uint64_t LayoutAttr::getMatrixStride(int64_t N, int64_t K) const {
  return llvm::alignTo(getMatrixBytes(N, K), kExpertAlign);
}

uint64_t LayoutAttr::getPackedBytes(ArrayRef<int64_t> shape) const {
  if (shape.size() == 1)
    return getMatrixBytes(1, shape[0]);
  if (shape.size() == 2)
    return getMatrixBytes(shape[0], shape[1]);
  return getMatrixStride(shape[1], shape[2]) * static_cast<uint64_t>(shape[0]);
}

//===----------------------------------------------------------------------===//
// !pack.tensor
//===----------------------------------------------------------------------===//

LogicalResult
PackedTensorType::verify(function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<int64_t> shape, LayoutAttr layout) {
  // tensor_c1
  if (shape.empty() || shape.size() > 3 ||
      llvm::any_of(shape, [](int64_t dim) { return dim <= 0; }))
    return emitError() << "expected 1 to 3 positive dimensions";
  // tensor_c2
  std::optional<model::GgmlType> type = model::getGgmlType(layout.getSource());
  if (!type || shape.back() % model::getGgmlTypeInfo(*type).blockElems != 0)
    return emitError() << "last dimension " << shape.back()
                       << " does not fit blocks of " << layout.getSource();
  return success();
}

ArrayRef<int64_t> PackedTensorType::getWeightShape() const {
  return getShape();
}

Type PackedTensorType::getWeightElementType() const {
  return getLayout().getSource();
}
