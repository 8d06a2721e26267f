//===- DistributeLanes.cpp - From vectors to the lanes of DPP rows
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %v = llvm.load %p : vector<16xf32>      %q = %p + 4 * lane
//   %s = llvm.extractelement %v[3]     ==>  %v = llvm.load %q : f32
//   %w = arith.mulf %v, splat of %s         %s = row_share 3 of %v
//                                           %w = arith.mulf %v, %s : f32
//
// Each op is built anew in front of itself, its blocks with it, and the old
// ones go in the end. Assumes what emitters give: one block in each region,
// scalars that are equal in all lanes of a row, and lanes known by their
// number. So all lanes of a row take the same branches.
//
// Vectors that are dealt out and vectors that every lane has meet where pieces
// are loaded one by one: whatever stands in one lane is shared with the others.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/Accesses.h"
#include "compiler/codegen/hip/Lanes.h"
#include "compiler/codegen/hip/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

namespace modelc::codegen {
#define GEN_PASS_DEF_DISTRIBUTELANESPASS
#include "compiler/codegen/hip/Passes.h.inc"
} // namespace modelc::codegen

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// Distributes one function.
class Distributor {
public:
  Distributor(LLVM::LLVMFuncOp function, int64_t waveLanes);

  LogicalResult run();

  int64_t getPermuteCount() const { return lanes.getPermuteCount(); }
  int64_t getFenceCount() const { return fences; }

private:
  LogicalResult distributeBlock(Block &block);
  LogicalResult distribute(Operation &op);
  LogicalResult distribute(scf::ForOp op);
  LogicalResult distribute(scf::IfOp op);
  LogicalResult distribute(scf::YieldOp op);
  LogicalResult distribute(arith::ConstantOp op);
  LogicalResult distribute(LLVM::LoadOp op);
  LogicalResult distribute(LLVM::StoreOp op);
  LogicalResult distribute(LLVM::MaskedLoadOp op);
  LogicalResult distribute(LLVM::MaskedStoreOp op);
  LogicalResult distribute(LLVM::masked_gather op);
  LogicalResult distribute(LLVM::masked_scatter op);
  LogicalResult distribute(LLVM::ExtractElementOp op);
  LogicalResult distribute(LLVM::InsertElementOp op);
  LogicalResult distribute(LLVM::ShuffleVectorOp op);
  LogicalResult distribute(LLVM::BitcastOp op);
  LogicalResult distribute(LLVM::CallIntrinsicOp op);
  LogicalResult reduce(Operation &op,
                       function_ref<Value(Value, Value)> combine);
  LogicalResult distributeEachLane(Operation &op);

  Value find(Value old) { return mapping.lookup(old); }
  LogicalResult replace(Operation &op, Value value) {
    mapping.map(op.getResult(0), value);
    return success();
  }
  void order(Value pointer, bool isStore);
  Value pointToLane(Value pointer, Type type);
  LogicalResult loadWhere(Operation &op, Value pointer, Value mask, Value other,
                          int64_t alignment);
  void storeWhere(Value value, Value pointer, Value mask, int64_t alignment);
  Value getElement(Value old, int64_t index);
  Value getWhole(Value old);
  Value gatherElements(LLVM::ShuffleVectorOp op, int64_t element);

  LLVM::LLVMFuncOp function;
  OpBuilder builder;
  Location loc;
  Lanes lanes;
  IRMapping mapping;
  Accesses accesses; ///< By lanes, since the last fence.
  int64_t fences = 0;
};

class DistributeLanes
    : public codegen::impl::DistributeLanesPassBase<DistributeLanes> {
public:
  using DistributeLanesPassBase::DistributeLanesPassBase;

  void runOnOperation() override {
    const target::TargetSpec *spec = target::findTarget(target);
    if (!spec || !spec->gpu) {
      getOperation().emitOpError("expected a target that is a GPU, found '")
          << target << "'";
      return signalPassFailure();
    }
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      Distributor distributor(function, spec->gpu->waveLanes);
      if (failed(distributor.run()))
        return signalPassFailure();
      numShuffles += distributor.getPermuteCount();
      numFences += distributor.getFenceCount();
    }
  }
};

} // namespace

Distributor::Distributor(LLVM::LLVMFuncOp function, int64_t waveLanes)
    : function(function),
      builder(OpBuilder::atBlockBegin(&function.getBody().front())),
      loc(function.getLoc()), lanes(builder, loc, waveLanes) {}

LogicalResult Distributor::run() {
  Block &entry = function.getBody().front();
  for (BlockArgument argument : entry.getArguments())
    mapping.map(argument, argument);
  Operation *last = &*std::prev(builder.getInsertionPoint());
  SmallVector<Operation *> old;
  for (Operation &op :
       llvm::make_range(std::next(last->getIterator()), entry.end()))
    old.push_back(&op);
  for (Operation *op : old) {
    builder.setInsertionPoint(op);
    if (failed(distribute(*op)))
      return failure();
  }
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Which op how
//===----------------------------------------------------------------------===//

LogicalResult Distributor::distributeBlock(Block &block) {
  for (Operation &op : block)
    if (failed(distribute(op)))
      return failure();
  return success();
}

LogicalResult Distributor::distribute(Operation &op) {
  auto add = [&](Value a, Value b) -> Value {
    return arith::AddIOp::create(builder, loc, a, b);
  };
  auto max = [&](Value a, Value b) -> Value {
    return arith::MaxUIOp::create(builder, loc, a, b);
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<scf::ForOp, scf::IfOp, scf::YieldOp, arith::ConstantOp,
            LLVM::LoadOp, LLVM::StoreOp, LLVM::MaskedLoadOp,
            LLVM::MaskedStoreOp, LLVM::masked_gather, LLVM::masked_scatter,
            LLVM::ExtractElementOp, LLVM::InsertElementOp,
            LLVM::ShuffleVectorOp, LLVM::BitcastOp, LLVM::CallIntrinsicOp>(
          [&](auto typed) { return distribute(typed); })
      .Case<LLVM::vector_reduce_add>([&](auto) { return reduce(op, add); })
      .Case<LLVM::vector_reduce_umax>([&](auto) { return reduce(op, max); })
      .Case<LLVM::Prefetch>([](auto) { return success(); }) // A CPU's caches.
      .Case<arith::AddFOp, arith::AddIOp, arith::SubFOp, arith::SubIOp,
            arith::MulFOp, arith::MulIOp, arith::DivFOp, arith::DivUIOp,
            arith::RemUIOp, arith::MinUIOp, arith::MaxUIOp, arith::MinSIOp,
            arith::MaxSIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
            arith::ShLIOp, arith::ShRUIOp, arith::ShRSIOp, arith::NegFOp,
            arith::CmpIOp, arith::CmpFOp, arith::SelectOp, arith::ExtUIOp,
            arith::ExtSIOp, arith::TruncIOp, arith::SIToFPOp, arith::FPToSIOp,
            arith::ExtFOp, arith::TruncFOp, LLVM::FMAOp, LLVM::SqrtOp,
            LLVM::RoundEvenOp, LLVM::CtPopOp, LLVM::PoisonOp, LLVM::ZeroOp,
            LLVM::GEPOp, LLVM::AddrSpaceCastOp, LLVM::AddressOfOp,
            LLVM::ReturnOp, LLVM::FenceOp>(
          [&](auto) { return distributeEachLane(op); })
      .Case<ROCDL::ThreadIdXOp, ROCDL::BlockIdXOp, ROCDL::SBarrierOp>(
          [&](auto) { return distributeEachLane(op); })
      .Default([](Operation *other) {
        return other->emitOpError("cannot be distributed to lanes");
      });
}

/// The same op, of what a lane has.
LogicalResult Distributor::distributeEachLane(Operation &op) {
  Operation *copy = builder.clone(op, mapping);
  for (OpResult result : copy->getResults())
    result.setType(getLaneType(result.getType()));
  return success();
}

/// GPUs have intrinsics of one lane's numbers.
LogicalResult Distributor::distribute(LLVM::CallIntrinsicOp op) {
  bool isOfLanes = llvm::any_of(op->getOperandTypes(), isDistributed) ||
                   llvm::any_of(op->getResultTypes(), isDistributed);
  if (isOfLanes && !op.getIntrin().starts_with("llvm.amdgcn."))
    return op.emitOpError("cannot be distributed to lanes: ") << op.getIntrin();
  return distributeEachLane(*op);
}

LogicalResult Distributor::distribute(arith::ConstantOp op) {
  auto value = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!value || !isDistributed(op.getType()))
    return distributeEachLane(*op);
  Type type = getLaneType(op.getType());
  int64_t elements = getLaneElements(op.getType());
  auto all = llvm::to_vector(value.getValues<Attribute>());
  SmallVector<TypedAttr> ofLanes;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    auto own = ArrayRef(all).slice(lane * elements, elements);
    ofLanes.push_back(elements == 1 ? cast<TypedAttr>(own[0])
                                    : cast<TypedAttr>(DenseElementsAttr::get(
                                          cast<ShapedType>(type), own)));
  }
  return replace(*op, lanes.selectConstants(ofLanes));
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

LogicalResult Distributor::distribute(scf::ForOp op) {
  SmallVector<Value> initial;
  for (Value value : op.getInitArgs())
    initial.push_back(find(value));
  // What an earlier turn did may be what a lane of this one wants.
  Accesses before = accesses;
  accesses.add(collectAccesses(op));
  LogicalResult result = success();
  auto build = [&](OpBuilder &nested, Location, Value iv, ValueRange carried) {
    mapping.map(op.getInductionVar(), iv);
    mapping.map(op.getRegionIterArgs(), carried);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(nested.getInsertionBlock(),
                              nested.getInsertionPoint());
    result = distributeBlock(*op.getBody());
  };
  auto loop = scf::ForOp::create(builder, op.getLoc(), find(op.getLowerBound()),
                                 find(op.getUpperBound()), find(op.getStep()),
                                 initial, build);
  accesses.add(before);
  mapping.map(op.getResults(), loop.getResults());
  return result;
}

LogicalResult Distributor::distribute(scf::IfOp op) {
  SmallVector<Type> types;
  for (Type type : op.getResultTypes())
    types.push_back(getLaneType(type));
  auto branch =
      scf::IfOp::create(builder, op.getLoc(), types, find(op.getCondition()),
                        /*addThenBlock=*/true,
                        /*addElseBlock=*/op.elseBlock() != nullptr);
  Accesses before = accesses, after = accesses;
  OpBuilder::InsertionGuard guard(builder);
  for (auto [old, block] : {std::pair(op.thenBlock(), branch.thenBlock()),
                            std::pair(op.elseBlock(), branch.elseBlock())}) {
    if (!old)
      continue;
    accesses = before;
    builder.setInsertionPointToEnd(block);
    if (failed(distributeBlock(*old)))
      return failure();
    after.add(accesses);
  }
  accesses = after;
  mapping.map(op.getResults(), branch.getResults());
  return success();
}

LogicalResult Distributor::distribute(scf::YieldOp op) {
  SmallVector<Value> values;
  for (Value value : op.getOperands())
    values.push_back(find(value));
  scf::YieldOp::create(builder, op.getLoc(), values);
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Before an access of lanes: a fence if it must stay behind earlier ones.
void Distributor::order(Value pointer, bool isStore) {
  const void *root = getRoot(pointer);
  if (accesses.conflictsWith(root, isStore)) {
    LLVM::FenceOp::create(builder, loc, LLVM::AtomicOrdering::acq_rel,
                          "wavefront");
    accesses = {};
    ++fences;
  }
  accesses.add(root, isStore);
}

/// Where the lane's part is of a vector of the old type.
Value Distributor::pointToLane(Value pointer, Type type) {
  Type element = cast<VectorType>(type).getElementType();
  int64_t bytes = getLaneElements(type) * (element.getIntOrFloatBitWidth() / 8);
  SmallVector<TypedAttr> offsets;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    offsets.push_back(builder.getI64IntegerAttr(lane * bytes));
  return LLVM::GEPOp::create(
      builder, loc, pointer.getType(), builder.getI8Type(), pointer,
      ArrayRef<LLVM::GEPArg>{lanes.selectConstants(offsets)});
}

LogicalResult Distributor::distribute(LLVM::LoadOp op) {
  if (!isDistributed(op.getType()))
    return distributeEachLane(*op);
  order(op.getAddr(), /*isStore=*/false);
  Value pointer = pointToLane(find(op.getAddr()), op.getType());
  return replace(*op,
                 LLVM::LoadOp::create(builder, loc, getLaneType(op.getType()),
                                      pointer, op.getAlignment().value_or(0)));
}

LogicalResult Distributor::distribute(LLVM::StoreOp op) {
  Type type = op.getValue().getType();
  if (!isDistributed(type))
    return distributeEachLane(*op);
  order(op.getAddr(), /*isStore=*/true);
  LLVM::StoreOp::create(builder, loc, find(op.getValue()),
                        pointToLane(find(op.getAddr()), type),
                        op.getAlignment().value_or(0));
  return success();
}

/// A load of `type` if the lane's bit is set, else `other`.
LogicalResult Distributor::loadWhere(Operation &op, Value pointer, Value mask,
                                     Value other, int64_t alignment) {
  Type type = getLaneType(op.getResult(0).getType());
  if (isa<VectorType>(type))
    return op.emitOpError("cannot be distributed to lanes: several elements "
                          "in each under one mask");
  auto load = [&](OpBuilder &b) -> Value {
    return LLVM::LoadOp::create(b, loc, type, pointer,
                                static_cast<unsigned>(alignment));
  };
  if (matchPattern(mask, m_One()))
    return replace(op, load(builder));
  if (!other)
    other = LLVM::PoisonOp::create(builder, loc, type);
  auto branch = scf::IfOp::create(
      builder, loc, mask,
      [&](OpBuilder &b, Location) { scf::YieldOp::create(b, loc, load(b)); },
      [&](OpBuilder &b, Location) { scf::YieldOp::create(b, loc, other); });
  return replace(op, branch.getResult(0));
}

void Distributor::storeWhere(Value value, Value pointer, Value mask,
                             int64_t alignment) {
  auto store = [&](OpBuilder &b) {
    LLVM::StoreOp::create(b, loc, value, pointer,
                          static_cast<unsigned>(alignment));
  };
  if (matchPattern(mask, m_One()))
    return store(builder);
  scf::IfOp::create(builder, loc, mask, [&](OpBuilder &b, Location) {
    store(b);
    scf::YieldOp::create(b, loc);
  });
}

LogicalResult Distributor::distribute(LLVM::MaskedLoadOp op) {
  order(op.getData(), /*isStore=*/false);
  Value other = op.getPassThru() ? find(op.getPassThru()) : Value();
  return loadWhere(*op, pointToLane(find(op.getData()), op.getType()),
                   find(op.getMask()), other, op.getAlignment());
}

LogicalResult Distributor::distribute(LLVM::MaskedStoreOp op) {
  Type type = op.getValue().getType();
  if (isa<VectorType>(getLaneType(type)))
    return op.emitOpError("cannot be distributed to lanes: several elements "
                          "in each under one mask");
  order(op.getData(), /*isStore=*/true);
  storeWhere(find(op.getValue()), pointToLane(find(op.getData()), type),
             find(op.getMask()), op.getAlignment());
  return success();
}

LogicalResult Distributor::distribute(LLVM::masked_gather op) {
  order(op.getPtrs(), /*isStore=*/false);
  Value other = op.getPassThru().empty() ? Value() : find(op.getPassThru()[0]);
  return loadWhere(*op, find(op.getPtrs()), find(op.getMask()), other,
                   op.getAlignment());
}

LogicalResult Distributor::distribute(LLVM::masked_scatter op) {
  order(op.getPtrs(), /*isStore=*/true);
  storeWhere(find(op.getValue()), find(op.getPtrs()), find(op.getMask()),
             op.getAlignment());
  return success();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The number of an element, which is a constant.
static int64_t getNumber(Value position) {
  llvm::APInt number;
  [[maybe_unused]] bool isConstant =
      matchPattern(position, m_ConstantInt(&number));
  assert(isConstant && "emitters know the elements that they take");
  return number.getSExtValue();
}

static int64_t getSize(Value vector) {
  return cast<VectorType>(vector.getType()).getDimSize(0);
}

/// Element `index` of an old vector, in all lanes.
Value Distributor::getElement(Value old, int64_t index) {
  Type element = cast<VectorType>(old.getType()).getElementType();
  if (auto shuffle = old.getDefiningOp<LLVM::ShuffleVectorOp>()) {
    int64_t source = shuffle.getMask()[index], size = getSize(shuffle.getV1());
    if (source < 0)
      return LLVM::PoisonOp::create(builder, loc, element);
    return source < size ? getElement(shuffle.getV1(), source)
                         : getElement(shuffle.getV2(), source - size);
  }
  if (auto insert = old.getDefiningOp<LLVM::InsertElementOp>())
    return getNumber(insert.getPosition()) == index
               ? find(insert.getValue())
               : getElement(insert.getVector(), index);
  DenseElementsAttr constant;
  if (matchPattern(old, m_Constant(&constant)))
    return arith::ConstantOp::create(
        builder, loc, cast<TypedAttr>(constant.getValues<Attribute>()[index]));
  if (!isDistributed(old.getType()))
    return lanes.getElement(find(old), index);
  int64_t elements = getLaneElements(old.getType());
  Value own = lanes.getElement(find(old), index % elements);
  return lanes.share(own, index / elements);
}

/// All of an old vector in every lane.
Value Distributor::getWhole(Value old) {
  if (!isDistributed(old.getType()))
    return find(old);
  SmallVector<Value> elements;
  for (int64_t i = 0; i < getSize(old); ++i)
    elements.push_back(getElement(old, i));
  return lanes.makeVector(elements);
}

LogicalResult Distributor::distribute(LLVM::ExtractElementOp op) {
  return replace(*op, getElement(op.getVector(), getNumber(op.getPosition())));
}

LogicalResult Distributor::distribute(LLVM::InsertElementOp op) {
  if (!isDistributed(op.getType()))
    return distributeEachLane(*op);
  int64_t index = getNumber(op.getPosition());
  int64_t elements = getLaneElements(op.getType());
  Value old = find(op.getVector()), value = find(op.getValue());
  if (op.getVector().getDefiningOp<LLVM::PoisonOp>())
    return replace(*op, lanes.splat(value, elements));
  SmallVector<Value> own;
  for (int64_t i = 0; i < elements; ++i)
    own.push_back(i == index % elements ? value : lanes.getElement(old, i));
  SmallVector<Value> choices(kLanes, old);
  choices[index / elements] = lanes.join(own);
  return replace(*op, lanes.select(choices));
}

/// Element `element` of what each lane has of a shuffle of vectors that are
/// dealt out: the elements at one place of lanes are moved at once.
Value Distributor::gatherElements(LLVM::ShuffleVectorOp op, int64_t element) {
  int64_t elements = getLaneElements(op.getType());
  int64_t size = getSize(op.getV1());
  int64_t sourceElements = getLaneElements(op.getV1().getType());
  // Of each place in a lane's sources, the lanes that are wanted.
  SmallVector<SmallVector<int64_t>> wanted(2 * sourceElements,
                                           SmallVector<int64_t>(kLanes, -1));
  SmallVector<int64_t> places(kLanes, -1);
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    int64_t source = op.getMask()[lane * elements + element];
    if (source < 0)
      continue;
    places[lane] = source / size * sourceElements + source % sourceElements;
    wanted[places[lane]][lane] = source % size / sourceElements;
  }
  SmallVector<Value> moved(2 * sourceElements);
  Value any;
  for (int64_t place = 0; place < 2 * sourceElements; ++place) {
    if (!llvm::is_contained(places, place))
      continue;
    Value vector = find(place < sourceElements ? op.getV1() : op.getV2());
    moved[place] = lanes.permute(
        lanes.getElement(vector, place % sourceElements), wanted[place]);
    any = moved[place];
  }
  if (!any)
    return LLVM::PoisonOp::create(
        builder, loc, cast<VectorType>(op.getType()).getElementType());
  SmallVector<Value> choices;
  for (int64_t place : places)
    choices.push_back(place < 0 ? any : moved[place]);
  return lanes.select(choices);
}

/// Follows an element of a vector through shuffles to where it comes from.
static std::pair<Value, int64_t> findSource(Value vector, int64_t index) {
  while (auto shuffle = vector.getDefiningOp<LLVM::ShuffleVectorOp>()) {
    int64_t source = shuffle.getMask()[index], size = getSize(shuffle.getV1());
    if (source < 0)
      break;
    vector = source < size ? shuffle.getV1() : shuffle.getV2();
    index = source % size;
  }
  return {vector, index};
}

/// The vector that some shuffles give back, as a part of a concatenation does;
/// or null.
static Value findUnshuffled(LLVM::ShuffleVectorOp op) {
  Value first = findSource(op, 0).first;
  if (first.getType() != op.getType())
    return {};
  for (int64_t i = 0; i < getSize(op); ++i)
    if (findSource(op, i) != std::pair(first, i))
      return {};
  return first;
}

LogicalResult Distributor::distribute(LLVM::ShuffleVectorOp op) {
  bool toLanes = isDistributed(op.getType());
  bool fromLanes = isDistributed(op.getV1().getType());
  if (!toLanes && !fromLanes)
    return distributeEachLane(*op);
  ArrayRef<int32_t> mask = op.getMask();
  if (!toLanes) {
    SmallVector<Value> elements;
    for (size_t i = 0; i < mask.size(); ++i)
      elements.push_back(getElement(op.getResult(), static_cast<int64_t>(i)));
    return replace(*op, lanes.makeVector(elements));
  }
  int64_t elements = getLaneElements(op.getType());
  if (Value same = findUnshuffled(op))
    return replace(*op, find(same));
  if (llvm::all_equal(mask))
    return replace(*op, lanes.splat(getElement(op.getResult(), 0), elements));
  SmallVector<Value> own;
  for (int64_t i = 0; i < elements; ++i) {
    if (fromLanes) {
      own.push_back(gatherElements(op, i));
      continue;
    }
    SmallVector<Value> choices;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      choices.push_back(getElement(op.getResult(), lane * elements + i));
    own.push_back(lanes.select(choices));
  }
  return replace(*op, lanes.join(own));
}

LogicalResult Distributor::distribute(LLVM::BitcastOp op) {
  bool toLanes = isDistributed(op.getType());
  if (isDistributed(op.getArg().getType()) == toLanes)
    return distributeEachLane(*op);
  Value whole = LLVM::BitcastOp::create(builder, loc, op.getType(),
                                        getWhole(op.getArg()));
  if (!toLanes)
    return replace(*op, whole);
  int64_t elements = getLaneElements(op.getType());
  SmallVector<Value> choices;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    SmallVector<Value> own;
    for (int64_t i = 0; i < elements; ++i)
      own.push_back(lanes.getElement(whole, lane * elements + i));
    choices.push_back(lanes.join(own));
  }
  return replace(*op, lanes.select(choices));
}

/// All elements combined, in all lanes.
LogicalResult Distributor::reduce(Operation &op,
                                  function_ref<Value(Value, Value)> combine) {
  if (!isDistributed(op.getOperand(0).getType()))
    return distributeEachLane(op);
  Value all = find(op.getOperand(0));
  int64_t elements = getLaneElements(op.getOperand(0).getType());
  Value value = lanes.getElement(all, 0);
  for (int64_t i = 1; i < elements; ++i)
    value = combine(value, lanes.getElement(all, i));
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    value = combine(value, lanes.rotate(value, half));
  return replace(op, value);
}
