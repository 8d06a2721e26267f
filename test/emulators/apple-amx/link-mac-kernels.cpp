//===- link-mac-kernels.cpp - An object to the dylib of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   link-mac-kernels OBJECT DYLIB SYMBOL...
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/LinkDylib.h"
#include <cstdio>
#include <fstream>
#include <iterator>

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  std::ifstream input(argv[1], std::ios::binary);
  std::string object(std::istreambuf_iterator<char>(input), {});
  std::vector<std::string> symbols(argv + 3, argv + argc);
  auto image = modelc::codegen::linkDylib(object, symbols);
  if (!image.ok()) {
    fprintf(stderr, "error: %s\n",
            std::string(image.status().message()).c_str());
    return 1;
  }
  std::ofstream output(argv[2], std::ios::binary);
  output << image->bytes;
  return output.flush() ? 0 : 1;
}
