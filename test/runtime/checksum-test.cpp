//===- checksum-test.cpp - CRC32C and the checksums made of it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "modelc/checksum.h"
#include <gtest/gtest.h>
#include <vector>

namespace {

std::vector<uint8_t> someBytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  uint32_t state = 1;
  for (uint8_t &byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = uint8_t(state >> 24);
  }
  return bytes;
}

// RFC 3720, appendix B.4, and the usual check string.
TEST(Checksum, KnownVectors) {
  EXPECT_EQ(modelc_crc32c("123456789", 9), 0xe3069283u);
  std::vector<uint8_t> bytes(32, 0x00);
  EXPECT_EQ(modelc_crc32c(bytes.data(), 32), 0x8a9136aau);
  bytes.assign(32, 0xff);
  EXPECT_EQ(modelc_crc32c(bytes.data(), 32), 0x62a8ab43u);
  for (int i = 0; i < 32; ++i)
    bytes[i] = uint8_t(i);
  EXPECT_EQ(modelc_crc32c(bytes.data(), 32), 0x46dd794eu);
  EXPECT_EQ(modelc_crc32c(nullptr, 0), 0u);
}

// The instruction, in one stream and in three, gives what the table gives.
TEST(Checksum, HardwareEqualsSoftware) {
  const auto bytes = someBytes(7 * MODELC_CRC32C_STREAM_BYTES + 64);
  const size_t triple = 3 * MODELC_CRC32C_STREAM_BYTES;
  for (size_t begin : {0, 1, 7})
    for (size_t count : {size_t(0), size_t(1), size_t(7), size_t(8), size_t(9),
                         triple - 1, triple, triple + 1, 2 * triple + 5}) {
      const uint8_t *data = bytes.data() + begin;
      EXPECT_EQ(modelc_crc32c(data, count),
                ~modelc_crc32c_software(~0u, data, count))
          << count << " bytes from " << begin;
    }
}

// x^(8 * n) by repeated multiplication.
TEST(Checksum, StreamPower) {
  const uint32_t x = 0x40000000, one = 0x80000000;
  uint32_t power = one;
  for (int i = 0; i < 8 * MODELC_CRC32C_STREAM_BYTES; ++i)
    power = modelc_crc32c_multiply(power, x);
  EXPECT_EQ(power, MODELC_CRC32C_STREAM_POWER);
}

TEST(Checksum, ExtendsByParts) {
  const auto bytes = someBytes(1000);
  const uint32_t whole = modelc_crc32c(bytes.data(), bytes.size());
  for (size_t cut : {0, 1, 499, 1000}) {
    const uint32_t head = modelc_crc32c(bytes.data(), cut);
    EXPECT_EQ(modelc_crc32c_extend(head, bytes.data() + cut, 1000 - cut),
              whole);
  }
}

// The definition in plan_format.h, spelled out for three pieces.
TEST(Checksum, WeightIsMadeOfPieces) {
  const size_t piece = MODELC_CHECKSUM_PIECE_BYTES;
  const auto bytes = someBytes(2 * piece + 5);
  const uint32_t pieces[] = {modelc_crc32c(bytes.data(), piece),
                             modelc_crc32c(bytes.data() + piece, piece),
                             modelc_crc32c(bytes.data() + 2 * piece, 5)};
  EXPECT_EQ(modelc_weight_piece_count(bytes.size()), 3u);
  for (uint64_t i = 0; i < 3; ++i)
    EXPECT_EQ(modelc_weight_piece_checksum(bytes.data(), bytes.size(), i),
              pieces[i]);
  const uint32_t expected = modelc_crc32c(pieces, sizeof(pieces));
  EXPECT_EQ(modelc_weight_checksum_of_pieces(pieces, 3), expected);
  EXPECT_EQ(modelc_weight_checksum(bytes.data(), bytes.size()), expected);
  EXPECT_EQ(modelc_weight_checksum(bytes.data(), 0), 0u);
}

TEST(Checksum, PlanIgnoresItsOwnField) {
  struct {
    ModelcPlanHeader header;
    ModelcSection sections[2];
  } plan = {};
  plan.header.sectionCount = 2;
  const uint32_t checksum = modelc_plan_checksum(&plan.header, plan.sections);
  EXPECT_EQ(checksum, modelc_crc32c(&plan, sizeof(plan)));
  plan.header.checksum = checksum;
  EXPECT_EQ(modelc_plan_checksum(&plan.header, plan.sections), checksum);
  plan.sections[1].sizeBytes = 1;
  EXPECT_NE(modelc_plan_checksum(&plan.header, plan.sections), checksum);
}

} // namespace
