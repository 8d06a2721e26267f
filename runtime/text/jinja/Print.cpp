//===- Print.cpp - Values as text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ["a", 1.0, none, true]
//     ==> str:  ['a', 1.0, None, True]
//     ==> JSON: ["a", 1.0, null, true]
//
//===----------------------------------------------------------------------===//

#include "Print.h"
#include "Strings.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace modelc::jinja {
namespace {

/// repr(float): the shortest digits that read back as the same number.
std::string formatReal(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[400];
  double size = std::fabs(value);
  bool isPlain = size == 0 || (size >= 1e-4 && size < 1e16);
  auto format =
      isPlain ? std::chars_format::fixed : std::chars_format::scientific;
  char *end = std::to_chars(buffer, buffer + sizeof(buffer), value, format).ptr;
  std::string text(buffer, end);
  if (isPlain && text.find('.') == text.npos)
    text += ".0";
  return text;
}

void appendUnicodeEscape(int32_t point, std::string *out) {
  char escape[16];
  if (point >= 0x10000)
    std::snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
                  0xd800 + ((point - 0x10000) >> 10),
                  0xdc00 + ((point - 0x10000) & 0x3ff));
  else
    std::snprintf(escape, sizeof(escape), "\\u%04x", point);
  *out += escape;
}

/// What repr(str) spells out beyond ASCII: white space, control and format
/// characters. (Unassigned ones, which Python's tables know, are printed.)
bool isPrintable(int32_t point) {
  return !isSpace(point) && !(point >= 0x80 && point < 0xa0) && point != 0xad &&
         !(point >= 0x200b && point <= 0x200f) &&
         !(point >= 0x202a && point <= 0x202e) &&
         !(point >= 0x2060 && point <= 0x206f) && point != 0xfeff &&
         !(point >= 0xe000 && point <= 0xf8ff);
}

/// repr(str)
void appendQuoted(std::string_view text, std::string *out) {
  bool useDouble = text.find('\'') != text.npos && text.find('"') == text.npos;
  char quote = useDouble ? '"' : '\'';
  *out += quote;
  while (!text.empty()) {
    int32_t point;
    std::string_view character = text.substr(0, firstCharacter(text, &point));
    text.remove_prefix(character.size());
    char c = character[0];
    constexpr std::string_view kEscaped = "\\\n\r\t";
    size_t at = character.size() == 1 ? kEscaped.find(c) : kEscaped.npos;
    char escape[8];
    if (at != kEscaped.npos || c == quote) {
      (*out += '\\') += c == quote ? quote : "\\nrt"[at];
    } else if (c != ' ' && (point == 0x7f || (point >= 0 && point < 0x20) ||
                            !isPrintable(point))) {
      std::snprintf(escape, sizeof(escape), "\\x%02x",
                    static_cast<unsigned>(point));
      point < 0x100 ? void(*out += escape) : appendUnicodeEscape(point, out);
    } else {
      *out += character;
    }
  }
  *out += quote;
}

void appendJsonString(std::string_view text, bool asciiOnly, std::string *out) {
  *out += '"';
  while (!text.empty()) {
    int32_t point;
    std::string_view character = text.substr(0, firstCharacter(text, &point));
    text.remove_prefix(character.size());
    constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
    size_t at = point >= 0 && point < 0x80
                    ? kEscaped.find(static_cast<char>(point))
                    : kEscaped.npos;
    if (at != kEscaped.npos)
      (*out += '\\') += "\"\\nrtbf"[at];
    else if ((point >= 0 && point < 0x20) || (asciiOnly && point >= 0x7f))
      appendUnicodeEscape(point, out);
    else
      *out += character;
  }
  *out += '"';
}

class TextPrinter {
public:
  TextPrinter(size_t maxBytes, std::string *out)
      : maxBytes(maxBytes), out(*out) {}

  bool print(const Value &value, bool quoted, int depth = 0) {
    if (depth > kMaxValueDepth || out.size() > maxBytes)
      return false;
    switch (value.kind) {
    case Kind::undefined:
      if (quoted)
        out += "Undefined";
      break;
    case Kind::none:
      out += "None";
      break;
    case Kind::boolean:
      out += value.boolean ? "True" : "False";
      break;
    case Kind::integer:
      out += std::to_string(value.integer);
      break;
    case Kind::real:
      out += formatReal(value.real);
      break;
    case Kind::string:
      if (quoted)
        appendQuoted(value.string(), &out);
      else
        out += value.string();
      break;
    case Kind::list:
      return printList(*value.list, depth);
    case Kind::dict:
      return printDict(*value.dict, depth);
    case Kind::nameSpace:
      out += "<Namespace>";
      break;
    case Kind::function:
      out += "<Function>";
      break;
    }
    return out.size() <= maxBytes;
  }

private:
  bool printList(const List &list, int depth) {
    bool isTuple = list.form == List::Form::tuple;
    out += isTuple ? '(' : '[';
    for (size_t at = 0; at < list.items.size(); ++at) {
      if (at > 0)
        out += ", ";
      if (!print(list.items[at], true, depth + 1))
        return false;
    }
    if (isTuple && list.items.size() == 1)
      out += ',';
    out += isTuple ? ')' : ']';
    return true;
  }

  bool printDict(const Dict &dict, int depth) {
    out += '{';
    for (size_t at = 0; at < dict.items.size(); ++at) {
      if (at > 0)
        out += ", ";
      if (!print(dict.items[at].first, true, depth + 1))
        return false;
      out += ": ";
      if (!print(dict.items[at].second, true, depth + 1))
        return false;
    }
    out += '}';
    return true;
  }

  size_t maxBytes;
  std::string &out;
};

class JsonPrinter {
public:
  JsonPrinter(const JsonStyle &style, size_t maxBytes, std::string *out,
              const char **error)
      : style(style), maxBytes(maxBytes), out(*out), error(*error) {}

  bool print(const Value &value, int depth = 0) {
    if (depth > kMaxValueDepth || out.size() > maxBytes)
      return false;
    switch (value.kind) {
    case Kind::none:
      out += "null";
      break;
    case Kind::boolean:
      out += value.boolean ? "true" : "false";
      break;
    case Kind::integer:
      out += std::to_string(value.integer);
      break;
    case Kind::real:
      out += std::isfinite(value.real) ? formatReal(value.real)
             : std::isnan(value.real)  ? "NaN"
             : value.real < 0          ? "-Infinity"
                                       : "Infinity";
      break;
    case Kind::string:
      appendJsonString(value.string(), style.asciiOnly, &out);
      break;
    case Kind::list:
      if (value.list->form != List::Form::generator)
        return printList(*value.list, depth);
      [[fallthrough]];
    case Kind::undefined:
    case Kind::nameSpace:
    case Kind::function:
      error = kindName(value);
      return false;
    case Kind::dict:
      return printDict(*value.dict, depth);
    }
    return out.size() <= maxBytes;
  }

private:
  void newLine(int depth) {
    if (!style.indent)
      return;
    out += '\n';
    // `indent` may be long: what is too much ends here.
    for (int level = 0; level < depth && out.size() <= maxBytes; ++level)
      out += *style.indent;
  }

  bool printList(const List &list, int depth) {
    if (list.items.empty()) {
      out += "[]";
      return true;
    }
    out += '[';
    for (size_t at = 0; at < list.items.size(); ++at) {
      if (at > 0)
        out += style.itemSeparator;
      newLine(depth + 1);
      if (!print(list.items[at], depth + 1))
        return false;
    }
    newLine(depth);
    out += ']';
    return true;
  }

  bool printDict(const Dict &dict, int depth) {
    if (dict.items.empty()) {
      out += "{}";
      return true;
    }
    std::vector<std::pair<Value, Value>> items = dict.items;
    if (style.sortKeys) {
      for (const auto &item : items)
        if (!item.first.isString()) {
          error = "a key that is no string, to be sorted,";
          return false;
        }
      std::sort(items.begin(), items.end(), [](const auto &a, const auto &b) {
        return a.first.string() < b.first.string();
      });
    }
    out += '{';
    bool isFirst = true;
    for (const auto &[key, value] : items) {
      if (!isFirst)
        out += style.itemSeparator;
      isFirst = false;
      newLine(depth + 1);
      if (!printKey(key, depth))
        return false;
      out += style.keySeparator;
      if (!print(value, depth + 1))
        return false;
    }
    newLine(depth);
    out += '}';
    return true;
  }

  /// Keys that are no strings become such.
  bool printKey(const Value &key, int depth) {
    if (key.isString())
      return print(key, depth);
    if (key.is(Kind::list)) {
      error = kindName(key);
      return false;
    }
    out += '"';
    bool good = print(key, depth);
    out += '"';
    return good;
  }

  const JsonStyle &style;
  size_t maxBytes;
  std::string &out;
  const char *&error;
};

} // namespace

bool printText(const Value &value, size_t maxBytes, std::string *out) {
  return TextPrinter(maxBytes, out).print(value, false);
}

bool printJson(const Value &value, const JsonStyle &style, size_t maxBytes,
               std::string *out, const char **error) {
  return JsonPrinter(style, maxBytes, out, error).print(value);
}

} // namespace modelc::jinja
