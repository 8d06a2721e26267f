//===- TextFilters.cpp - Filters that give texts and numbers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"a": [1]} | tojson ==> {"a": [1]}      " x " | trim ==> "x"
//
// As in Jinja's documentation, "List of Builtin Filters"; tojson is that of
// transformers, which escapes nothing for HTML.
//
//===----------------------------------------------------------------------===//

#include "Builtins.h"
#include "Interpreter.h"
#include "Print.h"
#include "Strings.h"
#include <charconv>
#include <cmath>

namespace modelc::jinja {
namespace {

Value make(Call &call, std::string text) {
  return call.interpreter.makeString(std::move(text), call.line);
}

Value trim(Call &call) {
  std::string_view set = call.text(0);
  bool hasSet = call.has(0) && !call.get(0).is(Kind::none);
  if (!call.interpreter.spendSearch(call.self.textSize(), set.size(),
                                    call.line))
    return {};
  return Value::of(strip(call.selfText(), true, true, hasSet ? &set : nullptr));
}

Value lower(Call &call) { return make(call, toLower(call.selfText())); }
Value upper(Call &call) { return make(call, toUpper(call.selfText())); }
Value title(Call &call) { return make(call, titleByWords(call.selfText())); }
Value capital(Call &call) { return make(call, capitalize(call.selfText())); }
Value escape(Call &call) { return make(call, escapeHtml(call.selfText())); }
Value string(Call &call) { return Value::of(call.selfText()); }

Value replace(Call &call) {
  std::string_view text = call.selfText();
  std::string_view from = call.searched(0), to = call.text(1);
  int64_t limit = call.integer(2, -1);
  // Before it is made: an empty `from` stands everywhere.
  uint64_t places = from.empty() ? text.size() + 1 : text.size() / from.size();
  if (!call.interpreter.spend(places * to.size() / 16, call.line))
    return {};
  return make(call, replaceAll(text, from, to, limit));
}

Value indent(Call &call) {
  if (!call.self.isString())
    return call.fail(std::string("found ") + kindName(call.self) +
                     ", expected a string");
  Value width = call.get(0);
  int64_t spaces = width.isString() ? 0 : call.integer(0, 4);
  bool isFirst = call.flag(1), isBlank = call.flag(2);
  std::string_view text = call.selfText();
  constexpr int64_t kMaxIndent = 1000;
  if (spaces > kMaxIndent)
    return call.fail("more than " + std::to_string(kMaxIndent) + " spaces");
  std::string prefix = width.isString()
                           ? std::string(width.string())
                           : std::string(spaces > 0 ? spaces : 0, ' ');
  std::string result;
  for (bool atFirst = true;; atFirst = false) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (atFirst ? isFirst : isBlank || !line.empty())
      result += prefix;
    result += line;
    if (!call.interpreter.spend(prefix.size(), call.line))
      return {};
    if (end == text.npos)
      return make(call, std::move(result));
    result += '\n';
    text.remove_prefix(end + 1);
  }
}

Value toJson(Call &call) {
  JsonStyle style;
  Value indent = call.get(0);
  constexpr int64_t kMaxIndent = 64;
  if (indent.isInteger()) {
    if (indent.asInteger() > kMaxIndent)
      return call.fail("an indent of more than " + std::to_string(kMaxIndent));
    style.indent =
        std::string(indent.asInteger() > 0 ? indent.asInteger() : 0, ' ');
  } else if (indent.isString()) {
    style.indent = std::string(indent.string());
  }
  if (style.indent)
    style.itemSeparator = ",";
  style.sortKeys = call.flag(1);
  style.asciiOnly = call.flag(2);
  if (call.has(3) && call.get(3).is(Kind::list)) {
    const std::vector<Value> &both = call.get(3).list->items;
    if (both.size() != 2 || !both[0].isString() || !both[1].isString())
      return call.fail("separators are two strings");
    style.itemSeparator = both[0].string();
    style.keySeparator = both[1].string();
  }
  std::string text;
  const char *kind = nullptr;
  if (!printJson(call.self, style, call.interpreter.memory().remaining() / 4,
                 &text, &kind))
    return call.fail(kind ? std::string(kind) + " has no JSON"
                          : "the value is too large, or nested too deep");
  return make(call, std::move(text));
}

Value integer(Call &call) {
  Value otherwise = call.has(0) ? call.get(0) : Value::of(int64_t{0});
  int64_t base = call.integer(1, 10);
  const Value &self = call.self;
  if (self.is(Kind::undefined))
    return call.fail("the value is undefined");
  if (self.isInteger())
    return Value::of(self.asInteger());
  if (self.is(Kind::real))
    return std::fabs(self.real) < 9e18
               ? Value::of(static_cast<int64_t>(self.real))
               : otherwise;
  if (!self.isString() || base < 2 || base > 36)
    return otherwise;
  std::string_view text = strip(self.string(), true, true);
  if (text.starts_with('+'))
    text.remove_prefix(1);
  int64_t whole;
  const char *end = text.data() + text.size();
  auto [stop, code] =
      std::from_chars(text.data(), end, whole, static_cast<int>(base));
  if (code == std::errc() && stop == end)
    return Value::of(whole);
  double real;
  auto [realStop, realCode] = std::from_chars(text.data(), end, real);
  if (realCode == std::errc() && realStop == end && std::fabs(real) < 9e18)
    return Value::of(static_cast<int64_t>(real));
  return otherwise;
}

Value real(Call &call) {
  Value otherwise = call.has(0) ? call.get(0) : Value::of(0.0);
  if (call.self.is(Kind::undefined))
    return call.fail("the value is undefined");
  if (call.self.isNumber())
    return Value::of(call.self.asReal());
  if (!call.self.isString())
    return otherwise;
  std::string_view text = strip(call.self.string(), true, true);
  double value;
  const char *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(text.data(), end, value);
  return code == std::errc() && stop == end ? Value::of(value) : otherwise;
}

Value absolute(Call &call) {
  if (call.self.is(Kind::real))
    return Value::of(std::fabs(call.self.real));
  if (!call.self.isInteger() || call.self.asInteger() == INT64_MIN)
    return call.fail(std::string("found ") + kindName(call.self));
  return Value::of(std::abs(call.self.asInteger()));
}

Value roundNumber(Call &call) {
  int64_t digits = call.integer(0, 0);
  std::string_view method = call.text(1, "common");
  if (!call.self.isNumber() || digits < 0 || digits > 15)
    return call.fail(std::string("found ") + kindName(call.self));
  if (call.self.isInteger() && method == "common")
    return Value::of(call.self.asInteger());
  double scale = std::pow(10.0, static_cast<double>(digits));
  double value = call.self.asReal() * scale;
  // Halves go to even numbers, as Python's do.
  value = method == "ceil"    ? std::ceil(value)
          : method == "floor" ? std::floor(value)
                              : std::nearbyint(value);
  return Value::of(value / scale);
}

Value wordCount(Call &call) {
  int64_t count = 0;
  bool inWord = false;
  for (std::string_view rest = call.selfText(); !rest.empty();) {
    int32_t point;
    rest.remove_prefix(firstCharacter(rest, &point));
    count += !inWord && !isSpace(point);
    inWord = !isSpace(point);
  }
  return Value::of(count);
}

constexpr Builtin kFilters[] = {
    {"trim", trim, {"chars"}, 0},
    {"lower", lower},
    {"upper", upper},
    {"title", title},
    {"capitalize", capital},
    {"escape", escape},
    {"e", escape},
    {"string", string},
    {"safe", string},
    {"replace", replace, {"old", "new", "count"}, 2},
    {"indent", indent, {"width", "first", "blank"}, 0},
    {"tojson",
     toJson,
     {"indent", "sort_keys", "ensure_ascii", "separators"},
     0},
    {"int", integer, {"default", "base"}, 0},
    {"float", real, {"default"}, 0},
    {"abs", absolute},
    {"round", roundNumber, {"precision", "method"}, 0},
    {"wordcount", wordCount},
};

} // namespace

std::span<const Builtin> textFilters() { return kFilters; }

} // namespace modelc::jinja
