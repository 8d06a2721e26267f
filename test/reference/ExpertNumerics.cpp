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
#include <algorithm>
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

/// The indices of the `count` best scores, best first.
static std::vector<size_t> takeBest(std::span<const float> scores,
                                    int64_t count) {
  std::vector<size_t> best;
  for (int64_t i = 0; i < count; ++i) {
    std::optional<size_t> next;
    for (size_t e = 0; e < scores.size(); ++e)
      if (std::find(best.begin(), best.end(), e) == best.end() &&
          (!next || !isBefore(scores[*next], scores[e])))
        next = e;
    best.push_back(*next);
  }
  return best;
}

/// Which experts are in the best groups.
static std::vector<bool> findAllowed(std::span<const float> scores,
                                     const RouteOptions &options) {
  if (options.groups == 0)
    return std::vector<bool>(scores.size(), true);
  const size_t size = scores.size() / options.groups;
  std::vector<float> groupScores;
  for (size_t first = 0; first < scores.size(); first += size) {
    std::span<const float> group = scores.subspan(first, size);
    std::vector<size_t> two = takeBest(group, 2);
    groupScores.push_back(group[two[0]] + group[two[1]]);
  }
  std::vector<bool> allowed(scores.size(), false);
  for (size_t group : takeBest(groupScores, options.groupsUsed))
    for (size_t e = group * size; e < (group + 1) * size; ++e)
      allowed[e] = true;
  return allowed;
}

Route reference::route(std::span<const float> logits,
                       std::span<const float> bias,
                       const RouteOptions &options) {
  std::vector<float> p = computeProbabilities(logits, options.gating);
  std::vector<float> scores(logits.begin(), logits.end());
  if (options.groups > 0)
    scores = p;
  for (size_t e = 0; e < bias.size(); ++e)
    scores[e] = p[e] + bias[e];
  Route route;
  std::vector<bool> taken = findAllowed(scores, options);
  taken.flip();
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
