//===- ExpertNumerics.cpp - docs/numerics.md in plain C++: routing
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Section "Routing" of the page.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <cmath>
#include <limits>

using namespace modelc;
using namespace modelc::reference;

/// True if score a is chosen before score b, whose expert has a higher number
/// or the same.
static bool isBefore(float a, float b) {
  if (std::isnan(b))
    return std::isnan(a);
  return std::isnan(a) || a >= b;
}

/// p_e of every expert.
static std::vector<float> computeProbabilities(std::span<const float> logits,
                                               Gating gating) {
  std::vector<float> p;
  if (gating == Gating::Sigmoid) {
    for (float l : logits)
      p.push_back(1 / (1 + computeExp(-l)));
    return p;
  }
  float max = logits[0];
  for (float l : logits)
    max = isBefore(max, l) ? max : l;
  std::array<float, 16> lanes = {};
  for (size_t e = 0; e < logits.size(); ++e) {
    p.push_back(computeExp(logits[e] - max));
    lanes[e % 16] = lanes[e % 16] + p[e];
  }
  float sum = sumLanes(lanes);
  for (float &value : p)
    value = value / sum;
  return p;
}

Route reference::route(std::span<const float> logits,
                       std::span<const float> bias,
                       const RouteOptions &options) {
  std::vector<float> p = computeProbabilities(logits, options.gating);
  std::vector<float> scores(logits.begin(), logits.end());
  for (size_t e = 0; e < bias.size(); ++e)
    scores[e] = p[e] + bias[e];
  Route route;
  std::vector<bool> taken(scores.size(), false);
  float sum = 0;
  for (int64_t slot = 0; slot < options.slots; ++slot) {
    int32_t best = -1;
    for (int32_t e = 0; e < int32_t(scores.size()); ++e)
      if (!taken[e] && (best < 0 || !isBefore(scores[best], scores[e])))
        best = e;
    taken[best] = true;
    route.ids.push_back(best);
    route.weights.push_back(p[best]);
    sum = sum + p[best];
  }
  for (float &weight : route.weights) {
    if (options.normalise)
      weight = weight / sum;
    if (options.scale != 1)
      weight = weight * options.scale;
  }
  return route;
}
