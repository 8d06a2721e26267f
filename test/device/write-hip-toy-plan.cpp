//===- write-hip-toy-plan.cpp - Writes the toy model's plan for a GPU
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipToy.h"
#include <cstdio>

using namespace modelc::test;

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s TARGET OUT.mplan\n", argv[0]);
    return 2;
  }
  const PlanBytes bytes = makeHipToyPlan(argv[1]).build();
  FILE *file = fopen(argv[2], "wb");
  if (!file)
    return 1;
  const size_t written = fwrite(bytes.data(), 1, bytes.size(), file);
  return fclose(file) == 0 && written == bytes.size() ? 0 : 1;
}
