//===- Json.cpp - JSON as values
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"a": [1, 2.5, null]}  ==>  dict {"a": list [1, 2.5, none]}
//
//===----------------------------------------------------------------------===//

#include "Json.h"
#include "Strings.h"
#include <charconv>

namespace modelc::jinja {
namespace {

class JsonReader {
public:
  JsonReader(std::string_view text, Heap *heap) : text(text), heap(*heap) {}

  bool readAll(Value *out) {
    if (!read(out, 0))
      return false;
    skipSpace();
    return at == text.size() || fail("text after the value");
  }

  std::string error;

private:
  bool fail(const char *what) {
    if (error.empty())
      error = std::string(what) + " at byte " + std::to_string(at);
    return false;
  }

  void skipSpace() {
    while (at < text.size() &&
           std::string_view(" \t\n\r").find(text[at]) != std::string_view::npos)
      ++at;
  }

  bool skip(std::string_view token) {
    if (!text.substr(at).starts_with(token))
      return false;
    at += token.size();
    return true;
  }

  bool read(Value *out, int depth) {
    skipSpace();
    if (depth > kMaxValueDepth)
      return fail("nested too deep");
    if (!heap.spend(Heap::kItemCost) || heap.isSpent())
      return fail("too much");
    if (skip("null")) {
      *out = Value::none();
      return true;
    }
    if (skip("true") || skip("false")) {
      *out = Value::of(text[at - 2] == 'u');
      return true;
    }
    if (skip("{"))
      return readObject(out, depth);
    if (skip("["))
      return readArray(out, depth);
    if (at < text.size() && text[at] == '"')
      return readString(out);
    return readNumber(out);
  }

  bool readArray(Value *out, int depth) {
    std::vector<Value> items;
    skipSpace();
    bool isFirst = true;
    while (!skip("]")) {
      if (!isFirst && !skip(","))
        return fail("expected ',' or ']'");
      isFirst = false;
      Value item;
      if (!read(&item, depth + 1))
        return false;
      items.push_back(item);
      skipSpace();
    }
    *out = heap.makeList(std::move(items));
    return true;
  }

  bool readObject(Value *out, int depth) {
    Dict *dict = heap.makeDict();
    skipSpace();
    bool isFirst = true;
    while (!skip("}")) {
      if (!isFirst && !skip(","))
        return fail("expected ',' or '}'");
      isFirst = false;
      skipSpace();
      Value key, value;
      if (at == text.size() || text[at] != '"')
        return fail("expected a key");
      if (!readString(&key))
        return false;
      skipSpace();
      if (!skip(":"))
        return fail("expected ':'");
      if (!read(&value, depth + 1))
        return false;
      if (!heap.spend(dict->items.size()))
        return fail("too much");
      dict->set(key, value);
      skipSpace();
    }
    *out = Value::of(dict);
    return true;
  }

  bool readNumber(Value *out) {
    const char *begin = text.data() + at, *end = text.data() + text.size();
    int64_t whole;
    double real;
    size_t digit = at + (at < text.size() && text[at] == '-');
    if (digit >= text.size() || text[digit] < '0' || text[digit] > '9')
      return fail("expected a value");
    auto [realStop, realCode] = std::from_chars(begin, end, real);
    auto [stop, code] = std::from_chars(begin, end, whole);
    if (code == std::errc() && stop == realStop)
      *out = Value::of(whole);
    else if (realCode == std::errc())
      *out = Value::of(real);
    else
      return fail("a number that is too large");
    at = static_cast<size_t>(realStop - text.data());
    return true;
  }

  bool readString(Value *out) {
    std::string result;
    ++at;
    while (true) {
      if (at == text.size() || static_cast<unsigned char>(text[at]) < 0x20)
        return fail("a string without end");
      char c = text[at++];
      if (c == '"')
        break;
      if (c != '\\')
        result += c;
      else if (!readEscape(&result))
        return false;
    }
    *out = heap.makeString(std::move(result));
    return !heap.isSpent() || fail("too much");
  }

  bool readEscape(std::string *result) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (at == text.size())
      return fail("a string without end");
    char c = text[at++];
    if (size_t known = kNames.find(c); known != kNames.npos) {
      *result += kValues[known];
      return true;
    }
    uint32_t point;
    if (c != 'u' || !readUnit(&point))
      return fail("a wrong escape");
    if (point >= 0xd800 && point < 0xdc00) {
      uint32_t second;
      if (!skip("\\u") || !readUnit(&second) || second < 0xdc00 ||
          second > 0xdfff)
        return fail("half a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
    } else if (point >= 0xdc00 && point <= 0xdfff) {
      return fail("half a surrogate pair");
    }
    appendUtf8(point, result);
    return true;
  }

  bool readUnit(uint32_t *unit) {
    std::string_view digits = text.substr(at, 4);
    auto [stop, code] = std::from_chars(
        digits.data(), digits.data() + digits.size(), *unit, 16);
    if (digits.size() != 4 || code != std::errc() || stop != digits.data() + 4)
      return false;
    at += 4;
    return true;
  }

  std::string_view text;
  Heap &heap;
  size_t at = 0;
};

} // namespace

bool parseJson(std::string_view text, Heap *heap, Value *out,
               std::string *error) {
  JsonReader reader(text, heap);
  if (reader.readAll(out))
    return true;
  *error = std::move(reader.error);
  return false;
}

} // namespace modelc::jinja
