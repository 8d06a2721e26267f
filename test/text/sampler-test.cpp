//===- sampler-test.cpp - How the next token is picked
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Literal draws pin the random stream: they are a promise to users of seeds.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/Sampler.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>

namespace modelc::text::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

modelc_sampler_options plainOptions() {
  modelc_sampler_options options = {};
  options.temperature = 1;
  options.topP = 1;
  options.seed = 42;
  return options;
}

/// The ids that `draws` draws give, with how often.
std::map<int32_t, int> drawMany(const modelc_sampler_options &options,
                                const std::vector<float> &logits,
                                int draws = 20000) {
  Sampler sampler(options, static_cast<uint32_t>(logits.size()));
  std::map<int32_t, int> counts;
  for (int draw = 0; draw < draws; ++draw) {
    int32_t id = -1;
    EXPECT_EQ(sampler.sample(logits.data(), &id, nullptr), MODELC_OK);
    ++counts[id];
  }
  return counts;
}

std::vector<int32_t> idsOf(const std::map<int32_t, int> &counts) {
  std::vector<int32_t> ids;
  for (const auto &[id, count] : counts)
    ids.push_back(id);
  return ids;
}

/// Logits whose probabilities at temperature 1 are 0.4 0.3 0.2 0.1.
const std::vector<float> kFour = {std::log(0.2f), std::log(0.4f),
                                  std::log(0.1f), std::log(0.3f)};

// Reference: the authors' C code, seeded by splitmix64 of 0.
TEST(Random, IsXoshiro256StarStar) {
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0u);
}

TEST(Exp, IsExactToAUnit) {
  EXPECT_EQ(deterministicExp(0), 1.0);
  for (double x = 0; x > -699.9; x -= 0.0371) {
    double expected = std::exp(x);
    EXPECT_NEAR(deterministicExp(x) / expected, 1.0, 5e-16) << x;
  }
  EXPECT_EQ(deterministicExp(-701), 0.0);
  EXPECT_EQ(deterministicExp(-std::numeric_limits<double>::infinity()), 0.0);
}

// Probabilities 0.4 0.3 0.2 0.1 have surprises 0.92 1.20 1.61 2.30, of mean
// 1.28: the most typical is the second, then the third, the first, the last.
TEST(Sampler, TypicalPKeepsWhatSurprisesAsExpected) {
  const struct {
    float typicalP;
    std::vector<int32_t> expected;
  } cases[] = {{0.2f, {3}},
               {0.45f, {0, 3}},
               {0.8f, {0, 1, 3}},
               {1.0f, {0, 1, 2, 3}},
               {0.0f, {0, 1, 2, 3}}};
  for (const auto &[typicalP, expected] : cases) {
    modelc_sampler_options options = plainOptions();
    options.typicalP = typicalP;
    EXPECT_EQ(idsOf(drawMany(options, kFour, 2000)), expected) << typicalP;
  }
  modelc_sampler_options options = plainOptions();
  options.typicalP = 0.45f;
  // 0.3 to 0.2.
  std::map<int32_t, int> counts = drawMany(options, kFour);
  EXPECT_NEAR(counts[3], 12000, 300);
  options.typicalP = 1.5f;
  modelc_status status;
  EXPECT_EQ(Sampler::check(options, 4, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "typicalP: found 1.5, expected 0 to 1");
}

TEST(Sampler, XtcExcludesTopChoices) {
  modelc_sampler_options options = plainOptions();
  options.xtcProbability = 1;
  options.xtcThreshold = 0.15f;
  // Above 0.15 are 0.4, 0.3 and 0.2, of which the last stays.
  EXPECT_EQ(idsOf(drawMany(options, kFour, 2000)),
            (std::vector<int32_t>{0, 2}));
  options.xtcThreshold = 0.35f;
  EXPECT_EQ(idsOf(drawMany(options, kFour, 2000)),
            (std::vector<int32_t>{0, 1, 2, 3}));
  options.xtcThreshold = 0.15f;
  options.xtcProbability = 0.5f;
  // 0.5 * 0.4 of the likeliest are left.
  std::map<int32_t, int> counts = drawMany(options, kFour);
  EXPECT_NEAR(counts[1], 4000, 250);
}

TEST(Sampler, GreedyTakesTheLargestAndOfEqualsTheFirst) {
  modelc_sampler_options greedy = {};
  const struct {
    std::vector<float> logits;
    int32_t expected;
  } cases[] = {
      {{1, 3, 2}, 1},
      {{3, 3, 3}, 0},
      {{kNaN, 1, kNaN, 2, kNaN}, 3},
      {{-kInfinity, -5, -kInfinity}, 1},
      {{1, kInfinity, kInfinity}, 1},
  };
  for (const auto &[logits, expected] : cases) {
    Sampler sampler(greedy, static_cast<uint32_t>(logits.size()));
    int32_t id = -1;
    EXPECT_EQ(sampler.sample(logits.data(), &id, nullptr), MODELC_OK);
    EXPECT_EQ(id, expected);
  }
}

TEST(Sampler, RefusesLogitsWithoutANumber) {
  const float logits[] = {kNaN, -kInfinity};
  for (float temperature : {0.0f, 1.0f}) {
    modelc_sampler_options options = plainOptions();
    options.temperature = temperature;
    Sampler sampler(options, 2);
    int32_t id = 7;
    modelc_status status;
    EXPECT_EQ(sampler.sample(logits, &id, &status), MODELC_INVALID_ARGUMENT);
    EXPECT_STREQ(status.message,
                 "none of the 2 logits is above minus infinity");
    EXPECT_EQ(id, 7);
  }
}

TEST(Sampler, DrawsByProbability) {
  std::map<int32_t, int> counts = drawMany(plainOptions(), kFour);
  // Four standard deviations of 20000 draws are below 300.
  EXPECT_NEAR(counts[0], 4000, 300);
  EXPECT_NEAR(counts[1], 8000, 300);
  EXPECT_NEAR(counts[2], 2000, 300);
  EXPECT_NEAR(counts[3], 6000, 300);
}

TEST(Sampler, DividesByTheTemperature) {
  modelc_sampler_options options = plainOptions();
  options.temperature = 0.5f; // Squares: 16 : 9 : 4 : 1.
  std::map<int32_t, int> counts = drawMany(options, kFour);
  EXPECT_NEAR(counts[1], 20000 * 16 / 30, 300);
  EXPECT_NEAR(counts[2], 20000 * 1 / 30, 300);
}

TEST(Sampler, FiltersInOrder) {
  modelc_sampler_options options = plainOptions();
  options.topK = 2;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{1, 3}));
  options = plainOptions();
  options.topP = 0.69f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{1, 3}));
  options.topP = 0.71f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{0, 1, 3}));
  options.topP = 1e-9f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{1}));
  options = plainOptions();
  options.minP = 0.45f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{0, 1, 3}));
  options.minP = 0.55f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{1, 3}));
  // Top-p counts the probabilities of what top-k left: 0.4 / 0.7 > 0.5.
  options = plainOptions();
  options.topK = 2;
  options.topP = 0.5f;
  EXPECT_EQ(idsOf(drawMany(options, kFour)), (std::vector<int32_t>{1}));
}

TEST(Sampler, TakesTheLowerOfEqualIdsIntoTopK) {
  modelc_sampler_options options = plainOptions();
  options.topK = 3;
  EXPECT_EQ(idsOf(drawMany(options, std::vector<float>(100, 1.0f))),
            (std::vector<int32_t>{0, 1, 2}));
}

TEST(Sampler, NeverDrawsNaN) {
  EXPECT_EQ(idsOf(drawMany(plainOptions(), {kNaN, 0, kNaN, 0, -kInfinity})),
            (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(idsOf(drawMany(plainOptions(), {1, kInfinity, kNaN, kInfinity})),
            (std::vector<int32_t>{1, 3}));
}

// Ids from a Python transcription of text.h with math.exp.
TEST(Sampler, DrawsTheSameForASeedEverywhere) {
  modelc_sampler_options options = plainOptions();
  options.temperature = 0.8f;
  options.topK = 40;
  options.topP = 0.95f;
  options.minP = 0.05f;
  options.seed = 7;
  std::vector<float> logits(512);
  Random random(1);
  for (float &logit : logits)
    logit = static_cast<float>(random.nextUnit() * 8);
  std::vector<int32_t> drawn(12);
  Sampler sampler(options, 512);
  for (int32_t &id : drawn)
    ASSERT_EQ(sampler.sample(logits.data(), &id, nullptr), MODELC_OK);
  EXPECT_EQ(drawn, (std::vector<int32_t>{219, 247, 258, 170, 421, 269, 104, 452,
                                         29, 126, 177, 48}));
}

TEST(Sampler, ChecksItsOptions) {
  modelc_status status;
  auto refused = [&](auto change) {
    modelc_sampler_options options = plainOptions();
    change(options);
    EXPECT_EQ(Sampler::check(options, 10, &status), MODELC_INVALID_ARGUMENT);
    return std::string(status.message);
  };
  EXPECT_EQ(refused([](auto &o) { o.temperature = -1; }),
            "temperature: found -1, expected 0 or more");
  EXPECT_EQ(refused([](auto &o) { o.temperature = kNaN; }),
            "temperature: found nan, expected 0 or more");
  EXPECT_EQ(refused([](auto &o) { o.topP = 0; }),
            "topP: found 0, expected above 0, up to 1");
  EXPECT_EQ(refused([](auto &o) { o.topP = kNaN; }),
            "topP: found nan, expected above 0, up to 1");
  EXPECT_EQ(refused([](auto &o) { o.minP = 1.5f; }),
            "minP: found 1.5, expected 0 to 1");
  modelc_sampler *sampler = nullptr;
  EXPECT_EQ(modelc_sampler_create(nullptr, 0, &sampler, &status),
            MODELC_INVALID_ARGUMENT);
  ASSERT_EQ(modelc_sampler_create(nullptr, 4, &sampler, &status), MODELC_OK);
  int32_t id = -1;
  EXPECT_EQ(modelc_sample(sampler, kFour.data(), &id, &status), MODELC_OK);
  EXPECT_EQ(id, 1);
  modelc_sampler_destroy(sampler);
}

/// The greedy pick after `accepted`.
int32_t greedyAfter(const modelc_sampler_options &options,
                    const std::vector<float> &logits,
                    const std::vector<int32_t> &accepted) {
  Sampler sampler(options, static_cast<uint32_t>(logits.size()));
  for (int32_t id : accepted)
    sampler.accept(id);
  int32_t id = -1;
  EXPECT_EQ(sampler.sample(logits.data(), &id, nullptr), MODELC_OK);
  return id;
}

TEST(Sampler, RepeatPenaltyDividesOrMultiplies) {
  modelc_sampler_options options = {};
  options.penaltyLastN = 4;
  options.repeatPenalty = 2;
  EXPECT_EQ(greedyAfter(options, {3, 2, 1}, {}), 0);
  EXPECT_EQ(greedyAfter(options, {3, 2, 1}, {0}), 1);
  EXPECT_EQ(greedyAfter(options, {5, 2, 1}, {0}), 0);
  // -1 becomes -2, below -1.5.
  EXPECT_EQ(greedyAfter(options, {-1, -1.5f}, {0}), 1);
  // Once however often it was said.
  EXPECT_EQ(greedyAfter(options, {5, 2, 1}, {0, 0, 0}), 0);
  options.repeatPenalty = 0;
  EXPECT_EQ(greedyAfter(options, {3, 2, 1}, {0}), 0);
}

TEST(Sampler, PresenceAndFrequencySubtract) {
  modelc_sampler_options options = {};
  options.penaltyLastN = 3;
  options.presencePenalty = 1;
  EXPECT_EQ(greedyAfter(options, {3, 2.5f}, {0}), 1);
  EXPECT_EQ(greedyAfter(options, {3.5f, 2}, {0, 0, 0}), 0);
  options.presencePenalty = 0;
  options.frequencyPenalty = 0.5f;
  EXPECT_EQ(greedyAfter(options, {3, 2}, {0}), 0);
  EXPECT_EQ(greedyAfter(options, {3, 2}, {0, 0, 0}), 1);
  // The oldest are forgotten, foreign ids are nothing.
  EXPECT_EQ(greedyAfter(options, {3, 2}, {0, 0, 0, 1, 1, 1}), 0);
  EXPECT_EQ(greedyAfter(options, {3, 2}, {0, 0, 0, -1, 2, 99}), 1);
}

TEST(Sampler, BiasesComeFirst) {
  const modelc_logit_bias biases[] = {{1, 2}, {0, -kInfinity}, {1, 0.5f}};
  modelc_sampler_options options = {};
  options.biases = biases;
  options.biasCount = 3;
  EXPECT_EQ(greedyAfter(options, {9, 1, 3}, {}), 1);
  options.penaltyLastN = 1;
  options.repeatPenalty = 4;
  EXPECT_EQ(greedyAfter(options, {9, 1, 3}, {1}), 2);
  // Also where one is drawn.
  modelc_sampler_options drawn = plainOptions();
  drawn.biases = biases + 1;
  drawn.biasCount = 1;
  EXPECT_EQ(idsOf(drawMany(drawn, kFour, 2000)),
            (std::vector<int32_t>{1, 2, 3}));
}

TEST(Sampler, RefusesWrongPenaltiesAndBiases) {
  auto refusal = [](auto change) {
    modelc_sampler_options options = {};
    change(options);
    modelc_status status;
    EXPECT_EQ(Sampler::check(options, 4, &status), MODELC_INVALID_ARGUMENT);
    return std::string(status.message);
  };
  EXPECT_EQ(refusal([](auto &o) { o.repeatPenalty = -1; }),
            "repeatPenalty: found -1, expected 0 or more");
  EXPECT_EQ(refusal([](auto &o) { o.presencePenalty = kNaN; }),
            "a penalty of nan, expected a finite one");
  static const modelc_logit_bias foreign = {4, 0}, wrong = {0, kNaN};
  EXPECT_EQ(refusal([](auto &o) {
              o.biases = &foreign;
              o.biasCount = 1;
            }),
            "bias 0: token 4 is outside the vocabulary of 4");
  EXPECT_EQ(refusal([](auto &o) {
              o.biases = &wrong;
              o.biasCount = 1;
            }),
            "bias 0: found nan, expected a number or minus infinity");
}

} // namespace
} // namespace modelc::text::test
