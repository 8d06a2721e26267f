//===- Value.cpp - The values of a template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   isTrue("") == false     isEqual(1, 1.0) == true     compare("a", "b") == -1
//
// Python's rules (Language Reference, "Truth Value Testing", "Comparisons").
//
//===----------------------------------------------------------------------===//

#include "Value.h"
#include <algorithm>

namespace modelc::jinja {

Value Value::none() {
  Value value;
  value.kind = Kind::none;
  return value;
}

Value Value::of(bool boolean) {
  Value value;
  value.kind = Kind::boolean;
  value.boolean = boolean;
  return value;
}

Value Value::of(int64_t integer) {
  Value value;
  value.kind = Kind::integer;
  value.integer = integer;
  return value;
}

Value Value::of(double real) {
  Value value;
  value.kind = Kind::real;
  value.real = real;
  return value;
}

Value Value::of(std::string_view string) {
  Value value;
  value.kind = Kind::string;
  value.text = string.data();
  value.textBytes = string.size();
  return value;
}

Value Value::of(const List *list) {
  Value value;
  value.kind = Kind::list;
  value.list = list;
  return value;
}

Value Value::of(Dict *dict, Kind kind) {
  Value value;
  value.kind = kind;
  value.dict = dict;
  return value;
}

Value Value::of(const Function *function) {
  Value value;
  value.kind = Kind::function;
  value.function = function;
  return value;
}

Value Value::undefined(std::string_view name) {
  Value value;
  value.text = name.data();
  value.textBytes = name.size();
  return value;
}

const Value *Dict::find(const Value &key) const {
  for (const auto &[known, value] : items)
    if (isEqual(known, key))
      return &value;
  return nullptr;
}

void Dict::set(const Value &key, const Value &value) {
  for (auto &item : items)
    if (isEqual(item.first, key)) {
      item.second = value;
      return;
    }
  items.emplace_back(key, value);
}

bool isTrue(const Value &value) {
  switch (value.kind) {
  case Kind::undefined:
  case Kind::none:
    return false;
  case Kind::boolean:
    return value.boolean;
  case Kind::integer:
    return value.integer != 0;
  case Kind::real:
    return value.real != 0;
  case Kind::string:
    return value.textBytes != 0;
  case Kind::list:
    return !value.list->items.empty() ||
           value.list->form == List::Form::generator;
  case Kind::dict:
    return !value.dict->items.empty();
  case Kind::nameSpace:
  case Kind::function:
    return true;
  }
  return false;
}

static bool areListsEqual(const List &left, const List &right, int depth) {
  if (left.items.size() != right.items.size() || left.form != right.form)
    return false;
  for (size_t at = 0; at < left.items.size(); ++at)
    if (!isEqual(left.items[at], right.items[at], depth))
      return false;
  return true;
}

static bool areDictsEqual(const Dict &left, const Dict &right, int depth) {
  if (left.items.size() != right.items.size())
    return false;
  for (const auto &[key, value] : left.items) {
    const Value *other = right.find(key);
    if (!other || !isEqual(value, *other, depth))
      return false;
  }
  return true;
}

bool isEqual(const Value &left, const Value &right, int depth) {
  if (left.isInteger() && right.isInteger())
    return left.asInteger() == right.asInteger();
  if (left.isNumber() && right.isNumber())
    return left.asReal() == right.asReal();
  if (left.kind != right.kind || depth > kMaxValueDepth)
    return false;
  switch (left.kind) {
  case Kind::string:
    return left.string() == right.string();
  case Kind::list:
    return areListsEqual(*left.list, *right.list, depth + 1);
  case Kind::dict:
    return areDictsEqual(*left.dict, *right.dict, depth + 1);
  case Kind::nameSpace:
    return left.dict == right.dict;
  case Kind::function:
    return left.function == right.function;
  default: // undefined, none: one value each.
    return true;
  }
}

int compare(const Value &left, const Value &right, int depth) {
  auto order = [](const auto &a, const auto &b) {
    return a < b ? -1 : b < a ? 1 : 0;
  };
  if (left.isInteger() && right.isInteger())
    return order(left.asInteger(), right.asInteger());
  if (left.isNumber() && right.isNumber())
    return order(left.asReal(), right.asReal());
  if (left.isString() && right.isString())
    return order(left.string().compare(right.string()), 0);
  if (!left.is(Kind::list) || !right.is(Kind::list) || depth > kMaxValueDepth)
    return 2;
  const std::vector<Value> &a = left.list->items, &b = right.list->items;
  for (size_t at = 0; at < std::min(a.size(), b.size()); ++at)
    if (!isEqual(a[at], b[at], depth + 1))
      return compare(a[at], b[at], depth + 1);
  return order(a.size(), b.size());
}

const char *kindName(const Value &value) {
  switch (value.kind) {
  case Kind::undefined:
    return "undefined";
  case Kind::none:
    return "none";
  case Kind::boolean:
    return "a boolean";
  case Kind::integer:
  case Kind::real:
    return "a number";
  case Kind::string:
    return "a string";
  case Kind::list:
    return value.list->form == List::Form::tuple       ? "a tuple"
           : value.list->form == List::Form::generator ? "a generator"
                                                       : "a list";
  case Kind::dict:
    return "a dict";
  case Kind::nameSpace:
    return "a namespace";
  case Kind::function:
    return "a function";
  }
  return "a value";
}

} // namespace modelc::jinja
