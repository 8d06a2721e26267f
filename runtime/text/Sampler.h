//===- Sampler.h - Picks the next token from logits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What text.h promises of modelc_sampler.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_SAMPLER_H
#define MODELC_RUNTIME_TEXT_SAMPLER_H

#include "DryPenalty.h"
#include "Random.h"
#include "modelc/text.h"
#include <vector>

namespace modelc::text {

/// e^x for x <= 0, correct to about one unit in the last place, 0 below -700.
/// Only additions and multiplications of doubles in one order, so that it is
/// the same on every machine, which libm is not.
double deterministicExp(double x);

class Sampler {
public:
  /// INVALID_ARGUMENT for options outside what text.h says.
  static modelc_code check(const modelc_sampler_options &options,
                           uint32_t vocabSize, modelc_status *status);

  /// `options` have passed check(). Biases are copied.
  Sampler(const modelc_sampler_options &options, uint32_t vocabSize);

  /// See modelc_sampler_accept.
  void accept(int32_t id);

  /// See modelc_sample, and modelc_sample_allowed if `allowed` is not null.
  /// `logits` are [vocabSize].
  modelc_code sample(const float *logits, const uint64_t *allowed, int32_t *out,
                     modelc_status *status);
  modelc_code sample(const float *logits, int32_t *out, modelc_status *status) {
    return sample(logits, nullptr, out, status);
  }

private:
  struct Candidate {
    float logit;
    int32_t id;
    /// Proportional to the probability; the likeliest token has 1.
    double weight;
  };

  /// The order of candidates: the likelier first.
  static bool isBefore(const Candidate &a, const Candidate &b);

  void adjust(const float *logits);
  void forbidOthers(const uint64_t *allowed);
  modelc_code pickGreedy(const float *logits, int32_t *out,
                         modelc_status *status) const;
  void gather(const float *logits);
  void computeWeights(double temperature);
  void keepTopK();
  void keepTopP();
  void keepTypical();
  void keepMinP();
  void excludeTopChoices();
  int32_t draw();

  modelc_sampler_options options;
  uint32_t vocabSize;
  Random random;
  /// Capacity vocabSize, so that sampling never allocates.
  std::vector<Candidate> candidates;
  float maxLogit = 0;

  std::vector<modelc_logit_bias> biases;
  bool penalizes = false;
  /// The last tokens, a ring whose oldest entry is at `oldest` once it is
  /// full, and how often each token is in it [vocabSize]. Empty if nothing is
  /// penalized.
  std::vector<int32_t> recent;
  size_t oldest = 0;
  std::vector<uint32_t> recentCounts;
  DryPenalty dry;
  /// Logits with penalties, biases and what is not allowed [vocabSize]; empty
  /// until there is one of these.
  std::vector<float> adjusted;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_SAMPLER_H
