//===- write-toy-plan.cpp - Writes the plan of the toy model to a file
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include <cstdio>

using namespace modelc::test;

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s OUT.mplan\n", argv[0]);
    return 2;
  }
  PlanBuilder builder = makeToyPlan();
  addToyCode(builder, MODELC_TOY_CODE);
  const PlanBytes bytes = builder.build();
  FILE *file = fopen(argv[1], "wb");
  if (!file)
    return 1;
  const size_t written = fwrite(bytes.data(), 1, bytes.size(), file);
  return fclose(file) == 0 && written == bytes.size() ? 0 : 1;
}
