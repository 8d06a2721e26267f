//===- Utf8.h - Where characters begin and end in bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Streams and merging need lengths only; cutting a text into words needs code
// points.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_UTF8_H
#define MODELC_RUNTIME_TEXT_UTF8_H

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace modelc::text {

/// Bytes of the character that `text`, not empty, begins with: what its first
/// byte announces, but no further than continuation bytes go. Any bytes split
/// in one way, and no character swallows the one after it.
inline size_t characterLength(std::string_view text) {
  constexpr uint8_t kAnnounced[16] = {1, 1, 1, 1, 1, 1, 1, 1,
                                      1, 1, 1, 1, 2, 2, 3, 4};
  size_t announced = kAnnounced[static_cast<uint8_t>(text[0]) >> 4];
  size_t length = 1;
  while (length < announced && length < text.size() &&
         (static_cast<uint8_t>(text[length]) & 0xc0) == 0x80)
    ++length;
  return length;
}

struct CodePoint {
  uint32_t value;
  uint32_t bytes;
};

/// The code point that `text`, not empty, begins with, if it is valid there
/// (Unicode 15, table 3-7); else U+FFFD for the first byte alone.
CodePoint decodeCodePoint(std::string_view text);

inline CodePoint firstCodePoint(std::string_view text) {
  uint8_t lead = static_cast<uint8_t>(text[0]);
  return lead < 0x80 ? CodePoint{lead, 1} : decodeCodePoint(text);
}

/// Bytes at the end of `bytes` that more bytes could make into one valid
/// character (Unicode 15, table 3-7): 0 to 3.
size_t incompleteUtf8Suffix(std::string_view bytes);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_UTF8_H
