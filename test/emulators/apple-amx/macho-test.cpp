//===- macho-test.cpp - A Mac's kernels, from the dylib that a Mac would load
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "MachoImage.h"
#include "appleamx.h"
#include "modelc/plan_format.h"
#include <initializer_list>
#include <unistd.h>

using namespace modelc::appleamx;

static void open(MachoImage &image, const char *path = MODELC_MAC_KERNELS) {
  const char *error = image.open(path);
  CHECK(!error, "%s %s", path, error);
}

/// Exact products of panels of bytes, by instructions that were all trapped.
static void testMultiplyBytes() {
  using Kernel = void (*)(const int8_t *, const int8_t *, int32_t *, uint64_t);
  constexpr int kDepth = 256;
  static int8_t x[kDepth][64], y[kDepth][64];
  static int32_t z[64][16];
  MachoImage image;
  open(image);
  const auto kernel = reinterpret_cast<Kernel>(image.find("multiply_bytes"));
  CHECK(kernel, "no such kernel");
  // Whoever has the dylib from dyld begins here.
  CHECK(image.find(MODELC_DYLIB_SYMBOL) == image.find("multiply_bytes"),
        "the first kernel has no alias");
  Random random(11);
  for (int k = 0; k < kDepth; ++k)
    for (int i = 0; i < 64; ++i) {
      x[k][i] = k < 64 ? -128 : int8_t(random.next());
      y[k][i] = k < 64 ? -128 : int8_t(random.next());
    }
  appleamx_reset_counts();
  kernel(&x[0][0], &y[0][0], &z[0][0], kDepth);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 16; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum += x[k][i] * y[k][4 * j];
      CHECK(z[4 * j + i % 4][i / 4] == sum, "%d, %d: %d", i, j,
            z[4 * j + i % 4][i / 4]);
    }
  CHECK(appleamx_count("matint") == kDepth && appleamx_count("ldx") == kDepth &&
            appleamx_count("ldy") == kDepth && appleamx_count("stz") == 64 &&
            appleamx_count("set") == 1 && appleamx_count("clr") == 1,
        "counts");
}

using Products = void (*)(const int8_t *, uint64_t, const int8_t *, void *,
                          uint64_t);

static Products findProducts(MachoImage &image, const char *name) {
  open(image, MODELC_EMITTED_KERNELS);
  const auto kernel = reinterpret_cast<Products>(image.find(name));
  CHECK(kernel, "no such kernel");
  return kernel;
}

/// panel[pair][row][2], the sum over all k for one row of each.
static int32_t productOf(const int8_t *x, const int8_t *y, int xRow, int yRow,
                         int pairs) {
  int32_t sum = 0;
  for (int k = 0; k < 2 * pairs; ++k)
    sum += x[k / 2 * 64 + xRow * 2 + k % 2] * y[k / 2 * 64 + yRow * 2 + k % 2];
  return sum;
}

/// Any bytes, and none at all.
static void testProductsInt32() {
  MachoImage image;
  const Products kernel = findProducts(image, "products_int32");
  constexpr int kPairs = 200;
  static int8_t x[kPairs * 64], y[kPairs * 64];
  alignas(128) static int32_t sums[32][32];
  Random random(12);
  for (int pairs : {kPairs, 16, 1, 0}) {
    for (int i = 0; i < kPairs * 64; ++i) {
      x[i] = i % 3 ? int8_t(random.next()) : -128;
      y[i] = i % 3 ? int8_t(random.next()) : -128;
    }
    memset(sums, 0xee, sizeof(sums));
    appleamx_reset_counts();
    kernel(x, 0, y, sums, uint64_t(pairs));
    for (int j = 0; j < 32; ++j)
      for (int i = 0; i < 32; ++i)
        CHECK(sums[j][i] == productOf(x, y, i, j, pairs), "%d: %d, %d", pairs,
              j, i);
    CHECK(appleamx_count("mac16") == uint64_t(2 * pairs) &&
              appleamx_count("stzi") == 64,
          "counts");
  }
}

/// A block of 32 steps of weights of four bits, at the limit: 32 * 8 * 127 is
/// 32512.
static void testProductsInt16() {
  MachoImage image;
  const Products kernel = findProducts(image, "products_int16");
  constexpr int kPairs = 16;
  static int8_t x[2][kPairs * 64], y[kPairs * 64];
  alignas(128) static int16_t sums[32][2][32];
  Random random(13);
  for (int trial = 0; trial < 3; ++trial) {
    for (int i = 0; i < kPairs * 64; ++i) {
      x[0][i] = trial ? int8_t(int(random.below(16)) - 8) : -8;
      x[1][i] = int8_t(int(random.below(16)) - 8);
      y[i] = trial == 2  ? int8_t(int(random.below(255)) - 127)
             : i % 4 < 2 ? int8_t(127)
                         : int8_t(-127);
    }
    appleamx_reset_counts();
    kernel(x[0], sizeof(x[0]), y, sums, kPairs);
    for (int j = 0; j < 32; ++j)
      for (int panel = 0; panel < 2; ++panel)
        for (int i = 0; i < 32; ++i)
          CHECK(sums[j][panel][i] == productOf(x[panel], y, i, j, kPairs),
                "%d: %d, %d, %d", trial, j, panel, i);
    CHECK(appleamx_count("mac16") == 4 * kPairs && appleamx_count("stz") == 32,
          "counts");
  }
  CHECK(sums[0][0][0] != sums[0][1][0], "panels are the same");
}

static void testConstants() {
  MachoImage image;
  open(image);
  const auto kernel =
      reinterpret_cast<int (*)(uint64_t)>(image.find("look_up"));
  CHECK(kernel, "no such kernel");
  const int expected[] = {3, 1, 4, 1, 5, 9, 2, 6};
  for (uint64_t i = 0; i < 8; ++i)
    CHECK(kernel(i) == expected[i], "%d", int(i));
  CHECK(!image.find("missing") && !image.find("table"), "not exported");
}

/// The loader itself, on files cut off or changed.
static void testDamage() {
  FILE *file = fopen(MODELC_MAC_KERNELS, "rb");
  CHECK(file, "open");
  static uint8_t bytes[1 << 17];
  const size_t size = fread(bytes, 1, sizeof(bytes), file);
  fclose(file);
  char path[] = "/tmp/modelc-macho-XXXXXX";
  const int fd = mkstemp(path);
  CHECK(fd >= 0, "mkstemp");
  const auto openWith = [&](size_t used) {
    CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, used, 0) == ssize_t(used),
          "write");
    MachoImage image;
    return image.open(path);
  };
  CHECK(!openWith(size), "as it was");
  for (size_t used = 1; used < 1500; used += 13)
    CHECK(openWith(used), "%d bytes", int(used));
  bytes[4] ^= 1; // The processor.
  CHECK(openWith(size), "another processor");
  bytes[4] ^= 1;
  bytes[12] = 2; // An executable.
  CHECK(openWith(size), "an executable");
  unlink(path);
  close(fd);
}

int main(int argc, char **argv) {
  static constexpr Case kCases[] = {{"constants", testConstants},
                                    {"damage", testDamage},
                                    {"multiply-bytes", testMultiplyBytes},
                                    {"products-int16", testProductsInt16},
                                    {"products-int32", testProductsInt32}};
  return runCase(kCases, argc, argv);
}
