//===- HipToy.h - The toy model on an AMD GPU that is a program
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_DEVICE_HIPTOY_H
#define MODELC_TEST_DEVICE_HIPTOY_H

#include "SessionTest.h"
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace modelc::test {

/// Environment variables for the stand-in (test/emulators/amdgpu/README.md).
using Environment = std::vector<std::pair<std::string, std::string>>;

/// Runs `body` in a process of its own, in which the stand-in is a new device:
/// `chip`, or none if that is empty. What fails in it fails the test.
void onDevice(const std::string &chip, const Environment &environment,
              const std::function<void()> &body);

/// What the stand-in counts, of this process's device: calls of a function of
/// HIP, and kernels that ran.
uint64_t countCalls(const char *function);
uint64_t countLaunches();

/// The toy model for `target`, with kernels of hip-toy-kernels.c.
PlanBuilder makeHipToyPlan(const std::string &target);
/// Sets groupThreads and groupTiles of the kernels as their code has them.
void setWorkGroups(PlanBuilder &plan, const std::string &target);

} // namespace modelc::test

#endif // MODELC_TEST_DEVICE_HIPTOY_H
