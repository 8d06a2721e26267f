//===- flip-bits.c - Opens a plan again and again, each time one bit wrong
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   flip-bits FILE.mplan < POSITIONS
//
// Each line of POSITIONS is a byte's offset and the number of a bit. That bit
// of the file is flipped, modelc_open must refuse the plan with a message, and
// the bit is flipped back. Prints the bits that nobody missed, and how many
// were tried.
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/// Whether the plan opens. A refusal without a message counts as opening.
static int opens(const char *path) {
  modelc_plan *plan;
  modelc_status status;
  if (modelc_open(path, NULL, &plan, &status) != MODELC_OK)
    return status.message[0] == '\0';
  modelc_close(plan);
  return 1;
}

static int flipAll(const char *path, unsigned char *bytes, size_t sizeBytes) {
  unsigned long long at;
  unsigned bit, tried = 0, missed = 0;
  while (scanf("%llu %u", &at, &bit) == 2) {
    if (at >= sizeBytes || bit > 7) {
      fprintf(stderr, "error: no bit %u of byte %llu\n", bit, at);
      return 1;
    }
    bytes[at] ^= (unsigned char)(1u << bit);
    if (opens(path)) {
      printf("opens with bit %u of byte %llu flipped\n", bit, at);
      ++missed;
    }
    bytes[at] ^= (unsigned char)(1u << bit);
    ++tried;
  }
  printf("%u tried\n", tried);
  return missed > 0 || !opens(path);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: flip-bits FILE.mplan < POSITIONS\n");
    return 2;
  }
  const int file = open(argv[1], O_RDWR);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0) {
    perror(argv[1]);
    return 1;
  }
  unsigned char *bytes = mmap(NULL, (size_t)info.st_size,
                              PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) {
    perror(argv[1]);
    return 1;
  }
  return flipAll(argv[1], bytes, (size_t)info.st_size);
}
