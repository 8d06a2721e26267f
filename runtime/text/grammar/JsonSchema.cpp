//===- JsonSchema.cpp - The grammar of the JSON that a schema takes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"type": "array", "items": {"enum": [1, "a"]}}
//     ==> r1 ::= "1" | "\"a\""
//         r2 ::= "[" ws (r1 ("," ws r1)* ws)? "]"
//         root ::= r2
//
// A schema becomes a rule, which the schema above it names. What a reference
// leads to gets its name at once and its rule later, so that schemas may
// contain themselves.
//
//===----------------------------------------------------------------------===//

#include "JsonSchema.h"
#include "../Utf8.h"
#include "../jinja/Json.h"
#include "../jinja/Print.h"
#include "Gbnf.h"
#include "SchemaTranslator.h"
#include <algorithm>
#include <cmath>

namespace modelc::grammar {
namespace {

/// Deepest nesting of schemas, merged ones included.
constexpr int kMaxSchemaDepth = 150;

/// What every grammar has. White space is limited, or models go on with it.
/// Numbers have at most 18 digits before the point, so that they are whole in
/// 64 bits; escapes are no halves of surrogate pairs.
constexpr const char *kCommonRules =
    R"(ws ::= [ ]? | "\n" [ \t]{0,20}
hex ::= [0-9a-fA-F]
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" unit)
unit ::= [0-9a-cA-Ce-fE-F] hex{3} | [dD] [0-7] hex{2} | pair
pair ::= [dD] [89abAB] hex{2} "\\u" [dD] [c-fC-F] hex{2}
string ::= "\"" char* "\""
natural ::= "0" | [1-9] [0-9]{0,17}
integer ::= "-"? natural
positive ::= natural ("." [0-9]{1,17})? ([eE] [-+]? [0-9]{1,2})?
number ::= "-"? positive
boolean ::= "true" | "false"
null ::= "null"
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)* ws)? "}"
array ::= "[" ws (value ("," ws value)* ws)? "]"
value ::= object | array | string | number | boolean | null
)";

constexpr std::string_view kAnnotations[] = {
    "title", "description", "default",    "examples",    "$schema",
    "$id",   "$comment",    "deprecated", "readOnly",    "writeOnly",
    "$defs", "definitions", "example",    "$vocabulary", "discriminator"};

constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                       "integer", "boolean", "null"};

struct Keyword {
  std::string_view name;
  /// The type that it is about; empty: any.
  std::string_view type;
};

constexpr Keyword kKeywords[] = {{"type", ""},
                                 {"enum", ""},
                                 {"const", ""},
                                 {"anyOf", ""},
                                 {"oneOf", ""},
                                 {"allOf", ""},
                                 {"$ref", ""},
                                 {"properties", "object"},
                                 {"required", "object"},
                                 {"additionalProperties", "object"},
                                 {"items", "array"},
                                 {"prefixItems", "array"},
                                 {"additionalItems", "array"},
                                 {"minItems", "array"},
                                 {"maxItems", "array"},
                                 {"uniqueItems", "array"},
                                 {"minLength", "string"},
                                 {"maxLength", "string"},
                                 {"format", "string"},
                                 {"pattern", "string"},
                                 {"minimum", "number"},
                                 {"maximum", "number"},
                                 {"exclusiveMinimum", "number"},
                                 {"exclusiveMaximum", "number"}};

const Keyword *findKeyword(std::string_view name) {
  for (const Keyword &keyword : kKeywords)
    if (keyword.name == name)
      return &keyword;
  return nullptr;
}

bool isUtf8(std::string_view text) {
  while (!text.empty()) {
    text::CodePoint point = text::firstCodePoint(text);
    if (point.value == 0xfffd && point.bytes == 1)
      return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

std::string join(const std::vector<std::string> &parts) {
  std::string all;
  for (const std::string &part : parts)
    all += (all.empty() ? "" : " | ") + part;
  return all;
}

} // namespace

bool isAnnotation(std::string_view key) {
  return key.starts_with("x-") ||
         std::find(std::begin(kAnnotations), std::end(kAnnotations), key) !=
             std::end(kAnnotations);
}

bool isSameJson(const Value &left, const Value &right) {
  if (left.is(Kind::boolean) != right.is(Kind::boolean))
    return false;
  return jinja::isEqual(left, right);
}

bool hasJsonType(const Value &value, std::string_view type) {
  switch (value.kind) {
  case Kind::none:
    return type == "null";
  case Kind::boolean:
    return type == "boolean";
  case Kind::integer:
    return type == "integer" || type == "number";
  case Kind::real:
    return type == "number" ||
           (type == "integer" && value.real == std::floor(value.real));
  case Kind::string:
    return type == "string";
  case Kind::list:
    return type == "array";
  case Kind::dict:
    return type == "object";
  case Kind::undefined:
  case Kind::nameSpace:
  case Kind::function:
    break;
  }
  return false;
}

std::string quoteGbnf(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (char c : text) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\')
      quoted += '\\';
    if (byte < 0x20 || byte == 0x7f)
      quoted += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    else
      quoted += c;
  }
  return quoted + "\"";
}

bool SchemaTranslator::end(SchemaResult why, const SchemaPlace &place,
                           const std::string &what) {
  if (result == SchemaResult::good) {
    result = why;
    error = place.path + ": " + what;
  }
  return false;
}

SchemaResult SchemaTranslator::translateAll(std::string_view schema,
                                            std::string *out) {
  SchemaPlace place{"#"};
  std::string expression, reason;
  if (schema.size() > kMaxGrammarBytes)
    refuse(place, "the schema has " + std::to_string(schema.size()) +
                      " bytes, at most " + std::to_string(kMaxGrammarBytes) +
                      " are read");
  else if (!isUtf8(schema))
    refuse(place, "the schema is not UTF-8");
  else if (!jinja::parseJson(schema, &heap, &root, &reason))
    refuse(place, "no JSON: " + reason);
  if (result != SchemaResult::good)
    return result;
  if (root.is(Kind::dict))
    named[root.dict] = "root";
  bool good = root.is(Kind::dict) ? translateDict(root.dict, place, &expression)
                                  : translate(root, place, &expression);
  if (good && expression == "root")
    good = refuse(place, "the schema says of itself only that it is itself");
  if (good && translatePending())
    *out = kCommonRules + rules + "root ::= " + expression + "\n";
  return result;
}

bool SchemaTranslator::translatePending() {
  while (!pending.empty()) {
    Pending next = std::move(pending.back());
    pending.pop_back();
    std::string expression;
    if (!translateDict(next.schema, next.place, &expression))
      return false;
    if (expression == next.name)
      return refuse(next.place,
                    "the schema says of itself only that it is itself");
    rules += next.name + " ::= " + expression + "\n";
  }
  return true;
}

/// Pays for a schema that is looked at, and for the text so far.
bool SchemaTranslator::spend(const SchemaPlace &place) {
  if (place.depth > kMaxSchemaDepth)
    return refuse({"#"}, "schemas are nested deeper than " +
                             std::to_string(kMaxSchemaDepth));
  if (!heap.spend(1024) || rules.size() > kMaxGrammarBytes)
    return refuse(place, "the schema is too large");
  return true;
}

std::string SchemaTranslator::addRule(const std::string &body) {
  std::string name = "r" + std::to_string(++ruleCount);
  rules += name + " ::= " + body + "\n";
  return name;
}

bool SchemaTranslator::translate(const Value &schema, const SchemaPlace &place,
                                 std::string *result) {
  if (schema.is(Kind::boolean)) {
    *result = "value";
    return schema.boolean || refuse(place, "false: nothing fits");
  }
  if (!schema.is(Kind::dict))
    return refuse(place, std::string("found ") + jinja::kindName(schema) +
                             ", expected a schema");
  return translateDict(schema.dict, place, result);
}

bool SchemaTranslator::translateDict(Dict *schema, const SchemaPlace &place,
                                     std::string *result) {
  if (!spend(place) || !checkKeywords(*schema, place))
    return false;
  size_t restrictions = 0;
  for (const auto &[key, value] : schema->items)
    restrictions += !isAnnotation(key.string());
  const Value *reference = schema->find("$ref");
  if (reference && restrictions == 1) {
    Value target;
    if (!reference->isString())
      return refuse(place, "$ref: expected a string");
    return resolve(reference->string(), place, &target) &&
           translateReference(target, place, result);
  }
  if (reference || schema->find("allOf")) {
    Dict *merged;
    return flatten(Value::of(schema), place, &merged) &&
           translateDict(merged, {place.path, place.depth + 1}, result);
  }
  for (std::string_view keyword : {"anyOf", "oneOf"})
    if (schema->find(keyword))
      return translateAlternatives(schema, keyword, place, result);
  if (const Value *constant = schema->find("const"))
    return translateValues(*schema, {constant, 1}, place, result);
  if (const Value *values = schema->find("enum")) {
    if (!values->is(Kind::list))
      return refuse(place, "enum: expected a list");
    return translateValues(*schema, values->list->items, place, result);
  }
  std::vector<std::string_view> types;
  if (!findTypes(*schema, place, &types))
    return false;
  std::vector<std::string> parts;
  for (std::string_view type : types)
    if (!translateType(*schema, type, place, &parts.emplace_back()))
      return false;
  *result = parts.empty()       ? "value"
            : parts.size() == 1 ? parts[0]
                                : addRule(join(parts));
  return true;
}

bool SchemaTranslator::checkKeywords(const Dict &schema,
                                     const SchemaPlace &place) {
  for (const auto &[key, value] : schema.items)
    if (!isAnnotation(key.string()) && !findKeyword(key.string()))
      return lack(place, "the keyword '" + std::string(key.string()) + "'");
  return true;
}

/// A JSON pointer (RFC 6901) into the schema itself.
bool SchemaTranslator::resolve(std::string_view reference,
                               const SchemaPlace &place, Value *target) {
  if (!reference.starts_with('#') ||
      (reference.size() > 1 && reference[1] != '/'))
    return lack(place, "the reference '" + std::string(reference) +
                           "', which does not begin with '#/',");
  Value found = root;
  reference.remove_prefix(1);
  while (!reference.empty()) {
    reference.remove_prefix(1);
    size_t end = std::min(reference.find('/'), reference.size());
    std::string name;
    for (size_t at = 0; at < end; ++at) {
      bool isEscape = reference[at] == '~' && at + 1 < end;
      at += isEscape;
      name += isEscape ? (reference[at] == '1' ? '/' : '~') : reference[at];
    }
    reference.remove_prefix(end);
    const Value *next = nullptr;
    if (found.is(Kind::dict))
      next = found.dict->find(name);
    if (found.is(Kind::list) && !name.empty() && name.size() < 7 &&
        name.find_first_not_of("0123456789") == name.npos &&
        std::stoul(name) < found.list->items.size())
      next = &found.list->items[std::stoul(name)];
    if (!next)
      return refuse(place, "$ref: there is no '" + name + "' there");
    found = *next;
  }
  *target = found;
  return true;
}

bool SchemaTranslator::translateReference(const Value &target,
                                          const SchemaPlace &place,
                                          std::string *result) {
  if (!target.is(Kind::dict))
    return translate(target, place, result);
  auto [entry, isNew] = named.try_emplace(target.dict);
  if (isNew) {
    entry->second = "r" + std::to_string(++ruleCount);
    pending.push_back({target.dict, entry->second, {place.path, 0}});
  }
  *result = entry->second;
  return true;
}

/// Each alternative with all that stands beside them.
bool SchemaTranslator::translateAlternatives(Dict *schema,
                                             std::string_view keyword,
                                             const SchemaPlace &place,
                                             std::string *result) {
  const Value *list = schema->find(keyword);
  if (!list->is(Kind::list) || list->list->items.empty())
    return refuse(place, std::string(keyword) + ": expected a list");
  Dict *rest = heap.makeDict();
  bool isAlone = true;
  for (const auto &[key, value] : schema->items) {
    if (key.string() == keyword)
      continue;
    rest->items.push_back({key, value});
    isAlone &= isAnnotation(key.string());
  }
  std::vector<std::string> parts;
  for (size_t at = 0; at < list->list->items.size(); ++at) {
    const Value &item = list->list->items[at];
    SchemaPlace itemPlace =
        place.below(std::string(keyword) + "/" + std::to_string(at));
    Value one = isAlone ? item : allOf(Value::of(rest), item);
    if (!spend(itemPlace) || !translate(one, itemPlace, &parts.emplace_back()))
      return false;
  }
  *result = addRule(join(parts));
  return true;
}

bool SchemaTranslator::translateValues(const Dict &schema,
                                       std::span<const Value> values,
                                       const SchemaPlace &place,
                                       std::string *result) {
  std::vector<std::string_view> types;
  for (const auto &[key, value] : schema.items)
    if (!isAnnotation(key.string()) && key.string() != "type" &&
        key.string() != "enum" && key.string() != "const")
      return lack(place,
                  "'" + std::string(key.string()) + "' beside enum or const");
  if (!findTypes(schema, place, &types))
    return false;
  const Value *choices = schema.find("enum");
  std::vector<std::string> parts;
  for (const Value &value : values) {
    bool fits = types.empty();
    for (std::string_view type : types)
      fits |= hasJsonType(value, type);
    // const beside enum: one of them.
    if (choices && choices->is(Kind::list) && schema.find("const"))
      fits &= std::any_of(
          choices->list->items.begin(), choices->list->items.end(),
          [&](const Value &choice) { return isSameJson(choice, value); });
    std::string text;
    const char *reason;
    if (!fits)
      continue;
    if (!spend(place) ||
        !printJson(value, {}, kMaxGrammarBytes, &text, &reason))
      return refuse(place, "a value is too large");
    parts.push_back(quoteGbnf(text));
  }
  if (parts.empty())
    return refuse(place, "no value of enum or const fits");
  *result = addRule(join(parts));
  return true;
}

/// Empty: any. Without "type" the keywords tell, if all are of one type.
bool SchemaTranslator::findTypes(const Dict &schema, const SchemaPlace &place,
                                 std::vector<std::string_view> *types) {
  if (const Value *type = schema.find("type")) {
    std::span<const Value> names = {type, 1};
    if (type->is(Kind::list))
      names = type->list->items;
    for (const Value &name : names) {
      if (!name.isString() || std::find(std::begin(kTypes), std::end(kTypes),
                                        name.string()) == std::end(kTypes))
        return refuse(place, "type: no such type");
      types->push_back(name.string());
    }
    return !types->empty() || refuse(place, "type: nothing fits");
  }
  for (const auto &[key, value] : schema.items) {
    const Keyword *keyword = findKeyword(key.string());
    if (!keyword || keyword->type.empty())
      continue;
    if (!types->empty() && types->front() != keyword->type)
      return lack(place, "a schema without 'type' of two types");
    types->assign(1, keyword->type);
  }
  return true;
}

bool SchemaTranslator::translateType(const Dict &schema, std::string_view type,
                                     const SchemaPlace &place,
                                     std::string *result) {
  if (type == "object")
    return translateObject(schema, place, result);
  if (type == "array")
    return translateArray(schema, place, result);
  if (type == "string")
    return translateString(schema, place, result);
  if (type == "integer")
    return translateInteger(schema, place, result);
  if (type == "number")
    return translateNumber(schema, place, result);
  *result = type;
  return true;
}

SchemaResult translateSchema(std::string_view schema, std::string *out,
                             std::string *error) {
  SchemaTranslator translator;
  SchemaResult result = translator.translateAll(schema, out);
  *error = std::move(translator.error);
  return result;
}

} // namespace modelc::grammar
