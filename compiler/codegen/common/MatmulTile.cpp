//===- MatmulTile.cpp - The register tile of a matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//              16 weight rows (lanes)
//            +------------------------+
//   row 0    | one vector accumulator |   times the number of panels;
//   row 1    | ...                    |   all of it stays in registers while
//   ...      |                        |   k runs over the columns
//            +------------------------+
//
// Each output is one chain over ascending k (docs/numerics.md, "Matmul").
// Float weights: one fma per k. Block-quantised: an exact integer sum per
// sub-block, then one fma with the product of both scales, and one for the
// minimum of types that have it.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/BlockScales.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/PairMatmul.h"
#include "compiler/codegen/common/WidenedMatmul.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/PlanDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static bool isQuantized(pack::LayoutAttr layout) {
  return !layout.getField(pack::kValues);
}

/// True if one vector holds the scales of a panel's rows, whatever the field
/// that is not one of quads.
static bool hasScaleVectors(pack::LayoutAttr layout) {
  auto fields = layout.getFields().getAsRange<pack::FieldAttr>();
  return llvm::all_of(fields, [&](pack::FieldAttr field) {
    StringRef name = field.getName().getValue();
    return hasQuadVectors(layout, name) || hasRowVectors(layout, name);
  });
}

/// Loads fields of a panel's rows, in lanes.
static auto getPanelLoader(KernelBuilder &b, const GroupCursor &panel) {
  return [&b, &panel](StringRef field, Type element, int64_t k) {
    return b.load(b.vec(element), panel.getBase(b, field),
                  panel.layout.getBitOffset(field, 0, k) / 8);
  };
}

/// Floats of a panel's rows that its image has, or null.
static Value loadImageFloats(KernelBuilder &b, const GroupCursor &image,
                             StringRef field, int64_t k) {
  if (!image.layout.getField(field))
    return {};
  return b.load(b.vec(b.f32()), image.getBase(b, field),
                image.layout.getByteOffset(field, 0, k));
}

/// The scales of the rows of a panel, or of its image.
static BlockScales getScales(KernelBuilder &b, const GroupCursor &weight,
                             int64_t k) {
  if (weight.layout.getField(pack::kOperand))
    return {loadImageFloats(b, weight, pack::kBlockScale, k),
            loadImageFloats(b, weight, pack::kBlockMin, k)};
  return emitBlockScales(b, weight.layout, k, getPanelLoader(b, weight));
}

/// The subscales of the same, as floats.
static Value getSubscales(KernelBuilder &b, const GroupCursor &weight,
                          int64_t k) {
  if (weight.layout.getField(pack::kOperand))
    return loadImageFloats(b, weight, pack::kBlockSubscale, k);
  return b.intToFloat(
      emitSubscale(b, weight.layout, k, getPanelLoader(b, weight)), b.f32());
}

/// Loops over the steps of `range`; `body` takes the step's number and its
/// elements, and gives the values that are carried on.
static SmallVector<Value>
forEachStep(KernelBuilder &b, int64_t step, const ColumnRange &range,
            ValueRange initial,
            function_ref<SmallVector<Value>(Value, int64_t, ValueRange)> body) {
  SmallVector<Value> values(initial);
  if (range.steps)
    values = b.forLoop(b.constI64(0), range.steps, 1, values,
                       [&](Value number, ValueRange carried) {
                         return body(number, step, carried);
                       });
  if (range.rest > 0)
    values =
        body(range.steps ? range.steps : b.constI64(0), range.rest, values);
  return values;
}

/// A rest belongs to all rows: they write the same.
void codegen::forEachOwnStep(KernelBuilder &b, int64_t step,
                             const ColumnRange &range,
                             function_ref<void(Value, int64_t)> body) {
  int64_t rows = std::max<int64_t>(1, b.getGroup().threads / kLanes);
  if (range.steps)
    b.forLoop(rows == 1 ? b.constI64(0) : b.getRow(), range.steps, rows,
              [&](Value number) { body(number, step); });
  if (range.rest > 0)
    body(range.steps ? range.steps : b.constI64(0), range.rest);
}

/// Where the panel (or image) that begins at `base` has step `number`.
static GroupCursor getStepCursor(KernelBuilder &b, pack::LayoutAttr layout,
                                 Value base, Value number) {
  int64_t size = getStep(layout), steps = layout.getK() / size;
  Value group = steps == 1 ? number : b.divU(number, steps);
  Value index = steps == 1 ? Value() : b.remU(number, steps);
  return {layout, b.offset(base, b.mul(group, layout.getBytes())), index, size};
}

int64_t codegen::getStep(pack::LayoutAttr weight) {
  constexpr int64_t kStep = 2 * pack::kActivationBlock;
  return isQuantized(weight) && advancesEvenly(weight, kStep) ? kStep
                                                              : weight.getK();
}

ColumnRange codegen::getWholeRange(KernelBuilder &b, pack::LayoutAttr weight,
                                   int64_t columns) {
  int64_t step = getStep(weight), whole = columns / step;
  return {whole > 0 ? b.constI64(whole) : Value(), columns % step};
}

bool codegen::canMultiply(pack::LayoutAttr weight, pack::LayoutAttr input,
                          const target::TargetSpec &target) {
  bool isMapped = weight.getRows() == 1 && !isQuantized(weight);
  if (isMapped)
    return weight.getK() == 1 && input.getK() == 1 && !isQuantized(input) &&
           getRowStride(input, pack::kValues).has_value();
  if (pack::hasParts(input))
    return canMultiplyPairs(weight, input, target);
  if (weight.getRows() != kLanes || isQuantized(weight) != isQuantized(input))
    return false;
  if (pack::hasWidenedQuants(input))
    return hasScaleVectors(weight) && canMultiplyWidened(weight, input, target);
  if (!isQuantized(weight))
    return (hasRowVectors(weight, pack::kValues) || pack::hasPairs(weight)) &&
           input.getK() == 1 && getRowStride(input, pack::kValues).has_value();
  return input.getK() == pack::kActivationBlock &&
         weight.getK() % input.getK() == 0 && hasScaleVectors(weight) &&
         getIntDot(target, input).supports(weight, input);
}

/// Panels of block types are read as one stream, which is how memory is read
/// fastest; the blocks of one panel overlap on their own. A float chain has one
/// fma of latency 4 per k, two of which start in a cycle: eight chains fill the
/// machine, and share each broadcast activation. Measured in
/// docs/design/20261121-matmul.md.
int64_t codegen::choosePanels(pack::LayoutAttr weight, pack::LayoutAttr input,
                              const target::TargetSpec &target, int64_t limit) {
  if (isQuantized(weight) || weight.getRows() == 1)
    return 1;
  if (pack::hasParts(input))
    return std::min(limit, plan::MatmulSpecAttr::kPairPanels);
  // A quarter of the registers is for weights and activations.
  int64_t accumulators =
      target::getVectorRegisters(target.isa).vectors() * 3 / 4;
  constexpr int64_t kMaxPanels = 8;
  int64_t panels = std::max<int64_t>(1, accumulators / input.getRows());
  return std::min({panels, kMaxPanels, limit});
}

//===----------------------------------------------------------------------===//
// Loop over groups of k
//===----------------------------------------------------------------------===//

namespace {

/// Pointers that move along k, and what does not move.
class TileEmitter {
public:
  TileEmitter(KernelBuilder &b, const MatmulTile &tile)
      : b(b), tile(tile),
        share(tile.share.value_or(RowShare{
            tile.groupRows > 0 ? tile.groupRows : tile.input.getRows()})),
        rows(share.rows) {}

  SmallVector<Value> emit(const ColumnRange &range, ValueRange sums);
  SmallVector<Value> emitStep(Value step, int64_t elements, ValueRange sums);
  SmallVector<TileLink> emitLinks(Value step);

private:
  using Values = SmallVector<Value>;

  void findMappedRows();
  Value loadMappedColumn(Value group);
  Value loadOfPair(Value group, int64_t k);
  void prefetchWeights(Value step);
  void addFloat(ArrayRef<GroupCursor> weights, Value inputGroup, int64_t k,
                Values &sums);
  void addBlock(ArrayRef<GroupCursor> weights, Value inputGroup, int64_t k,
                Values &sums);
  Values emitDots(ArrayRef<GroupCursor> weights, const DotBlock &block);
  void addDots(ArrayRef<GroupCursor> weights, const DotBlock &block,
               Values &sums);
  void addLink(int64_t sum, Value x, Value y, Values &sums);

  KernelBuilder &b;
  const MatmulTile &tile;
  RowShare share;
  int64_t rows;
  SmallVector<TileLink> *links = nullptr; ///< Takes them in place of the sums.
  Value products; ///< Of the step, as DotBlock has them.
  /// Bytes from weightBase to each lane's row: kLanes numbers, or on GPUs one
  /// vector.
  Values mappedRows;
};

} // namespace

SmallVector<Value> codegen::emitMatmulTile(KernelBuilder &b,
                                           const MatmulTile &tile,
                                           const ColumnRange &range,
                                           ValueRange sums) {
  return TileEmitter(b, tile).emit(range, sums);
}

SmallVector<Value> codegen::emitTileStep(KernelBuilder &b,
                                         const MatmulTile &tile, Value step,
                                         int64_t elements, ValueRange sums) {
  return TileEmitter(b, tile).emitStep(step, elements, sums);
}

SmallVector<TileLink>
codegen::emitTileLinks(KernelBuilder &b, const MatmulTile &tile, Value step) {
  return TileEmitter(b, tile).emitLinks(step);
}

SmallVector<TileLink> TileEmitter::emitLinks(Value step) {
  SmallVector<TileLink> all;
  links = &all;
  emitStep(step, getStep(tile.weight), Values(tile.panels * rows));
  return all;
}

/// One fma of a chain, or what it would take.
void TileEmitter::addLink(int64_t sum, Value x, Value y, Values &sums) {
  if (links)
    links->push_back({sum, x, y});
  else
    sums[sum] = b.fma(x, y, sums[sum]);
}

SmallVector<Value> TileEmitter::emit(const ColumnRange &range,
                                     ValueRange sums) {
  if (tile.weight.getRows() == 1)
    findMappedRows();
  return forEachStep(b, getStep(tile.weight), range, sums,
                     [&](Value step, int64_t elements, ValueRange carried) {
                       return emitStep(step, elements, carried);
                     });
}

/// Lanes without a row of their own read the last one's, which is there.
void TileEmitter::findMappedRows() {
  int64_t rowBytes = tile.weight.getPanelOffset(1, tile.columns);
  Value last = tile.panelRows ? b.sub(tile.panelRows, 1) : Value();
  if (b.getTarget().gpu) {
    Value row = b.extendU(b.laneNumbers(), b.i64());
    if (last)
      row = b.minU(row, b.splat(last));
    mappedRows = {b.mul(row, b.splatInt(rowBytes, b.i64()))};
    return;
  }
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Value row = b.constI64(lane);
    mappedRows.push_back(b.mul(last ? b.minU(row, last) : row, rowBytes));
  }
}

/// One k of the lanes' rows, each at its place in the file.
Value TileEmitter::loadMappedColumn(Value group) {
  if (b.getTarget().gpu)
    return b.toF32(b.gather(tile.weight.getSource(), group, mappedRows[0]));
  Value column = b.splatF32(0);
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Value element =
        b.load(tile.weight.getSource(), b.offset(group, mappedRows[lane]));
    column = b.insert(column, b.toF32(element), lane);
  }
  return column;
}

/// True for Q4_0 and Q8_0: quants of four bits or more that are used nearly as
/// they are stored, and a scale.
static bool isMostlyProducts(pack::LayoutAttr panel) {
  pack::FieldAttr quants = panel.getField(pack::kQuants);
  return quants && quants.getBits() >= 4 && panel.getFields().size() == 2 &&
         pack::getBlockFormat(panel).codebook.empty();
}

/// Asks for the weights of a step to come, for tiles of several rows. These
/// compute so long on a cache line that what the CPU looks ahead by itself, in
/// its window of instructions and its prefetchers, is a few lines only, and
/// memory and arithmetic take turns. One row comes faster without, and so do
/// few rows of types whose blocks have little but dot products. Panels lie
/// one behind the other, so that the end of one asks for the next. Measured in
/// docs/design/20261124-speed.md.
void TileEmitter::prefetchWeights(Value step) {
  // Memory of 45 GB/s a thread that answers in 180 ns has 8 KiB under way.
  constexpr int64_t kDistanceBytes = 8192, kLineBytes = 64;
  bool isPacked = isQuantized(tile.panel) && tile.weight == tile.panel;
  if (rows == 1 || !isPacked || (rows <= 4 && isMostlyProducts(tile.panel)))
    return;
  int64_t stepBytes = llvm::divideCeil(
      tile.weight.getBytes() * getStep(tile.weight), tile.weight.getK());
  Value from = b.offset(tile.weightBase, b.mul(step, stepBytes));
  for (int64_t byte = 0; byte < stepBytes; byte += kLineBytes)
    b.prefetch(from, kDistanceBytes + byte);
}

/// One k of the lanes' rows, half of a vector of pairs of bf16.
Value TileEmitter::loadOfPair(Value group, int64_t k) {
  Value pairs = b.load(b.vec(b.i32()), group,
                       tile.weight.getByteOffset(pack::kValues, 0, k / 2 * 2));
  Value bits = k % 2 == 0 ? b.shl(pairs, b.splatI32(16))
                          : b.bitAnd(pairs, b.splatI32(~0xffff));
  return b.bitcast(bits, b.vec(b.f32()));
}

/// The first `elements` k of one step. An activation group has fewer k than a
/// step, and divides it.
SmallVector<Value> TileEmitter::emitStep(Value step, int64_t elements,
                                         ValueRange carried) {
  Values sums(carried);
  prefetchWeights(step);
  int64_t panelBytes = tile.weight.getPanelOffset(kLanes, tile.columns);
  GroupCursor first = getStepCursor(b, tile.weight, tile.weightBase, step);
  SmallVector<GroupCursor> weights;
  for (int64_t panel = 0; panel < tile.panels; ++panel) {
    weights.push_back(first);
    weights.back().base = b.offset(first.base, panel * panelBytes);
  }
  int64_t inputK = tile.input.getK();
  int64_t inputBytes = getStep(tile.weight) / inputK * tile.input.getBytes();
  Value inputBase = b.offset(tile.inputBase, b.mul(step, inputBytes));
  products = tile.products;
  if (tile.productStepBytes > 0)
    products = b.offset(products, b.mul(step, tile.productStepBytes));
  for (int64_t k = 0; k < elements; k += inputK) {
    Value inputGroup = b.offset(inputBase, k / inputK * tile.input.getBytes());
    if (isQuantized(tile.panel))
      addBlock(weights, inputGroup, k, sums);
    else
      addFloat(weights, inputGroup, k, sums);
  }
  return sums;
}

/// sums += x_k * w_k.
void TileEmitter::addFloat(ArrayRef<GroupCursor> weights, Value inputGroup,
                           int64_t k, Values &sums) {
  Type element = tile.weight.getSource();
  int64_t weightByte = tile.weight.getByteOffset(pack::kValues, 0, k);
  Values values;
  for (const GroupCursor &weight : weights) {
    Value base = weight.getBase(b, pack::kValues);
    if (!mappedRows.empty())
      values.push_back(loadMappedColumn(base));
    else if (pack::hasPairs(tile.weight))
      values.push_back(loadOfPair(base, k));
    else
      values.push_back(b.loadFloats(element, base, weightByte));
  }
  for (int64_t row = 0; row < rows; ++row) {
    int64_t byte = tile.input.getByteOffset(pack::kValues, row, 0);
    Value x = b.splat(b.load(b.f32(), inputGroup, byte));
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      Value &sum = sums[panel * rows + row];
      sum = b.fma(x, values[panel], sum);
    }
  }
}

/// One block of activations, which has one or two exact sums.
void TileEmitter::addBlock(ArrayRef<GroupCursor> weights, Value inputGroup,
                           int64_t k, Values &sums) {
  int64_t length = pack::getBlockFormat(tile.panel).getSumLength();
  for (int64_t begin = 0; begin < pack::kActivationBlock; begin += length)
    addDots(weights,
            {tile.input, tile.panel, weights, k + begin, length, inputGroup,
             begin, products},
            sums);
}

/// The exact sums as floats, [panel][row]. Sums of sub-blocks that are joined
/// here and products with subscales are below 2^24, hence exact as well; they
/// are added to +0 so that a sum of 0 is +0 whatever its terms.
SmallVector<Value> TileEmitter::emitDots(ArrayRef<GroupCursor> weights,
                                         const DotBlock &block) {
  const IntDot &dot = getIntDot(b.getTarget(), tile.input);
  const pack::BlockFormat &format = pack::getBlockFormat(tile.panel);
  if (!format.joinsSubBlocks || pack::holdsProducts(tile.weight))
    return llvm::map_to_vector(dot.emit(b, block), [&](Value sum) {
      return b.intToFloat(sum, b.f32());
    });
  Values joined(tile.panels * rows, b.splatF32(0));
  for (int64_t begin = 0; begin < block.length; begin += format.subBlock) {
    DotBlock part = block;
    part.k += begin;
    part.inputK += begin;
    part.length = format.subBlock;
    Values sums = dot.emit(b, part);
    for (auto [panel, weight] : llvm::enumerate(weights)) {
      Value subscales = getSubscales(b, weight, part.k);
      for (size_t i = panel * rows; i < (panel + 1) * rows; ++i)
        joined[i] = b.fma(b.intToFloat(sums[i], b.f32()), subscales, joined[i]);
    }
  }
  return joined;
}

/// sums += exact sum * (D * activation scale)
///       + min * (activation scale * sum of activation quants), for each
///         sub-block of a type with minima.
void TileEmitter::addDots(ArrayRef<GroupCursor> weights, const DotBlock &block,
                          Values &sums) {
  Values dots = emitDots(weights, block);
  int64_t subBlock = pack::getBlockFormat(tile.panel).subBlock;
  SmallVector<SmallVector<BlockScales, 2>> scales; // [panel][sub-block]
  for (const GroupCursor &weight : weights) {
    auto &ofPanel = scales.emplace_back();
    for (int64_t k = 0; k < block.length; k += subBlock)
      ofPanel.push_back(getScales(b, weight, block.k + k));
  }
  Value inputRows = block.inputGroup; // Rows of a share lie a word apart.
  if (share.first)
    inputRows = b.offset(inputRows, b.mul(share.first, sizeof(float)));
  auto loadInput = [&](StringRef field, int64_t row, int64_t k) {
    int64_t byte =
        tile.input.getByteOffset(field, row * share.stride, block.inputK + k);
    return b.splat(b.load(b.f32(), inputRows, byte));
  };
  for (int64_t row = 0; row < rows; ++row) {
    Value inputScale = loadInput(pack::kScale, row, 0);
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      int64_t sum = panel * rows + row;
      Value scale = b.mul(scales[panel].front().scale, inputScale);
      addLink(sum, dots[sum], scale, sums);
      for (auto [i, part] : llvm::enumerate(scales[panel]))
        if (part.min)
          addLink(sum, part.min,
                  loadInput(pack::getSumField(subBlock), row, i * subBlock),
                  sums);
    }
  }
}

//===----------------------------------------------------------------------===//
// Unpacking
//===----------------------------------------------------------------------===//

pack::LayoutAttr codegen::getImageLayout(const target::TargetSpec &target,
                                         pack::LayoutAttr panel,
                                         pack::LayoutAttr input) {
  return pack::hasWidenedQuants(input)
             ? pack::getWidenedImageLayout(panel)
             : getIntDot(target, input).getImageLayout(panel);
}

int64_t codegen::getImageStride(pack::LayoutAttr image, StringRef field,
                                int64_t imageColumns) {
  if (image.getRows() == kLanes)
    return image.getPanelOffset(kLanes, imageColumns);
  return image.getByteOffset(field, kLanes, 0) -
         image.getByteOffset(field, 0, 0);
}

namespace {

/// Where an image has a step of one panel: what its first row's place is moved
/// to. The same pointer, unless panels share the image.
struct ImageStep {
  Value operands;
  Value floats;
};

} // namespace

/// The first `elements` k of a step of one panel, to its image, which is
/// multiplied by `input`.
static void unpackStep(KernelBuilder &b, pack::LayoutAttr input,
                       const GroupCursor &panel, int64_t elements,
                       const ImageStep &image) {
  pack::LayoutAttr layout = getImageLayout(b.getTarget(), panel.layout, input);
  auto getByte = [&](StringRef field, int64_t k) {
    return k / layout.getK() * layout.getBytes() +
           layout.getByteOffset(field, 0, k);
  };
  auto getQuad = [&](int64_t k) { return getByte(pack::kOperand, k); };
  UnpackStep step = {panel, elements, image.operands, getQuad, layout};
  if (pack::hasWidenedQuants(input))
    unpackWidened(b, step);
  else
    getIntDot(b.getTarget(), input).unpack(b, step);
  const pack::BlockFormat &format = pack::getBlockFormat(panel.layout);
  bool isNegated = pack::holdsProducts(layout) &&
                   pack::getOperandProducts(panel.layout).isNegated;
  for (int64_t k = 0; k < elements; k += format.subBlock) {
    BlockScales scales = getScales(b, panel, k);
    if (layout.getField(pack::kBlockSubscale))
      b.store(getSubscales(b, panel, k), image.floats,
              getByte(pack::kBlockSubscale, k));
    if (k % format.getSumLength() == 0)
      b.store(isNegated ? b.neg(scales.scale) : scales.scale, image.floats,
              getByte(pack::kBlockScale, k));
    if (scales.min)
      b.store(scales.min, image.floats, getByte(pack::kBlockMin, k));
  }
}

void codegen::emitUnpack(KernelBuilder &b, const UnpackTile &tile,
                         const ColumnRange &range) {
  pack::LayoutAttr layout =
      getImageLayout(b.getTarget(), tile.panel, tile.input);
  int64_t panelBytes = tile.panel.getPanelOffset(kLanes, tile.columns);
  int64_t operandBytes =
      getImageStride(layout, pack::kOperand, tile.imageColumns);
  int64_t floatBytes =
      getImageStride(layout, pack::kBlockScale, tile.imageColumns);
  int64_t step = getStep(tile.panel);
  int64_t stepBytes = step / layout.getK() * layout.getBytes();
  b.forLoop(0, tile.panels, 1, [&](Value number) {
    Value from = b.offset(tile.base, b.mul(number, panelBytes));
    Value to = b.offset(tile.image, b.mul(number, operandBytes));
    Value floats;
    if (floatBytes != operandBytes)
      floats = b.offset(tile.image, b.mul(number, floatBytes));
    auto getImageStep = [&](Value bytes) {
      Value operands = b.offset(to, bytes);
      return ImageStep{operands, floats ? b.offset(floats, bytes) : operands};
    };
    forEachOwnStep(b, step, range, [&](Value index, int64_t elements) {
      unpackStep(b, tile.input, getStepCursor(b, tile.panel, from, index),
                 elements, getImageStep(b.mul(index, stepBytes)));
    });
  });
}
