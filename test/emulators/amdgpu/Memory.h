//===- Memory.h - What the device can address
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_MEMORY_H
#define MODELC_TEST_EMULATORS_AMDGPU_MEMORY_H

#include <cstdint>
#include <map>

namespace modelc::amdgpu {

/// The allocations of a device. Addresses are those of this process, so the
/// host can see what the device sees. Not for several threads at once.
class Memory {
public:
  Memory() = default;
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  ~Memory();

  /// `sizeBytes` > 0, filled with 0xA5, 256-aligned; between any two
  /// allocations lie bytes that belong to none. Null: `limitBytes` or the
  /// host's memory is used up.
  void *allocate(uint64_t sizeBytes);
  /// False: this is not the begin of an allocation.
  bool release(void *begin);
  /// Memory of the host that the device may use until it is forgotten.
  void adopt(void *begin, uint64_t sizeBytes);
  bool forget(void *begin);

  /// Whether [address, address + sizeBytes) lies in one allocation.
  bool contains(uint64_t address, uint64_t sizeBytes) const {
    if (address >= lastBegin && address < lastEnd)
      return sizeBytes <= lastEnd - address;
    return find(address, sizeBytes);
  }

  uint64_t usedBytes() const { return used; }
  uint64_t limitBytes = UINT64_C(16) << 30;

private:
  struct Block {
    uint64_t sizeBytes;
    bool owned;
  };
  bool find(uint64_t address, uint64_t sizeBytes) const;

  std::map<uint64_t, Block> blocks;
  uint64_t used = 0;
  mutable uint64_t lastBegin = 0, lastEnd = 0;
};

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_MEMORY_H
