//===- Prepare.cpp - Emits the kernels that make a matmul's input
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for tile, for row of the tile:
//     source row (gathered)  ==>  normalised  ==>  quantised  ==>  its places
//     in the tile
//
// A row that has no source becomes what zeros become. A row is read twice if it
// is normalised: once for its sum of squares. Norm and quantisation are those
// of docs/numerics.md ("Row norms", "Activations of a matmul").
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/Math.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/ExpertGroups.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// One row's part of the output.
struct OutputRow {
  Value tile;   ///< First byte of the row's tile.
  Value number; ///< Of the row inside its tile, i64.
};

/// A row's values in registers: vectors of kLanes, zero from `columns` on.
using RowValues = SmallVector<Value>;

class PrepareEmitter {
public:
  PrepareEmitter(KernelBuilder &b, plan::PrepareSpecAttr spec)
      : b(b), spec(spec), layout(spec.getLayout()),
        isQuantized(layout.getField(pack::kScale) != nullptr),
        hasParts(pack::hasParts(layout)),
        isWidened(pack::hasWidenedQuants(layout)) {}

  LogicalResult emit();

private:
  LogicalResult checkLayout();
  void emitRowOrZeros(Value row, const OutputRow &output);
  void emitRow(Value source, const OutputRow &row);
  void emitZeroRow(const OutputRow &row);
  Value loadNormalized(Value source, Value column, Value factor, int64_t lanes);
  RowValues loadGroup(Value source, Value group, int64_t elements,
                      Value factor);
  void forEachGroup(int64_t begin,
                    function_ref<void(Value group, int64_t elements)> body);
  bool joinsGroups() const;
  void storeJoinedGroups(Value source, const OutputRow &row, Value firstGroup,
                         Value factor);
  void storeQuantized(const OutputRow &row, Value group,
                      ArrayRef<Value> values);
  Value roundQuants(Value values, Value inverse, Value hasNone);
  void storeQuants(const OutputRow &row, Value group, ArrayRef<Value> quants);
  void storeNeeds(const OutputRow &row, Value group, ArrayRef<Value> quants,
                  Value scale);
  void storeFloats(const OutputRow &row, Value column, Value values,
                   int64_t lanes);
  void storeParts(const OutputRow &row, Value group, ArrayRef<Value> values);
  int64_t getGroupElements() const {
    return isQuantized || hasParts ? layout.getK() : kLanes;
  }
  Value getGroup(const OutputRow &row, Value group, StringRef field);

  KernelBuilder &b;
  plan::PrepareSpecAttr spec;
  pack::LayoutAttr layout;
  bool isQuantized;
  bool hasParts;
  bool isWidened;              ///< Quants are bf16 numbers.
  pack::ActivationNeeds needs; ///< What the layout holds beside quants.
  Value x, norm, count;
  Value rows; ///< Numbers of the source rows, or null.
  Value head; ///< Of the tile, or null.
};

} // namespace

LogicalResult codegen::emitPrepare(KernelBuilder &b,
                                   plan::PrepareSpecAttr spec) {
  return PrepareEmitter(b, spec).emit();
}

LogicalResult PrepareEmitter::emit() {
  if (failed(checkLayout()))
    return failure();
  int64_t next = 0;
  x = b.loadOperand(next++);
  if (spec.getGather())
    rows = spec.getGrouped()
               ? b.loadOperand(next++)
               : b.loadInputPointer(offsetof(ModelcStepInputs, outputRows));
  if (spec.getEps())
    norm = b.loadOperand(next++);
  Value out = b.loadOperand(next++);
  count = b.loadCount();
  int64_t rowTile = layout.getRows(), columns = spec.getColumns();
  auto emitTile = [&](Value tile) {
    Value tileOut =
        b.offset(out, b.mul(tile, layout.getPanelOffset(rowTile, columns)));
    if (spec.getHeads() > 0) {
      head = b.remU(tile, spec.getHeads());
      tile = b.divU(tile, spec.getHeads());
    }
    Value firstRow = b.mul(tile, rowTile);
    b.forLoop(0, rowTile, 1, [&](Value number) {
      emitRowOrZeros(b.add(firstRow, number), {tileOut, number});
    });
  };
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, emitTile);
  return success();
}

/// Row `row` of the output, if it has a source.
void PrepareEmitter::emitRowOrZeros(Value row, const OutputRow &output) {
  int64_t rowBytes = spec.getColumns() * sizeof(float);
  if (head)
    rowBytes = spec.getHeadDim() * sizeof(float);
  auto emitSource = [&](Value number) {
    if (head)
      number = b.add(b.mul(number, spec.getHeads()), head);
    emitRow(b.offset(x, b.mul(number, rowBytes)), output);
  };
  auto loadNumber = [&] {
    return b.load(b.i32(), b.offset(rows, b.mul(row, sizeof(uint32_t))));
  };
  auto emitZeros = [&] { emitZeroRow(output); };
  using Predicate = arith::CmpIPredicate;
  if (!spec.getGrouped())
    return b.ifElse(
        b.cmpI(Predicate::ult, row, count),
        [&] { emitSource(rows ? b.extendU(loadNumber(), b.i64()) : row); },
        emitZeros);
  if (!rows)
    return emitSource(row);
  Value number = loadNumber();
  b.ifElse(
      b.cmpI(Predicate::ne, number, b.constI32(plan::kNoRow)),
      [&] { emitSource(b.extendU(number, b.i64())); }, emitZeros);
}

LogicalResult PrepareEmitter::checkLayout() {
  bool isKnown = false;
  if (isQuantized) {
    std::optional<pack::ActivationNeeds> held = pack::getHeldNeeds(layout);
    isKnown = held && layout.getK() == pack::kActivationBlock &&
              (isWidened ? getRowOrder(layout, pack::kQuants).has_value()
                         : hasQuadVectors(layout, pack::kQuants) ||
                               pack::hasQuantPairs(layout) ||
                               getElementStride(layout, pack::kQuants) == 1);
    for (auto field : layout.getFields().getAsRange<pack::FieldAttr>())
      isKnown &= getRowStride(layout, field.getName().getValue()).has_value();
    needs = held.value_or(pack::ActivationNeeds());
  } else if (hasParts) {
    isKnown = layout.getK() == 2 * kLanes;
    for (StringRef part : pack::kParts)
      isKnown &= getElementStride(layout, part) == sizeof(uint16_t) &&
                 getRowStride(layout, part).has_value();
  } else {
    isKnown = layout.getK() == 1 && getRowStride(layout, pack::kValues);
  }
  if (!isKnown)
    return emitError(b.getLoc()) << "cannot prepare rows in " << layout;
  return success();
}

/// Runs the body for each group of the row's k from number `begin` on, with the
/// number of its elements that exist: a loop over the whole ones, then the
/// last.
void PrepareEmitter::forEachGroup(
    int64_t begin, function_ref<void(Value group, int64_t elements)> body) {
  int64_t size = getGroupElements();
  int64_t whole = spec.getColumns() / size, rest = spec.getColumns() % size;
  b.forLoop(begin, whole, 1, [&](Value group) { body(group, size); });
  if (rest > 0)
    body(b.constI64(whole), rest);
}

void PrepareEmitter::emitRow(Value source, const OutputRow &row) {
  Value factor;
  if (norm)
    factor = b.splat(emitInverseRms(b, source, spec.getColumns(),
                                    spec.getEps().getValue().convertToFloat()));
  int64_t joined = 0;
  if (joinsGroups())
    joined = spec.getColumns() / (kLanes * getGroupElements()) * kLanes;
  b.forLoop(0, joined, kLanes, [&](Value group) {
    storeJoinedGroups(source, row, group, factor);
  });
  forEachGroup(joined, [&](Value group, int64_t elements) {
    RowValues values = loadGroup(source, group, elements, factor);
    if (isQuantized)
      storeQuantized(row, group, values);
    else if (hasParts)
      storeParts(row, group, values);
    else
      storeFloats(row, b.mul(group, getGroupElements()), values[0], elements);
  });
}

/// A group's values, of which `elements` exist.
RowValues PrepareEmitter::loadGroup(Value source, Value group, int64_t elements,
                                    Value factor) {
  RowValues values;
  int64_t size = getGroupElements();
  Value first = b.mul(group, size);
  for (int64_t i = 0; i < size; i += kLanes) {
    int64_t lanes = std::clamp<int64_t>(elements - i, 0, kLanes);
    values.push_back(
        lanes == 0 ? b.splatF32(0)
                   : loadNormalized(source, b.add(first, i), factor, lanes));
  }
  return values;
}

/// `lanes` elements from `column`, normalised if there is a factor; the other
/// lanes are +0.
Value PrepareEmitter::loadNormalized(Value source, Value column, Value factor,
                                     int64_t lanes) {
  Value bytes = b.mul(column, sizeof(float));
  Value x = b.loadFloats(b.f32(), b.offset(source, bytes), 0, lanes);
  if (!factor)
    return x;
  Value weight = b.loadFloats(b.f32(), b.offset(norm, bytes), 0, lanes);
  Value y = b.mul(b.mul(x, factor), weight);
  // The factor may be infinite, and 0 times that is not 0.
  return lanes == kLanes ? y : b.select(b.laneMask(lanes), y, b.splatF32(0));
}

/// First byte of the group, moved by the row's distance from row 0 in `field`.
Value PrepareEmitter::getGroup(const OutputRow &row, Value group,
                               StringRef field) {
  Value bytes = b.add(b.mul(group, layout.getBytes()),
                      b.mul(row.number, *getRowStride(layout, field)));
  return b.offset(row.tile, bytes);
}

/// Scale, quants and start values of one block; see docs/numerics.md.
void PrepareEmitter::storeQuantized(const OutputRow &row, Value group,
                                    ArrayRef<Value> values) {
  using Predicate = arith::CmpIPredicate;
  Value largest = emitLargestMagnitude(b, values);
  Value isNan = b.cmpI(Predicate::uge, largest, b.constI32(0x7f800000));
  Value isTiny = b.cmpI(Predicate::ult, largest, b.constI32(0x0d800000));
  Value hasNoQuants = b.bitOr(isNan, isTiny);
  Value zero = b.constF32(0), m = b.bitcast(largest, b.f32());
  Value nan = b.bitcast(b.constI32(0x7fc00000), b.f32());
  Value scale =
      b.select(isNan, nan, b.select(isTiny, zero, b.div(m, b.constF32(127))));
  b.store(scale, getGroup(row, group, pack::kScale),
          layout.getByteOffset(pack::kScale, 0, 0));

  Value inverse =
      b.splat(b.select(hasNoQuants, zero, b.div(b.constF32(127), m)));
  SmallVector<Value> quants;
  for (Value v : values)
    quants.push_back(roundQuants(v, inverse, hasNoQuants));
  storeQuants(row, group, quants);
  storeNeeds(row, group, quants, scale);
}

/// Quants as i32 or, widened, as floats. `inverse` is 0 where there are none.
Value PrepareEmitter::roundQuants(Value values, Value inverse, Value hasNone) {
  if (!isWidened) {
    // Conversion of what does not fit an integer would be undefined.
    Value safe = b.select(hasNone, b.splatF32(0), values);
    return b.floatToInt(b.roundEven(b.mul(safe, inverse)), b.i32());
  }
  // Above 1.5 * 2^23 there are but integers. What is not finite times 0 is NaN.
  Value magic = b.splatF32(0x1.8p+23f), zero = b.splatF32(0);
  Value rounded = b.sub(b.add(b.mul(values, inverse), magic), magic);
  Value hasQuants = b.cmpF(arith::CmpFPredicate::UNE, inverse, zero);
  return b.select(hasQuants, rounded, zero);
}

/// True if sixteen groups are quantised together: quants are floats, and all
/// that is wanted of their sums are whole groups'.
bool PrepareEmitter::joinsGroups() const {
  return isWidened && needs.starts.empty() &&
         llvm::all_of(needs.sums,
                      [&](int64_t unit) { return unit == layout.getK(); });
}

/// Lane i of the result is what `combine` makes of all lanes of vectors[i], in
/// some order. Each round leaves half as many vectors, whose lanes stand for
/// half as many of one vector's.
static Value reduceEach(KernelBuilder &b, SmallVector<Value> vectors,
                        function_ref<Value(Value, Value)> combine) {
  for (int32_t half = kLanes / 2; half > 0; half /= 2) {
    SmallVector<int32_t> kept, moved;
    for (int32_t lane = 0; lane < kLanes; ++lane) {
      bool isSecond = lane & half;
      kept.push_back(isSecond ? lane + kLanes : lane);
      moved.push_back(isSecond ? lane - half + kLanes : lane + half);
    }
    for (int32_t i = 0; i < half; ++i)
      vectors[i] = combine(b.shuffle(vectors[i], vectors[i + half], kept),
                           b.shuffle(vectors[i], vectors[i + half], moved));
    vectors.truncate(half);
  }
  return vectors.front();
}

/// The groups from `firstGroup` on, one for each lane: what there is of scales
/// and sums is computed for all of them at once, and values are read twice.
void PrepareEmitter::storeJoinedGroups(Value source, const OutputRow &row,
                                       Value firstGroup, Value factor) {
  using Predicate = arith::CmpIPredicate;
  auto load = [&](int64_t i) {
    return loadGroup(source, b.add(firstGroup, i), layout.getK(), factor);
  };
  Type words = b.vec(b.i32());
  SmallVector<Value> magnitudes;
  for (int64_t i = 0; i < kLanes; ++i) {
    RowValues values = load(i);
    for (Value &value : values)
      value = b.bitAnd(b.bitcast(value, words), b.splatI32(0x7fffffff));
    magnitudes.push_back(b.maxU(values[0], values[1]));
  }
  Value largest =
      reduceEach(b, magnitudes, [&](Value x, Value y) { return b.maxU(x, y); });
  Value isNan = b.cmpI(Predicate::uge, largest, b.splatI32(0x7f800000));
  Value isTiny = b.cmpI(Predicate::ult, largest, b.splatI32(0x0d800000));
  Value zero = b.splatF32(0), m = b.bitcast(largest, b.vec(b.f32()));
  Value scale = b.select(isTiny, zero, b.div(m, b.splatF32(127)));
  scale = b.select(isNan, b.splatF32Bits(0x7fc00000), scale);
  Value inverse =
      b.select(b.bitOr(isNan, isTiny), zero, b.div(b.splatF32(127), m));
  auto storeEach = [&](StringRef field, Value floats) {
    Value base = getGroup(row, firstGroup, field);
    for (int64_t i = 0; i < kLanes; ++i)
      b.store(b.extract(floats, i), base,
              i * layout.getBytes() + layout.getByteOffset(field, 0, 0));
  };
  storeEach(pack::kScale, scale);
  SmallVector<Value> sums;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value own = b.splat(b.extract(inverse, i));
    SmallVector<Value> quants;
    for (Value value : load(i))
      quants.push_back(roundQuants(value, own, /*hasNone=*/{}));
    storeQuants(row, b.add(firstGroup, i), quants);
    sums.push_back(b.add(quants[0], quants[1]));
  }
  if (needs.sums.empty())
    return;
  Value sum =
      reduceEach(b, sums, [&](Value x, Value y) { return b.add(x, y); });
  storeEach(pack::getSumField(layout.getK()), b.mul(scale, sum));
}

/// What kernels need of the sums of quants, which are exact in either type.
void PrepareEmitter::storeNeeds(const OutputRow &row, Value group,
                                ArrayRef<Value> quants, Value scale) {
  auto reduce = [&](Value vector) {
    return isWidened ? b.reduceTree(vector) : b.reduceAddInt(vector);
  };
  bool hasHalves = needs.sums.contains(kLanes);
  for (auto [offset, unit] : needs.starts)
    hasHalves |= unit == kLanes;
  SmallVector<Value> halves;
  for (Value vector : quants)
    if (hasHalves)
      halves.push_back(reduce(vector));
  auto getSum = [&](int64_t k, int64_t unit) {
    if (unit == kLanes)
      return halves[k / kLanes];
    return hasHalves ? b.add(halves[0], halves[1])
                     : reduce(b.add(quants[0], quants[1]));
  };
  auto forEachUnit = [&](const std::string &field, int64_t unit,
                         function_ref<Value(Value sum)> makeWord) {
    for (int64_t k = 0; k < layout.getK(); k += unit)
      b.store(makeWord(getSum(k, unit)), getGroup(row, group, field),
              layout.getByteOffset(field, 0, k));
  };
  for (auto [offset, unit] : needs.starts)
    forEachUnit(pack::getStartField(offset, unit), unit,
                [&, offset = offset](Value sum) {
                  return b.mul(sum, b.constI32(static_cast<int32_t>(-offset)));
                });
  for (int64_t unit : needs.sums)
    forEachUnit(pack::getSumField(unit), unit, [&](Value sum) {
      return b.mul(scale, isWidened ? sum : b.intToFloat(sum, b.f32()));
    });
}

/// The quants of a whole group: as bytes or as bf16 numbers, the upper halves
/// of floats, which are exact, as no quant has more than 7 bits.
void PrepareEmitter::storeQuants(const OutputRow &row, Value group,
                                 ArrayRef<Value> quants) {
  Value base = getGroup(row, group, pack::kQuants);
  int64_t first = layout.getByteOffset(pack::kQuants, 0, 0);
  if (isWidened) {
    Type halves = b.vec(b.i16(), 2 * kLanes);
    SmallVector<int32_t> upper;
    SmallVector<int64_t> order = *getRowOrder(layout, pack::kQuants);
    for (int64_t k : order)
      upper.push_back(static_cast<int32_t>(2 * k + 1));
    return b.store(b.shuffle(b.bitcast(quants[0], halves),
                             b.bitcast(quants[1], halves), upper),
                   base, first);
  }
  if (b.getTarget().gpu) {
    // Elements of a vector lie in different lanes: each stores its own.
    for (int64_t k = 0; k < layout.getK(); k += kLanes) {
      SmallVector<int64_t> bytes;
      for (int64_t i = 0; i < kLanes; ++i)
        bytes.push_back(layout.getByteOffset(pack::kQuants, 0, k + i));
      b.scatter(b.truncate(quants[k / kLanes], b.i8()), base,
                b.constVector(b.vec(b.i64()), ArrayRef<int64_t>(bytes)));
    }
    return;
  }
  Value bytes =
      b.concat(b.truncate(quants[0], b.i8()), b.truncate(quants[1], b.i8()));
  if (getElementStride(layout, pack::kQuants) == 1)
    return b.store(bytes, base, first);
  if (pack::hasQuantPairs(layout)) {
    Value pairs = b.bitcast(bytes, b.vec(b.i16(), layout.getK() / 2));
    for (int64_t pair = 0; pair < layout.getK() / 2; ++pair)
      b.store(b.extract(pairs, pair), base,
              layout.getByteOffset(pack::kQuants, 0, 2 * pair));
    return;
  }
  int64_t quads = layout.getK() / 4;
  Value words = b.bitcast(bytes, b.vec(b.i32(), quads));
  for (int64_t quad = 0; quad < quads; ++quad)
    b.store(b.extract(words, quad), base,
            getQuadByte(layout, pack::kQuants, 4 * quad));
}

/// Each value as the sum of three bf16; see docs/numerics.md.
void PrepareEmitter::storeParts(const OutputRow &row, Value group,
                                ArrayRef<Value> values) {
  using Predicate = arith::CmpIPredicate;
  Value upper = b.splatI32(~0xffff), infinity = b.splatI32(0x7f800000);
  SmallVector<SmallVector<Value, 2>, 3> parts(std::size(pack::kParts));
  for (Value value : values) {
    Value bits = b.bitcast(value, b.vec(b.i32()));
    Value magnitude = b.bitAnd(bits, b.splatI32(0x7fffffff));
    Value isFinite = b.cmpI(Predicate::ult, magnitude, infinity);
    Value isNan = b.cmpI(Predicate::ugt, magnitude, infinity);
    bits = b.select(isNan, b.splatI32(0x7fc00000), bits);
    for (SmallVector<Value, 2> &part : parts) {
      part.push_back(b.truncate(b.shrU(bits, b.splatI32(16)), b.i16()));
      Value number = b.bitcast(bits, b.vec(b.f32()));
      Value rest =
          b.sub(number, b.bitcast(b.bitAnd(bits, upper), b.vec(b.f32())));
      bits = b.select(isFinite, b.bitcast(rest, b.vec(b.i32())), b.splatI32(0));
    }
  }
  for (auto [name, part] : llvm::zip_equal(pack::kParts, parts))
    b.store(b.concat(part[0], part[1]), getGroup(row, group, name),
            layout.getByteOffset(name, 0, 0));
}

void PrepareEmitter::storeFloats(const OutputRow &row, Value column,
                                 Value values, int64_t lanes) {
  Value base = getGroup(row, column, pack::kValues);
  int64_t first = layout.getByteOffset(pack::kValues, 0, 0);
  if (layout.getBytes() == sizeof(float))
    return b.storeLanes(values, base, first, lanes);
  b.storeStrided(values, base, first, layout.getBytes(), lanes);
}

void PrepareEmitter::emitZeroRow(const OutputRow &row) {
  forEachGroup(/*begin=*/0, [&](Value group, int64_t elements) {
    if (hasParts)
      return storeParts(row, group, {b.splatF32(0), b.splatF32(0)});
    if (!isQuantized)
      return storeFloats(row, b.mul(group, kLanes), b.splatF32(0), elements);
    Value none = isWidened ? b.splatF32(0) : b.splatI32(0);
    storeQuants(row, group, {none, none});
    b.store(b.constF32(0), getGroup(row, group, pack::kScale),
            layout.getByteOffset(pack::kScale, 0, 0));
    storeNeeds(row, group, {none, none}, b.constF32(0));
  });
}
