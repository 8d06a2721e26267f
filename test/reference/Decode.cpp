//===- Decode.cpp - Writes the numbers that blocks of a weight stand for
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc-reference-decode TYPE < BLOCKS > FLOATS      decode-test.py runs it
//
//===----------------------------------------------------------------------===//

#include "test/reference/Numerics.h"
#include <cstdio>
#include <optional>
#include <string_view>

using namespace modelc::reference;

static std::optional<WeightType> findType(std::string_view wanted) {
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  if (wanted == #name)                                                         \
    return WeightType::name;
#include "test/reference/WeightTypes.def"
  return std::nullopt;
}

int main(int argc, char **argv) {
  std::optional<WeightType> type = argc == 2 ? findType(argv[1]) : std::nullopt;
  if (!type) {
    std::fprintf(stderr, "usage: %s TYPE < BLOCKS > FLOATS\n", argv[0]);
    return 2;
  }
  std::vector<uint8_t> bytes;
  for (int c; (c = std::getchar()) != EOF;)
    bytes.push_back(uint8_t(c));
  std::vector<float> x(bytes.size() / getBlockBytes(*type) *
                       getBlockElems(*type));
  decodeRow(*type, bytes.data(), x);
  size_t written = std::fwrite(x.data(), sizeof(float), x.size(), stdout);
  return written == x.size() ? 0 : 1;
}
