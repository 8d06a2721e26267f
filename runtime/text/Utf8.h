//===- Utf8.h - Where characters begin and end in bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only lengths matter to tokenizers and streams, never code points.
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

/// Bytes at the end of `bytes` that more bytes could make into one valid
/// character (Unicode 15, table 3-7): 0 to 3.
size_t incompleteUtf8Suffix(std::string_view bytes);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_UTF8_H
