//===- WeightPlacement.cpp - Where weights lie in the artifact
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   variant A: norm, w as n16k64u     variant B: norm, w as n16k64
//     ==>
//   | norm, of A and B | w of A | w of B |
//   page               page     page
//
// Assumes variants that the schedule has placed one by one. Leaves their
// constants and arenas as they are.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/WeightPlacement.h"
#include "dialects/pack/Layouts.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;

/// Expert weights start on a page, so that experts which are never chosen are
/// never read.
uint64_t schedule::getWeightAlign(pack::PackedTensorType type) {
  return type.getShape().size() == 3 ? pack::kExpertAlign : MODELC_WEIGHT_ALIGN;
}

namespace {

/// Packed bytes, and the weights of variants that are these.
struct SharedWeight {
  pack::PackedTensorType type;
  llvm::SmallVector<plan::WeightOp, 2> uses;
  uint64_t readers = 0; ///< Bits: the variants.
};

/// Of the same readers.
struct WeightGroup {
  llvm::SmallVector<SharedWeight *> weights;
  uint64_t sizeBytes = 0;
};

} // namespace

/// All weights, in the order in which the variants have them.
static std::vector<SharedWeight>
collectWeights(ArrayRef<plan::VariantOp> variants) {
  static_assert(MODELC_MAX_VARIANTS <= 64, "readers are bits of 64");
  std::vector<SharedWeight> weights;
  llvm::DenseMap<std::pair<Attribute, Type>, size_t> known;
  uint64_t reader = 1;
  for (plan::VariantOp variant : variants) {
    for (auto op : variant.getBody().getOps<plan::WeightOp>()) {
      pack::PackedTensorType type = op.getPackedType();
      auto [it, isNew] =
          known.try_emplace({op.getSymNameAttr(), type}, weights.size());
      if (isNew)
        weights.push_back({type, {}, 0});
      SharedWeight &weight = weights[it->second];
      weight.uses.push_back(op);
      weight.readers |= reader;
    }
    reader <<= 1;
  }
  return weights;
}

/// Groups in the order of their first weights.
static llvm::MapVector<uint64_t, WeightGroup>
groupByReaders(std::vector<SharedWeight> &weights) {
  llvm::MapVector<uint64_t, WeightGroup> groups;
  for (SharedWeight &weight : weights) {
    WeightGroup &group = groups[weight.readers];
    group.weights.push_back(&weight);
    group.sizeBytes =
        llvm::alignTo(group.sizeBytes, getWeightAlign(weight.type)) +
        weight.type.getPackedBytes();
  }
  return groups;
}

void schedule::placeSharedWeights(ArrayRef<plan::VariantOp> variants) {
  std::vector<SharedWeight> weights = collectWeights(variants);
  uint64_t offset = 0;
  for (auto &[readers, group] : groupByReaders(weights)) {
    // A large group lies on huge pages, as a large section does.
    const bool isHuge = group.sizeBytes > MODELC_PLAN_HUGE_WEIGHT_BYTES;
    offset = llvm::alignTo(offset, isHuge ? MODELC_PLAN_HUGE_PAGE_BYTES
                                          : MODELC_PLAN_PAGE_BYTES);
    for (SharedWeight *weight : group.weights) {
      offset = llvm::alignTo(offset, getWeightAlign(weight->type));
      for (plan::WeightOp use : weight->uses)
        use.setOffset(offset);
      offset += weight->type.getPackedBytes();
    }
  }
  for (plan::VariantOp variant : variants) {
    llvm::SmallVector<plan::WeightOp> ops(
        variant.getBody().getOps<plan::WeightOp>());
    llvm::sort(ops, [](plan::WeightOp a, plan::WeightOp b) {
      return *a.getOffset() < *b.getOffset();
    });
    for (plan::WeightOp op : llvm::reverse(ops))
      op->moveBefore(&variant.getBody().front(),
                     variant.getBody().front().begin());
  }
}
