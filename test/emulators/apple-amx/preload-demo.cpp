//===- preload-demo.cpp - A program that knows nothing of the emulator
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Words.h"
#include <stdio.h>

using namespace modelc::appleamx;

int main() {
  char from[64] = "moved", to[64] = "lost";
  issueSet();
  issue<Opcode::Ldx>(reinterpret_cast<uint64_t>(from));
  issue<Opcode::Stx>(reinterpret_cast<uint64_t>(to));
  issueClr();
  fprintf(stderr, "%s\n", to);
  return 0;
}
