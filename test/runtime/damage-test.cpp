//===- damage-test.cpp - Every byte of a plan is checked
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One bit of one byte is flipped, for each byte of a small plan: opening
// refuses it, or, for the bytes of WEIGHTS, modelc_verify finds it. No length
// but the whole one opens.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace modelc::test;

namespace {

class Damage : public ::testing::Test {
protected:
  Damage() : builder(makeToyPlan()), bytes(PlanBytes(0)) {
    addToyCode(builder, MODELC_TOY_CODE);
    bytes = builder.build();
  }

  modelc_code open(size_t sizeBytes, modelc_plan **plan) {
    return modelc_open_memory(bytes.data(), sizeBytes, builder.functions.data(),
                              builder.functions.size(), plan, &status);
  }

  PlanBuilder builder;
  PlanBytes bytes;
  modelc_status status;
};

TEST_F(Damage, EveryFlippedBitIsFound) {
  const ModelcSection weights = bytes.section(MODELC_SECTION_WEIGHTS);
  size_t refused = 0, foundByVerify = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto bit = uint8_t(1 << (i * 5 + i / 8) % 8);
    bytes.data()[i] ^= bit;
    modelc_plan *plan = nullptr;
    const modelc_code code = open(bytes.size(), &plan);
    const bool isWeight =
        i >= weights.offset && i - weights.offset < weights.sizeBytes;
    ASSERT_EQ(code == MODELC_OK, isWeight) << "byte " << i;
    if (code == MODELC_OK) {
      ASSERT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS) << "byte " << i;
      ++foundByVerify;
    } else {
      ++refused;
    }
    ASSERT_NE(strstr(status.message, "plan in memory: "), nullptr);
    modelc_close(plan);
    bytes.data()[i] ^= bit;
  }
  EXPECT_EQ(foundByVerify, weights.sizeBytes);
  EXPECT_EQ(refused, bytes.size() - weights.sizeBytes);
  modelc_plan *plan = nullptr;
  EXPECT_EQ(open(bytes.size(), &plan), MODELC_OK);
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_OK);
  modelc_close(plan);
}

TEST_F(Damage, EveryOtherLengthIsRefused) {
  modelc_plan *plan = nullptr;
  for (size_t length = 0; length < bytes.size(); ++length)
    ASSERT_EQ(open(length, &plan), MODELC_DATA_LOSS) << length;
  // Longer: one more page of zeroes.
  PlanBytes longer(bytes.size() + 4096);
  memcpy(longer.data(), bytes.data(), bytes.size());
  bytes = std::move(longer);
  EXPECT_EQ(open(bytes.size(), &plan), MODELC_DATA_LOSS);
  // Even if the header says so.
  bytes.header().fileBytes += 4096;
  bytes.reseal();
  EXPECT_EQ(open(bytes.size(), &plan), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "the end of the last section's page"),
            nullptr);
}

// Whatever the weights hold, they are named.
TEST_F(Damage, VerifyNamesTheFirst) {
  const ModelcSection weights = bytes.section(MODELC_SECTION_WEIGHTS);
  modelc_plan *plan = nullptr;
  ASSERT_EQ(open(bytes.size(), &plan), MODELC_OK);
  uint8_t *base = bytes.data() + weights.offset;
  base[130] ^= 1;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "weight bias: checksum 0x"), nullptr);
  base[0] ^= 1;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "weight first: checksum 0x"), nullptr);
  base[0] ^= 1;
  base[130] ^= 1;
  base[5] = 1;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message, "plan in memory: WEIGHTS: padding at [0x5, "
                               "0x80) is not zero");
  modelc_close(plan);
}

// Weights of many pieces go to several threads; the tail after the last one is
// padding too.
TEST(Verify, LargeWeights) {
  PlanBuilder builder = makeToyPlan();
  std::vector<uint8_t> large(5 * MODELC_CHECKSUM_PIECE_BYTES + 77);
  for (size_t i = 0; i < large.size(); ++i)
    large[i] = uint8_t(i * 2654435761u >> 13);
  builder.addWeight("large", large);
  builder.addWeight("empty", {});
  builder.weightBytes.resize(builder.weightBytes.size() + 64);
  const PlanBytes bytes = builder.build();
  modelc_plan *plan = nullptr;
  modelc_status status;
  ASSERT_EQ(modelc_open_memory(bytes.data(), bytes.size(),
                               builder.functions.data(), 3, &plan, &status),
            MODELC_OK)
      << status.message;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_OK) << status.message;
  uint8_t *base = bytes.data() + bytes.section(MODELC_SECTION_WEIGHTS).offset;
  const uint64_t begin = builder.weights[2].offset;
  for (uint64_t at : {uint64_t(0), large.size() / 2, large.size() - 1}) {
    base[begin + at] ^= 0x80;
    EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
    EXPECT_NE(strstr(status.message, "weight large: "), nullptr);
    base[begin + at] ^= 0x80;
  }
  base[builder.weightBytes.size() - 1] = 1;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "WEIGHTS: padding at [0x"), nullptr);
  modelc_close(plan);
}

// Two variants with tables of their own over one section.
TEST(Verify, VariantsShareWeights) {
  PlanBuilder builder = makeToyPlan();
  builder.variants.push_back(builder.variants[0]);
  const PlanBytes bytes = builder.build();
  modelc_plan *plan = nullptr;
  modelc_status status;
  ASSERT_EQ(modelc_open_memory(bytes.data(), bytes.size(),
                               builder.functions.data(), 3, &plan, &status),
            MODELC_OK)
      << status.message;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_OK) << status.message;
  bytes.data()[bytes.section(MODELC_SECTION_WEIGHTS).offset] ^= 1;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_DATA_LOSS);
  modelc_close(plan);
}

} // namespace
