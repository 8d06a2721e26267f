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
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static bool isQuantized(pack::LayoutAttr layout) {
  return layout.getField(pack::kScale) != nullptr;
}

/// True if one vector holds the scales of a panel's rows, whatever the field.
static bool hasScaleVectors(pack::LayoutAttr layout) {
  auto fields = layout.getFields().getAsRange<pack::FieldAttr>();
  return llvm::all_of(fields, [&](pack::FieldAttr field) {
    return field.getUnit() == 1 ||
           hasRowVectors(layout, field.getName().getValue());
  });
}

/// The scales of a panel's rows, in lanes.
static BlockScales emitPanelScales(KernelBuilder &b, const GroupCursor &weight,
                                   int64_t k) {
  return emitBlockScales(
      b, weight.layout, k, [&](StringRef field, Type element, int64_t k) {
        return b.load(b.vec(element), weight.getBase(b, field),
                      weight.layout.getBitOffset(field, 0, k) / 8);
      });
}

/// Elements of k that one turn of the loop takes: two blocks of activations,
/// so that the code stays small however long the groups are.
static int64_t getStep(pack::LayoutAttr weight) {
  constexpr int64_t kStep = 2 * pack::kActivationBlock;
  return isQuantized(weight) && advancesEvenly(weight, kStep) ? kStep
                                                              : weight.getK();
}

bool codegen::canMultiply(pack::LayoutAttr weight, pack::LayoutAttr input,
                          const target::TargetSpec &target) {
  if (weight.getRows() != kLanes || isQuantized(weight) != isQuantized(input))
    return false;
  if (!isQuantized(weight))
    return hasRowVectors(weight, pack::kValues) && input.getK() == 1 &&
           getRowStride(input, pack::kValues).has_value();
  return input.getK() == pack::kActivationBlock &&
         weight.getK() % input.getK() == 0 && hasScaleVectors(weight) &&
         getIntDot(target.isa).supports(weight, input);
}

/// As many as the registers have room for. Several panels share each broadcast
/// activation, which halves the loads of the inner loop, and are several
/// chains: a float chain has one fma of latency 4 per k, two of which start in
/// a cycle, so eight of them fill the machine. Blocks of integers overlap on
/// their own, and also need room for their sums. Measured in
/// docs/design/20261121-matmul.md.
int64_t codegen::choosePanels(pack::LayoutAttr weight, pack::LayoutAttr input,
                              const target::TargetSpec &target, int64_t limit) {
  bool hasWideVectors = target.isa == target::Isa::Avx512Vnni;
  int64_t accumulators;
  if (isQuantized(weight))
    accumulators = hasWideVectors ? 12 : 2;
  else
    accumulators = hasWideVectors ? 24 : 6;
  int64_t panels = std::max<int64_t>(1, accumulators / input.getRows());
  constexpr int64_t kMaxFloatPanels = 8, kMaxQuantPanels = 4;
  panels =
      std::min(panels, isQuantized(weight) ? kMaxQuantPanels : kMaxFloatPanels);
  return std::min(panels, limit);
}

//===----------------------------------------------------------------------===//
// Loop over groups of k
//===----------------------------------------------------------------------===//

namespace {

/// Pointers that move along k, and what does not move.
class TileEmitter {
public:
  TileEmitter(KernelBuilder &b, const MatmulTile &tile)
      : b(b), tile(tile), rows(tile.input.getRows()) {}

  SmallVector<Value> emit();

private:
  using Values = SmallVector<Value>;

  Values emitStep(Value step, int64_t elements, ValueRange sums);
  void addFloat(ArrayRef<GroupCursor> weights, Value inputGroup, int64_t k,
                Values &sums);
  void addBlock(ArrayRef<GroupCursor> weights, Value inputGroup, int64_t k,
                Values &sums);
  void addSubBlock(ArrayRef<GroupCursor> weights, const DotBlock &block,
                   Values &sums);

  KernelBuilder &b;
  const MatmulTile &tile;
  int64_t rows;
};

} // namespace

SmallVector<Value> codegen::emitMatmulTile(KernelBuilder &b,
                                           const MatmulTile &tile) {
  return TileEmitter(b, tile).emit();
}

SmallVector<Value> TileEmitter::emit() {
  int64_t size = getStep(tile.weight);
  int64_t whole = tile.columns / size, rest = tile.columns % size;
  Values sums(tile.panels * rows, b.splatF32(0));
  if (whole > 0)
    sums = b.forLoop(b.constI64(0), b.constI64(whole), 1, sums,
                     [&](Value step, ValueRange carried) {
                       return emitStep(step, size, carried);
                     });
  if (rest > 0)
    sums = emitStep(b.constI64(whole), rest, sums);
  return sums;
}

/// The first `elements` k of one step. An activation group has fewer k than a
/// step, and divides it.
SmallVector<Value> TileEmitter::emitStep(Value step, int64_t elements,
                                         ValueRange carried) {
  Values sums(carried);
  int64_t size = getStep(tile.weight), steps = tile.weight.getK() / size;
  Value group = steps == 1 ? step : b.divU(step, steps);
  Value index = steps == 1 ? Value() : b.remU(step, steps);
  int64_t panelBytes = tile.weight.getPanelOffset(kLanes, tile.columns);
  Value first = b.offset(tile.weightBase, b.mul(group, tile.weight.getBytes()));
  SmallVector<GroupCursor> weights;
  for (int64_t panel = 0; panel < tile.panels; ++panel)
    weights.push_back(
        {tile.weight, b.offset(first, panel * panelBytes), index, size});
  int64_t inputK = tile.input.getK();
  Value inputBase = b.offset(
      tile.inputBase, b.mul(step, size / inputK * tile.input.getBytes()));
  for (int64_t k = 0; k < elements; k += inputK) {
    Value inputGroup = b.offset(inputBase, k / inputK * tile.input.getBytes());
    if (isQuantized(tile.weight))
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
  for (const GroupCursor &weight : weights)
    values.push_back(
        b.loadFloats(element, weight.getBase(b, pack::kValues), weightByte));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t byte = tile.input.getByteOffset(pack::kValues, row, 0);
    Value x = b.splat(b.load(b.f32(), inputGroup, byte));
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      Value &sum = sums[panel * rows + row];
      sum = b.fma(x, values[panel], sum);
    }
  }
}

/// One block of activations, which has one or two sub-blocks of weights.
void TileEmitter::addBlock(ArrayRef<GroupCursor> weights, Value inputGroup,
                           int64_t k, Values &sums) {
  int64_t length = pack::getBlockFormat(tile.weight).subBlock;
  for (int64_t sub = 0; sub < pack::kActivationBlock; sub += length)
    addSubBlock(weights,
                {tile.input, weights, k + sub, length, inputGroup, sub}, sums);
}

/// sums += float(integer sum) * (D * activation scale)
///       + min * (activation scale * sum of activation quants).
void TileEmitter::addSubBlock(ArrayRef<GroupCursor> weights,
                              const DotBlock &block, Values &sums) {
  Values dots = getIntDot(b.getTarget().isa).emit(b, block);
  SmallVector<BlockScales> scales;
  for (const GroupCursor &weight : weights)
    scales.push_back(emitPanelScales(b, weight, block.k));
  auto loadInput = [&](StringRef field, int64_t row) {
    int64_t byte = tile.input.getByteOffset(field, row, block.inputK);
    return b.splat(b.load(b.f32(), block.inputGroup, byte));
  };
  for (int64_t row = 0; row < rows; ++row) {
    Value inputScale = loadInput(pack::kScale, row);
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      Value &sum = sums[panel * rows + row];
      Value dot = b.intToFloat(dots[panel * rows + row], b.f32());
      sum = b.fma(dot, b.mul(scales[panel].scale, inputScale), sum);
      if (scales[panel].min)
        sum = b.fma(scales[panel].min,
                    loadInput(pack::getSumField(block.length), row), sum);
    }
  }
}
