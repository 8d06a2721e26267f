//===- GpuCode.h - Kernels for AMD GPUs, executed by the interpreter
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_GPUCODE_H
#define MODELC_TEST_KERNELS_GPUCODE_H

#include "compiler/codegen/Codegen.h"
#include "modelc/kernel_abi.h"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace modelc::kernels::test {

/// A launch of one kernel for all of its tiles, and one work-group more.
struct GpuLaunch {
  std::string symbol;
  plan::KernelSpecInterface spec;
  int64_t tiles, count;
  /// Whose arrays are `inputArrays`.
  ModelcStepInputs inputs;
  std::vector<std::span<uint8_t>> inputArrays;
  std::vector<std::span<uint8_t>> operands; ///< One may stand twice.
};

/// A code object in the memory of test/emulators/amdgpu, which is this
/// process's: a kernel has what it is launched with, and nothing else.
class GpuCode {
public:
  GpuCode(const target::TargetSpec &target, std::string codeObject);
  ~GpuCode();

  /// What went wrong so far, or an empty text.
  const std::string &getError() const { return error; }
  /// Empty if all work-groups came to their end.
  std::string run(const GpuLaunch &launch);

private:
  struct Device;

  const target::TargetSpec &target;
  std::string error;
  std::unique_ptr<Device> device;
};

} // namespace modelc::kernels::test

#endif // MODELC_TEST_KERNELS_GPUCODE_H
