//===- Methods.cpp - Python's methods of strings, lists and dicts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "a</think>b".split("</think>")[-1] == "b"
//
// As in Python's Library Reference. Methods that would change a list or a dict
// are refused, as transformers' sandbox refuses them.
//
//===----------------------------------------------------------------------===//

#include "Builtins.h"
#include "Interpreter.h"
#include "Strings.h"
#include <algorithm>
#include <charconv>

namespace modelc::jinja {
namespace {

Value make(Call &call, std::string text) {
  return call.interpreter.makeString(std::move(text), call.line);
}

Value makeList(Call &call, std::vector<Value> items) {
  return call.interpreter.memory().makeList(std::move(items));
}

template <bool atStart, bool atEnd> Value stripped(Call &call) {
  std::string_view set = call.text(0);
  bool hasSet = call.has(0) && !call.get(0).is(Kind::none);
  if (hasSet && !call.interpreter.spendSearch(call.self.textSize(), set.size(),
                                              call.line))
    return {};
  return Value::of(
      strip(call.selfText(), atStart, atEnd, hasSet ? &set : nullptr));
}

/// split() and rsplit() at white space: runs of it are one separator.
std::vector<Value> splitWords(std::string_view text, int64_t limit,
                              bool fromEnd) {
  std::vector<Value> words;
  text = strip(text, !fromEnd, fromEnd);
  while (!text.empty()) {
    if (limit-- == 0) {
      words.push_back(Value::of(strip(text, !fromEnd, fromEnd)));
      break;
    }
    if (fromEnd) {
      // Forward through the text to the begin of its last word.
      size_t wordBegin = 0;
      for (size_t at = 0; at < text.size();) {
        int32_t point;
        at += firstCharacter(text.substr(at), &point);
        if (isSpace(point))
          wordBegin = at;
      }
      words.push_back(Value::of(text.substr(wordBegin)));
      text = strip(text.substr(0, wordBegin), false, true);
      continue;
    }
    size_t end = 0;
    int32_t point = 0;
    while (end < text.size()) {
      size_t bytes = firstCharacter(text.substr(end), &point);
      if (isSpace(point))
        break;
      end += bytes;
    }
    words.push_back(Value::of(text.substr(0, end)));
    text = strip(text.substr(end), true, false);
  }
  return words;
}

template <bool fromEnd> Value split(Call &call) {
  std::string_view text = call.selfText();
  int64_t limit = call.integer(1, -1);
  std::vector<Value> parts;
  if (!call.has(0) || call.get(0).is(Kind::none)) {
    // rsplit() looks at all that is left for every word.
    if (fromEnd &&
        !call.interpreter.spend(text.size() * text.size() / 64, call.line))
      return {};
    parts = splitWords(text, limit, fromEnd);
  } else {
    std::string_view separator = call.searched(0);
    if (separator.empty())
      return call.fail("the separator is empty");
    while (limit-- != 0) {
      size_t at = fromEnd ? text.rfind(separator) : text.find(separator);
      if (at == text.npos)
        break;
      std::string_view after = text.substr(at + separator.size());
      parts.push_back(Value::of(fromEnd ? after : text.substr(0, at)));
      text = fromEnd ? text.substr(0, at) : after;
    }
    parts.push_back(Value::of(text));
  }
  if (fromEnd)
    std::reverse(parts.begin(), parts.end());
  return makeList(call, std::move(parts));
}

Value splitLines(Call &call) {
  std::string_view text = call.selfText();
  bool keepEnds = call.flag(0);
  std::vector<Value> lines;
  while (!text.empty()) {
    size_t end =
        std::min(text.find_first_of("\n\r\v\f\x1c\x1d\x1e"), text.size());
    size_t after = std::min(end + 1, text.size());
    if (text.substr(end).starts_with("\r\n"))
      after = end + 2;
    lines.push_back(Value::of(text.substr(0, keepEnds ? after : end)));
    text.remove_prefix(after);
  }
  return makeList(call, std::move(lines));
}

template <bool atEnd> Value partition(Call &call) {
  std::string_view text = call.selfText(), separator = call.searched(0);
  if (separator.empty())
    return call.fail("the separator is empty");
  size_t at = atEnd ? text.rfind(separator) : text.find(separator);
  std::string_view before, after, found;
  if (at == text.npos) {
    (atEnd ? after : before) = text;
  } else {
    before = text.substr(0, at);
    found = separator;
    after = text.substr(at + separator.size());
  }
  return call.interpreter.memory().makeList(
      {Value::of(before), Value::of(found), Value::of(after)},
      List::Form::tuple);
}

/// startswith and endswith of a text or of any of a tuple.
template <bool atEnd> Value hasAffix(Call &call) {
  std::string_view text = call.selfText();
  std::vector<Value> affixes = {call.get(0)};
  if (affixes[0].is(Kind::list) && affixes[0].list->form == List::Form::tuple)
    affixes = affixes[0].list->items;
  bool found = false;
  for (const Value &affix : affixes) {
    if (!affix.isString())
      return call.fail(std::string("found ") + kindName(affix) +
                       ", expected a string");
    found |= atEnd ? text.ends_with(affix.string())
                   : text.starts_with(affix.string());
  }
  return Value::of(found);
}

template <bool atEnd> Value removeAffix(Call &call) {
  std::string_view text = call.selfText(), affix = call.text(0);
  if (atEnd ? text.ends_with(affix) : text.starts_with(affix))
    text = atEnd ? text.substr(0, text.size() - affix.size())
                 : text.substr(affix.size());
  return Value::of(text);
}

Value replace(Call &call) {
  return call.interpreter.applyFilter(
      "replace", call.self,
      {{call.get(0), call.get(1), Value::of(call.integer(2, -1))}, {}},
      call.line);
}

/// The place of the argument, in characters, or -1.
template <bool fromEnd> int64_t place(Call &call) {
  std::string_view text = call.selfText();
  std::string_view part = call.searched(0);
  size_t at = fromEnd ? text.rfind(part) : text.find(part);
  if (at == text.npos)
    return -1;
  return static_cast<int64_t>(characterCount(text.substr(0, at)));
}

template <bool fromEnd> Value findText(Call &call) {
  return Value::of(place<fromEnd>(call));
}

Value indexOf(Call &call) {
  int64_t at = place<false>(call);
  return at < 0 ? call.fail("there is no such part") : Value::of(at);
}

Value countText(Call &call) {
  std::string_view text = call.selfText(), part = call.searched(0);
  if (part.empty())
    return Value::of(static_cast<int64_t>(characterCount(text)) + 1);
  int64_t count = 0;
  for (size_t at = text.find(part); at != text.npos;
       at = text.find(part, at + part.size()))
    ++count;
  return Value::of(count);
}

Value join(Call &call) {
  return call.interpreter.applyFilter("join", call.get(0), {{call.self}, {}},
                                      call.line);
}

/// What {field} of str.format stands for, or nullptr. *next is the number of
/// the next {}, *isNumbered whether there was one with a number.
const Value *findField(const Call &call, std::string_view field, size_t *next,
                       bool *isNumbered) {
  const std::vector<Value> &positional = call.arguments.positional;
  size_t index = 0;
  const char *end = field.data() + field.size();
  if (field.empty()) {
    index = (*next)++;
  } else if (field.front() >= '0' && field.front() <= '9') {
    *isNumbered = true;
    auto [rest, error] = std::from_chars(field.data(), end, index);
    if (rest != end || error != std::errc())
      return nullptr;
  } else {
    for (const auto &[name, value] : call.arguments.keywords)
      if (name == field)
        return &value;
    return nullptr;
  }
  return index < positional.size() ? &positional[index] : nullptr;
}

/// str.format with {}, {0} and {name}; what comes behind a ':', '!' or '.' is
/// no name.
Value format(Call &call) {
  const std::string_view text = call.selfText();
  std::string out;
  size_t next = 0;
  bool isNumbered = false;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (at < text.size() && text[at] == c) {
      out += c;
      ++at;
      continue;
    }
    const size_t end = text.find('}', at);
    if (c == '}' || end == text.npos)
      return call.fail(std::string("a '") + c + "' stands alone");
    const std::string_view field = text.substr(at, end - at);
    const Value *value = findField(call, field, &next, &isNumbered);
    if (isNumbered && next > 0)
      return call.fail("fields with and without numbers");
    if (!value)
      return call.fail("there is no argument for '{" + std::string(field) +
                       "}'");
    out += call.interpreter.toText(*value, call.line);
    if (!call.interpreter.spend(out.size() / 4, call.line))
      return Value();
    at = end + 1;
  }
  return make(call, out);
}

Value lower(Call &call) { return make(call, toLower(call.selfText())); }
Value upper(Call &call) { return make(call, toUpper(call.selfText())); }
Value title(Call &call) { return make(call, titleByLetters(call.selfText())); }
Value capital(Call &call) { return make(call, capitalize(call.selfText())); }

template <auto predicate> Value all(Call &call) {
  std::string_view text = call.selfText();
  return Value::of(!text.empty() &&
                   std::all_of(text.begin(), text.end(), predicate));
}
constexpr auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
constexpr auto isAlpha = [](char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
};
constexpr auto isAlnum = [](char c) { return isDigit(c) || isAlpha(c); };

Value isSpaceText(Call &call) {
  std::string_view text = call.selfText();
  return Value::of(!text.empty() && strip(text, true, false).empty());
}
Value isLower(Call &call) {
  return Value::of(
      call.interpreter.applyTest("lower", call.self, {}, call.line));
}
Value isUpper(Call &call) {
  return Value::of(
      call.interpreter.applyTest("upper", call.self, {}, call.line));
}

Value listIndex(Call &call) {
  const std::vector<Value> &items = call.self.list->items;
  for (size_t at = 0; at < items.size(); ++at)
    if (call.interpreter.spend(Heap::kStepCost, call.line) &&
        call.interpreter.comparison(Operator::equal, items[at], call.get(0),
                                    call.line))
      return Value::of(static_cast<int64_t>(at));
  return call.fail("there is no such item");
}

Value listCount(Call &call) {
  int64_t count = 0;
  for (const Value &item : call.self.list->items)
    count += call.interpreter.spend(Heap::kStepCost, call.line) &&
             call.interpreter.comparison(Operator::equal, item, call.get(0),
                                         call.line);
  return Value::of(count);
}

Value refuseChange(Call &call) {
  return call.fail(std::string("would change ") + kindName(call.self) +
                   ", which a template may not");
}

Value copy(Call &call) { return call.self; }

Value dictGet(Call &call) {
  call.interpreter.spend(call.self.dict->items.size(), call.line);
  const Value *value = call.self.dict->find(call.get(0));
  return value ? *value : call.has(1) ? call.get(1) : Value::none();
}

Value dictItems(Call &call) {
  return call.interpreter.applyFilter("items", call.self, {}, call.line);
}

Value dictKeys(Call &call) {
  return call.interpreter.applyFilter("list", call.self, {}, call.line);
}

Value dictValues(Call &call) {
  std::vector<Value> values;
  for (const auto &item : call.self.dict->items)
    values.push_back(item.second);
  return makeList(call, std::move(values));
}

constexpr Builtin kStringMethods[] = {
    {"strip", stripped<true, true>, {"chars"}, 0},
    {"lstrip", stripped<true, false>, {"chars"}, 0},
    {"rstrip", stripped<false, true>, {"chars"}, 0},
    {"split", split<false>, {"sep", "maxsplit"}, 0},
    {"rsplit", split<true>, {"sep", "maxsplit"}, 0},
    {"splitlines", splitLines, {"keepends"}, 0},
    {"partition", partition<false>, {"sep"}, 1},
    {"rpartition", partition<true>, {"sep"}, 1},
    {"startswith", hasAffix<false>, {"prefix"}, 1},
    {"endswith", hasAffix<true>, {"suffix"}, 1},
    {"removeprefix", removeAffix<false>, {"prefix"}, 1},
    {"removesuffix", removeAffix<true>, {"suffix"}, 1},
    {"replace", replace, {"old", "new", "count"}, 2},
    {"find", findText<false>, {"sub"}, 1},
    {"rfind", findText<true>, {"sub"}, 1},
    {"index", indexOf, {"sub"}, 1},
    {"count", countText, {"sub"}, 1},
    {"join", join, {"iterable"}, 1},
    {"format", format, {}, 0, true},
    {"lower", lower},
    {"upper", upper},
    {"title", title},
    {"capitalize", capital},
    {"isdigit", all<isDigit>},
    {"isalpha", all<isAlpha>},
    {"isalnum", all<isAlnum>},
    {"isspace", isSpaceText},
    {"islower", isLower},
    {"isupper", isUpper},
};

constexpr Builtin kListMethods[] = {
    {"index", listIndex, {"value"}, 1},
    {"count", listCount, {"value"}, 1},
    {"copy", copy},
    {"append", refuseChange, {}, 0, true},
    {"extend", refuseChange, {}, 0, true},
    {"insert", refuseChange, {}, 0, true},
    {"pop", refuseChange, {}, 0, true},
    {"remove", refuseChange, {}, 0, true},
    {"reverse", refuseChange, {}, 0, true},
    {"sort", refuseChange, {}, 0, true},
    {"clear", refuseChange, {}, 0, true},
};

constexpr Builtin kDictMethods[] = {
    {"get", dictGet, {"key", "default"}, 1},
    {"items", dictItems},
    {"keys", dictKeys},
    {"values", dictValues},
    {"copy", copy},
    {"update", refuseChange, {}, 0, true},
    {"pop", refuseChange, {}, 0, true},
    {"popitem", refuseChange, {}, 0, true},
    {"setdefault", refuseChange, {}, 0, true},
    {"clear", refuseChange, {}, 0, true},
};

} // namespace

std::span<const Builtin> stringMethods() { return kStringMethods; }
std::span<const Builtin> listMethods() { return kListMethods; }
std::span<const Builtin> dictMethods() { return kDictMethods; }

} // namespace modelc::jinja
