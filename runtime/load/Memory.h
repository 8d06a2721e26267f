//===- Memory.h - Memory that can be refused
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime allocates when a plan is opened and when a session is created,
// and nowhere else. It does not throw, so that a process which embeds it
// survives an allocation that fails: each of these owners says so.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_MEMORY_H
#define MODELC_RUNTIME_LOAD_MEMORY_H

#include <memory>
#include <new>
#include <span>
#include <stdint.h>
#include <stdlib.h>
#include <type_traits>
#include <utility>

namespace modelc::rt {

struct DestroyAndFree {
  template <typename T> void operator()(T *object) const {
    object->~T();
    free(object);
  }
};

/// Owns one object.
template <typename T> using Owned = std::unique_ptr<T, DestroyAndFree>;

/// A default-constructed T, or null if there is no memory.
template <typename T> Owned<T> makeOwned() {
  void *bytes = nullptr;
  if (posix_memalign(&bytes, alignof(T) < 16 ? 16 : alignof(T), sizeof(T)) != 0)
    return nullptr;
  return Owned<T>(new (bytes) T());
}

/// Owns a fixed number of plain values, zero at first.
template <typename T> class HeapArray {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  HeapArray() = default;
  HeapArray(const HeapArray &) = delete;
  HeapArray &operator=(const HeapArray &) = delete;
  ~HeapArray() { free(values); }

  /// Replaces the contents by `newCount` zeroes; false if there is no memory.
  [[nodiscard]] bool allocate(uint64_t newCount) {
    free(values);
    count = 0;
    values = static_cast<T *>(calloc(newCount ? newCount : 1, sizeof(T)));
    if (!values)
      return false;
    count = newCount;
    return true;
  }

  T *data() const { return values; }
  uint64_t size() const { return count; }
  T &operator[](uint64_t index) const { return values[index]; }
  T *begin() const { return values; }
  T *end() const { return values + count; }

private:
  T *values = nullptr;
  uint64_t count = 0;
};

/// Owns address space from mmap.
class Mapping {
public:
  Mapping() = default;
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;
  Mapping(Mapping &&other)
      : bytes(std::exchange(other.bytes, nullptr)),
        sizeBytes(std::exchange(other.sizeBytes, 0)) {}
  Mapping &operator=(Mapping &&other) {
    std::swap(bytes, other.bytes);
    std::swap(sizeBytes, other.sizeBytes);
    return *this;
  }
  ~Mapping();

  /// Maps all of `fileBytes` bytes of a file, read-only and shared. On failure
  /// errno says why.
  [[nodiscard]] bool mapFile(int fd, uint64_t fileBytes);
  /// Reserves zeroed memory that is not backed before it is touched; none at
  /// all for 0 bytes.
  [[nodiscard]] bool reserve(uint64_t reservedBytes);
  /// Reserves addresses that cannot be accessed.
  [[nodiscard]] bool reserveAddresses(uint64_t reservedBytes);

  /// Gives back the memory of the system's pages that lie whole in a part of
  /// reserved memory: they are zeros again, not backed before they are touched.
  void release(uint64_t offset, uint64_t partBytes) const;
  /// Lets go of the system's pages that lie whole in a part of a mapped file:
  /// they are read from it again when they are touched.
  void forget(uint64_t offset, uint64_t partBytes) const;

  uint8_t *data() const { return bytes; }
  uint64_t size() const { return sizeBytes; }

private:
  bool map(uint64_t size, int protection, int flags, int fd);

  uint8_t *bytes = nullptr;
  uint64_t sizeBytes = 0;
};

/// Products and sums of numbers from a file or a caller: false if the result
/// does not fit.
[[nodiscard]] inline bool checkedMul(uint64_t a, uint64_t b, uint64_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}
[[nodiscard]] inline bool checkedAdd(uint64_t a, uint64_t b, uint64_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

/// Whether [offset, +bytes) lies inside [0, limit).
inline bool isInside(uint64_t offset, uint64_t bytes, uint64_t limit) {
  return offset <= limit && bytes <= limit - offset;
}

/// The smallest multiple of `alignment`, a power of two, that is not below
/// `value`; `value` is at most 2^63.
constexpr uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_MEMORY_H
