//===- KernelCall.h - What a kernel of a plan is called with, made up
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_KERNELCALL_H
#define MODELC_COMPILER_COST_KERNELCALL_H

#include "compiler/cost/Walk.h"
#include "modelc/kernel_abi.h"

namespace modelc::cost {

/// The memory that a runtime hands to a kernel for `tokens` tokens of one
/// sequence at positions `depth` .., the last of which wants logits:
/// parameters, inputs and what these point to. Data is left out: operands have
/// addresses, but nothing lies there unless it is said what does.
class KernelCall {
public:
  KernelCall(uint64_t operandCount, uint64_t tiles, uint64_t count,
             int64_t tokens, int64_t depth);

  /// What operand `index` points to: words that belong to the caller.
  void setOperand(size_t index, const std::vector<uint32_t> &words);

  KernelCall(const KernelCall &) = delete;
  KernelCall &operator=(const KernelCall &) = delete;

  /// Of the ModelcKernelParams.
  uint64_t getParams() const { return paramsAddress; }
  /// All of it; belongs to this object.
  std::span<const MemoryRange> getMemory() const { return memory; }

private:
  template <typename T> uint64_t addRange(const std::vector<T> &values);

  std::vector<uint64_t> operands;
  std::vector<int32_t> tokenIds, positions;
  std::vector<uint32_t> sequences, outputRows, pageTables;
  std::vector<ModelcStepInputs> inputs;
  std::vector<ModelcKernelParams> params;
  std::vector<MemoryRange> memory;
  uint64_t paramsAddress = 0;
};

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_KERNELCALL_H
