//===- Transpose.h - Transpositions in vector registers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Zipping the upper half of a list of vectors with the lower half moves the
// highest bit of every element's number to the lowest place. So log2(b) rounds
// make [b][a] of what was [a][b], whatever the vectors' size.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_TRANSPOSE_H
#define MODELC_COMPILER_REPACK_TRANSPOSE_H

#include <cstddef>
#include <cstdint>
#include <utility>

namespace modelc::repack {

/// What shuffles take on every machine.
inline constexpr size_t kVectorBytes = 16;
template <typename Word>
using Vector __attribute__((vector_size(kVectorBytes))) = Word;

/// The vector of a[i], b[i], a[i + 1], b[i + 1], ... from element 0 of both on,
/// or from the middle.
template <typename Word, size_t... I>
Vector<Word> zip(Vector<Word> a, Vector<Word> b, bool fromMiddle,
                 std::index_sequence<I...>) {
  constexpr size_t kWords = sizeof...(I);
  if (!fromMiddle)
    return __builtin_shufflevector(a, b, (I / 2 + I % 2 * kWords)...);
  return __builtin_shufflevector(a, b,
                                 (kWords / 2 + I / 2 + I % 2 * kWords)...);
}

/// `rounds` zips of kCount vectors, a power of two.
template <typename Word, size_t kCount>
void zipRounds(Vector<Word> *vectors, int rounds) {
  constexpr size_t kWords = kVectorBytes / sizeof(Word);
  constexpr auto kIndices = std::make_index_sequence<kWords>();
  for (int round = 0; round < rounds; ++round) {
    Vector<Word> zipped[kCount];
    for (size_t i = 0; i < kCount / 2; ++i) {
      Vector<Word> a = vectors[i], b = vectors[i + kCount / 2];
      zipped[2 * i] = zip<Word>(a, b, false, kIndices);
      zipped[2 * i + 1] = zip<Word>(a, b, true, kIndices);
    }
    for (size_t i = 0; i < kCount; ++i)
      vectors[i] = zipped[i];
  }
}

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_TRANSPOSE_H
