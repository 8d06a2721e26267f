//===- PairMatmul.cpp - BF16 weights on Intel AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packed weights are B tiles as they lie: 32 k of a panel are 16 rows of 64
// bytes, each a pair of k of 16 weight rows. Activations are A tiles as
// `prepare` wrote them: rows of 32 k, once for each of the three parts that an
// activation is the sum of.
//
//   for 32 k:      A [3 parts][rows][32]
//     for panel:   B [16 pairs][16 weight rows][2]
//       C [rows][16 weight rows] += A_high B, += A_middle B, += A_low B
//
// The sums of four panels are enough chains to hide what a product takes until
// the next can add to its result (52 cycles to 16).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/PairMatmul.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/x86/Tiles.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/PlanDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// What the tile registers are for.
enum TileRegister : int8_t {
  kSumTile = 0,                                             ///< C, by panel.
  kPartTile = kSumTile + plan::MatmulSpecAttr::kPairPanels, ///< A, by part.
  kWeightTile = kPartTile + 3,                              ///< B.
};
static_assert(kWeightTile < 8);

} // namespace

bool codegen::canMultiplyPairs(pack::LayoutAttr weight, pack::LayoutAttr input,
                               const target::TargetSpec &target) {
  return !target.bf16Regimes.empty() && pack::hasPairs(weight) &&
         pack::hasParts(input) && weight.getSource().isBF16() &&
         weight.getRows() == kTileMaxRows && input.getRows() <= kTileMaxRows &&
         weight.getK() == pack::kActivationBlock &&
         input.getK() == pack::kActivationBlock;
}

void codegen::beginPairTiles(KernelBuilder &b, pack::LayoutAttr input) {
  TileConfig config;
  for (int64_t tile = kSumTile; tile < kWeightTile; ++tile)
    config.set(tile, input.getRows(), kTileRowBytes);
  config.set(kWeightTile, pack::kActivationBlock / 2, kTileRowBytes);
  config.load(b, "pairTiles" + std::to_string(input.getRows()));
}

void codegen::endPairTiles(KernelBuilder &b) {
  b.callIntrinsic("llvm.x86.tilerelease", {});
}

void codegen::emitPairTile(KernelBuilder &b, const PairTile &tile) {
  pack::LayoutAttr weight = tile.weight, input = tile.input;
  for (int64_t panel = 0; panel < tile.panels; ++panel)
    b.callIntrinsic("llvm.x86.tilezero", {getTile(b, kSumTile + panel)});
  int64_t groups = llvm::divideCeil(tile.columns, weight.getK());
  int64_t panelBytes = weight.getPanelOffset(kLanes, tile.columns);
  int64_t pairBytes = weight.getByteOffset(pack::kValues, 0, 2) -
                      weight.getByteOffset(pack::kValues, 0, 0);
  b.forLoop(0, groups, 1, [&](Value group) {
    Value parts = b.offset(tile.inputBase, b.mul(group, input.getBytes()));
    for (auto [i, part] : llvm::enumerate(pack::kParts))
      loadTile(
          b, kPartTile + i, b.offset(parts, input.getByteOffset(part, 0, 0)),
          input.getRows() > 1 ? *getRowStride(input, part) : kTileRowBytes);
    Value weights = b.offset(tile.weightBase, b.mul(group, weight.getBytes()));
    for (int64_t panel = 0; panel < tile.panels; ++panel) {
      loadTile(b, kWeightTile, b.offset(weights, panel * panelBytes),
               pairBytes);
      for (size_t part = 0; part < std::size(pack::kParts); ++part)
        b.callIntrinsic("llvm.x86.tdpbf16ps", {getTile(b, kSumTile + panel),
                                               getTile(b, kPartTile + part),
                                               getTile(b, kWeightTile)});
    }
  });
  int64_t sumBytes = input.getRows() * kTileRowBytes;
  for (int64_t panel = 0; panel < tile.panels; ++panel)
    storeTile(b, kSumTile + panel, b.offset(tile.sums, panel * sumBytes),
              kTileRowBytes);
}
