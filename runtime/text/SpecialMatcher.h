//===- SpecialMatcher.h - Finds tokens that are spelled out in a text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Control and user-defined tokens are looked for in the raw text before a
// family's own algorithm sees what lies between them.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_SPECIALMATCHER_H
#define MODELC_RUNTIME_TEXT_SPECIALMATCHER_H

#include "Vocabulary.h"
#include <array>

namespace modelc::text {

class SpecialMatcher {
public:
  struct Match {
    size_t begin;
    size_t bytes;
    int32_t id; ///< -1: none was found.
  };

  /// Finds the non-empty texts of `ids`. `vocabulary` is borrowed.
  void build(const Vocabulary &vocabulary, std::vector<int32_t> ids);

  /// The leftmost match at or after `begin`, and of those the longest. (Of
  /// overlapping tokens llama.cpp takes the longest anywhere, SentencePiece
  /// and Hugging Face the leftmost; real vocabularies have none that overlap.)
  Match find(std::string_view text, size_t begin) const;

private:
  int32_t longestAt(std::string_view text) const;

  const Vocabulary *vocabulary = nullptr;
  /// Sorted by text; of equal texts only the highest id.
  std::vector<int32_t> sorted;
  /// Ids whose text begins with byte b: sorted[first[b] .. first[b + 1]).
  std::array<uint32_t, 257> first = {};
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_SPECIALMATCHER_H
