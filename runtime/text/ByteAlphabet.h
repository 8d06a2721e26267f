//===- ByteAlphabet.h - How BPE vocabularies write bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GPT-2 wrote each byte of a token as one printable character: Latin-1's own
// where there is one, and U+0100, U+0101, ... for the 68 others in ascending
// order. A space is U+0120. Radford et al. 2019, encoder.py.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_BYTEALPHABET_H
#define MODELC_RUNTIME_TEXT_BYTEALPHABET_H

#include <cstdint>
#include <string>
#include <string_view>

namespace modelc::text {

/// Appends the character of `byte`, one or two bytes of UTF-8.
void appendSpelled(uint8_t byte, std::string &text);

/// Appends the bytes that `spelled` stands for. False, with `bytes` as before,
/// if a character of it stands for none.
bool appendBytes(std::string_view spelled, std::string &bytes);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_BYTEALPHABET_H
