//===- KernelCall.cpp - What a kernel of a plan is called with, made up
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each array lies in address space of its own, far from the others.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/KernelCall.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace modelc;
using namespace modelc::cost;

// Above any code image, which spans 1 GiB at most.
static constexpr uint64_t kFirstRange = uint64_t{1} << 36;
static constexpr uint64_t kRangeBytes = uint64_t{1} << 32;
static constexpr uint64_t kFirstOperand = uint64_t{1} << 42;
static constexpr uint64_t kScratch = uint64_t{1} << 41;

/// Gives the values an address. They stay where they are.
template <typename T>
uint64_t KernelCall::addRange(const std::vector<T> &values) {
  uint64_t address = kFirstRange + memory.size() * kRangeBytes;
  memory.push_back({address,
                    {reinterpret_cast<const uint8_t *>(values.data()),
                     values.size() * sizeof(T)}});
  return address;
}

/// An address as the ABI's structs hold it.
template <typename T> static T *toPointer(uint64_t address) {
  return reinterpret_cast<T *>(address);
}

KernelCall::KernelCall(uint64_t operandCount, uint64_t tiles, uint64_t count,
                       int64_t tokens, int64_t depth)
    : operands(operandCount), tokenIds(static_cast<size_t>(tokens)),
      positions(static_cast<size_t>(tokens)),
      sequences(static_cast<size_t>(tokens)),
      outputRows(1, static_cast<uint32_t>(tokens - 1)), inputs(1), params(1) {
  for (size_t i = 0; i < operands.size(); ++i)
    operands[i] = kFirstOperand + (i << 38);
  std::iota(positions.begin(), positions.end(), static_cast<int32_t>(depth));
  pageTables.resize(static_cast<size_t>(
      llvm::divideCeil(depth + tokens, int64_t{MODELC_PAGE_TOKENS})));
  std::iota(pageTables.begin(), pageTables.end(), 0u);
  ModelcStepInputs &in = inputs.front();
  in.tokens = toPointer<const int32_t>(addRange(tokenIds));
  in.positions = toPointer<const int32_t>(addRange(positions));
  in.sequences = toPointer<const uint32_t>(addRange(sequences));
  in.outputRows = toPointer<const uint32_t>(addRange(outputRows));
  in.pageTables = toPointer<const uint32_t>(addRange(pageTables));
  in.pagesPerSequence = static_cast<uint32_t>(pageTables.size());
  in.tokenCount = static_cast<uint32_t>(tokens);
  in.outputCount = 1;
  in.maxLength = static_cast<uint32_t>(depth + tokens);
  ModelcKernelParams &p = params.front();
  p.operands = toPointer<void *const>(addRange(operands));
  p.inputs = toPointer<const ModelcStepInputs>(addRange(inputs));
  p.scratch = toPointer<void>(kScratch);
  p.tileEnd = static_cast<uint32_t>(tiles);
  p.count = static_cast<uint32_t>(count);
  paramsAddress = addRange(params);
}

void KernelCall::setOperand(size_t index, const std::vector<uint32_t> &words) {
  operands[index] = addRange(words);
}
