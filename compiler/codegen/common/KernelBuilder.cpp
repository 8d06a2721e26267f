//===- KernelBuilder.cpp - Builds the body of one kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Thin wrappers over the builders of arith, scf and llvm operations. A kernel
// looks like this:
//
//   llvm.func @mc_x(%params: !llvm.ptr) {
//     %operands = llvm.load %params ...
//     scf.for %tile = %begin to %end step %one : i64 { ... }
//     llvm.return
//   }
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/KernelBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value KernelBuilder::constI64(int64_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getI64IntegerAttr(value));
}

Value KernelBuilder::constI32(int32_t value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getI32IntegerAttr(value));
}

Value KernelBuilder::constF32(float value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF32FloatAttr(value));
}

Value KernelBuilder::constF64(double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF64FloatAttr(value));
}

Value KernelBuilder::constBool(bool value) {
  return arith::ConstantOp::create(builder, loc, builder.getBoolAttr(value));
}

Value KernelBuilder::splatF32(float value) {
  auto attr = DenseElementsAttr::get(vec(f32()), value);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value KernelBuilder::splatF32Bits(uint32_t bits) {
  llvm::APFloat value(llvm::APFloat::IEEEsingle(), llvm::APInt(32, bits));
  auto attr = DenseElementsAttr::get(vec(f32()), value);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value KernelBuilder::splatInt(int64_t value, Type element, int64_t lanes) {
  llvm::APInt bits(element.getIntOrFloatBitWidth(), value, /*isSigned=*/true,
                   /*implicitTrunc=*/true);
  auto attr = DenseElementsAttr::get(vec(element, lanes), bits);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value KernelBuilder::constLike(Value like, int64_t value) {
  Type type = like.getType();
  if (auto vector = dyn_cast<VectorType>(type))
    return splatInt(value, vector.getElementType(), vector.getDimSize(0));
  auto attr = builder.getIntegerAttr(type, value);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value KernelBuilder::laneNumbers() {
  SmallVector<int32_t> numbers = llvm::to_vector(llvm::seq<int32_t>(kLanes));
  return constVector(vec(i32()), ArrayRef<int32_t>(numbers));
}

Value KernelBuilder::constTable(StringRef name, ArrayRef<uint32_t> words) {
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    int64_t size = words.size();
    auto attr = DenseElementsAttr::get(
        RankedTensorType::get({size}, builder.getIntegerType(32)), words);
    constexpr uint64_t kCacheLine = 64;
    constexpr unsigned kConstantMemory = 4; ///< Of GPUs.
    global = LLVM::GlobalOp::create(
        builder, loc, LLVM::LLVMArrayType::get(i32(), size),
        /*isConstant=*/true, LLVM::Linkage::Internal, name, attr, kCacheLine,
        target.gpu ? kConstantMemory : 0);
  }
  return castToGeneric(LLVM::AddressOfOp::create(builder, loc, global));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

Value KernelBuilder::add(Value a, Value b) {
  if (isFloat(a))
    return arith::AddFOp::create(builder, loc, a, b);
  return arith::AddIOp::create(builder, loc, a, b);
}

Value KernelBuilder::sub(Value a, Value b) {
  if (isFloat(a))
    return arith::SubFOp::create(builder, loc, a, b);
  return arith::SubIOp::create(builder, loc, a, b);
}

Value KernelBuilder::mul(Value a, Value b) {
  if (isFloat(a))
    return arith::MulFOp::create(builder, loc, a, b);
  return arith::MulIOp::create(builder, loc, a, b);
}

Value KernelBuilder::add(Value a, int64_t b) { return add(a, constI64(b)); }
Value KernelBuilder::sub(Value a, int64_t b) { return sub(a, constI64(b)); }
Value KernelBuilder::mul(Value a, int64_t b) { return mul(a, constI64(b)); }

Value KernelBuilder::divU(Value a, int64_t b) {
  return arith::DivUIOp::create(builder, loc, a, constI64(b));
}

Value KernelBuilder::remU(Value a, int64_t b) {
  return arith::RemUIOp::create(builder, loc, a, constI64(b));
}

Value KernelBuilder::minU(Value a, Value b) {
  return arith::MinUIOp::create(builder, loc, a, b);
}

Value KernelBuilder::maxU(Value a, Value b) {
  return arith::MaxUIOp::create(builder, loc, a, b);
}

Value KernelBuilder::minS(Value a, Value b) {
  return arith::MinSIOp::create(builder, loc, a, b);
}

Value KernelBuilder::maxS(Value a, Value b) {
  return arith::MaxSIOp::create(builder, loc, a, b);
}

Value KernelBuilder::bitAnd(Value a, Value b) {
  return arith::AndIOp::create(builder, loc, a, b);
}

Value KernelBuilder::bitOr(Value a, Value b) {
  return arith::OrIOp::create(builder, loc, a, b);
}

Value KernelBuilder::bitXor(Value a, Value b) {
  return arith::XOrIOp::create(builder, loc, a, b);
}

Value KernelBuilder::shl(Value a, Value b) {
  return arith::ShLIOp::create(builder, loc, a, b);
}

Value KernelBuilder::shrU(Value a, Value b) {
  return arith::ShRUIOp::create(builder, loc, a, b);
}

Value KernelBuilder::shrS(Value a, Value b) {
  return arith::ShRSIOp::create(builder, loc, a, b);
}

Value KernelBuilder::div(Value a, Value b) {
  return arith::DivFOp::create(builder, loc, a, b);
}

Value KernelBuilder::neg(Value a) {
  return arith::NegFOp::create(builder, loc, a);
}

Value KernelBuilder::fma(Value a, Value b, Value c) {
  return LLVM::FMAOp::create(builder, loc, a, b, c);
}

Value KernelBuilder::sqrt(Value a) {
  return LLVM::SqrtOp::create(builder, loc, a);
}

Value KernelBuilder::roundEven(Value a) {
  return LLVM::RoundEvenOp::create(builder, loc, a);
}

Value KernelBuilder::cmpI(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, predicate, a, b);
}

Value KernelBuilder::cmpF(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(builder, loc, predicate, a, b);
}

Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, loc, condition, a, b);
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// `element`, or a vector of it with as many lanes as `like` has.
static Type withLanesOf(Value like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType());
      vector && !isa<VectorType>(element))
    return VectorType::get(vector.getShape(), element);
  return element;
}

Value KernelBuilder::bitcast(Value a, Type type) {
  return LLVM::BitcastOp::create(builder, loc, type, a);
}

Value KernelBuilder::extendU(Value a, Type type) {
  return arith::ExtUIOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::extendS(Value a, Type type) {
  return arith::ExtSIOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::truncate(Value a, Type type) {
  return arith::TruncIOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::intToFloat(Value a, Type type) {
  return arith::SIToFPOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::floatToInt(Value a, Type type) {
  return arith::FPToSIOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::toF32(Value a) {
  Type element = getElementTypeOrSelf(a.getType());
  if (element.isF32())
    return a;
  if (element.isInteger())
    return intToFloat(a, withLanesOf(a, f32()));
  if (element.isF64())
    return roundTo(a, f32());
  if (!element.isBF16())
    return arith::ExtFOp::create(builder, loc, withLanesOf(a, f32()), a);
  // A bf16 is the upper half of an f32. Written so, no CPU needs a library
  // function for it.
  Value half = extendU(bitcast(a, withLanesOf(a, i16())), i32());
  Value shift =
      isa<VectorType>(a.getType())
          ? splatInt(16, i32(), cast<VectorType>(a.getType()).getDimSize(0))
          : constI32(16);
  return bitcast(shl(half, shift), withLanesOf(a, f32()));
}

Value KernelBuilder::roundTo(Value a, Type type) {
  return arith::TruncFOp::create(builder, loc, withLanesOf(a, type), a);
}

Value KernelBuilder::extendF(Value a, Type type) {
  return arith::ExtFOp::create(builder, loc, withLanesOf(a, type), a);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  Value vector =
      insert(LLVM::PoisonOp::create(builder, loc, vec(scalar.getType(), lanes)),
             scalar, 0);
  SmallVector<int32_t> zeros(lanes, 0);
  return shuffle(vector, vector, zeros);
}

Value KernelBuilder::extract(Value vector, int64_t lane) {
  return LLVM::ExtractElementOp::create(builder, loc, vector, constI64(lane));
}

Value KernelBuilder::insert(Value vector, Value scalar, int64_t lane) {
  return LLVM::InsertElementOp::create(builder, loc, vector, scalar,
                                       constI64(lane));
}

Value KernelBuilder::shuffle(Value a, Value b, ArrayRef<int32_t> mask) {
  return LLVM::ShuffleVectorOp::create(builder, loc, a, b, mask);
}

Value KernelBuilder::slice(Value vector, int64_t begin, int64_t lanes) {
  SmallVector<int32_t> mask = llvm::to_vector(llvm::seq<int32_t>(
      static_cast<int32_t>(begin), static_cast<int32_t>(begin + lanes)));
  return shuffle(vector, vector, mask);
}

Value KernelBuilder::concat(Value a, Value b) {
  int64_t lanes = cast<VectorType>(a.getType()).getDimSize(0);
  SmallVector<int32_t> mask =
      llvm::to_vector(llvm::seq<int32_t>(static_cast<int32_t>(2 * lanes)));
  return shuffle(a, b, mask);
}

Value KernelBuilder::foldLanes(Value vector,
                               function_ref<Value(Value, Value)> combine) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    if (!target.gpu) {
      vector = combine(slice(vector, 0, half), slice(vector, half, half));
      continue;
    }
    // There all lanes compute in any case; a rotation costs one instruction.
    SmallVector<int32_t> rotated;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      rotated.push_back(static_cast<int32_t>((lane + half) % kLanes));
    vector = combine(vector, shuffle(vector, vector, rotated));
  }
  return extract(vector, 0);
}

Value KernelBuilder::reduceTree(Value vector) {
  return foldLanes(vector,
                   [&](Value low, Value high) { return add(low, high); });
}

Value KernelBuilder::reduceAddInt(Value vector) {
  Type element = cast<VectorType>(vector.getType()).getElementType();
  return LLVM::vector_reduce_add::create(builder, loc, element, vector);
}

Value KernelBuilder::reduceMaxUInt(Value vector) {
  Type element = cast<VectorType>(vector.getType()).getElementType();
  return LLVM::vector_reduce_umax::create(builder, loc, element, vector);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Bytes of one element of a scalar or vector type; pointers have eight.
static unsigned getElementBytes(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isIntOrFloat())
    return sizeof(void *);
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

Value KernelBuilder::offset(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(builder, loc, ptr(), i8(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value KernelBuilder::offset(Value pointer, int64_t bytes) {
  return bytes == 0 ? pointer : offset(pointer, constI64(bytes));
}

Value KernelBuilder::load(Type type, Value pointer, int64_t bytes) {
  return LLVM::LoadOp::create(builder, loc, type, offset(pointer, bytes),
                              getElementBytes(type));
}

void KernelBuilder::store(Value value, Value pointer, int64_t bytes) {
  LLVM::StoreOp::create(builder, loc, value, offset(pointer, bytes),
                        getElementBytes(value.getType()));
}

Value KernelBuilder::loadMasked(VectorType type, Value pointer, Value mask) {
  Value zero = LLVM::ZeroOp::create(builder, loc, type);
  return LLVM::MaskedLoadOp::create(
      builder, loc, type, pointer, mask, zero,
      builder.getI32IntegerAttr(getElementBytes(type)), UnitAttr());
}

void KernelBuilder::storeMasked(Value value, Value pointer, Value mask) {
  LLVM::MaskedStoreOp::create(
      builder, loc, value, pointer, mask,
      builder.getI32IntegerAttr(getElementBytes(value.getType())));
}

Value KernelBuilder::laneMask(Value count) {
  Value bounded = truncate(minU(count, constI64(kLanes)), i32());
  return cmpI(arith::CmpIPredicate::slt, laneNumbers(), splat(bounded));
}

Value KernelBuilder::laneMask(int64_t count) {
  SmallVector<bool> lanes(kLanes, false);
  std::fill_n(lanes.begin(), std::min(count, kLanes), true);
  return constVector(vec(builder.getI1Type()), ArrayRef<bool>(lanes));
}

Value KernelBuilder::loadFloats(Type element, Value pointer, int64_t bytes,
                                int64_t lanes) {
  if (lanes == kLanes)
    return toF32(load(vec(element), pointer, bytes));
  return toF32(
      loadMasked(vec(element), offset(pointer, bytes), laneMask(lanes)));
}

void KernelBuilder::storeLanes(Value vector, Value pointer, int64_t bytes,
                               int64_t lanes) {
  if (lanes == kLanes)
    return store(vector, pointer, bytes);
  storeMasked(vector, offset(pointer, bytes), laneMask(lanes));
}

/// Pointers to so many bytes from `pointer`.
Value KernelBuilder::pointToLanes(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(builder, loc, vec(ptr()), i8(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

void KernelBuilder::storeStrided(Value vector, Value pointer, int64_t bytes,
                                 int64_t stride, int64_t lanes) {
  if (!target.gpu) {
    for (int64_t i = 0; i < lanes; ++i)
      store(extract(vector, i), pointer, bytes + i * stride);
    return;
  }
  Value places =
      mul(extendU(laneNumbers(), i64()), splatInt(stride, i64(), kLanes));
  scatter(vector, offset(pointer, bytes), places, laneMask(lanes));
}

Value KernelBuilder::gather(Type element, Value pointer, Value bytes) {
  return LLVM::masked_gather::create(
      builder, loc, vec(element), pointToLanes(pointer, bytes),
      laneMask(kLanes), ValueRange(), getElementBytes(element));
}

void KernelBuilder::scatter(Value vector, Value pointer, Value bytes,
                            Value mask) {
  LLVM::masked_scatter::create(
      builder, loc, vector, pointToLanes(pointer, bytes),
      mask ? mask : laneMask(kLanes), getElementBytes(vector.getType()));
}

void KernelBuilder::prefetch(Value pointer, int64_t bytes) {
  constexpr uint32_t kRead = 0, kSecondCache = 2, kData = 1;
  LLVM::Prefetch::create(builder, loc, offset(pointer, bytes), kRead,
                         kSecondCache, kData);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

void KernelBuilder::forLoop(Value begin, Value end, int64_t step,
                            LoopBody body) {
  forLoop(begin, end, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

void KernelBuilder::forLoop(int64_t begin, int64_t end, int64_t step,
                            LoopBody body) {
  if (begin < end)
    forLoop(constI64(begin), constI64(end), step, body);
}

SmallVector<Value> KernelBuilder::forLoop(Value begin, Value end, int64_t step,
                                          ValueRange initial,
                                          LoopBodyWithValues body) {
  auto build = [&](OpBuilder &nested, Location, Value iv, ValueRange carried) {
    OpBuilder saved = builder;
    builder = nested;
    SmallVector<Value> next = body(iv, carried);
    scf::YieldOp::create(builder, loc, next);
    builder = saved;
  };
  auto loop = scf::ForOp::create(builder, loc, begin, end, constI64(step),
                                 initial, build);
  return SmallVector<Value>(loop.getResults());
}

void KernelBuilder::ifThen(Value condition, Body then) {
  auto branch = scf::IfOp::create(builder, loc, condition,
                                  /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  then();
}

void KernelBuilder::ifElse(Value condition, Body then, Body otherwise) {
  auto branch = scf::IfOp::create(builder, loc, condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  then();
  builder.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

SmallVector<Value> KernelBuilder::ifElse(Value condition, BodyWithValues then,
                                         BodyWithValues otherwise) {
  auto wrap = [&](BodyWithValues body) {
    return [&, body](OpBuilder &nested, Location) {
      OpBuilder saved = builder;
      builder = nested;
      SmallVector<Value> values = body();
      scf::YieldOp::create(builder, loc, values);
      builder = saved;
    };
  };
  auto branch =
      scf::IfOp::create(builder, loc, condition, wrap(then), wrap(otherwise));
  return SmallVector<Value>(branch.getResults());
}

Value KernelBuilder::callIntrinsic(Type result, StringRef name,
                                   ValueRange args) {
  return LLVM::CallIntrinsicOp::create(builder, loc, result,
                                       builder.getStringAttr(name), args)
      .getResults();
}

void KernelBuilder::callIntrinsic(StringRef name, ValueRange args) {
  LLVM::CallIntrinsicOp::create(builder, loc, builder.getStringAttr(name),
                                args);
}

SmallVector<Value> KernelBuilder::callIntrinsic(ArrayRef<Type> results,
                                                StringRef name,
                                                ValueRange args) {
  auto type = LLVM::LLVMStructType::getLiteral(module.getContext(), results);
  Value all = callIntrinsic(type, name, args);
  SmallVector<Value> values;
  for (int64_t i = 0; i < static_cast<int64_t>(results.size()); ++i)
    values.push_back(LLVM::ExtractValueOp::create(builder, loc, all, i));
  return values;
}

void KernelBuilder::assembly(StringRef text, StringRef clobbers) {
  MLIRContext *context = module.getContext();
  LLVM::InlineAsmOp::create(
      builder, loc, TypeRange(), ValueRange(), builder.getStringAttr(text),
      builder.getStringAttr(clobbers), builder.getUnitAttr(), UnitAttr(),
      LLVM::TailCallKindAttr::get(context,
                                  LLVM::tailcallkind::TailCallKind::None),
      LLVM::AsmDialectAttr::get(context, LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
}

void KernelBuilder::callStreaming(ValueRange args,
                                  function_ref<void(ValueRange)> body) {
  MLIRContext *context = module.getContext();
  StringRef kernel = cast<NameLoc>(loc).getName().getValue();
  size_t number = module.getBody()->getOperations().size();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                          llvm::to_vector(args.getTypes()));
  LLVM::LLVMFuncOp function;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    function = LLVM::LLVMFuncOp::create(
        builder, loc, (kernel + "_streaming" + Twine(number)).str(), type,
        LLVM::Linkage::Internal);
    function.setArmStreaming(true);
    function.setArmInoutZa(true);
    function.setNoInline(true);
    Block *entry = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    body(entry->getArguments());
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }
  LLVM::CallOp::create(builder, loc, function, args);
}
