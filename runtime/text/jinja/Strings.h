//===- Strings.h - Python's view of text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts are UTF-8 by intent. Lengths and places count code points; a byte that
// is part of no valid code point counts as one. Letters have cases in ASCII
// only: that is where templates use them ("role | capitalize").
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_STRINGS_H
#define MODELC_RUNTIME_TEXT_JINJA_STRINGS_H

#include <cstdint>
#include <string>
#include <string_view>

namespace modelc::jinja {

/// Bytes of the character that `text`, not empty, begins with, and its code
/// point, -1 for a byte that begins none.
size_t firstCharacter(std::string_view text, int32_t *codePoint = nullptr);

/// Appends the UTF-8 of `codePoint`, which is at most 0x10ffff.
void appendUtf8(uint32_t codePoint, std::string *out);

/// Code points of `text`.
size_t characterCount(std::string_view text);

/// Python's str.isspace() of one code point.
bool isSpace(int32_t codePoint);

/// Without the characters of `set`, or without white space if `set` is null,
/// at the sides asked for.
std::string_view strip(std::string_view text, bool atStart, bool atEnd,
                       const std::string_view *set = nullptr);

std::string toLower(std::string_view text);
std::string toUpper(std::string_view text);
/// The first letter large, the others small.
std::string capitalize(std::string_view text);
/// The first letter of every run of letters large, the others small, as
/// str.title() does.
std::string titleByLetters(std::string_view text);
/// The first letter of every word large, as Jinja's filter `title` does: words
/// begin after white space, '-', '(', '[', '{' and '<'.
std::string titleByWords(std::string_view text);

/// `text` with up to `limit` (-1: all) occurrences of `from` made `to`. As in
/// Python an empty `from` stands before every character and at the end.
std::string replaceAll(std::string_view text, std::string_view from,
                       std::string_view to, int64_t limit);

/// With HTML's special characters spelled out.
std::string escapeHtml(std::string_view text);

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_STRINGS_H
