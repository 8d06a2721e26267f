//===- SplitMatmul.cpp - One register tile by all rows of a work-group
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sum is a chain of fma over ascending k, and its links are independent:
//
//   sum = fma(x, y, sum)     x an exact sum of products, y both scales;
//                            or a minimum and scale * sum of activations
//
// So the DPP rows make the links of a step of k each, into LDS, and the first
// wave then joins them in order:
//
//   for step = 0, rows, 2 * rows ...        rows of the work-group
//     links[step % 2][row] = links of step + row
//     barrier
//     first wave: for row, for link: sum = fma(x, y, sum)
//
// There are two sets of links, in turns: who is early writes the next while the
// first wave reads the last, and the barrier in between keeps it from the one
// after. What is left of a step at the end all rows compute.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/SplitMatmul.h"
#include "dialects/pack/BlockFormats.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kVectorBytes = kLanes * sizeof(float);
static constexpr int64_t kLinkBytes = 2 * kVectorBytes;
static constexpr int64_t kSets = 2;

/// Links of a step, of all rows of the activation tile.
static int64_t getLinks(pack::LayoutAttr weight, pack::LayoutAttr input) {
  const pack::BlockFormat &format = pack::getBlockFormat(weight);
  int64_t step = getStep(weight), links = step / format.getSumLength();
  if (format.min != pack::MinKind::None)
    links += step / format.subBlock;
  return links * input.getRows();
}

int64_t codegen::getSplitBytes(pack::LayoutAttr weight, pack::LayoutAttr input,
                               int64_t groupRows) {
  return kSets * groupRows * getLinks(weight, input) * kLinkBytes;
}

SmallVector<Value> codegen::emitSplitTile(KernelBuilder &b,
                                          const MatmulTile &tile, Value links) {
  using Predicate = arith::CmpIPredicate;
  int64_t groupRows = b.getGroup().threads / kLanes;
  int64_t setBytes = getSplitBytes(tile.weight, tile.input, groupRows) / kSets;
  int64_t rowBytes = setBytes / groupRows;
  int64_t stepElems = getStep(tile.weight);
  int64_t steps = tile.columns / stepElems, rest = tile.columns % stepElems;
  Value own = b.getRow();
  SmallVector<Value> sums(tile.input.getRows(), b.splatF32(0));
  b.barrier(); // Links of the tile before have been read.
  if (steps > 0)
    sums = b.forLoop(
        b.constI64(0), b.constI64(steps), groupRows, sums,
        [&](Value first, ValueRange carried) {
          Value turn = b.remU(b.divU(first, groupRows), kSets);
          Value set = b.offset(links, b.mul(turn, setBytes));
          Value step = b.add(first, own);
          SmallVector<int64_t> order; // The sum of each link.
          b.ifThen(b.cmpI(Predicate::ult, step, b.constI64(steps)), [&] {
            Value place = b.offset(set, b.mul(own, rowBytes));
            for (const TileLink &link : emitTileLinks(b, tile, step)) {
              int64_t byte = static_cast<int64_t>(order.size()) * kLinkBytes;
              b.store(link.x, place, byte);
              b.store(link.y, place, byte + kVectorBytes);
              order.push_back(link.sum);
            }
          });
          b.barrier();
          auto join = [&](Value row, ValueRange values) {
            SmallVector<Value> joined(values);
            Value place = b.offset(set, b.mul(row, rowBytes));
            for (auto [i, sum] : llvm::enumerate(order)) {
              int64_t byte = static_cast<int64_t>(i) * kLinkBytes;
              Value x = b.load(b.vec(b.f32()), place, byte);
              Value y = b.load(b.vec(b.f32()), place, byte + kVectorBytes);
              joined[sum] = b.fma(x, y, joined[sum]);
            }
            return joined;
          };
          Value left = b.sub(b.constI64(steps), first);
          Value rows = b.minU(left, b.constI64(groupRows));
          Value isFirstWave = b.cmpI(Predicate::ult, own,
                                     b.constI64(b.getTarget().gpu->getRows()));
          auto joinAll = [&] {
            return b.forLoop(b.constI64(0), rows, 1, carried, join);
          };
          auto keep = [&] { return SmallVector<Value>(carried); };
          return b.ifElse(isFirstWave, KernelBuilder::BodyWithValues(joinAll),
                          KernelBuilder::BodyWithValues(keep));
        });
  if (rest > 0)
    sums = emitTileStep(b, tile, b.constI64(steps), rest, sums);
  return sums;
}
