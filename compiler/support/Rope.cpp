//===- Rope.cpp - The frequencies of rotary position embeddings
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources: J. Su et al., "RoFormer" (arXiv:2104.09864), section 3.2; B. Peng
// et al., "YaRN" (arXiv:2309.00071), section 3.2, with the constants and the
// rounding of the blend's ends that llama.cpp uses (ggml's rope operator), as
// models in GGUF files are made for it.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Rope.h"
#include "compiler/support/Numerics.h"
#include <algorithm>
#include <cassert>
#include <cmath>

using namespace modelc::support;

/// The (fractional) number of the pair that makes `turns` full turns within
/// the original context.
static double computePairOfTurns(const RopeParams &params, double turns) {
  constexpr double kTwoPi = 0x1.921fb54442d18p+2;
  double context = double(params.originalContext) / (turns * kTwoPi);
  return double(params.dims) * computeLog(context) /
         (2 * computeLog(params.base));
}

/// How much of its unstretched frequency pair i keeps, 0 .. extFactor.
static double computeBlend(const RopeParams &params, int64_t i) {
  double low = std::floor(computePairOfTurns(params, params.betaFast));
  double high = std::ceil(computePairOfTurns(params, params.betaSlow));
  low = std::max(low, 0.0);
  high = std::min(high, double(params.dims - 1));
  double ramp = (double(i) - low) / std::max(high - low, 0.001);
  return (1 - std::clamp(ramp, 0.0, 1.0)) * double(params.extFactor);
}

std::vector<double>
modelc::support::computeRopeFrequencies(const RopeParams &params,
                                        llvm::ArrayRef<float> divisors) {
  int64_t pairs = params.dims / 2;
  assert((divisors.empty() || int64_t(divisors.size()) == pairs) &&
         "one divisor for each pair, or none");
  std::vector<double> frequencies(pairs);
  for (int64_t i = 0; i < pairs; ++i) {
    double frequency = computePower(params.base, -2 * i, params.dims);
    if (!divisors.empty())
      frequency /= double(divisors[i]);
    double stretched = frequency / double(params.factor);
    if (params.scaling == RopeScaling::Linear) {
      frequency = stretched;
    } else if (params.scaling == RopeScaling::Yarn) {
      double blend = computeBlend(params, i);
      frequency = stretched * (1 - blend) + frequency * blend;
    }
    frequencies[i] = frequency;
  }
  return frequencies;
}

float modelc::support::computeYarnFactor(float attentionFactor, float factor,
                                         float logMultiplier) {
  double log = 0.1 * computeLog(factor);
  return float(double(attentionFactor) * (1 + log) /
               (1 + double(logMultiplier) * log));
}
