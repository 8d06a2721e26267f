//===- Utf8.cpp - Where characters begin and end in bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "caf\xc3"      ==> 1   (\xa9 would complete it)
//   "\xe2\x96"     ==> 2
//   "\xc3\xa9"     ==> 0   (complete)
//   "\xe2\x28"     ==> 0   (can never be completed)
//
//===----------------------------------------------------------------------===//

#include "Utf8.h"

namespace modelc::text {
namespace {

/// Full length of a valid character that begins with `lead`; 0 if none does.
size_t strictLength(uint8_t lead) {
  if (lead < 0x80)
    return 1;
  if (lead < 0xc2)
    return 0;
  if (lead < 0xe0)
    return 2;
  if (lead < 0xf0)
    return 3;
  return lead < 0xf5 ? 4 : 0;
}

/// Whether `second` may follow `lead`: no overlong forms, no surrogates,
/// nothing above U+10FFFF.
bool mayFollow(uint8_t lead, uint8_t second) {
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

} // namespace

CodePoint decodeCodePoint(std::string_view text) {
  constexpr CodePoint kInvalid = {0xfffd, 1};
  uint8_t lead = static_cast<uint8_t>(text[0]);
  size_t length = strictLength(lead);
  if (length == 1)
    return {lead, 1};
  if (length == 0 || length > text.size() ||
      !mayFollow(lead, static_cast<uint8_t>(text[1])))
    return kInvalid;
  uint32_t value = lead & (0x7fu >> length);
  for (size_t at = 1; at < length; ++at) {
    uint8_t byte = static_cast<uint8_t>(text[at]);
    if ((byte & 0xc0) != 0x80)
      return kInvalid;
    value = value << 6 | (byte & 0x3f);
  }
  return {value, static_cast<uint32_t>(length)};
}

size_t incompleteUtf8Suffix(std::string_view bytes) {
  for (size_t length = 1; length <= 3 && length <= bytes.size(); ++length) {
    std::string_view suffix = bytes.substr(bytes.size() - length);
    uint8_t lead = static_cast<uint8_t>(suffix[0]);
    if (lead >= 0x80 && lead < 0xc0)
      continue;
    if (strictLength(lead) <= length)
      return 0;
    return length == 1 || mayFollow(lead, static_cast<uint8_t>(suffix[1]))
               ? length
               : 0;
  }
  return 0;
}

} // namespace modelc::text
