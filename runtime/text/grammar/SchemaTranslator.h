//===- SchemaTranslator.h - A schema on its way to a grammar
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the files that translate: JsonSchema.cpp decides what a schema is,
// SchemaTypes.cpp writes strings, numbers and arrays, SchemaObjects.cpp
// objects, SchemaMerge.cpp makes one schema of several.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMATRANSLATOR_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMATRANSLATOR_H

#include "../jinja/Heap.h"
#include "JsonSchema.h"
#include <map>
#include <span>

namespace modelc::grammar {

using jinja::Dict;
using jinja::Kind;
using jinja::Value;

/// What a schema lies in, and how deep.
struct SchemaPlace {
  std::string path;
  int depth = 0;

  SchemaPlace below(std::string_view name) const {
    return {path + "/" + std::string(name), depth + 1};
  }
};

class SchemaTranslator {
public:
  SchemaResult translateAll(std::string_view schema, std::string *out);

  std::string error;

private:
  // Everything that returns bool: false after refuse() or lack().
  bool refuse(const SchemaPlace &place, const std::string &what) {
    return end(SchemaResult::wrong, place, what);
  }
  bool lack(const SchemaPlace &place, const std::string &what) {
    return end(SchemaResult::unsupported, place, what + " is not supported");
  }
  bool end(SchemaResult why, const SchemaPlace &place, const std::string &what);

  // JsonSchema.cpp. *result is a rule's name, or an expression that may be
  // repeated.
  bool translate(const Value &schema, const SchemaPlace &place,
                 std::string *result);
  bool translateDict(Dict *schema, const SchemaPlace &place,
                     std::string *result);
  bool translateReference(const Value &target, const SchemaPlace &place,
                          std::string *result);
  bool translateAlternatives(Dict *schema, std::string_view keyword,
                             const SchemaPlace &place, std::string *result);
  bool translateValues(const Dict &schema, std::span<const Value> values,
                       const SchemaPlace &place, std::string *result);
  bool translatePending();
  bool checkKeywords(const Dict &schema, const SchemaPlace &place);
  bool findTypes(const Dict &schema, const SchemaPlace &place,
                 std::vector<std::string_view> *types);
  bool translateType(const Dict &schema, std::string_view type,
                     const SchemaPlace &place, std::string *result);
  bool resolve(std::string_view reference, const SchemaPlace &place,
               Value *target);
  std::string addRule(const std::string &body);
  bool spend(const SchemaPlace &place);

  // SchemaTypes.cpp.
  bool translateString(const Dict &schema, const SchemaPlace &place,
                       std::string *result);
  bool translateInteger(const Dict &schema, const SchemaPlace &place,
                        std::string *result);
  bool translateNumber(const Dict &schema, const SchemaPlace &place,
                       std::string *result);
  bool translateArray(const Dict &schema, const SchemaPlace &place,
                      std::string *result);
  bool readCounts(const Dict &schema, const char *least, const char *most,
                  const SchemaPlace &place, int64_t *low, int64_t *high);

  // SchemaObjects.cpp.
  struct Member {
    std::string_view name;
    Value schema;
    bool isRequired;
  };
  bool translateObject(const Dict &schema, const SchemaPlace &place,
                       std::string *result);
  bool readMembers(const Dict &schema, const SchemaPlace &place,
                   std::vector<Member> *members);
  bool translateOthers(const Dict &schema, std::span<const Member> members,
                       const SchemaPlace &place, std::string *pair);
  std::string keyBut(std::span<const Member> members);

  // SchemaMerge.cpp.
  bool flatten(const Value &schema, const SchemaPlace &place, Dict **result);
  bool merge(Dict *into, const Dict &from, const SchemaPlace &place);
  bool mergeKeyword(Dict *into, std::string_view key, const Value &value,
                    const SchemaPlace &place);
  bool mergeLists(std::string_view key, const Value &before, const Value &value,
                  const SchemaPlace &place, Value *merged);
  bool mergeProperties(Dict *into, const Value &value,
                       const SchemaPlace &place);
  bool checkClosed(const Dict &closed, const Dict &other,
                   const SchemaPlace &place);
  Value allOf(const Value &left, const Value &right);

  jinja::Heap heap{uint64_t{1} << 26};
  Value root;
  SchemaResult result = SchemaResult::good;
  std::string rules;
  size_t ruleCount = 0;
  /// Names of the rules of schemas that references lead to.
  std::map<const Dict *, std::string> named;
  struct Pending {
    Dict *schema;
    std::string name;
    SchemaPlace place;
  };
  std::vector<Pending> pending;
};

/// Whether `key` only describes.
bool isAnnotation(std::string_view key);

/// JSON's equality: true is not 1.
bool isSameJson(const Value &left, const Value &right);

/// "string", "integer" and so on, a whole real being an integer; of a value.
bool hasJsonType(const Value &value, std::string_view type);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMATRANSLATOR_H
