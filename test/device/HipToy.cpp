//===- HipToy.cpp - The toy model on an AMD GPU that is a program
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipToy.h"
#include <cstdio>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

namespace modelc::test {

/// Loaded and not called: its device is made in the first call, so that each
/// process has its own, without loading LLVM again.
static void *standIn() {
  static void *library = dlopen(MODELC_AMDHIP64, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << dlerror();
  return library;
}

void onDevice(const std::string &chip, const Environment &environment,
              const std::function<void()> &body) {
  ASSERT_NE(standIn(), nullptr);
  fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    setenv("MODELC_HIP_LIBRARY", MODELC_AMDHIP64, 1);
    if (chip.empty())
      unsetenv("AMDGPUEMU_CHIP");
    else
      setenv("AMDGPUEMU_CHIP", chip.c_str(), 1);
    for (const auto &[name, value] : environment)
      setenv(name.c_str(), value.c_str(), 1);
    body();
    fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see above";
}

/// Calls a function of the stand-in that takes a name.
static uint64_t ask(const char *function, const char *name) {
  using Count = uint64_t (*)(const char *);
  const auto count = reinterpret_cast<Count>(dlsym(standIn(), function));
  EXPECT_NE(count, nullptr) << function;
  return count ? count(name) : 0;
}

uint64_t countCalls(const char *function) {
  return ask("amdgpuemu_calls", function);
}

uint64_t countLaunches() { return ask("amdgpuemu_count", "launches"); }

void setWorkGroups(PlanBuilder &plan, const std::string &target) {
  const bool isWave64 = target.rfind("gfx9", 0) == 0;
  for (ModelcKernelRecord &kernel : plan.kernels) {
    const std::string name = plan.strings.data() + kernel.name;
    const bool hasRows =
        name == "hip_append" || name == "hip_stray" || name == "hip_fold";
    kernel.groupThreads = isWave64 ? 64 : 32;
    kernel.groupTiles = hasRows ? kernel.groupThreads / 16 : 1;
  }
}

PlanBuilder makeHipToyPlan(const std::string &target) {
  std::ifstream file(std::string(MODELC_HIP_TOY_KERNELS) + "/toy-" + target +
                         ".co",
                     std::ios::binary);
  EXPECT_TRUE(file.is_open()) << target;
  const std::vector<uint8_t> code{std::istreambuf_iterator<char>(file),
                                  std::istreambuf_iterator<char>()};
  PlanBuilder plan = makeToyPlan();
  makeHip(plan, target, 64, code);
  setWorkGroups(plan, target);
  return plan;
}

} // namespace modelc::test
