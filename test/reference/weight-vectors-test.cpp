//===- weight-vectors-test.cpp - Blocks of weights against another decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// weight-vectors.txt holds what a decoder that nobody here wrote makes of
// blocks of the types that decode-test.py has no other for: of one block as its
// own quantiser makes them, and, as a hash, of thousands of random ones, in
// which every entry of a grid occurs, and scales that are infinite or NaN.
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <bit>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

namespace modelc::reference::test {
namespace {

/// The fields of one type on the page, each the words of its lines.
using Record = std::map<std::string, std::vector<std::string>>;

std::map<std::string, Record> readPage() {
  std::ifstream file(MODELC_SOURCE_DIR "/test/reference/weight-vectors.txt");
  std::map<std::string, Record> records;
  std::string line, type;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key, word;
    words >> key;
    if (key == "#" || key.empty())
      continue;
    while (words >> word)
      if (key == "type")
        type = word;
      else
        records[type][key].push_back(word);
  }
  return records;
}

/// Without the differences that do not count: the bits of a NaN, and the sign
/// of a zero.
uint32_t getBits(float x) {
  if (std::isnan(x))
    return 0x7fc00000;
  return x == 0 ? 0 : std::bit_cast<uint32_t>(x);
}

std::vector<uint8_t> readHex(const std::vector<std::string> &lines) {
  std::vector<uint8_t> bytes;
  for (const std::string &line : lines)
    for (size_t i = 0; i < line.size(); i += 2)
      bytes.push_back(uint8_t(std::stoul(line.substr(i, 2), nullptr, 16)));
  return bytes;
}

/// The high bytes of a linear congruential generator (D. Knuth's MMIX).
std::vector<uint8_t> makeBytes(int64_t count) {
  std::vector<uint8_t> bytes;
  uint64_t x = 1;
  while (int64_t(bytes.size()) < count) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    bytes.push_back(uint8_t(x >> 56));
  }
  return bytes;
}

std::vector<float> decode(WeightType type, const std::vector<uint8_t> &blocks) {
  std::vector<float> x(blocks.size() / getBlockBytes(type) *
                       getBlockElems(type));
  decodeRow(type, blocks.data(), x);
  return x;
}

void check(WeightType type, Record &record) {
  std::vector<float> x = decode(type, readHex(record["block"]));
  const std::vector<std::string> &expected = record["floats"];
  ASSERT_EQ(expected.size(), (x.size() + 4) / 5);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(getBits(x[5 * i]), std::stoul(expected[i], nullptr, 16))
        << "element " << 5 * i;
  // FNV-1a, a number at a time.
  constexpr int64_t kBlocks = 4096;
  uint64_t hash = 0xcbf29ce484222325;
  for (float value : decode(type, makeBytes(kBlocks * getBlockBytes(type))))
    hash = (hash ^ getBits(value)) * 0x100000001b3;
  EXPECT_EQ(hash, std::stoull(record["hash"].at(0), nullptr, 16));
}

TEST(WeightVectors, EqualThoseOfAnotherDecoder) {
  std::map<std::string, Record> records = readPage();
  EXPECT_EQ(records.size(), 13u);
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  if (auto found = records.find(#name); found != records.end()) {              \
    SCOPED_TRACE(#name);                                                       \
    check(WeightType::name, found->second);                                    \
    records.erase(found);                                                      \
  }
#include "test/reference/WeightTypes.def"
  EXPECT_TRUE(records.empty()) << records.begin()->first;
}

} // namespace
} // namespace modelc::reference::test
