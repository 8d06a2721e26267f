//===- Sampler.cpp - Picks the next token from logits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   logits [2.0, 1.0, NaN, -1.0], topK 2, temperature 0.5
//     ==> candidates 0 (weight 1), 1 (weight e^-2), one is drawn
//
// Every choice that could depend on a library is pinned: candidates have a
// total order (falling logit, then rising id), sums run in that order, and
// exp is our own. Compiled with -ffp-contract=off, like all of the project.
//
//===----------------------------------------------------------------------===//

#include "Sampler.h"
#include "Status.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace modelc::text {

double deterministicExp(double x) {
  if (!(x >= -700.0))
    return 0.0;
  // x = k ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts (Cody and Waite),
  // the upper one short enough for an exact product with k.
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr double kLn2High = 0x1.62e42feep-1;
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  int64_t k = static_cast<int64_t>(x * kLog2E - 0.5);
  double kReal = static_cast<double>(k);
  double r = (x - kReal * kLn2High) - kReal * kLn2Low;
  // Taylor series by Horner; the first term left out is below 2^-57.
  constexpr int kTerms = 13;
  double series = 1.0;
  for (int n = kTerms; n >= 1; --n)
    series = 1.0 + series * r / n;
  uint64_t powerOfTwo = static_cast<uint64_t>(k + 1023) << 52;
  return series * std::bit_cast<double>(powerOfTwo);
}

static modelc_code checkAdjustments(const modelc_sampler_options &options,
                                    uint32_t vocabSize, modelc_status *status) {
  if (!(options.repeatPenalty >= 0) || std::isinf(options.repeatPenalty))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "repeatPenalty: found %g, expected 0 or more",
                static_cast<double>(options.repeatPenalty));
  for (float penalty : {options.frequencyPenalty, options.presencePenalty})
    if (!std::isfinite(penalty))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "a penalty of %g, expected a finite one",
                  static_cast<double>(penalty));
  for (size_t at = 0; at < options.biasCount; ++at) {
    const modelc_logit_bias &bias = options.biases[at];
    if (bias.id < 0 || static_cast<uint32_t>(bias.id) >= vocabSize)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "bias %zu: token %d is outside the vocabulary of %u", at,
                  bias.id, vocabSize);
    if (std::isnan(bias.bias) || bias.bias == HUGE_VALF)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "bias %zu: found %g, expected a number or minus infinity", at,
                  static_cast<double>(bias.bias));
  }
  return MODELC_OK;
}

modelc_code Sampler::check(const modelc_sampler_options &options,
                           uint32_t vocabSize, modelc_status *status) {
  if (vocabSize == 0)
    return fail(status, MODELC_INVALID_ARGUMENT, "vocabSize: found 0");
  if (!(options.temperature >= 0) || std::isinf(options.temperature))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "temperature: found %g, expected 0 or more",
                static_cast<double>(options.temperature));
  if (modelc_code code = checkAdjustments(options, vocabSize, status))
    return code;
  if (modelc_code code = DryPenalty::check(options, vocabSize, status))
    return code;
  if (options.temperature == 0)
    return MODELC_OK;
  if (!(options.topP > 0 && options.topP <= 1))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "topP: found %g, expected above 0, up to 1",
                static_cast<double>(options.topP));
  if (!(options.minP >= 0 && options.minP <= 1))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "minP: found %g, expected 0 to 1",
                static_cast<double>(options.minP));
  const struct {
    const char *name;
    float value;
  } fractions[] = {{"typicalP", options.typicalP},
                   {"xtcProbability", options.xtcProbability},
                   {"xtcThreshold", options.xtcThreshold}};
  for (const auto &[name, value] : fractions)
    if (!(value >= 0 && value <= 1))
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "%s: found %g, expected 0 to 1", name,
                  static_cast<double>(value));
  return MODELC_OK;
}

Sampler::Sampler(const modelc_sampler_options &options, uint32_t vocabSize)
    : options(options), vocabSize(vocabSize), random(options.seed),
      dry(options, vocabSize) {
  if (options.temperature > 0)
    candidates.reserve(vocabSize);
  biases.assign(options.biases, options.biases + options.biasCount);
  this->options.biases = nullptr;
  this->options.dryBreakers = nullptr;
  if (options.repeatPenalty == 0)
    this->options.repeatPenalty = 1;
  penalizes = options.penaltyLastN > 0 &&
              (this->options.repeatPenalty != 1 ||
               options.frequencyPenalty != 0 || options.presencePenalty != 0);
  if (penalizes) {
    recent.reserve(options.penaltyLastN);
    recentCounts.resize(vocabSize);
  }
  if (penalizes || dry.isOn() || !biases.empty())
    adjusted.resize(vocabSize);
}

void Sampler::accept(int32_t id) {
  if (id < 0 || static_cast<uint32_t>(id) >= vocabSize)
    return;
  dry.accept(id);
  if (!penalizes)
    return;
  ++recentCounts[id];
  if (recent.size() < options.penaltyLastN) {
    recent.push_back(id);
    return;
  }
  --recentCounts[recent[oldest]];
  recent[oldest] = id;
  oldest = (oldest + 1) % recent.size();
}

modelc_code Sampler::sample(const float *logits, const uint64_t *allowed,
                            int32_t *out, modelc_status *status) {
  if (allowed)
    adjusted.resize(vocabSize);
  if (!adjusted.empty()) {
    adjust(logits);
    dry.apply(adjusted);
    if (allowed)
      forbidOthers(allowed);
    logits = adjusted.data();
  }
  if (options.temperature == 0)
    return pickGreedy(logits, out, status);
  gather(logits);
  if (candidates.empty())
    return fail(status, MODELC_INVALID_ARGUMENT,
                "none of the %u logits is above minus infinity", vocabSize);
  computeWeights(1.0);
  keepTopK();
  keepTypical();
  keepTopP();
  keepMinP();
  excludeTopChoices();
  computeWeights(options.temperature);
  *out = draw();
  return succeed(status);
}

/// Biases first, then penalties, as llama.cpp applies them: a repeated token's
/// logit goes towards minus infinity by a factor (Keskar et al. 2019, "CTRL",
/// whose division is a multiplication for negative ones), and by amounts.
void Sampler::adjust(const float *logits) {
  std::copy(logits, logits + vocabSize, adjusted.begin());
  for (const modelc_logit_bias &bias : biases)
    adjusted[bias.id] += bias.bias;
  if (!penalizes)
    return;
  for (uint32_t id = 0; id < vocabSize; ++id) {
    uint32_t count = recentCounts[id];
    if (count == 0)
      continue;
    float &logit = adjusted[id];
    logit = logit > 0 ? logit / options.repeatPenalty
                      : logit * options.repeatPenalty;
    logit -= static_cast<float>(count) * options.frequencyPenalty;
    logit -= options.presencePenalty;
  }
}

void Sampler::forbidOthers(const uint64_t *allowed) {
  for (uint32_t id = 0; id < vocabSize; ++id)
    if (!(allowed[id / 64] >> (id % 64) & 1))
      adjusted[id] = -std::numeric_limits<float>::infinity();
}

modelc_code Sampler::pickGreedy(const float *logits, int32_t *out,
                                modelc_status *status) const {
  float best = -std::numeric_limits<float>::infinity();
  int32_t bestId = -1;
  for (uint32_t id = 0; id < vocabSize; ++id) {
    if (!(logits[id] > best))
      continue;
    best = logits[id];
    bestId = static_cast<int32_t>(id);
  }
  if (bestId < 0)
    return fail(status, MODELC_INVALID_ARGUMENT,
                "none of the %u logits is above minus infinity", vocabSize);
  *out = bestId;
  return succeed(status);
}

/// Collects the tokens that can be picked at all.
void Sampler::gather(const float *logits) {
  candidates.clear();
  maxLogit = -std::numeric_limits<float>::infinity();
  for (uint32_t id = 0; id < vocabSize; ++id) {
    // False for NaN, too.
    if (!(logits[id] > -std::numeric_limits<float>::infinity()))
      continue;
    candidates.push_back({logits[id], static_cast<int32_t>(id), 0});
    maxLogit = std::max(maxLogit, logits[id]);
  }
}

void Sampler::computeWeights(double temperature) {
  for (Candidate &candidate : candidates) {
    // The difference is NaN where both are infinite.
    double below = candidate.logit == maxLogit
                       ? 0.0
                       : static_cast<double>(candidate.logit) - maxLogit;
    candidate.weight = deterministicExp(below / temperature);
  }
}

bool Sampler::isBefore(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/// Sorts, and keeps the topK first, if the options ask for either.
void Sampler::keepTopK() {
  bool limited = options.topK > 0 && options.topK < candidates.size();
  if (!limited && options.topP >= 1)
    return;
  if (limited) {
    std::nth_element(candidates.begin(), candidates.begin() + options.topK,
                     candidates.end(), isBefore);
    candidates.resize(options.topK);
  }
  std::sort(candidates.begin(), candidates.end(), isBefore);
}

/// The surprise of a token is its distance below the likeliest, but for a
/// constant, which the distance from the mean does not see.
void Sampler::keepTypical() {
  if (options.typicalP == 0 || options.typicalP >= 1)
    return;
  double total = 0, mean = 0;
  auto below = [&](const Candidate &candidate) {
    return static_cast<double>(maxLogit) - candidate.logit;
  };
  for (const Candidate &candidate : candidates) {
    total += candidate.weight;
    // Those without weight may be infinitely far.
    if (candidate.weight > 0 && candidate.logit != maxLogit)
      mean += candidate.weight * below(candidate);
  }
  mean /= total;
  auto distance = [&](const Candidate &candidate) {
    return candidate.logit == maxLogit ? mean
                                       : std::fabs(below(candidate) - mean);
  };
  std::sort(candidates.begin(), candidates.end(),
            [&](const Candidate &a, const Candidate &b) {
              double left = distance(a), right = distance(b);
              return left != right ? left < right : isBefore(a, b);
            });
  double wanted = total * options.typicalP;
  double sum = 0;
  size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || sum < wanted))
    sum += candidates[kept++].weight;
  candidates.resize(kept);
  std::sort(candidates.begin(), candidates.end(), isBefore);
  // What is left is compared with the likeliest of it.
  maxLogit = candidates.front().logit;
  computeWeights(1.0);
}

/// Keeps the shortest beginning whose probabilities sum to topP.
void Sampler::keepTopP() {
  if (options.topP >= 1)
    return;
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  double wanted = total * options.topP;
  double sum = 0;
  size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || sum < wanted))
    sum += candidates[kept++].weight;
  candidates.resize(kept);
}

void Sampler::keepMinP() {
  std::erase_if(candidates, [&](const Candidate &candidate) {
    return candidate.weight < options.minP;
  });
}

void Sampler::excludeTopChoices() {
  if (options.xtcProbability == 0 || candidates.size() < 2 ||
      random.nextUnit() >= options.xtcProbability)
    return;
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  auto isTop = [&](const Candidate &candidate) {
    return candidate.weight >= total * options.xtcThreshold;
  };
  const Candidate *last = nullptr;
  for (const Candidate &candidate : candidates)
    if (isTop(candidate) && (!last || isBefore(*last, candidate)))
      last = &candidate;
  if (!last)
    return;
  const Candidate kept = *last;
  std::erase_if(candidates, [&](const Candidate &candidate) {
    return isTop(candidate) && candidate.id != kept.id;
  });
  maxLogit = candidates.front().logit;
  for (const Candidate &candidate : candidates)
    maxLogit = std::max(maxLogit, candidate.logit);
}

int32_t Sampler::draw() {
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += candidate.weight;
  double wanted = random.nextUnit() * total;
  double sum = 0;
  int32_t last = candidates.front().id;
  for (const Candidate &candidate : candidates) {
    if (candidate.weight == 0)
      continue;
    sum += candidate.weight;
    last = candidate.id;
    if (sum > wanted)
      break;
  }
  return last;
}

} // namespace modelc::text
