//===- WeightNumerics.cpp - docs/numerics.md in plain C++: blocks of weights
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Section "Block scales" of the page: from the bytes of a GGUF file to quants,
// scales and minima. One function for each type, each in the order in which
// ggml's block structure has its fields.
//
// Source of what the bytes mean: ggml's block structures and dequantisation
// (github.com/ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c).
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/Grids.h"
#include "test/reference/Numerics.h"
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>

using namespace modelc;
using namespace modelc::reference;

//===----------------------------------------------------------------------===//
// Sizes and floats
//===----------------------------------------------------------------------===//

int64_t reference::getBlockElems(WeightType type) {
  switch (type) {
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  case WeightType::name:                                                       \
    return blockElems;
#include "test/reference/WeightTypes.def"
  }
  std::abort();
}

int64_t reference::getBlockBytes(WeightType type) {
  switch (type) {
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  case WeightType::name:                                                       \
    return blockBytes;
#include "test/reference/WeightTypes.def"
  }
  std::abort();
}

int64_t reference::getRowBytes(WeightType type, int64_t columns) {
  return columns / getBlockElems(type) * getBlockBytes(type);
}

template <typename T> static T read(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

float reference::readFloat(WeightType type, const uint8_t *row, int64_t k) {
  switch (type) {
  case WeightType::F32:
    return read<float>(row + 4 * k);
  case WeightType::F16:
    return fromF16(read<uint16_t>(row + 2 * k));
  case WeightType::F64:
    return static_cast<float>(read<double>(row + 8 * k));
  case WeightType::I8:
    return read<int8_t>(row + k);
  case WeightType::I16:
    return read<int16_t>(row + 2 * k);
  case WeightType::I32:
    return static_cast<float>(read<int32_t>(row + 4 * k));
  case WeightType::I64:
    return static_cast<float>(read<int64_t>(row + 8 * k));
  default:
    return fromBf16(read<uint16_t>(row + 2 * k));
  }
}

//===----------------------------------------------------------------------===//
// Parts of blocks
//===----------------------------------------------------------------------===//

static float readF16(const uint8_t *bytes) {
  return fromF16(read<uint16_t>(bytes));
}

static int getLowNibble(uint8_t byte) { return byte & 15; }
static int getHighNibble(uint8_t byte) { return byte >> 4; }

/// Bit i of a row of bytes.
static int getBit(const uint8_t *bytes, int i) {
  return bytes[i / 8] >> (i % 8) & 1;
}

/// Element i of `count`, four bits each: the first half of them lies in the
/// low nibbles, the second in the high ones.
static int getHalvedNibble(const uint8_t *bytes, int i, int count) {
  return i < count / 2 ? getLowNibble(bytes[i])
                       : getHighNibble(bytes[i - count / 2]);
}

/// Element i of 128, two bits each: 32 bytes hold four runs of 32.
static int getTwoBits(const uint8_t *bytes, int i) {
  return bytes[i % 32] >> (2 * (i / 32)) & 3;
}

/// Scale j of eight (and minimum j) that Q4_K and Q5_K keep in six bits each.
static void readSixBits(const uint8_t *bytes, int j, int &scale, int &min) {
  if (j < 4) {
    scale = bytes[j] & 63;
    min = bytes[j + 4] & 63;
  } else {
    scale = getLowNibble(bytes[j + 4]) + 16 * (bytes[j - 4] >> 6);
    min = getHighNibble(bytes[j + 4]) + 16 * (bytes[j] >> 6);
  }
}

static constexpr int kIq4Levels[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};

/// Twice the number that four bits of E2M1 are: sign, exponent with bias 1,
/// one bit of fraction.
static int getDoubledE2M1(int bits) {
  int exponent = bits >> 1 & 3, fraction = bits & 1;
  int magnitude = exponent == 0 ? fraction : (2 + fraction) << (exponent - 1);
  return bits & 8 ? -magnitude : magnitude;
}

/// Half of an unsigned E4M3; the code of NaN is 0, without a set sign bit.
static float getHalfUE4M3(uint8_t byte) {
  if (byte == 0x7f)
    return 0;
  int code = byte & 0x7f;
  int exponent = code >> 3, fraction = code & 7;
  if (exponent == 0)
    return std::ldexp(float(fraction), -9 - 1);
  return std::ldexp(float(8 + fraction), exponent - 7 - 3 - 1);
}

//===----------------------------------------------------------------------===//
// Blocks of 32 to 128
//===----------------------------------------------------------------------===//

static void readQ4_0(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] = getHalvedNibble(block + 2, i, 32) - 8;
}

static void readQ4_1(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  parts[0].minimum = readF16(block + 2);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] = getHalvedNibble(block + 4, i, 32);
}

static void readQ5_0(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] =
        getHalvedNibble(block + 6, i, 32) + 16 * getBit(block + 2, i) - 16;
}

static void readQ5_1(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  parts[0].minimum = readF16(block + 2);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] =
        getHalvedNibble(block + 8, i, 32) + 16 * getBit(block + 4, i);
}

static void readQ8_0(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] = read<int8_t>(block + 2 + i);
}

static void readIQ4_NL(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = readF16(block);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] = kIq4Levels[getHalvedNibble(block + 2, i, 32)];
}

static void readMXFP4(const uint8_t *block, SubBlock *parts) {
  parts[0].scale = std::ldexp(1.0f, block[0] - 128);
  for (int i = 0; i < 32; ++i)
    parts[0].quants[i] = getDoubledE2M1(getHalvedNibble(block + 1, i, 32));
}

static void readNVFP4(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 4; ++s) {
    parts[s].scale = getHalfUE4M3(block[s]);
    for (int i = 0; i < 16; ++i)
      parts[s].quants[i] =
          getDoubledE2M1(getHalvedNibble(block + 4 + 8 * s, i, 16));
  }
}

static void readQ1_0(const uint8_t *block, SubBlock *parts) {
  for (int k = 0; k < 128; ++k) {
    parts[k / 32].scale = readF16(block);
    parts[k / 32].quants[k % 32] = getBit(block + 2, k) ? 1 : -1;
  }
}

static void readQ2_0(const uint8_t *block, SubBlock *parts) {
  for (int k = 0; k < 64; ++k) {
    parts[k / 32].scale = readF16(block);
    parts[k / 32].quants[k % 32] = (block[2 + k / 4] >> (2 * (k % 4)) & 3) - 1;
  }
}

//===----------------------------------------------------------------------===//
// Blocks of 256
//===----------------------------------------------------------------------===//

static void readQ2_K(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 16; ++s) {
    parts[s].scale = readF16(block + 80);
    parts[s].minimum = -(readF16(block + 82) * float(getHighNibble(block[s])));
  }
  for (int k = 0; k < 256; ++k)
    parts[k / 16].quants[k % 16] =
        getTwoBits(block + 16 + k / 128 * 32, k % 128) *
        getLowNibble(block[k / 16]);
}

static void readQ3_K(const uint8_t *block, SubBlock *parts) {
  const uint8_t *scales = block + 96;
  int subscales[16];
  for (int s = 0; s < 16; ++s) {
    int low = s < 8 ? getLowNibble(scales[s]) : getHighNibble(scales[s - 8]);
    int high = scales[8 + s % 4] >> (2 * (s / 4)) & 3;
    subscales[s] = low + 16 * high - 32;
    parts[s].scale = readF16(block + 108);
  }
  for (int k = 0; k < 256; ++k) {
    int low = getTwoBits(block + 32 + k / 128 * 32, k % 128);
    int high = block[k % 32] >> (k / 32) & 1;
    parts[k / 16].quants[k % 16] = (low + 4 * high - 4) * subscales[k / 16];
  }
}

/// Scales and minima of Q4_K and Q5_K.
static void readScalesK(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 8; ++s) {
    int scale = 0, min = 0;
    readSixBits(block + 4, s, scale, min);
    parts[s].scale = readF16(block) * float(scale);
    parts[s].minimum = -(readF16(block + 2) * float(min));
  }
}

static void readQ4_K(const uint8_t *block, SubBlock *parts) {
  readScalesK(block, parts);
  for (int k = 0; k < 256; ++k)
    parts[k / 32].quants[k % 32] =
        getHalvedNibble(block + 16 + k / 64 * 32, k % 64, 64);
}

static void readQ5_K(const uint8_t *block, SubBlock *parts) {
  readScalesK(block, parts);
  for (int k = 0; k < 256; ++k) {
    int high = block[16 + k % 32] >> (k / 32) & 1;
    parts[k / 32].quants[k % 32] =
        getHalvedNibble(block + 48 + k / 64 * 32, k % 64, 64) + 16 * high;
  }
}

static void readQ6_K(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 16; ++s)
    parts[s].scale =
        readF16(block + 208) * float(read<int8_t>(block + 192 + s));
  for (int k = 0; k < 256; ++k) {
    int low = getHalvedNibble(block + k / 128 * 64, k % 128, 128);
    int high = getTwoBits(block + 128 + k / 128 * 32, k % 128);
    parts[k / 16].quants[k % 16] = low + 16 * high - 32;
  }
}

static void readIQ4_XS(const uint8_t *block, SubBlock *parts) {
  uint16_t highScales = read<uint16_t>(block + 2);
  for (int s = 0; s < 8; ++s) {
    int low = block[4 + s / 2] >> (4 * (s % 2)) & 15;
    int high = highScales >> (2 * s) & 3;
    parts[s].scale = readF16(block) * float(low + 16 * high - 32);
    for (int i = 0; i < 32; ++i)
      parts[s].quants[i] =
          kIq4Levels[getHalvedNibble(block + 8 + 16 * s, i, 32)];
  }
}

static void readTQ2_0(const uint8_t *block, SubBlock *parts) {
  for (int k = 0; k < 256; ++k) {
    parts[k / 32].scale = readF16(block + 64);
    parts[k / 32].quants[k % 32] =
        getTwoBits(block + k / 128 * 32, k % 128) - 1;
  }
}

//===----------------------------------------------------------------------===//
// Grids and trits
//===----------------------------------------------------------------------===//

/// Element i of an entry: the number of its level.
static int getLevel(pack::Grid grid, uint32_t number, int i) {
  static const std::map<pack::Grid, std::vector<uint32_t>> entries = [] {
    std::map<pack::Grid, std::vector<uint32_t>> all;
    for (pack::Grid g :
         {pack::Grid::IQ1, pack::Grid::IQ2_XXS, pack::Grid::IQ2_XS,
          pack::Grid::IQ2_S, pack::Grid::IQ3_XXS, pack::Grid::IQ3_S})
      all[g] = pack::getGridEntries(g);
    return all;
  }();
  int64_t digits = entries.at(grid).at(number), levels = getGridLevels(grid);
  for (; i > 0; --i)
    digits /= levels;
  return int(digits % levels);
}

static constexpr int kIq2Levels[] = {8, 25, 43};
static constexpr int kIq3XxsLevels[] = {4, 12, 20, 28, 36, 44, 52, 62};

/// Sign i of eight of which seven bits are stored: the eighth makes the number
/// of negative ones even.
static bool isNegative(int sevenBits, int i) {
  return i < 7 ? sevenBits >> i & 1 : std::popcount(unsigned(sevenBits)) % 2;
}

static float getOddScale(float scale, int subscale, float unit) {
  return scale * (float(2 * subscale + 1) * unit);
}

static void readIQ1_S(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 8; ++s) {
    int word = read<uint16_t>(block + 34 + 2 * s);
    parts[s].scale = getOddScale(readF16(block), word >> 12 & 7, 0.125f);
    for (int i = 0; i < 32; ++i) {
      int entry = block[2 + 4 * s + i / 8] + 256 * (word >> (i / 8 * 3) & 7);
      int level = getLevel(pack::Grid::IQ1, entry, i % 8) - 1;
      parts[s].quants[i] = 8 * level + (word & 0x8000 ? -1 : 1);
    }
  }
}

static void readIQ1_M(const uint8_t *block, SubBlock *parts) {
  uint16_t words[4], scale = 0;
  for (int w = 0; w < 4; ++w) {
    words[w] = read<uint16_t>(block + 48 + 2 * w);
    scale |= uint16_t(words[w] >> 12 << (4 * w));
  }
  for (int s = 0; s < 16; ++s)
    parts[s].scale =
        getOddScale(fromF16(scale), words[s / 4] >> (s % 4 * 3) & 7, 0.125f);
  for (int k = 0; k < 256; ++k) {
    int high = block[32 + k / 16] >> (k / 8 % 2 * 4) & 15;
    int entry = block[k / 8] + 256 * (high & 7);
    int level = getLevel(pack::Grid::IQ1, entry, k % 8) - 1;
    parts[k / 16].quants[k % 16] = 8 * level + (high & 8 ? -1 : 1);
  }
}

static void readIQ2_XXS(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 8; ++s) {
    const uint8_t *entries = block + 2 + 8 * s;
    uint32_t word = read<uint32_t>(entries + 4);
    parts[s].scale = getOddScale(readF16(block), int(word >> 28), 0.125f);
    for (int i = 0; i < 32; ++i) {
      int level =
          kIq2Levels[getLevel(pack::Grid::IQ2_XXS, entries[i / 8], i % 8)];
      int signs = int(word >> (i / 8 * 7)) & 127;
      parts[s].quants[i] = isNegative(signs, i % 8) ? -level : level;
    }
  }
}

static void readIQ2_XS(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 16; ++s)
    parts[s].scale = getOddScale(readF16(block),
                                 block[66 + s / 2] >> (s % 2 * 4) & 15, 0.125f);
  for (int k = 0; k < 256; ++k) {
    int word = read<uint16_t>(block + 2 + k / 8 * 2);
    int level = kIq2Levels[getLevel(pack::Grid::IQ2_XS, word & 511, k % 8)];
    parts[k / 16].quants[k % 16] =
        isNegative(word >> 9, k % 8) ? -level : level;
  }
}

static void readIQ2_S(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 16; ++s)
    parts[s].scale = getOddScale(readF16(block),
                                 block[74 + s / 2] >> (s % 2 * 4) & 15, 0.125f);
  for (int k = 0; k < 256; ++k) {
    int high = block[66 + k / 32] >> (k / 8 % 4 * 2) & 3;
    int level = kIq2Levels[getLevel(pack::Grid::IQ2_S,
                                    block[2 + k / 8] + 256 * high, k % 8)];
    parts[k / 16].quants[k % 16] = getBit(block + 34, k) ? -level : level;
  }
}

static void readIQ3_XXS(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 8; ++s) {
    uint32_t word = read<uint32_t>(block + 66 + 4 * s);
    parts[s].scale = getOddScale(readF16(block), int(word >> 28), 0.25f);
    for (int i = 0; i < 32; ++i) {
      int entry = block[2 + 8 * s + i / 4];
      int level = kIq3XxsLevels[getLevel(pack::Grid::IQ3_XXS, entry, i % 4)];
      int signs = int(word >> (i / 8 * 7)) & 127;
      parts[s].quants[i] = isNegative(signs, i % 8) ? -level : level;
    }
  }
}

static void readIQ3_S(const uint8_t *block, SubBlock *parts) {
  for (int s = 0; s < 8; ++s)
    parts[s].scale =
        getOddScale(readF16(block), block[106 + s / 2] >> (s % 2 * 4) & 15, 1);
  for (int k = 0; k < 256; ++k) {
    int entry = block[2 + k / 4] + 256 * getBit(block + 66, k / 4);
    int level = 2 * getLevel(pack::Grid::IQ3_S, entry, k % 4) + 1;
    parts[k / 32].quants[k % 32] = getBit(block + 74, k) ? -level : level;
  }
}

/// Digit n, to the base 3, of the fraction byte / 256.
static int getTrit(int byte, int n) {
  for (; n > 0; --n)
    byte = byte * 3 % 256;
  return byte * 3 / 256;
}

static void readTQ1_0(const uint8_t *block, SubBlock *parts) {
  for (int k = 0; k < 256; ++k) {
    int trit;
    if (k < 160)
      trit = getTrit(block[k % 32], k / 32);
    else if (k < 240)
      trit = getTrit(block[32 + k % 16], (k - 160) / 16);
    else
      trit = getTrit(block[48 + k % 4], (k - 240) / 4);
    parts[k / 32].scale = readF16(block + 52);
    parts[k / 32].quants[k % 32] = trit - 1;
  }
}

//===----------------------------------------------------------------------===//
// Any block
//===----------------------------------------------------------------------===//

int64_t reference::getSubBlockElems(WeightType type) {
  switch (type) {
  case WeightType::Q2_K:
  case WeightType::Q3_K:
  case WeightType::Q6_K:
  case WeightType::NVFP4:
  case WeightType::IQ1_M:
  case WeightType::IQ2_XS:
  case WeightType::IQ2_S:
    return 16;
  default:
    return 32;
  }
}

int64_t reference::getSumElems(WeightType type) {
  bool hasProducts = type == WeightType::Q2_K || type == WeightType::Q3_K;
  return hasProducts ? 32 : getSubBlockElems(type);
}

bool reference::hasMinimum(WeightType type) {
  switch (type) {
  case WeightType::Q4_1:
  case WeightType::Q5_1:
  case WeightType::Q2_K:
  case WeightType::Q4_K:
  case WeightType::Q5_K:
    return true;
  default:
    return false;
  }
}

Block reference::readBlock(WeightType type, const uint8_t *bytes) {
  Block parts = {};
  switch (type) {
  case WeightType::F32:
  case WeightType::F16:
  case WeightType::BF16:
  case WeightType::F64:
  case WeightType::I8:
  case WeightType::I16:
  case WeightType::I32:
  case WeightType::I64:
    std::abort(); // They have no blocks.
#define BLOCK_TYPE(name)                                                       \
  case WeightType::name:                                                       \
    read##name(bytes, parts.data());                                           \
    break;
    BLOCK_TYPE(Q4_0)
    BLOCK_TYPE(Q4_1)
    BLOCK_TYPE(Q5_0)
    BLOCK_TYPE(Q5_1)
    BLOCK_TYPE(Q8_0)
    BLOCK_TYPE(Q2_K)
    BLOCK_TYPE(Q3_K)
    BLOCK_TYPE(Q4_K)
    BLOCK_TYPE(Q5_K)
    BLOCK_TYPE(Q6_K)
    BLOCK_TYPE(IQ4_NL)
    BLOCK_TYPE(IQ4_XS)
    BLOCK_TYPE(TQ2_0)
    BLOCK_TYPE(MXFP4)
    BLOCK_TYPE(NVFP4)
    BLOCK_TYPE(Q1_0)
    BLOCK_TYPE(Q2_0)
    BLOCK_TYPE(IQ1_S)
    BLOCK_TYPE(IQ1_M)
    BLOCK_TYPE(IQ2_XXS)
    BLOCK_TYPE(IQ2_XS)
    BLOCK_TYPE(IQ2_S)
    BLOCK_TYPE(IQ3_XXS)
    BLOCK_TYPE(IQ3_S)
    BLOCK_TYPE(TQ1_0)
#undef BLOCK_TYPE
  }
  return parts;
}
