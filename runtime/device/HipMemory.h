//===- HipMemory.h - Memory that a device can reach
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Owners. Each borrows its HipLibrary, which outlives it; what the library says
// to giving back is not looked at, as there is nothing left to do then.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPMEMORY_H
#define MODELC_RUNTIME_DEVICE_HIPMEMORY_H

#include "device/HipDevice.h"

namespace modelc::rt {

/// Memory that HIP gives, and takes back by `free`.
template <auto free> class HipAllocation {
public:
  HipAllocation() = default;
  HipAllocation(const HipAllocation &) = delete;
  HipAllocation &operator=(const HipAllocation &) = delete;
  ~HipAllocation() {
    if (bytes)
      (hip->*free)(bytes);
  }

  uint8_t *data() const { return bytes; }

protected:
  /// Owns `allocated` from here on, if there was no error, which is returned.
  HipError keep(const HipLibrary &library, HipError error, void *allocated) {
    hip = &library;
    if (error == kHipSuccess)
      bytes = static_cast<uint8_t *>(allocated);
    return error;
  }

private:
  const HipLibrary *hip = nullptr;
  uint8_t *bytes = nullptr;
};

/// Memory on the current device; its addresses are the device's alone.
class HipBuffer : public HipAllocation<&HipLibrary::hipFree> {
public:
  /// Contents undefined; none at all for 0 bytes. To be called once.
  [[nodiscard]] HipError allocate(const HipLibrary &library,
                                  uint64_t sizeBytes) {
    void *allocated = nullptr;
    const HipError error =
        sizeBytes ? library.hipMalloc(&allocated, sizeBytes) : kHipSuccess;
    return keep(library, error, allocated);
  }
};

/// Memory of the host's that does not move, so that devices copy from and to
/// it on their own.
class HipPinnedBuffer : public HipAllocation<&HipLibrary::hipHostFree> {
public:
  /// Contents undefined. To be called once, with `sizeBytes` > 0.
  [[nodiscard]] HipError allocate(const HipLibrary &library,
                                  uint64_t sizeBytes) {
    void *allocated = nullptr;
    const HipError error = library.hipHostMalloc(&allocated, sizeBytes, 0);
    return keep(library, error, allocated);
  }
};

/// Memory of the host's that a device reads where it lies.
class HipMappedRange {
public:
  HipMappedRange() = default;
  HipMappedRange(const HipMappedRange &) = delete;
  HipMappedRange &operator=(const HipMappedRange &) = delete;
  ~HipMappedRange() {
    if (host)
      hip->hipHostUnregister(host);
  }

  /// Makes [begin, +sizeBytes), which stays where it is while this lives,
  /// readable to the current device. False if HIP refuses: drivers differ in
  /// whether they take what a file is mapped to. To be called once.
  [[nodiscard]] bool map(const HipLibrary &library, const uint8_t *begin,
                         uint64_t sizeBytes) {
    hip = &library;
    auto *address = const_cast<uint8_t *>(begin);
    if (hip->hipHostRegister(address, sizeBytes,
                             kHipHostRegisterMapped |
                                 kHipHostRegisterReadOnly) != kHipSuccess)
      return false;
    host = address;
    void *mapped = nullptr;
    if (hip->hipHostGetDevicePointer(&mapped, address, 0) != kHipSuccess)
      return false;
    device = static_cast<const uint8_t *>(mapped);
    return true;
  }

  /// The device's address of the first byte.
  const uint8_t *data() const { return device; }

private:
  const HipLibrary *hip = nullptr;
  uint8_t *host = nullptr;
  const uint8_t *device = nullptr;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPMEMORY_H
