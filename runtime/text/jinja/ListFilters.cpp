//===- ListFilters.cpp - Filters of lists and dicts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   messages | selectattr("role", "equalto", "user") | list | length
//
// As in Jinja's documentation, "List of Builtin Filters". What is a generator
// there is computed at once here, and may be looped over twice.
//
//===----------------------------------------------------------------------===//

#include "Builtins.h"
#include "Interpreter.h"
#include "Strings.h"
#include <algorithm>
#include <charconv>

namespace modelc::jinja {
namespace {

/// The items of call.self; empty after a failure.
std::vector<Value> itemsOf(Call &call) {
  std::vector<Value> items;
  call.interpreter.iterate(call.self, call.line, &items);
  return items;
}

Value makeList(Call &call, std::vector<Value> items) {
  return call.interpreter.memory().makeList(std::move(items));
}

Value makeGenerator(Call &call, std::vector<Value> items) {
  return call.interpreter.memory().makeList(std::move(items),
                                            List::Form::generator);
}

/// Attribute "a.b.0" of `value`, by subscripts, as Jinja's make_attrgetter.
Value attributeOf(Call &call, Value value, const Value &path) {
  if (!path.isString())
    return call.interpreter.subscript(value, path, call.line);
  std::string_view rest = path.string();
  while (true) {
    std::string_view part = rest.substr(0, rest.find('.'));
    int64_t index;
    const char *end = part.data() + part.size();
    auto [stop, code] = std::from_chars(part.data(), end, index);
    bool isIndex = code == std::errc() && stop == end && index >= 0;
    value = call.interpreter.subscript(
        value, isIndex ? Value::of(index) : Value::of(part), call.line);
    if (part.size() == rest.size())
      return value;
    rest.remove_prefix(part.size() + 1);
  }
}

Value length(Call &call) {
  const Value &self = call.self;
  switch (self.kind) {
  case Kind::undefined:
    return Value::of(int64_t{0});
  case Kind::string:
    call.interpreter.spend(self.textBytes / 4, call.line);
    return Value::of(static_cast<int64_t>(characterCount(self.string())));
  case Kind::list:
    if (self.list->form == List::Form::generator)
      break;
    return Value::of(static_cast<int64_t>(self.list->items.size()));
  case Kind::dict:
    return Value::of(static_cast<int64_t>(self.dict->items.size()));
  default:
    break;
  }
  return call.fail(std::string(kindName(self)) + " has no length");
}

Value otherwise(Call &call) {
  bool isMissing =
      call.self.is(Kind::undefined) || (call.flag(1) && !isTrue(call.self));
  if (!isMissing)
    return call.self;
  return call.has(0) ? call.get(0) : Value::of(std::string_view());
}

Value first(Call &call) {
  std::vector<Value> items = itemsOf(call);
  return items.empty() ? Value::undefined("first") : items.front();
}

Value last(Call &call) {
  std::vector<Value> items = itemsOf(call);
  return items.empty() ? Value::undefined("last") : items.back();
}

Value list(Call &call) { return makeList(call, itemsOf(call)); }

Value reverse(Call &call) {
  std::vector<Value> items = itemsOf(call);
  std::reverse(items.begin(), items.end());
  if (!call.self.isString())
    return makeGenerator(call, std::move(items));
  std::string text;
  for (const Value &item : items)
    text += item.string();
  return call.interpreter.makeString(std::move(text), call.line);
}

Value join(Call &call) {
  std::string_view separator = call.text(0);
  std::string text;
  bool isFirst = true;
  for (const Value &item : itemsOf(call)) {
    Value value = call.has(1) ? attributeOf(call, item, call.get(1)) : item;
    std::string_view part = call.interpreter.toText(value, call.line);
    if (!call.interpreter.spend(part.size() + separator.size(), call.line))
      return {};
    if (!isFirst)
      text += separator;
    isFirst = false;
    text += part;
  }
  return call.interpreter.makeString(std::move(text), call.line);
}

Value items(Call &call) {
  if (call.self.is(Kind::undefined))
    return makeList(call, {});
  if (!call.self.is(Kind::dict))
    return call.fail(std::string("found ") + kindName(call.self) +
                     ", expected a dict");
  std::vector<Value> pairs;
  Heap &heap = call.interpreter.memory();
  for (const auto &[key, value] : call.self.dict->items)
    pairs.push_back(heap.makeList({key, value}, List::Form::tuple));
  return heap.makeList(std::move(pairs));
}

/// Texts are compared without regard to case unless asked for.
Value sortKey(Call &call, const Value &value, bool caseSensitive) {
  if (!value.isString() || caseSensitive)
    return value;
  return call.interpreter.makeString(toLower(value.string()), call.line);
}

/// Sorts `pairs` of keys and values by the keys; equal ones keep their order.
/// Inserts one by one, so that keys without an order do no harm.
std::vector<Value> sortPairs(Call &call,
                             const std::vector<std::pair<Value, Value>> &pairs,
                             bool isReversed) {
  Interpreter &interpreter = call.interpreter;
  auto isBefore = [&](const auto &a, const auto &b) {
    return interpreter.comparison(Operator::less,
                                  isReversed ? b.first : a.first,
                                  isReversed ? a.first : b.first, call.line);
  };
  std::vector<std::pair<Value, Value>> sorted;
  for (const auto &pair : pairs) {
    if (!interpreter.spend(Heap::kStepCost + sorted.size(), call.line))
      return {};
    auto after = std::upper_bound(sorted.begin(), sorted.end(), pair, isBefore);
    sorted.insert(after, pair);
  }
  std::vector<Value> values;
  for (const auto &pair : sorted)
    values.push_back(pair.second);
  return values;
}

Value dictSort(Call &call) {
  std::string_view by = call.text(1, "key");
  if (by != "key" && by != "value")
    return call.fail("sorts by \"key\" or \"value\"");
  if (!call.self.is(Kind::dict))
    return call.fail(std::string("found ") + kindName(call.self) +
                     ", expected a dict");
  Value all = items(call);
  if (call.interpreter.failed())
    return {};
  std::vector<std::pair<Value, Value>> pairs;
  for (const Value &item : all.list->items)
    pairs.emplace_back(
        sortKey(call, item.list->items[by == "value"], call.flag(0)), item);
  return makeList(call, sortPairs(call, pairs, call.flag(2)));
}

Value sort(Call &call) {
  std::vector<std::pair<Value, Value>> pairs;
  for (const Value &item : itemsOf(call)) {
    Value key = call.has(2) ? attributeOf(call, item, call.get(2)) : item;
    pairs.emplace_back(sortKey(call, key, call.flag(1)), item);
  }
  return makeList(call, sortPairs(call, pairs, call.flag(0)));
}

Value unique(Call &call) {
  std::vector<Value> seen, kept;
  for (const Value &item : itemsOf(call)) {
    Value key = call.has(1) ? attributeOf(call, item, call.get(1)) : item;
    key = sortKey(call, key, call.flag(0));
    bool isNew = true;
    for (const Value &other : seen) {
      if (!call.interpreter.spend(Heap::kStepCost, call.line))
        return {};
      isNew &=
          !call.interpreter.comparison(Operator::equal, key, other, call.line);
    }
    if (!isNew)
      continue;
    seen.push_back(key);
    kept.push_back(item);
  }
  return makeGenerator(call, std::move(kept));
}

/// The item that is `op` all others.
Value extreme(Call &call, Operator op) {
  Value best = Value::undefined(call.name);
  Value bestKey;
  for (const Value &item : itemsOf(call)) {
    Value key = call.has(1) ? attributeOf(call, item, call.get(1)) : item;
    key = sortKey(call, key, call.flag(0));
    if (!best.is(Kind::undefined) &&
        !call.interpreter.comparison(op, key, bestKey, call.line))
      continue;
    best = item;
    bestKey = key;
  }
  return best;
}

Value least(Call &call) { return extreme(call, Operator::less); }
Value greatest(Call &call) { return extreme(call, Operator::greater); }

Value sum(Call &call) {
  Value total = call.has(1) ? call.get(1) : Value::of(int64_t{0});
  for (const Value &item : itemsOf(call)) {
    bool byAttribute = call.has(0) && !call.get(0).is(Kind::none);
    Value value = byAttribute ? attributeOf(call, item, call.get(0)) : item;
    total = call.interpreter.binary(Operator::add, total, value, call.line);
  }
  return total;
}

Value attributeFilter(Call &call) {
  return call.interpreter.subscript(call.self, call.get(0), call.line);
}

/// map("filter", ...) or map(attribute="a", default=b).
Value map(Call &call) {
  std::vector<Value> results;
  Arguments &given = call.arguments;
  const Value *attribute = nullptr, *fallBack = nullptr;
  for (const auto &[name, value] : given.keywords) {
    if (name == "attribute")
      attribute = &value;
    if (name == "default")
      fallBack = &value;
  }
  if (!isTrue(call.self))
    return makeGenerator(call, {});
  if (!attribute &&
      (given.positional.empty() || !given.positional[0].isString()))
    return call.fail("needs a filter or an attribute");
  for (const Value &item : itemsOf(call)) {
    if (call.interpreter.failed())
      return {};
    if (attribute) {
      Value value = attributeOf(call, item, *attribute);
      results.push_back(value.is(Kind::undefined) && fallBack ? *fallBack
                                                              : value);
      continue;
    }
    Arguments rest = given;
    rest.positional.erase(rest.positional.begin());
    results.push_back(call.interpreter.applyFilter(
        given.positional[0].string(), item, std::move(rest), call.line));
  }
  return makeGenerator(call, std::move(results));
}

/// Keeps the items for which a test gives `wanted`; the test looks at an
/// attribute if the first argument is one.
Value choose(Call &call, bool wanted, bool byAttribute) {
  std::vector<Value> &given = call.arguments.positional;
  size_t used = byAttribute ? 1 : 0;
  if (!isTrue(call.self))
    return makeGenerator(call, {});
  if (given.size() < used)
    return call.fail("needs an attribute");
  if (given.size() > used && !given[used].isString())
    return call.fail("needs the name of a test");
  std::vector<Value> kept;
  for (const Value &item : itemsOf(call)) {
    if (!call.interpreter.spend(Heap::kStepCost, call.line))
      return {};
    Value value = byAttribute ? attributeOf(call, item, given[0]) : item;
    bool result = isTrue(value);
    if (given.size() > used) {
      Arguments rest = call.arguments;
      rest.positional.erase(rest.positional.begin(),
                            rest.positional.begin() + used + 1);
      result = call.interpreter.applyTest(given[used].string(), value,
                                          std::move(rest), call.line);
    }
    if (result == wanted)
      kept.push_back(item);
  }
  return makeGenerator(call, std::move(kept));
}

Value select(Call &call) { return choose(call, true, false); }
Value reject(Call &call) { return choose(call, false, false); }
Value selectAttribute(Call &call) { return choose(call, true, true); }
Value rejectAttribute(Call &call) { return choose(call, false, true); }

constexpr Builtin kFilters[] = {
    {"length", length},
    {"count", length},
    {"default", otherwise, {"default_value", "boolean"}, 0},
    {"d", otherwise, {"default_value", "boolean"}, 0},
    {"first", first},
    {"last", last},
    {"list", list},
    {"reverse", reverse},
    {"join", join, {"d", "attribute"}, 0},
    {"items", items},
    {"dictsort", dictSort, {"case_sensitive", "by", "reverse"}, 0},
    {"sort", sort, {"reverse", "case_sensitive", "attribute"}, 0},
    {"unique", unique, {"case_sensitive", "attribute"}, 0},
    {"min", least, {"case_sensitive", "attribute"}, 0},
    {"max", greatest, {"case_sensitive", "attribute"}, 0},
    {"sum", sum, {"attribute", "start"}, 0},
    {"attr", attributeFilter, {"name"}, 1},
    {"map", map, {}, 0, true},
    {"select", select, {}, 0, true},
    {"reject", reject, {}, 0, true},
    {"selectattr", selectAttribute, {}, 0, true},
    {"rejectattr", rejectAttribute, {}, 0, true},
};

} // namespace

std::span<const Builtin> listFilters() { return kFilters; }

} // namespace modelc::jinja
