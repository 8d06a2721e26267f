//===- Rope.h - The frequencies of rotary position embeddings
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/numerics.md, "Rope frequencies", says what these functions compute.
// The compiler and the reference interpreter share them: frequencies are
// constants of a plan, not results of its kernels.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SUPPORT_ROPE_H
#define MODELC_COMPILER_SUPPORT_ROPE_H

#include "llvm/ADT/ArrayRef.h"
#include <cstdint>
#include <vector>

namespace modelc::support {

/// How frequencies are stretched beyond the trained context; the cases of
/// model::RopeScaling, which this folder does not see.
enum class RopeScaling { None, Linear, Yarn };

/// The parameters of `#model.rope` that the frequencies depend on.
struct RopeParams {
  int64_t dims; ///< Rotated elements of a head: even, positive.
  float base;   ///< Positive, normal, finite; not 1 for Yarn.
  RopeScaling scaling;
  float factor;            ///< Positive; not read for None.
  int64_t originalContext; ///< Positive; this and the rest are Yarn's only.
  float extFactor;
  float betaFast; ///< Positive.
  float betaSlow; ///< Positive.
};

/// The frequencies of all dims / 2 pairs, in radians a position. `divisors`
/// (Llama 3's rope_freqs.weight) are one for each pair, or none at all.
std::vector<double> computeRopeFrequencies(const RopeParams &params,
                                           llvm::ArrayRef<float> divisors);

/// What multiplies cos and sin under YaRN with a blend (extFactor not 0):
/// attentionFactor * (1 + 0.1 * ln(factor)) / (1 + logMultiplier * 0.1 *
/// ln(factor)), computed in double and rounded to float. `attentionFactor` is
/// the model's own multiplier, usually 1, and so is `logMultiplier`, usually 0.
/// An importer puts the result into `#model.rope`.
float computeYarnFactor(float attentionFactor, float factor,
                        float logMultiplier = 0);

} // namespace modelc::support

#endif // MODELC_COMPILER_SUPPORT_ROPE_H
