//===- tile-demo.c - A program to be run under the emulator
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints the upper left element of a product of tiles: 64 times 3 * -2.
//
//===----------------------------------------------------------------------===//

#include "tile-kernels.h"
#include <stdio.h>
#include <string.h>

int main(void) {
  static uint8_t a[1024], b[1024];
  static int32_t c[256];
  const struct tile_shapes shapes = {{16, 16, 16}, {64, 64, 64}};
  memset(a, 3, sizeof(a));
  memset(b, -2, sizeof(b));
  tile_ask_permission();
  tile_configure(&shapes, 1);
  tile_dpbusd(c, a, b, 1);
  tile_release();
  printf("c[0][0] = %d\n", c[0]);
  fflush(stdout); // Before the emulator's report.
  return 0;
}
