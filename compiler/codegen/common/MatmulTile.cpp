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
// block of 32, then one fma with the product of both scales.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/IntDot.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static bool isQuantized(pack::LayoutAttr layout) {
  return layout.getField(pack::kScale) != nullptr;
}

bool codegen::canMultiply(pack::LayoutAttr weight, pack::LayoutAttr input,
                          const target::TargetSpec &target) {
  if (weight.getRows() != kLanes || isQuantized(weight) != isQuantized(input))
    return false;
  if (!isQuantized(weight))
    return hasRowVectors(weight, pack::kValues) && input.getK() == 1 &&
           getRowStride(input, pack::kValues).has_value();
  return input.getK() == pack::kActivationBlock &&
         weight.getK() % input.getK() == 0 &&
         hasRowVectors(weight, pack::kScale) &&
         weight.getField(pack::kScale).getUnit() == input.getK() &&
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

  Values emitGroup(Value group, int64_t elements, ValueRange sums);
  void addFloat(ArrayRef<Value> weightGroups, Value inputGroup, int64_t k,
                Values &sums);
  void addBlock(ArrayRef<Value> weightGroups, Value inputGroup, int64_t k,
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
  int64_t size = tile.weight.getK();
  int64_t whole = tile.columns / size, rest = tile.columns % size;
  Values sums(tile.panels * rows, b.splatF32(0));
  if (whole > 0)
    sums = b.forLoop(b.constI64(0), b.constI64(whole), 1, sums,
                     [&](Value group, ValueRange carried) {
                       return emitGroup(group, size, carried);
                     });
  if (rest > 0)
    sums = emitGroup(b.constI64(whole), rest, sums);
  return sums;
}

/// The first `elements` k of one group of the weights. An activation group
/// has fewer k, and divides it.
SmallVector<Value> TileEmitter::emitGroup(Value group, int64_t elements,
                                          ValueRange carried) {
  Values sums(carried), weightGroups;
  int64_t panelBytes = tile.weight.getPanelOffset(kLanes, tile.columns);
  Value weightOffset = b.mul(group, tile.weight.getBytes());
  for (int64_t panel = 0; panel < tile.panels; ++panel)
    weightGroups.push_back(
        b.offset(b.offset(tile.weightBase, weightOffset), panel * panelBytes));
  int64_t step = tile.input.getK();
  int64_t inputGroups = tile.weight.getK() / step;
  Value inputBase = b.offset(tile.inputBase,
                             b.mul(group, inputGroups * tile.input.getBytes()));
  for (int64_t k = 0; k < elements; k += step) {
    Value inputGroup = b.offset(inputBase, k / step * tile.input.getBytes());
    if (isQuantized(tile.weight))
      addBlock(weightGroups, inputGroup, k, sums);
    else
      addFloat(weightGroups, inputGroup, k, sums);
  }
  return sums;
}

/// sums += x_k * w_k.
void TileEmitter::addFloat(ArrayRef<Value> weightGroups, Value inputGroup,
                           int64_t k, Values &sums) {
  Type element = tile.weight.getSource();
  int64_t weightByte = tile.weight.getByteOffset(pack::kValues, 0, k);
  Values weights;
  for (Value group : weightGroups)
    weights.push_back(b.loadFloats(element, group, weightByte));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t byte = tile.input.getByteOffset(pack::kValues, row, 0);
    Value x = b.splat(b.load(b.f32(), inputGroup, byte));
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      Value &sum = sums[panel * rows + row];
      sum = b.fma(x, weights[panel], sum);
    }
  }
}

/// sums += float(integer sum) * (weight scale * activation scale).
void TileEmitter::addBlock(ArrayRef<Value> weightGroups, Value inputGroup,
                           int64_t k, Values &sums) {
  DotBlock block = {tile.weight, tile.input, Values(weightGroups), k,
                    inputGroup};
  Values dots = getIntDot(b.getTarget().isa).emit(b, block);
  int64_t scaleByte = tile.weight.getByteOffset(pack::kScale, 0, k);
  Values scales;
  for (Value group : weightGroups)
    scales.push_back(b.loadFloats(b.f16(), group, scaleByte));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t byte = tile.input.getByteOffset(pack::kScale, row, 0);
    Value inputScale = b.splat(b.load(b.f32(), inputGroup, byte));
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      Value &sum = sums[panel * rows + row];
      Value dot = b.intToFloat(dots[panel * rows + row], b.f32());
      sum = b.fma(dot, b.mul(scales[panel], inputScale), sum);
    }
  }
}
