//===- signal-test.cpp - Sapphire Rapids code through real signals
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Links libamxemu.so. Where the CPU has a set itself, the same code runs on it
// and only the counters are not asked.
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include "amxemu.h"
#include "tile-kernels.h"
#include <errno.h>
#include <gtest/gtest.h>
#include <random>
#include <signal.h>
#include <string.h>
#include <thread>
#include <ucontext.h>
#include <unistd.h>

namespace manual = modelc::manual;

namespace {

struct Product {
  const char *name;
  tile_product multiply;
  uint32_t set;
  bool src1Signed, src2Signed;
  void (*floats)(manual::Tile &, const manual::Tile &, const manual::Tile &);
};

const Product kProducts[] = {
    {"tdpbssd", tile_dpbssd, AMXEMU_AMX_INT8, true, true, nullptr},
    {"tdpbsud", tile_dpbsud, AMXEMU_AMX_INT8, true, false, nullptr},
    {"tdpbusd", tile_dpbusd, AMXEMU_AMX_INT8, false, true, nullptr},
    {"tdpbuud", tile_dpbuud, AMXEMU_AMX_INT8, false, false, nullptr},
    {"tdpbf16ps", tile_dpbf16ps, AMXEMU_AMX_BF16, false, false,
     manual::tdpbf16ps},
    {"tdpfp16ps", tile_dpfp16ps, AMXEMU_AMX_FP16, false, false,
     manual::tdpfp16ps},
};

bool isNative(uint32_t sets) { return (amxemu_native_sets() & sets) == sets; }

/// With its own tiles, a CPU without this product has no emulation of it.
bool canRun(uint32_t set) {
  return isNative(set) || !isNative(AMXEMU_AMX_TILE);
}

class Signals : public testing::Test {
protected:
  void SetUp() override {
    if (!__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl"))
      GTEST_SKIP() << "the code needs AVX-512";
    tile_ask_permission();
    amxemu_reset_counts();
  }

  static void configure(const manual::Tile &c, const manual::Tile &a,
                        const manual::Tile &b) {
    const tile_shapes shapes = {
        {uint8_t(c.rows), uint8_t(a.rows), uint8_t(b.rows)},
        {uint16_t(c.colsb), uint16_t(a.colsb), uint16_t(b.colsb)}};
    tile_configure(&shapes, 1);
  }
  static void configure() {
    const tile_shapes shapes = {{16, 16, 16}, {64, 64, 64}};
    tile_configure(&shapes, 1);
  }
  void expectCount(const char *mnemonic, uint64_t count, uint32_t set) {
    if (!isNative(set)) {
      EXPECT_EQ(amxemu_count(mnemonic), count) << mnemonic;
    }
  }
};

manual::Tile randomTile(std::mt19937 &random, int rows, int colsb,
                        bool floats) {
  manual::Tile tile;
  tile.rows = rows;
  tile.colsb = colsb;
  for (auto &row : tile.row)
    for (int at = 0; at < 64; at += 4) {
      const uint32_t bits = uint32_t(random());
      const uint32_t value = floats ? (bits & 0x8FFF8FFF) | 0x30003000 : bits;
      memcpy(row.data() + at, &value, 4);
    }
  return tile;
}

constexpr int kThreads = 4, kShapes = 24, kRepeats = 3;

/// Multiplies tiles of random shapes; returns how many results were wrong.
int multiplyShapes(const Product &product, uint32_t seed) {
  std::mt19937 random(seed);
  int wrong = 0;
  for (int shape = 0; shape < kShapes; ++shape) {
    const int m = 1 + int(random() % 16), n = 1 + int(random() % 16),
              k = 1 + int(random() % 16);
    manual::Tile a = randomTile(random, m, 4 * k, product.floats);
    manual::Tile b = randomTile(random, k, 4 * n, product.floats);
    manual::Tile c = randomTile(random, m, 4 * n, product.floats);
    auto found = c.row;
    const tile_shapes shapes = {
        {uint8_t(m), uint8_t(m), uint8_t(k)},
        {uint16_t(4 * n), uint16_t(4 * k), uint16_t(4 * n)}};
    tile_configure(&shapes, 1);
    product.multiply(found.data(), a.row.data(), b.row.data(), kRepeats);
    tile_release();
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      if (product.floats)
        product.floats(c, a, b);
      else
        manual::tdpb(c, a, b, product.src1Signed, product.src2Signed);
    }
    for (int row = 0; row < m; ++row)
      wrong += memcmp(found[row].data(), c.row[row].data(), 4 * n) != 0;
  }
  return wrong;
}

class Products : public Signals, public testing::WithParamInterface<Product> {};

TEST_P(Products, InSeveralThreads) {
  const Product &product = GetParam();
  if (!canRun(product.set))
    GTEST_SKIP() << "the CPU has tiles, but not " << product.name;
  RecordProperty("native", isNative(product.set));
  int wrong[kThreads] = {};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&product, &wrong, thread] {
      wrong[thread] = multiplyShapes(product, uint32_t(thread));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int thread = 0; thread < kThreads; ++thread)
    EXPECT_EQ(wrong[thread], 0) << "thread " << thread;
  const uint64_t shapes = kThreads * kShapes;
  expectCount(product.name, shapes * kRepeats, AMXEMU_AMX_TILE);
  expectCount("tileloadd", 2 * shapes, AMXEMU_AMX_TILE);
  expectCount("tileloaddt1", shapes, AMXEMU_AMX_TILE);
  expectCount("tilestored", shapes, AMXEMU_AMX_TILE);
  expectCount("ldtilecfg", shapes, AMXEMU_AMX_TILE);
  expectCount("tilerelease", shapes, AMXEMU_AMX_TILE);
}

INSTANTIATE_TEST_SUITE_P(Each, Products, testing::ValuesIn(kProducts),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST_F(Signals, TilesBelongToAThread) {
  configure();
  uint8_t mine[16][64], found[16][64], config[64], others[64];
  for (int row = 0; row < 16; ++row)
    memset(mine[row], row + 1, 64);
  tile_load0(mine);
  std::thread([&] {
    tile_store_config(others);
    configure();
    tile_load0(found); // Anything else.
    tile_release();
  }).join();
  for (uint8_t byte : others)
    EXPECT_EQ(byte, 0);
  tile_store_config(config);
  EXPECT_EQ(config[0], 1);
  EXPECT_EQ(config[48], 16);
  tile_store0(found);
  EXPECT_EQ(memcmp(found, mine, sizeof(mine)), 0);
  tile_release();
}

/// Vector registers and masks go to the emulator and come back.
TEST_F(Signals, Vectors) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 100; ++trial) {
    uint8_t a[32], index[64], table[64], permuted[64];
    int8_t b[32];
    int32_t d[8], wanted[8];
    for (int i = 0; i < 32; ++i)
      a[i] = uint8_t(random()), b[i] = int8_t(random());
    for (int i = 0; i < 64; ++i)
      index[i] = uint8_t(random()), table[i] = uint8_t(random());
    for (int i = 0; i < 8; ++i) {
      int64_t sum = d[i] = int32_t(random());
      for (int byte = 4 * i; byte < 4 * i + 4; ++byte)
        sum += a[byte] * b[byte];
      wanted[i] = int32_t(sum);
    }
    vector_dpbusd(d, a, b);
    EXPECT_EQ(memcmp(d, wanted, sizeof(d)), 0);
    vector_permute(permuted, index, table);
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(permuted[i], table[index[i] % 64]);
    float floats[16];
    uint16_t rounded[16];
    const uint16_t mask = uint16_t(random());
    for (float &value : floats)
      value = float(int32_t(random())) * 0x1p-20f;
    vector_round(rounded, floats, mask);
    for (int i = 0; i < 16; ++i) {
      uint32_t bits;
      memcpy(&bits, &floats[i], 4);
      EXPECT_EQ(rounded[i],
                mask >> i & 1 ? manual::convertFp32ToBfloat16(bits) : 0);
    }
  }
  expectCount("vpdpbusd", 100, AMXEMU_AVX_VNNI);
  expectCount("vpermb", 100, AMXEMU_AVX512_VBMI);
  expectCount("vcvtneps2bf16", 100, AMXEMU_AVX512_BF16);
}

TEST_F(Signals, NothingElseChanges) {
  errno = 1234;
  configure();
  tile_release();
  EXPECT_EQ(errno, 1234);
}

TEST_F(Signals, Counters) {
  EXPECT_EQ(amxemu_count("tdpbusd"), 0u);
  EXPECT_EQ(amxemu_count("no such thing"), UINT64_MAX);
  EXPECT_EQ(amxemu_count(""), UINT64_MAX);
  configure();
  tile_release();
  expectCount("ldtilecfg", 1, AMXEMU_AMX_TILE);
  amxemu_reset_counts();
  EXPECT_EQ(amxemu_count("ldtilecfg"), 0u);
  EXPECT_EQ(isNative(AMXEMU_AVX512_VBMI),
            bool(__builtin_cpu_supports("avx512vbmi")));
  EXPECT_EQ(isNative(AMXEMU_GFNI), bool(__builtin_cpu_supports("gfni")));
}

/// A handler of the program is not lost, and does not replace ours.
volatile sig_atomic_t handled;

void skipUd2(int, siginfo_t *, void *context) {
  handled = handled + 1;
  static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP] += 2;
}

TEST_F(Signals, HandlersOfTheProgramAreKept) {
  struct sigaction action = {}, before, old;
  action.sa_sigaction = skipUd2;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGILL, &action, &before), 0);
  asm volatile("ud2");
  EXPECT_EQ(handled, 1);
  configure();
  tile_release();
  EXPECT_EQ(handled, 1);
  expectCount("ldtilecfg", 1, AMXEMU_AMX_TILE);
  ASSERT_EQ(sigaction(SIGILL, &before, &old), 0);
  EXPECT_EQ(old.sa_sigaction, skipUd2);
}

using SignalDeaths = Signals;

/// What hardware refuses ends the process as there, and says why. Where the
/// tiles are the CPU's, it is the kernel that ends it, in silence.
const char *text(const char *message) {
  return isNative(AMXEMU_AMX_TILE) ? "" : message;
}

TEST_F(SignalDeaths, UnconfiguredTile) {
  EXPECT_EXIT(
      {
        tile_release();
        uint8_t to[1024];
        tile_store0(to);
      },
      testing::KilledBySignal(SIGILL),
      text("^amxemu: at 0x[0-9a-f]+: tilestored: no tile configuration is "
           "loaded \\(#UD\\)\n$"));
}

TEST_F(SignalDeaths, ProductOfShapesThatDoNotFit) {
  const tile_shapes unequal = {{5, 6, 3}, {28, 12, 28}};
  EXPECT_EXIT(
      {
        tile_configure(&unequal, 1);
        static uint8_t memory[1024];
        tile_dpbusd(memory, memory, memory, 1);
      },
      testing::KilledBySignal(SIGILL),
      text("tdpbusd: tmm0 has 5 rows, tmm1 has 6 \\(#UD\\)\n$"));
}

TEST_F(SignalDeaths, ProductOfTheSameTileTwice) {
  EXPECT_EXIT(
      {
        configure();
        // tdpbssd %tmm1, %tmm1, %tmm0
        asm volatile(".byte 0xc4, 0xe2, 0x73, 0x5e, 0xc1");
      },
      testing::KilledBySignal(SIGILL),
      text("tdpbssd: tmm0, tmm1, tmm1 are not three tiles \\(#UD\\)\n$"));
}

TEST_F(SignalDeaths, EncodingThatIsIllegal) {
  EXPECT_EXIT(
      {
        // tilezero with VEX.vvvv = 1110
        asm volatile(".byte 0xc4, 0xe2, 0x73, 0x49, 0xc0");
      },
      testing::KilledBySignal(SIGILL),
      text("tilezero: VEX.vvvv is not 1111 \\(#UD\\)\n$"));
}

TEST_F(SignalDeaths, BadConfiguration) {
  const char *reason =
      text("^amxemu: at 0x[0-9a-f]+: ldtilecfg: palette 2, only 0 and 1 are "
           "\\(#GP\\)\n$");
  EXPECT_EXIT(
      {
        const tile_shapes shapes = {};
        tile_configure(&shapes, 2);
      },
      testing::KilledBySignal(SIGSEGV), reason);
  const tile_shapes tooTall = {{17, 0, 0}, {64, 0, 0}};
  EXPECT_EXIT(
      { tile_configure(&tooTall, 1); }, testing::KilledBySignal(SIGSEGV),
      text("tmm0 has 17 rows of 64 bytes \\(#GP\\)\n$"));
}

TEST_F(SignalDeaths, MemoryThatIsNotThere) {
  // Sanitizers have handlers of their own.
  signal(SIGSEGV, SIG_DFL);
  EXPECT_EXIT(
      {
        configure();
        tile_load0(nullptr);
      },
      testing::KilledBySignal(SIGSEGV), "^$");
  EXPECT_EXIT(
      {
        configure();
        tile_store0(nullptr);
      },
      testing::KilledBySignal(SIGSEGV), "^$");
}

TEST_F(SignalDeaths, WhatIsNotEmulated) {
  EXPECT_EXIT(asm volatile("ud2"), testing::KilledBySignal(SIGILL),
              "^amxemu: at 0x[0-9a-f]+: not emulated: 0f 0b");
}

/// The lines that outside checks look for.
TEST_F(SignalDeaths, Report) {
  if (isNative(AMXEMU_AMX_TILE))
    GTEST_SKIP() << "nothing is emulated, so nothing is counted";
  EXPECT_EXIT(
      {
        configure();
        static uint8_t memory[1024];
        tile_dpbusd(memory, memory, memory, 123);
        tile_release();
        amxemu_report();
        _exit(0);
      },
      testing::ExitedWithCode(0),
      "^amxemu: ldtilecfg       1\n"
      "amxemu: tilerelease     1\n"
      "amxemu: tileloadd       2\n"
      "amxemu: tileloaddt1     1\n"
      "amxemu: tilestored      1\n"
      "amxemu: tdpbusd         123\n$");
}

} // namespace
