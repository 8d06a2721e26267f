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

static void open(MachoImage &image) {
  const char *error = image.open(MODELC_MAC_KERNELS);
  CHECK(!error, "%s", error);
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
                                    {"multiply-bytes", testMultiplyBytes}};
  return runCase(kCases, argc, argv);
}
