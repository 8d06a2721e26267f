//===- dry-penalty-test.cpp - What would repeat the text's end costs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/text/DryPenalty.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace modelc::text {
namespace {

constexpr uint32_t kTokens = 6;

modelc_sampler_options makeOptions() {
  modelc_sampler_options options = {};
  options.dryMultiplier = 1;
  options.dryBase = 2;
  options.dryAllowedLength = 2;
  options.dryLastN = 100;
  return options;
}

/// What each token loses after a text.
std::vector<float> penaltiesAfter(const modelc_sampler_options &options,
                                  const std::vector<int32_t> &text) {
  DryPenalty dry(options, kTokens);
  for (int32_t id : text)
    dry.accept(id);
  std::vector<float> logits(kTokens, 0.0f);
  dry.apply(logits);
  for (float &logit : logits)
    logit = 0 - logit;
  return logits;
}

using Floats = std::vector<float>;

/// The last tokens lose nothing.
Floats fill(Floats penalties) {
  penalties.resize(kTokens);
  return penalties;
}

TEST(DryPenalty, GrowsWithTheRepetition) {
  modelc_sampler_options options = makeOptions();
  EXPECT_EQ(penaltiesAfter(options, {}), Floats(kTokens));
  EXPECT_EQ(penaltiesAfter(options, {1, 2, 3, 2}), Floats(kTokens));
  EXPECT_EQ(penaltiesAfter(options, {1, 2, 3, 1, 2}), fill({0, 0, 0, 1}));
  EXPECT_EQ(penaltiesAfter(options, {0, 1, 2, 3, 0, 1, 2}), fill({0, 0, 0, 2}));
  // The longest counts, of each that came next.
  EXPECT_EQ(
      penaltiesAfter(options, {0, 1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 4, 0, 1, 2}),
      fill({0, 0, 0, 2, 1}));
  // Repetitions may overlap.
  EXPECT_EQ(penaltiesAfter(options, {1, 1, 1, 1}), fill({0, 2}));
  options.dryMultiplier = 0.5f;
  options.dryBase = 3;
  options.dryAllowedLength = 1;
  EXPECT_EQ(penaltiesAfter(options, {0, 1, 2, 3, 0, 1, 2}),
            fill({0, 0, 0, 4.5f}));
  options.dryAllowedLength = 0;
  EXPECT_EQ(penaltiesAfter(options, {4, 5, 3}), fill({0, 0, 0, 0.5f, 0, 0.5f}));
}

TEST(DryPenalty, BreakersEndRepetitions) {
  modelc_sampler_options options = makeOptions();
  const int32_t breakers[] = {3, 5};
  options.dryBreakers = breakers;
  options.dryBreakerCount = 2;
  EXPECT_EQ(penaltiesAfter(options, {1, 2, 4, 5, 1, 2}), fill({0, 0, 0, 0, 1}));
  // One token of the end is compared, then none.
  EXPECT_EQ(penaltiesAfter(options, {1, 3, 2, 4, 1, 3, 2}), Floats(kTokens));
  EXPECT_EQ(penaltiesAfter(options, {1, 2, 3, 4, 1, 2, 3}), Floats(kTokens));
  // Three tokens are equal behind it, not four.
  EXPECT_EQ(penaltiesAfter(options, {5, 0, 1, 2, 4, 5, 0, 1, 2}),
            fill({0, 0, 0, 0, 2}));
  // Breakers themselves may come again.
  EXPECT_EQ(penaltiesAfter(options, {0, 1, 2, 3, 0, 1, 2}), Floats(kTokens));
}

TEST(DryPenalty, LooksAtTheLastTokens) {
  modelc_sampler_options options = makeOptions();
  options.dryLastN = 5;
  std::vector<int32_t> text = {1, 2, 3, 1, 2};
  EXPECT_EQ(penaltiesAfter(options, text), fill({0, 0, 0, 1}));
  text.insert(text.begin(), 20, 4);
  EXPECT_EQ(penaltiesAfter(options, text), fill({0, 0, 0, 1}));
  options.dryLastN = 4;
  EXPECT_EQ(penaltiesAfter(options, text), Floats(kTokens));
  options.dryLastN = 0;
  EXPECT_FALSE(DryPenalty(options, kTokens).isOn());
}

TEST(DryPenalty, IsNeverInfinite) {
  modelc_sampler_options options = makeOptions();
  options.dryLastN = 4000;
  EXPECT_EQ(penaltiesAfter(options, std::vector<int32_t>(4000, 1))[1],
            std::numeric_limits<float>::max());
}

/// The definition, place by place.
Floats computePlainly(const modelc_sampler_options &options,
                      std::vector<int32_t> text) {
  auto isBreaker = [&](int32_t id) {
    return std::count(options.dryBreakers,
                      options.dryBreakers + options.dryBreakerCount, id) > 0;
  };
  if (text.size() > options.dryLastN)
    text.erase(text.begin(), text.end() - options.dryLastN);
  const size_t count = text.size();
  std::vector<int64_t> longest(kTokens, -1);
  for (size_t next = 1; next < count; ++next) {
    size_t length = 0;
    while (length < next &&
           text[next - 1 - length] == text[count - 1 - length] &&
           !isBreaker(text[count - 1 - length]))
      ++length;
    if (length >= options.dryAllowedLength && !isBreaker(text[next]))
      longest[text[next]] =
          std::max(longest[text[next]], static_cast<int64_t>(length));
  }
  Floats penalties(kTokens);
  for (uint32_t id = 0; id < kTokens; ++id)
    if (longest[id] >= 0)
      penalties[id] =
          options.dryMultiplier *
          std::exp2(static_cast<float>(longest[id] - options.dryAllowedLength));
  return penalties;
}

TEST(DryPenalty, IsWhatTheDefinitionSays) {
  std::mt19937 random(7);
  const int32_t breakers[] = {0};
  for (int i = 0; i < 2000; ++i) {
    modelc_sampler_options options = makeOptions();
    options.dryAllowedLength = random() % 4;
    options.dryLastN = 1 + random() % 40;
    options.dryBreakers = breakers;
    options.dryBreakerCount = random() % 2;
    const uint32_t used = 2 + random() % (kTokens - 1);
    std::vector<int32_t> text(random() % 60);
    for (int32_t &id : text)
      id = static_cast<int32_t>(random() % used);
    ASSERT_EQ(penaltiesAfter(options, text), computePlainly(options, text))
        << i;
  }
}

TEST(DryPenalty, ChecksItsOptions) {
  auto refusal = [](auto change) {
    modelc_sampler_options options = makeOptions();
    change(options);
    modelc_status status;
    EXPECT_EQ(DryPenalty::check(options, kTokens, &status),
              MODELC_INVALID_ARGUMENT);
    return std::string(status.message);
  };
  EXPECT_EQ(refusal([](auto &o) { o.dryMultiplier = -1; }),
            "dryMultiplier: found -1, expected 0 or more");
  EXPECT_EQ(refusal([](auto &o) { o.dryBase = 0.5f; }),
            "dryBase: found 0.5, expected 1 or more");
  static const int32_t foreign = kTokens;
  EXPECT_EQ(refusal([](auto &o) {
              o.dryBreakers = &foreign;
              o.dryBreakerCount = 1;
            }),
            "breaker 0: token 6 is outside the vocabulary of 6");
}

} // namespace
} // namespace modelc::text
