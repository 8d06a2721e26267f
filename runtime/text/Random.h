//===- Random.h - The sampler's random numbers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number
// generators", 2018), its state filled by splitmix64 from the seed, as the
// authors advise. The stream is a promise: it is the same everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_RANDOM_H
#define MODELC_RUNTIME_TEXT_RANDOM_H

#include <bit>
#include <cstdint>

namespace modelc::text {

class Random {
public:
  explicit Random(uint64_t seed) {
    for (uint64_t &word : state) {
      seed += 0x9e3779b97f4a7c15u;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
  }

  /// The next 64 random bits.
  uint64_t next() {
    uint64_t result = std::rotl(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = std::rotl(state[3], 45);
    return result;
  }

  /// A multiple of 2^-53 in [0, 1).
  double nextUnit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
  uint64_t state[4];
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_RANDOM_H
