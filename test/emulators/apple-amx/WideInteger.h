//===- WideInteger.h - Unsigned integers of thousands of bits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_WIDEINTEGER_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_WIDEINTEGER_H

#include <stdint.h>

namespace modelc::appleamx::manual {

/// Words in ascending order. Sums and products must fit.
template <int kBits> struct WideInteger {
  static constexpr int kWords = kBits / 64;
  static_assert(kBits % 64 == 0);
  uint64_t words[kWords] = {};

  /// `value` * 2^shift.
  static WideInteger shifted(unsigned __int128 value, int shift) {
    WideInteger result;
    for (int bit = 0; bit < 128; ++bit)
      if (value >> bit & 1)
        result.words[(bit + shift) / 64] |= uint64_t(1) << (bit + shift) % 64;
    return result;
  }
  WideInteger operator+(const WideInteger &other) const {
    WideInteger result;
    unsigned __int128 carry = 0;
    for (int i = 0; i < kWords; ++i) {
      carry += words[i];
      carry += other.words[i];
      result.words[i] = uint64_t(carry);
      carry >>= 64;
    }
    return result;
  }
  /// `other` is not larger.
  WideInteger operator-(const WideInteger &other) const {
    WideInteger result;
    uint64_t borrow = 0;
    for (int i = 0; i < kWords; ++i) {
      const unsigned __int128 less = (unsigned __int128)other.words[i] + borrow;
      result.words[i] = words[i] - uint64_t(less);
      borrow = words[i] < less;
    }
    return result;
  }
  /// -1, 0 or 1.
  int compare(const WideInteger &other) const {
    for (int i = kWords - 1; i >= 0; --i)
      if (words[i] != other.words[i])
        return words[i] > other.words[i] ? 1 : -1;
    return 0;
  }
  /// 0 outside.
  bool bit(int at) const {
    return at >= 0 && at < kBits && (words[at / 64] >> at % 64 & 1);
  }
  bool isZero() const { return compare({}) == 0; }
  /// The highest bit that is set; -1 of 0.
  int top() const {
    int at = kBits - 1;
    while (at >= 0 && !bit(at))
      --at;
    return at;
  }
  /// Whether a bit below `end` is set.
  bool anyBelow(int end) const {
    for (int at = 0; at < end && at < kBits; ++at)
      if (bit(at))
        return true;
    return false;
  }
};

} // namespace modelc::appleamx::manual

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_WIDEINTEGER_H
