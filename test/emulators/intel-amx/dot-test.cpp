//===- dot-test.cpp - Tile products of all shapes, and the shapes that are none
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include "TileMachine.h"
#include <random>
#include <string.h>

using namespace modelc::amxemu;
namespace manual = modelc::manual;

namespace {

struct Product {
  const char *name;
  bool src1Signed, src2Signed;
  void (*floats)(manual::Tile &, const manual::Tile &, const manual::Tile &);
};

const Product kProducts[] = {
    {"tdpbssd", true, true, nullptr},
    {"tdpbsud", true, false, nullptr},
    {"tdpbusd", false, true, nullptr},
    {"tdpbuud", false, false, nullptr},
    {"tdpbf16ps", false, false, manual::tdpbf16ps},
    {"tdpfp16ps", false, false, manual::tdpfp16ps},
};

/// Fills one dword of a tile.
using FillDword = uint32_t (*)(std::mt19937 &random);

uint32_t anyBits(std::mt19937 &random) { return uint32_t(random()); }

class Dot : public testing::TestWithParam<Product> {
protected:
  manual::Tile tile(uint32_t rows, uint32_t colsb, FillDword dword);
  void multiply(uint32_t m, uint32_t n, uint32_t k, FillDword source,
                FillDword accumulator);

  std::mt19937 random{11};
  TileMachine machine;
};

manual::Tile Dot::tile(uint32_t rows, uint32_t colsb, FillDword dword) {
  manual::Tile tile;
  tile.rows = int(rows);
  tile.colsb = int(colsb);
  for (uint32_t row = 0; row < rows; ++row)
    for (uint32_t at = 0; at < colsb; at += 4) {
      const uint32_t value = dword(random);
      memcpy(tile.row[row].data() + at, &value, 4);
    }
  return tile;
}

/// One product of m x n dwords over k dwords, in three tiles picked at random.
void Dot::multiply(uint32_t m, uint32_t n, uint32_t k, FillDword source,
                   FillDword accumulator) {
  const Product &product = GetParam();
  const uint32_t d = random() % 8, a = (d + 1 + random() % 3) % 8,
                 b = (d + 4 + random() % 4) % 8;
  const manual::Tile src1 = tile(m, 4 * k, source),
                     src2 = tile(k, 4 * n, source);
  manual::Tile dest = tile(m, 4 * n, accumulator);
  machine.configure(
      Config().tile(d, m, 4 * n).tile(a, m, 4 * k).tile(b, k, 4 * n));
  machine.must("tileloadd (%rax,%rcx), " + tmm(d), dest.row.data(), 64);
  machine.must("tileloadd (%rax,%rcx), " + tmm(a), src1.row.data(), 64);
  machine.must("tileloadd (%rax,%rcx), " + tmm(b), src2.row.data(), 64);
  machine.tiles->startRow = 3; // Ends as 0.
  // Behind the shape there is always zero; the product sees to it once more.
  for (uint32_t row = 0; row < 16; ++row)
    for (uint32_t at = row < m ? 4 * n : 0; at < 64; ++at)
      machine.tiles->data[d][row][at] = 0xAA;
  machine.must(std::string(product.name) + " " + tmm(b) + ", " + tmm(a) + ", " +
               tmm(d));
  if (product.floats)
    product.floats(dest, src1, src2);
  else
    manual::tdpb(dest, src1, src2, product.src1Signed, product.src2Signed);
  EXPECT_EQ(machine.tiles->startRow, 0);
  auto same = [&](const manual::Tile &wanted, uint32_t found, bool isSum) {
    for (uint32_t row = 0; row < 16; ++row)
      for (uint32_t at = 0; at < 64; at += 4) {
        uint32_t x, y;
        memcpy(&x, wanted.row[row].data() + at, 4);
        memcpy(&y, machine.tiles->data[found][row] + at, 4);
        ASSERT_TRUE(x == y || (isSum && manual::sameFp32(x, y)))
            << product.name << " " << m << " x " << n << " x " << k << ", row "
            << row << " byte " << at << std::hex << ": " << y << ", not " << x;
      }
  };
  same(dest, d, product.floats != nullptr);
  same(src1, a, false);
  same(src2, b, false);
}

TEST_P(Dot, AllShapes) {
  // Floats around 1, so that sums do not end in infinities and NaNs.
  FillDword source = anyBits;
  FillDword accumulator = anyBits;
  if (GetParam().floats == manual::tdpbf16ps)
    source = [](std::mt19937 &random) {
      return (uint32_t(random()) & 0x81FF81FF) | 0x3E003E00;
    };
  if (GetParam().floats == manual::tdpfp16ps)
    source = [](std::mt19937 &random) {
      return (uint32_t(random()) & 0x8FFF8FFF) | 0x30003000;
    };
  if (GetParam().floats)
    accumulator = [](std::mt19937 &random) {
      return (uint32_t(random()) & 0x81FFFFFF) | 0x3E000000;
    };
  for (uint32_t m = 1; m <= 16; ++m)
    for (uint32_t n = 1; n <= 16; ++n)
      for (uint32_t k = 1; k <= 16; ++k)
        multiply(m, n, k, source, accumulator);
}

/// Bytes at the ends of their ranges, and sums that wrap: nothing saturates.
/// For floats: every class of numbers, on both sides of denormals.
TEST_P(Dot, Extremes) {
  const FillDword ends = [](std::mt19937 &random) {
    const uint32_t values[] = {0x80808080, 0x7F7F7F7F, 0xFFFFFFFF, 0,
                               0x807F00FF, 0x7FFFFFFF, 0x80000000};
    return values[random() % 7];
  };
  // Halves of one class each: zeros, denormals, smallest normals, infinities,
  // NaNs; the two exponents' worth of numbers whose products are about the
  // smallest normal float; anything.
  const FillDword halves = [](std::mt19937 &random) {
    uint32_t dword = 0;
    for (uint32_t half = 0; half < 2; ++half) {
      const uint32_t bits = random() & 0xFFFF;
      const uint32_t kinds[] = {
          bits & 0x8000,
          bits & 0x807F,            // Denormal as BF16, small as F16.
          bits & 0x83FF,            // Denormal as F16.
          (bits & 0x80FF) | 0x0080, // The smallest normal BF16.
          (bits & 0x80FF) | 0x2000, // Its square is about 2^-126.
          (bits & 0x80FF) | 0x1F80,
          (bits & 0x80FF) | 0x5F00, // Its square is about 2^126.
          (bits & 0x81FF) | 0x3E00,
          random() % 64 ? bits & 0x8000 : (bits & 0x8000) | 0x7F80,
          random() % 64 ? bits & 0x8000 : (bits & 0x8000) | 0x7C00,
          random() % 64 ? bits & 0x83FF : bits,
      };
      dword = dword << 16 | kinds[random() % 11];
    }
    return dword;
  };
  const FillDword floats = [](std::mt19937 &random) {
    const uint32_t bits = uint32_t(random());
    const uint32_t kinds[] = {bits & 0x80000000, bits & 0x807FFFFF,
                              (bits & 0x80FFFFFF) | 0x00800000,
                              (bits & 0x81FFFFFF) | 0x3E000000, bits};
    return kinds[random() % 5];
  };
  for (uint32_t trial = 0; trial < 600; ++trial) {
    const uint32_t m = 1 + random() % 16, n = 1 + random() % 16,
                   k = 1 + random() % 16;
    if (GetParam().floats)
      multiply(m, n, k, halves, floats);
    else
      multiply(m, n, k, ends, ends);
  }
}

/// What is in MXCSR has no part in it, and is left alone.
TEST_P(Dot, IgnoresMxcsr) {
  const uint32_t before = __builtin_ia32_stmxcsr();
  for (uint32_t rounding = 0; rounding < 4; ++rounding) {
    // Exceptions unmasked: any float operation here would raise SIGFPE.
    const uint32_t mxcsr = rounding << 13;
    const Config config = Config().tile(0, 1, 4).tile(1, 1, 64).tile(2, 16, 4);
    uint32_t a[16], b[16], d = 0x3F800001;
    for (uint32_t i = 0; i < 16; ++i)
      a[i] = b[i] = 0x3C013F81 + 0x00030005 * i;
    manual::Tile dest, src1, src2;
    dest.rows = 1, dest.colsb = 4, src1.rows = 1, src1.colsb = 64;
    src2.rows = 16, src2.colsb = 4;
    memcpy(dest.row[0].data(), &d, 4);
    memcpy(src1.row[0].data(), a, 64);
    for (uint32_t i = 0; i < 16; ++i)
      memcpy(src2.row[i].data(), &b[i], 4);
    machine.configure(config);
    machine.must("tileloadd (%rax,%rcx), %tmm0", &d, 4);
    machine.must("tileloadd (%rax,%rcx), %tmm1", a, 64);
    machine.must("tileloadd (%rax,%rcx), %tmm2", b, 4);
    const std::vector<uint8_t> bytes =
        assemble(std::string(GetParam().name) + " %tmm2, %tmm1, %tmm0");
    const Instruction dot = decode(bytes.data(), bytes.size()).instruction;
    __builtin_ia32_ldmxcsr(mxcsr);
    const Fault fault = execute(dot, machine.state);
    const uint32_t after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    EXPECT_FALSE(fault);
    EXPECT_EQ(after, mxcsr);
    if (GetParam().floats)
      GetParam().floats(dest, src1, src2);
    else
      manual::tdpb(dest, src1, src2, GetParam().src1Signed,
                   GetParam().src2Signed);
    EXPECT_EQ(memcmp(machine.tiles->data[0][0], dest.row[0].data(), 4), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Dot, testing::ValuesIn(kProducts),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

class IllegalTiles : public testing::Test {
protected:
  void expect(const std::string &text, const char *reason) {
    expectOfBytes(assemble(text), reason);
  }
  void expectOfBytes(const std::vector<uint8_t> &bytes, const char *reason) {
    const TileState before = *machine.tiles;
    static uint8_t memory[1024];
    const Fault fault = machine.runBytes(bytes, memory, 64);
    EXPECT_EQ(fault.kind, FaultKind::InvalidOpcode) << reason;
    EXPECT_STREQ(fault.message.data(), reason);
    EXPECT_EQ(memcmp(&before, machine.tiles.get(), sizeof(before)), 0)
        << reason;
  }

  TileMachine machine;
};

TEST_F(IllegalTiles, WithoutConfiguration) {
  for (const std::string text :
       {"tilezero %tmm1", "tileloadd (%rax,%rcx), %tmm1",
        "tileloaddt1 (%rax,%rcx), %tmm1", "tilestored %tmm1, (%rax,%rcx)",
        "tdpbssd %tmm3, %tmm2, %tmm1", "tdpbf16ps %tmm3, %tmm2, %tmm1"}) {
    const std::string name = text.substr(0, text.find(' '));
    expect(text, (name + ": no tile configuration is loaded").c_str());
  }
}

TEST_F(IllegalTiles, OfTilesWithoutShape) {
  machine.configure(Config().tile(1, 16, 64).tile(2, 16, 64).tile(3, 16, 64));
  expect("tilezero %tmm0", "tilezero: tmm0 is not configured");
  expect("tileloadd (%rax,%rcx), %tmm4", "tileloadd: tmm4 is not configured");
  expect("tilestored %tmm7, (%rax,%rcx)", "tilestored: tmm7 is not configured");
  expect("tdpbusd %tmm1, %tmm2, %tmm0", "tdpbusd: tmm0 is not configured");
  expect("tdpbusd %tmm1, %tmm5, %tmm2", "tdpbusd: tmm5 is not configured");
  expect("tdpbusd %tmm6, %tmm1, %tmm2", "tdpbusd: tmm6 is not configured");
}

TEST_F(IllegalTiles, OfRowsThatAreNotDwords) {
  machine.configure(Config().tile(0, 4, 7).tile(1, 4, 16).tile(2, 4, 7));
  const char *tail = "has rows of 7 bytes, not a multiple of 4";
  expect("tileloadd (%rax,%rcx), %tmm0",
         (std::string("tileloadd: tmm0 ") + tail).c_str());
  expect("tilestored %tmm2, (%rax,%rcx)",
         (std::string("tilestored: tmm2 ") + tail).c_str());
  expect("tdpbuud %tmm2, %tmm1, %tmm0",
         (std::string("tdpbuud: tmm0 ") + tail).c_str());
  machine.must("tilezero %tmm0");
}

TEST_F(IllegalTiles, OfAStartRowBehindTheTile) {
  Config config;
  config.bytes[1] = 4;
  machine.configure(config.tile(0, 4, 16));
  expect("tileloadd (%rax,%rcx), %tmm0",
         "tileloadd: start row 4 of tmm0, which has 4 rows");
  expect("tilestored %tmm0, (%rax,%rcx)",
         "tilestored: start row 4 of tmm0, which has 4 rows");
}

TEST_F(IllegalTiles, OfProducts) {
  machine.configure(Config().tile(1, 16, 64).tile(2, 16, 64).tile(3, 16, 64));
  // LLVM refuses to assemble these: VEX.vvvv, inverted, is the second source,
  // ModRM.rm the first, ModRM.reg the destination.
  auto same = [](const char *name, uint8_t d, uint8_t a, uint8_t b) {
    std::vector<uint8_t> bytes =
        assemble(std::string(name) + " %tmm2, %tmm1, %tmm0");
    bytes[2] = uint8_t((bytes[2] & ~0x78) | (~b & 15) << 3);
    bytes[4] = uint8_t(0xC0 | d << 3 | a);
    return bytes;
  };
  expectOfBytes(same("tdpbssd", 1, 3, 3),
                "tdpbssd: tmm1, tmm3, tmm3 are not three tiles");
  expectOfBytes(same("tdpbssd", 1, 2, 1),
                "tdpbssd: tmm1, tmm2, tmm1 are not three tiles");
  expectOfBytes(same("tdpfp16ps", 1, 1, 2),
                "tdpfp16ps: tmm1, tmm1, tmm2 are not three tiles");

  // d[5][28] = a[5][12] * b[3][28] fits; then one number is wrong at a time.
  auto configure = [&](uint32_t dRows, uint32_t dColsb, uint32_t aRows,
                       uint32_t aColsb, uint32_t bRows, uint32_t bColsb) {
    machine.configure(Config()
                          .tile(1, dRows, dColsb)
                          .tile(2, aRows, aColsb)
                          .tile(3, bRows, bColsb));
  };
  for (const std::string name :
       {"tdpbssd", "tdpbsud", "tdpbusd", "tdpbuud", "tdpbf16ps", "tdpfp16ps"}) {
    const std::string text = name + " %tmm3, %tmm2, %tmm1";
    configure(5, 28, 5, 12, 3, 28);
    machine.must(text);
    configure(6, 28, 5, 12, 3, 28);
    expect(text, (name + ": tmm1 has 6 rows, tmm2 has 5").c_str());
    configure(5, 24, 5, 12, 3, 28);
    expect(text, (name + ": tmm1 has rows of 24 bytes, tmm3 of 28").c_str());
    configure(5, 28, 5, 16, 3, 28);
    expect(text,
           (name + ": tmm2 has rows of 4 x 4 bytes, tmm3 has 3 rows").c_str());
    configure(5, 28, 5, 12, 4, 28);
    expect(text,
           (name + ": tmm2 has rows of 3 x 4 bytes, tmm3 has 4 rows").c_str());
    configure(5, 28, 4, 12, 3, 28);
    expect(text, (name + ": tmm1 has 5 rows, tmm2 has 4").c_str());
    configure(5, 28, 5, 12, 3, 32);
    expect(text, (name + ": tmm1 has rows of 28 bytes, tmm3 of 32").c_str());
  }
}

} // namespace
