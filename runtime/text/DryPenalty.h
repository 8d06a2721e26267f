//===- DryPenalty.h - Penalizes tokens that would repeat what was said
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DRY ("don't repeat yourself"): what text.h says of dryMultiplier.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_DRYPENALTY_H
#define MODELC_RUNTIME_TEXT_DRYPENALTY_H

#include "modelc/text.h"
#include <span>
#include <vector>

namespace modelc::text {

class DryPenalty {
public:
  /// INVALID_ARGUMENT for options outside what text.h says.
  static modelc_code check(const modelc_sampler_options &options,
                           uint32_t vocabSize, modelc_status *status);

  /// `options` have passed check(). Breakers are copied.
  DryPenalty(const modelc_sampler_options &options, uint32_t vocabSize);

  bool isOn() const { return lastN > 0; }

  /// Appends a token of the vocabulary to the text. Allocates nothing.
  void accept(int32_t id);

  /// Subtracts penalties from logits [vocabSize]. Allocates nothing; time is
  /// linear in the tokens that are looked at.
  void apply(std::span<float> logits);

private:
  /// The i-th token of the text from its end, i < count.
  int32_t fromEnd(size_t i) const { return text[text.size() - 1 - i]; }
  void measureRepetitions(size_t count);
  float computePenalty(uint32_t length) const;

  float multiplier;
  float base;
  uint32_t allowedLength;
  uint32_t lastN; ///< 0: no penalty.
  /// The last lastN tokens at least; capacity 2 * lastN.
  std::vector<int32_t> text;
  std::vector<bool> isBreaker; ///< [vocabSize]
  /// For each i, how many tokens before the i-th from the end, itself included,
  /// are those at the end. Capacity lastN.
  std::vector<uint32_t> repeated;
  /// The longest repetition that each token would continue [vocabSize], one
  /// more than its length, and those for which there is one.
  std::vector<uint32_t> longest;
  std::vector<int32_t> touched;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_DRYPENALTY_H
