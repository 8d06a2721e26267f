//===- DryPenalty.cpp - Penalizes tokens that would repeat what was said
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   a b c d a b c         d would make the repetition a b c longer:
//     ==> logit of d -= multiplier * base^(3 - allowedLength)
//
// Source: p-e-w, text-generation-webui pull request 5677, and llama.cpp's
// form of it (src/llama-sampler.cpp), with which the numbers agree up to
// rounding. Lengths are those of the Z algorithm (Gusfield, "Algorithms on
// Strings, Trees and Sequences", 1.4) on the reversed text. Powers are products
// in one order, so that no C library has a part in what is drawn.
//
//===----------------------------------------------------------------------===//

#include "DryPenalty.h"
#include "Status.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace modelc::text {

modelc_code DryPenalty::check(const modelc_sampler_options &options,
                              uint32_t vocabSize, modelc_status *status) {
  if (!(options.dryMultiplier >= 0) || std::isinf(options.dryMultiplier))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "dryMultiplier: found %g, expected 0 or more",
                static_cast<double>(options.dryMultiplier));
  if (options.dryMultiplier == 0)
    return MODELC_OK;
  if (!(options.dryBase >= 1) || std::isinf(options.dryBase))
    return fail(status, MODELC_INVALID_ARGUMENT,
                "dryBase: found %g, expected 1 or more",
                static_cast<double>(options.dryBase));
  for (size_t at = 0; at < options.dryBreakerCount; ++at) {
    const int32_t id = options.dryBreakers[at];
    if (id < 0 || static_cast<uint32_t>(id) >= vocabSize)
      return fail(status, MODELC_INVALID_ARGUMENT,
                  "breaker %zu: token %d is outside the vocabulary of %u", at,
                  id, vocabSize);
  }
  return MODELC_OK;
}

DryPenalty::DryPenalty(const modelc_sampler_options &options,
                       uint32_t vocabSize)
    : multiplier(options.dryMultiplier), base(options.dryBase),
      allowedLength(options.dryAllowedLength),
      lastN(options.dryMultiplier > 0 ? options.dryLastN : 0) {
  if (!isOn())
    return;
  text.reserve(size_t(2) * lastN);
  repeated.reserve(lastN);
  touched.reserve(lastN);
  longest.resize(vocabSize);
  isBreaker.resize(vocabSize);
  for (size_t at = 0; at < options.dryBreakerCount; ++at)
    isBreaker[options.dryBreakers[at]] = true;
}

void DryPenalty::accept(int32_t id) {
  if (!isOn())
    return;
  if (text.size() == size_t(2) * lastN)
    text.erase(text.begin(), text.begin() + lastN);
  text.push_back(id);
}

/// Matches at [begin, begin + length) of the reversed text are those at its
/// beginning, so what is known there is known here.
void DryPenalty::measureRepetitions(size_t count) {
  repeated.assign(count, 0);
  size_t begin = 0, end = 0;
  for (size_t i = 1; i < count; ++i) {
    size_t length =
        i < end ? std::min<size_t>(end - i, repeated[i - begin]) : 0;
    while (i + length < count && fromEnd(length) == fromEnd(i + length))
      ++length;
    repeated[i] = static_cast<uint32_t>(length);
    if (i + length > end) {
      begin = i;
      end = i + length;
    }
  }
}

/// At most the largest float: what is penalized may still be picked if all is.
float DryPenalty::computePenalty(uint32_t length) const {
  double power = 1;
  double square = base;
  for (uint32_t exponent = length - allowedLength; exponent; exponent /= 2) {
    if (exponent % 2)
      power *= square;
    square *= square;
  }
  return static_cast<float>(
      std::min<double>(multiplier * power, std::numeric_limits<float>::max()));
}

void DryPenalty::apply(std::span<float> logits) {
  const size_t count = std::min<size_t>(text.size(), lastN);
  // A repetition does not go over a breaker.
  uint32_t limit = 0;
  while (limit < count && !isBreaker[fromEnd(limit)])
    ++limit;
  if (count == 0 || limit < allowedLength)
    return;
  measureRepetitions(count);
  touched.clear();
  for (size_t i = 1; i < count; ++i) {
    const uint32_t length = std::min(repeated[i], limit);
    const int32_t next = fromEnd(i - 1);
    if (length < allowedLength || isBreaker[next])
      continue;
    if (longest[next] == 0)
      touched.push_back(next);
    longest[next] = std::max(longest[next], length + 1);
  }
  for (int32_t id : touched) {
    logits[id] -= computePenalty(longest[id] - 1);
    longest[id] = 0;
  }
}

} // namespace modelc::text
