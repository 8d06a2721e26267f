//===- WeightPlacement.h - Where weights lie in the artifact
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SCHEDULE_WEIGHTPLACEMENT_H
#define MODELC_COMPILER_SCHEDULE_WEIGHTPLACEMENT_H

#include "dialects/plan/PlanDialect.h"
#include "llvm/ADT/ArrayRef.h"

namespace modelc::schedule {

/// What the offset of a weight is a multiple of.
uint64_t getWeightAlign(pack::PackedTensorType type);

/// Gives the weights of several scheduled variants of one model, of one
/// context, offsets in a section that they share. Weights of the same tensor in
/// the same layout have the same bytes and so lie at the same place. Weights
/// that the same variants read lie together, from a page on, so that a machine
/// touches no page of those it does not read. In each variant weights stand
/// afterwards in the order of their offsets. The offsets depend on nothing but
/// the variants and their order.
void placeSharedWeights(llvm::ArrayRef<plan::VariantOp> variants);

} // namespace modelc::schedule

#endif // MODELC_COMPILER_SCHEDULE_WEIGHTPLACEMENT_H
