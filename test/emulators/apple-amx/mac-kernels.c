//===- mac-kernels.c - Kernels as for a Mac, with Apple AMX in them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled for arm64-apple-macos, without libc and without data. Register x9
// holds each operand, so that instructions are constant words.
//
//===----------------------------------------------------------------------===//

typedef unsigned long uint64;

#define AMX_WORD(op, operand)                                                  \
  do {                                                                         \
    register uint64 x9 __asm__("x9") = (operand);                              \
    __asm__ volatile(".long 0x201000 + (%0 << 5) + 9" ::"i"(op), "r"(x9)       \
                     : "memory");                                              \
  } while (0)
#define AMX_SET() __asm__ volatile("nop\nnop\nnop\n.long 0x201220" ::: "memory")
#define AMX_CLR() __asm__ volatile("nop\nnop\nnop\n.long 0x201221" ::: "memory")

enum { kLdx = 0, kLdy = 1, kStz = 5, kMatint = 20 };

/// z[row] of 64 rows of 16 int32: row 4 * j + i % 4, column i / 4 is the sum
/// over k of x[k][i] * y[k][4 * j]. x and y are int8 [depth][64].
void multiply_bytes(const signed char *x, const signed char *y, int *z,
                    uint64 depth) {
  // ALU mode 8, lanes of 8 bits to 32, both signed.
  const uint64 bytesToInts =
      (uint64)8 << 47 | (uint64)10 << 42 | (uint64)1 << 63 | (uint64)1 << 26;
  AMX_SET();
  for (uint64 k = 0; k < depth; ++k) {
    AMX_WORD(kLdx, (uint64)(x + 64 * k));
    AMX_WORD(kLdy, (uint64)(y + 64 * k));
    AMX_WORD(kMatint, bytesToInts);
  }
  for (uint64 row = 0; row < 64; ++row)
    AMX_WORD(kStz, (uint64)(z + 16 * row) | row << 56);
  AMX_CLR();
}

/// A constant, relative to the program counter.
int look_up(uint64 i) {
  static const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
  return table[i & 7];
}
