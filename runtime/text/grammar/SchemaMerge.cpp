//===- SchemaMerge.cpp - One schema of several
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"minimum": 1, "allOf": [{"$ref": "#/$defs/a"}, {"minimum": 3}]}
//     ==> what a says, with a minimum of 3 at least
//
// What cannot be merged is said; the budget pays for each key, so that schemas
// that multiply end.
//
//===----------------------------------------------------------------------===//

#include "SchemaTranslator.h"
#include <algorithm>

namespace modelc::grammar {
namespace {

const Value *asDict(const Value *value) {
  return value && value->is(Kind::dict) ? value : nullptr;
}

bool isSaid(const Value *value, bool expected) {
  return value && value->is(Kind::boolean) && value->boolean == expected;
}

/// A value, or those of a list.
std::span<const Value> itemsOf(const Value &value) {
  return value.is(Kind::list) ? std::span<const Value>(value.list->items)
                              : std::span<const Value>(&value, 1);
}

} // namespace

Value SchemaTranslator::allOf(const Value &left, const Value &right) {
  Dict *both = heap.makeDict();
  both->items.push_back(
      {Value::of(std::string_view("allOf")), heap.makeList({left, right})});
  return Value::of(both);
}

/// A new schema without $ref and allOf at its top.
bool SchemaTranslator::flatten(const Value &schema, const SchemaPlace &place,
                               Dict **result) {
  if (!spend(place))
    return false;
  *result = heap.makeDict();
  if (schema.is(Kind::boolean))
    return schema.boolean || refuse(place, "false: nothing fits");
  if (!schema.is(Kind::dict))
    return refuse(place, "expected a schema");
  if (!checkKeywords(*schema.dict, place))
    return false;
  for (const auto &[key, value] : schema.dict->items)
    if (key.string() != "$ref" && key.string() != "allOf")
      (*result)->items.push_back({key, value});
  if (const Value *reference = schema.dict->find("$ref")) {
    Value target;
    Dict *part;
    if (!reference->isString())
      return refuse(place, "$ref: expected a string");
    if (!resolve(reference->string(), place, &target) ||
        !flatten(target, {place.path, place.depth + 1}, &part) ||
        !merge(*result, *part, place))
      return false;
  }
  const Value *all = schema.dict->find("allOf");
  if (all && !all->is(Kind::list))
    return refuse(place, "allOf: expected a list");
  for (size_t at = 0; all && at < all->list->items.size(); ++at) {
    Dict *part;
    if (!flatten(all->list->items[at], place.below("allOf"), &part) ||
        !merge(*result, *part, place))
      return false;
  }
  return true;
}

bool SchemaTranslator::merge(Dict *into, const Dict &from,
                             const SchemaPlace &place) {
  if (!checkClosed(*into, from, place) || !checkClosed(from, *into, place))
    return false;
  for (const auto &[key, value] : from.items) {
    if (!heap.spend(64 + into->items.size()))
      return refuse(place, "the schema is too large");
    if (isAnnotation(key.string()))
      continue;
    if (!into->find(key))
      into->items.push_back({key, value});
    else if (!mergeKeyword(into, key.string(), value, place))
      return false;
  }
  return true;
}

/// A schema that limits the members which it does not name limits those that
/// the other names.
bool SchemaTranslator::checkClosed(const Dict &closed, const Dict &other,
                                   const SchemaPlace &place) {
  const Value *others = closed.find("additionalProperties");
  const Value *named = asDict(other.find("properties"));
  if (!others || isSaid(others, true) || !named)
    return true;
  const Value *own = asDict(closed.find("properties"));
  for (const auto &[name, value] : named->dict->items) {
    if (!heap.spend(64 + (own ? own->dict->items.size() : 0)))
      return refuse(place, "the schema is too large");
    if (!own || !own->dict->find(name))
      return lack(place, "additionalProperties of one part of allOf, which "
                         "limits the properties of another,");
  }
  return true;
}

bool SchemaTranslator::mergeKeyword(Dict *into, std::string_view key,
                                    const Value &value,
                                    const SchemaPlace &place) {
  const Value before = *into->find(key);
  auto replace = [&](const Value &merged) {
    into->set(Value::of(key), merged);
    return true;
  };
  if (isSameJson(before, value))
    return true;
  if (key == "properties")
    return mergeProperties(into, value, place);
  if (key == "items" && !before.is(Kind::list) && !value.is(Kind::list))
    return replace(allOf(before, value));
  if (key == "additionalProperties") {
    if (isSaid(&before, false) || isSaid(&value, true))
      return true;
    return replace(isSaid(&value, false) || isSaid(&before, true)
                       ? value
                       : allOf(before, value));
  }
  if (before.isNumber() && value.isNumber() && !before.is(Kind::boolean) &&
      !value.is(Kind::boolean)) {
    bool isLess = jinja::compare(value, before) < 0;
    if (key.starts_with("min") || key == "exclusiveMinimum")
      return replace(isLess ? before : value);
    if (key.starts_with("max") || key == "exclusiveMaximum")
      return replace(isLess ? value : before);
  }
  Value merged;
  return mergeLists(key, before, value, place, &merged) && replace(merged);
}

/// Keywords whose value is a list, or one that stands for a list.
bool SchemaTranslator::mergeLists(std::string_view key, const Value &before,
                                  const Value &value, const SchemaPlace &place,
                                  Value *merged) {
  std::span<const Value> left = itemsOf(before), right = itemsOf(value);
  if (!heap.spend(left.size() * right.size() * 16))
    return refuse(place, "the schema is too large");
  std::vector<Value> items;
  if (key == "required") {
    items.assign(left.begin(), left.end());
    items.insert(items.end(), right.begin(), right.end());
    *merged = heap.makeList(std::move(items));
    return true;
  }
  if (key == "anyOf" || key == "oneOf") {
    for (const Value &one : left)
      for (const Value &other : right)
        items.push_back(allOf(one, other));
    *merged = heap.makeList(std::move(items));
    return true;
  }
  if (key == "type" || key == "enum") {
    for (const Value &one : left)
      for (const Value &other : right) {
        bool isNarrower = key == "type" && one.isString() && other.isString() &&
                          one.string() == "number" &&
                          other.string() == "integer";
        bool isWider = key == "type" && one.isString() && other.isString() &&
                       one.string() == "integer" && other.string() == "number";
        if (isSameJson(one, other) || isNarrower || isWider)
          items.push_back(isNarrower ? other : one);
      }
    if (items.empty())
      return refuse(place, std::string(key) + ": nothing fits all of them");
    *merged = heap.makeList(std::move(items));
    return true;
  }
  if (key == "const")
    return refuse(place, "const: nothing fits all of them");
  return lack(place, "'" + std::string(key) + "' in several parts of allOf");
}

bool SchemaTranslator::mergeProperties(Dict *into, const Value &value,
                                       const SchemaPlace &place) {
  const Value *before = asDict(into->find("properties"));
  if (!before || !value.is(Kind::dict))
    return refuse(place, "properties: expected an object");
  Dict *merged = heap.makeDict();
  merged->items = before->dict->items;
  for (const auto &[name, schema] : value.dict->items) {
    if (!heap.spend(64 + merged->items.size()))
      return refuse(place, "the schema is too large");
    const Value *known = merged->find(name);
    merged->set(name, known ? allOf(*known, schema) : schema);
  }
  into->set(Value::of(std::string_view("properties")), Value::of(merged));
  return true;
}

} // namespace modelc::grammar
