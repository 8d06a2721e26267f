//===- Lanes.cpp - What the lanes of a DPP row can do together
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves are of 32 bits. Other values are cut into words, the last one filled up
// with zeros:
//
//   vector<4xi8>  ==>  i32  ==>  moved  ==>  vector<4xi8>
//   f64           ==>  vector<2xi32>  ==>  two moves  ==>  f64
//
// All lanes of a row are active or none is, as all branch alike, but where each
// loads or stores under a mask of its own, and nothing moves there.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/Lanes.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

bool codegen::isDistributed(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getRank() == 1 && vector.getDimSize(0) >= kLanes &&
         vector.getDimSize(0) % kLanes == 0;
}

int64_t codegen::getLaneElements(Type type) {
  return cast<VectorType>(type).getDimSize(0) / kLanes;
}

Type codegen::getLaneType(Type type) {
  if (!isDistributed(type))
    return type;
  Type element = cast<VectorType>(type).getElementType();
  int64_t elements = getLaneElements(type);
  return elements == 1 ? element : VectorType::get({elements}, element);
}

Lanes::Lanes(OpBuilder &builder, Location loc, int64_t waveLanes)
    : builder(builder), loc(loc) {
  Value thread = ROCDL::ThreadIdXOp::create(builder, loc, builder.getI32Type());
  auto maskWith = [&](int64_t mask) {
    return arith::AndIOp::create(builder, loc, thread,
                                 constI32(static_cast<int32_t>(mask)));
  };
  number = maskWith(kLanes - 1);
  firstOfRow = maskWith((waveLanes - 1) & -kLanes);
}

Value Lanes::constI32(int32_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getI32IntegerAttr(value));
}

Value Lanes::makeValue(TypedAttr value) {
  return arith::ConstantOp::create(builder, loc, value);
}

//===----------------------------------------------------------------------===//
// Different values
//===----------------------------------------------------------------------===//

/// values[number] of [begin, begin + size): half of them by one bit of the
/// number, and so on.
template <typename T>
Value Lanes::selectRange(ArrayRef<T> values, int64_t begin, int64_t size) {
  if (llvm::all_equal(values.slice(begin, size)))
    return makeValue(values[begin]);
  int64_t half = size / 2;
  Value low = selectRange(values, begin, half);
  Value high = selectRange(values, begin + half, half);
  Value bit = arith::AndIOp::create(builder, loc, number,
                                    constI32(static_cast<int32_t>(half)));
  Value isHigh = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                       bit, constI32(0));
  return arith::SelectOp::create(builder, loc, isHigh, high, low);
}

Value Lanes::select(ArrayRef<Value> values) {
  return selectRange(values, 0, kLanes);
}

/// The common distance of integers, if they have one and it is not 0.
static std::optional<int64_t> getStride(ArrayRef<TypedAttr> values) {
  if (!values[0].getType().isInteger(32) && !values[0].getType().isInteger(64))
    return std::nullopt;
  auto get = [&](int64_t i) { return cast<IntegerAttr>(values[i]).getInt(); };
  int64_t stride = get(1) - get(0);
  for (int64_t i = 1; i < kLanes; ++i)
    if (get(i) - get(i - 1) != stride)
      return std::nullopt;
  return stride == 0 ? std::nullopt : std::optional(stride);
}

/// Lanes before the first without, if the flags of all others are 0 too.
static std::optional<int64_t> getPrefix(ArrayRef<TypedAttr> values) {
  if (!values[0].getType().isInteger(1))
    return std::nullopt;
  auto isSet = [](TypedAttr value) {
    return !cast<IntegerAttr>(value).getValue().isZero();
  };
  int64_t count = 0;
  while (count < kLanes && isSet(values[count]))
    ++count;
  if (llvm::any_of(values.drop_front(count), isSet))
    return std::nullopt;
  return count == 0 || count == kLanes ? std::nullopt : std::optional(count);
}

Value Lanes::selectConstants(ArrayRef<TypedAttr> values) {
  if (std::optional<int64_t> stride = getStride(values)) {
    Type type = values[0].getType();
    Value index = number;
    if (type != number.getType())
      index = arith::ExtUIOp::create(builder, loc, type, number);
    auto makeLike = [&](int64_t value) {
      return makeValue(builder.getIntegerAttr(type, value));
    };
    if (*stride != 1)
      index = arith::MulIOp::create(builder, loc, index, makeLike(*stride));
    int64_t first = cast<IntegerAttr>(values[0]).getInt();
    return first == 0
               ? index
               : arith::AddIOp::create(builder, loc, index, makeLike(first));
  }
  if (std::optional<int64_t> prefix = getPrefix(values))
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                 number,
                                 constI32(static_cast<int32_t>(*prefix)));
  return selectRange(values, 0, kLanes);
}

//===----------------------------------------------------------------------===//
// Moves
//===----------------------------------------------------------------------===//

/// Applies `body` to the words of a value.
Value Lanes::forEachWord(Value value, function_ref<Value(Value)> body) {
  constexpr int64_t kWordBits = 32;
  Type type = value.getType();
  int64_t bits = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  if (auto vector = dyn_cast<VectorType>(type))
    bits *= vector.getDimSize(0);
  int64_t words = llvm::divideCeil(bits, kWordBits);
  auto cast = [&](Value from, Type to) -> Value {
    if (from.getType() == to)
      return from;
    return LLVM::BitcastOp::create(builder, loc, to, from);
  };
  Type narrow = builder.getIntegerType(bits);
  Type wide = builder.getIntegerType(words * kWordBits);
  Value all = cast(value, narrow);
  if (narrow != wide)
    all = arith::ExtUIOp::create(builder, loc, wide, all);
  if (words == 1) {
    all = body(all);
  } else {
    Type wordsType = VectorType::get({words}, builder.getI32Type());
    Value vector = cast(all, wordsType);
    SmallVector<Value> moved;
    for (int64_t i = 0; i < words; ++i)
      moved.push_back(body(getElement(vector, i)));
    all = cast(join(moved), wide);
  }
  if (narrow != wide)
    all = arith::TruncIOp::create(builder, loc, narrow, all);
  return cast(all, type);
}

Value Lanes::moveByDpp(Value value, uint32_t control) {
  return forEachWord(value, [&](Value word) -> Value {
    constexpr uint32_t kAllRows = 0xf, kAllBanks = 0xf;
    Value nothing = LLVM::PoisonOp::create(builder, loc, word.getType());
    return ROCDL::DPPUpdateOp::create(builder, loc, word.getType(), nothing,
                                      word, control, kAllRows, kAllBanks,
                                      /*boundCtrl=*/true);
  });
}

Value Lanes::share(Value value, int64_t lane) {
  // row_share, on CDNA row_newbcast.
  constexpr uint32_t kRowShare = 0x150;
  return moveByDpp(value, kRowShare + static_cast<uint32_t>(lane));
}

Value Lanes::rotate(Value value, int64_t distance) {
  distance %= kLanes;
  if (distance == 0)
    return value;
  // row_ror by n takes from lane i - n.
  constexpr uint32_t kRowRotateRight = 0x120;
  return moveByDpp(value,
                   kRowRotateRight + static_cast<uint32_t>(kLanes - distance));
}

/// The distance of a rotation that does it, if there is one.
static std::optional<int64_t> getRotation(ArrayRef<int64_t> sources) {
  std::optional<int64_t> distance;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    if (sources[lane] < 0)
      continue;
    int64_t own = (sources[lane] - lane + kLanes) % kLanes;
    if (distance && *distance != own)
      return std::nullopt;
    distance = own;
  }
  return distance.value_or(0);
}

/// The lane that all sources are, if there is one.
static std::optional<int64_t> getOnly(ArrayRef<int64_t> sources) {
  std::optional<int64_t> only;
  for (int64_t source : sources) {
    if (source < 0)
      continue;
    if (only && *only != source)
      return std::nullopt;
    only = source;
  }
  return only;
}

Value Lanes::permute(Value value, ArrayRef<int64_t> sources) {
  if (std::optional<int64_t> distance = getRotation(sources))
    return rotate(value, *distance);
  if (std::optional<int64_t> only = getOnly(sources))
    return share(value, *only);
  // The byte of each lane's source, of four bytes, in the wave.
  SmallVector<TypedAttr> bytes;
  for (int64_t source : sources)
    bytes.push_back(builder.getI32IntegerAttr(
        static_cast<int32_t>(4 * std::max<int64_t>(source, 0))));
  Value first = arith::MulIOp::create(builder, loc, firstOfRow, constI32(4));
  Value place =
      arith::AddIOp::create(builder, loc, first, selectConstants(bytes));
  return forEachWord(value, [&](Value word) -> Value {
    ++permutes;
    return ROCDL::DsBpermuteOp::create(builder, loc, word.getType(), place,
                                       word);
  });
}

//===----------------------------------------------------------------------===//
// Elements of a lane
//===----------------------------------------------------------------------===//

Value Lanes::getElement(Value value, int64_t index) {
  if (!isa<VectorType>(value.getType()))
    return value;
  Value place = makeValue(builder.getI64IntegerAttr(index));
  return LLVM::ExtractElementOp::create(builder, loc, value, place);
}

Value Lanes::join(ArrayRef<Value> elements) {
  return elements.size() == 1 ? elements[0] : makeVector(elements);
}

Value Lanes::makeVector(ArrayRef<Value> elements) {
  Type type = VectorType::get({static_cast<int64_t>(elements.size())},
                              elements[0].getType());
  Value joined = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [i, element] : llvm::enumerate(elements)) {
    Value place = makeValue(builder.getI64IntegerAttr(i));
    joined =
        LLVM::InsertElementOp::create(builder, loc, joined, element, place);
  }
  return joined;
}
