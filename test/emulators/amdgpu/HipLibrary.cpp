//===- HipLibrary.cpp - The stand-in library, opened for one test
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipLibrary.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace modelc::amdgpu {

HipLibrary::HipLibrary(const std::string &chip, const std::string &target)
    : target(target.empty() ? chip : target) {
  if (chip.empty())
    unsetenv("AMDGPUEMU_CHIP");
  else
    setenv("AMDGPUEMU_CHIP", chip.c_str(), 1);
  library = dlopen(MODELC_AMDHIP64, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    ADD_FAILURE() << dlerror();
    std::abort();
  }
#define HIP_FIND(name)                                                         \
  name = reinterpret_cast<decltype(name)>(dlsym(library, #name));              \
  EXPECT_TRUE(name) << #name;
  HIP_FUNCTIONS(HIP_FIND)
#undef HIP_FIND
}

HipLibrary::~HipLibrary() {
  dlclose(library);
  // Unloaded: the next one is a new device.
  EXPECT_EQ(dlopen(MODELC_AMDHIP64, RTLD_NOW | RTLD_NOLOAD), nullptr);
}

void HipLibrary::loadKernels() {
  const std::vector<char> image = readFile(std::string(MODELC_AMDGPU_KERNELS) +
                                           "/kernels-" + target + ".co");
  ASSERT_EQ(hipModuleLoadData(&module, image.data()), hipSuccess);
}

hipFunction_t HipLibrary::function(const char *name) {
  if (!module)
    loadKernels();
  hipFunction_t found = nullptr;
  EXPECT_EQ(hipModuleGetFunction(&found, module, name), hipSuccess) << name;
  return found;
}

std::vector<char> readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  return std::vector<char>(std::istreambuf_iterator<char>(stream), {});
}

} // namespace modelc::amdgpu
