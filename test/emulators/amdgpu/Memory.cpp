//===- Memory.cpp - What the device can address
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <cstdlib>
#include <cstring>

namespace modelc::amdgpu {

namespace {
/// Distance between allocations, and their alignment.
constexpr uint64_t kGapBytes = 256;
} // namespace

Memory::~Memory() {
  for (const auto &[begin, block] : blocks)
    if (block.owned)
      std::free(reinterpret_cast<void *>(begin));
}

void *Memory::allocate(uint64_t sizeBytes) {
  if (sizeBytes == 0 || sizeBytes > limitBytes - used)
    return nullptr;
  const uint64_t whole =
      (sizeBytes + kGapBytes - 1) / kGapBytes * kGapBytes + kGapBytes;
  void *begin = std::aligned_alloc(kGapBytes, whole);
  if (!begin)
    return nullptr;
  std::memset(begin, 0xA5, sizeBytes);
  blocks[reinterpret_cast<uint64_t>(begin)] = {sizeBytes, true};
  used += sizeBytes;
  return begin;
}

bool Memory::release(void *begin) {
  auto found = blocks.find(reinterpret_cast<uint64_t>(begin));
  if (found == blocks.end() || !found->second.owned)
    return false;
  used -= found->second.sizeBytes;
  blocks.erase(found);
  std::free(begin);
  lastBegin = lastEnd = 0;
  return true;
}

void Memory::adopt(void *begin, uint64_t sizeBytes) {
  blocks[reinterpret_cast<uint64_t>(begin)] = {sizeBytes, false};
}

bool Memory::forget(void *begin) {
  auto found = blocks.find(reinterpret_cast<uint64_t>(begin));
  if (found == blocks.end() || found->second.owned)
    return false;
  blocks.erase(found);
  lastBegin = lastEnd = 0;
  return true;
}

bool Memory::find(uint64_t address, uint64_t sizeBytes) const {
  auto next = blocks.upper_bound(address);
  if (next == blocks.begin())
    return false;
  const auto &[begin, block] = *--next;
  if (address - begin >= block.sizeBytes)
    return false;
  lastBegin = begin;
  lastEnd = begin + block.sizeBytes;
  return sizeBytes <= lastEnd - address;
}

} // namespace modelc::amdgpu
