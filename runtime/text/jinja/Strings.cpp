//===- Strings.cpp - Python's view of text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   characterCount("h\xc3\xa9") == 2      strip("  a ") == "a"
//
//===----------------------------------------------------------------------===//

#include "Strings.h"

namespace modelc::jinja {
namespace {

bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c; }

/// Whether `character` is one of the characters of `set`, or white space.
bool isIn(std::string_view character, int32_t codePoint,
          const std::string_view *set) {
  if (!set)
    return isSpace(codePoint);
  for (size_t at = 0; at < set->size();) {
    size_t bytes = firstCharacter(set->substr(at));
    if (set->substr(at, bytes) == character)
      return true;
    at += bytes;
  }
  return false;
}

/// First byte of the last character of `text`, not empty.
size_t lastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80)
    --begin;
  if (begin + firstCharacter(text.substr(begin)) == text.size())
    return begin;
  return text.size() - 1;
}

} // namespace

size_t firstCharacter(std::string_view text, int32_t *codePoint) {
  auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  int32_t ignored;
  int32_t &point = codePoint ? *codePoint : ignored;
  unsigned char lead = byte(0);
  if (lead < 0x80) {
    point = lead;
    return 1;
  }
  size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  int32_t value = lead & (0x7f >> bytes);
  point = -1;
  if (lead < 0xc2 || lead > 0xf4 || bytes > text.size())
    return 1;
  for (size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0) != 0x80)
      return 1;
    value = value << 6 | (byte(at) & 0x3f);
  }
  constexpr int32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kFirst[bytes] || value > 0x10ffff ||
      (value >= 0xd800 && value < 0xe000))
    return 1;
  point = value;
  return bytes;
}

void appendUtf8(uint32_t point, std::string *out) {
  auto add = [&](uint32_t byte) { *out += static_cast<char>(byte); };
  if (point < 0x80)
    return add(point);
  if (point < 0x800) {
    add(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      add(0xe0 | point >> 12);
    } else {
      add(0xf0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3f));
    }
    add(0x80 | (point >> 6 & 0x3f));
  }
  add(0x80 | (point & 0x3f));
}

size_t characterCount(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count)
    text.remove_prefix(firstCharacter(text));
  return count;
}

bool isSpace(int32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
         c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

std::string_view strip(std::string_view text, bool atStart, bool atEnd,
                       const std::string_view *set) {
  while (atStart && !text.empty()) {
    int32_t point;
    size_t bytes = firstCharacter(text, &point);
    if (!isIn(text.substr(0, bytes), point, set))
      break;
    text.remove_prefix(bytes);
  }
  while (atEnd && !text.empty()) {
    size_t begin = lastCharacter(text);
    int32_t point;
    firstCharacter(text.substr(begin), &point);
    if (!isIn(text.substr(begin), point, set))
      break;
    text = text.substr(0, begin);
  }
  return text;
}

std::string toLower(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    c = lower(c);
  return result;
}

std::string toUpper(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    c = upper(c);
  return result;
}

std::string capitalize(std::string_view text) {
  std::string result = toLower(text);
  if (!result.empty())
    result[0] = upper(result[0]);
  return result;
}

std::string titleByLetters(std::string_view text) {
  std::string result = toLower(text);
  for (size_t at = 0; at < result.size(); ++at)
    if (at == 0 || !(isLetter(result[at - 1]) || (result[at - 1] & 0x80)))
      result[at] = upper(result[at]);
  return result;
}

std::string titleByWords(std::string_view text) {
  std::string result = toLower(text);
  auto beginsWord = [](char before) {
    return isSpace(static_cast<unsigned char>(before)) ||
           std::string_view("-([{<").find(before) != std::string_view::npos;
  };
  for (size_t at = 0; at < result.size(); ++at)
    if (at == 0 || beginsWord(result[at - 1]))
      result[at] = upper(result[at]);
  return result;
}

std::string replaceAll(std::string_view text, std::string_view from,
                       std::string_view to, int64_t limit) {
  std::string result;
  while (limit != 0) {
    size_t at = from.empty() ? 0 : text.find(from);
    if (at == text.npos)
      break;
    --limit;
    result.append(text.substr(0, at)).append(to);
    if (from.empty()) {
      if (text.empty())
        return result;
      at = firstCharacter(text);
      result.append(text.substr(0, at));
    }
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

std::string escapeHtml(std::string_view text) {
  std::string result;
  for (char c : text)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&#34;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      result += c;
    }
  return result;
}

} // namespace modelc::jinja
