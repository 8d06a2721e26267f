//===- ByteAlphabet.cpp - How BPE vocabularies write bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   bytes "a \xc3"  <==>  "a\u0120\u00c3"
//
//===----------------------------------------------------------------------===//

#include "ByteAlphabet.h"
#include "Utf8.h"
#include <array>

namespace modelc::text {
namespace {

constexpr bool isPrintable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

/// The first code point that stands for no byte.
constexpr uint32_t kEnd = 0x144;

struct Tables {
  std::array<uint16_t, 256> spelled = {};
  std::array<int16_t, kEnd> byte = {};
};

constexpr Tables makeTables() {
  Tables tables;
  tables.byte.fill(-1);
  uint32_t next = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t code = isPrintable(byte) ? byte : next++;
    tables.spelled[byte] = static_cast<uint16_t>(code);
    tables.byte[code] = static_cast<int16_t>(byte);
  }
  return tables;
}

constexpr Tables kTables = makeTables();
static_assert(kTables.byte[kEnd - 1] == 0xad);

} // namespace

void appendSpelled(uint8_t byte, std::string &text) {
  uint32_t code = kTables.spelled[byte];
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  text += static_cast<char>(0xc0 | code >> 6);
  text += static_cast<char>(0x80 | (code & 0x3f));
}

bool appendBytes(std::string_view spelled, std::string &bytes) {
  size_t before = bytes.size();
  while (!spelled.empty()) {
    CodePoint point = firstCodePoint(spelled);
    if (point.value >= kEnd || kTables.byte[point.value] < 0) {
      bytes.resize(before);
      return false;
    }
    bytes += static_cast<char>(kTables.byte[point.value]);
    spelled.remove_prefix(point.bytes);
  }
  return true;
}

} // namespace modelc::text
