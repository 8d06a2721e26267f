//===- SchemaObjects.cpp - The grammar of objects
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"properties": {"a": .., "b": .., "c": ..}, "required": ["b"]}
//     ==> last ::= ("," ws c)?        what may follow b
//         "{" ws (a "," ws b last | b last) ws "}"
//
// Members come in the order of the schema, so that two rules for each say all:
// what follows if nothing stands before it, and if something does.
//
//===----------------------------------------------------------------------===//

#include "../Utf8.h"
#include "../jinja/Print.h"
#include "Gbnf.h"
#include "SchemaTranslator.h"
#include <algorithm>

namespace modelc::grammar {
namespace {

/// In a class of GBNF.
std::string classCharacter(uint32_t codePoint) {
  char text[16];
  std::snprintf(text, sizeof(text), codePoint < 0x100 ? "\\x%02X" : "\\U%08X",
                codePoint);
  return text;
}

/// "\"name\"", as JSON and then as GBNF.
std::string quoteKey(std::string_view name) {
  std::string json;
  const char *reason;
  // A key of a schema that was read is printed.
  if (!jinja::printJson(Value::of(name), {}, 8 * kMaxGrammarBytes, &json,
                        &reason))
    json = "\"\"";
  return quoteGbnf(json);
}

struct NameNode {
  std::map<uint32_t, size_t> children;
  bool isName = false;
};

} // namespace

bool SchemaTranslator::readMembers(const Dict &schema, const SchemaPlace &place,
                                   std::vector<Member> *members) {
  const Value *properties = schema.find("properties");
  const Value *required = schema.find("required");
  if (properties && !properties->is(Kind::dict))
    return refuse(place, "properties: expected an object");
  if (required && !required->is(Kind::list))
    return refuse(place, "required: expected a list");
  std::map<std::string_view, size_t> indexOf;
  if (properties)
    for (const auto &[name, value] : properties->dict->items) {
      indexOf[name.string()] = members->size();
      members->push_back({name.string(), value, false});
    }
  if (!required)
    return true;
  const Value *others = schema.find("additionalProperties");
  for (const Value &name : required->list->items) {
    if (!name.isString())
      return refuse(place, "required: expected names");
    auto [entry, isNew] = indexOf.try_emplace(name.string(), members->size());
    if (isNew)
      members->push_back(
          {name.string(), others ? *others : Value::of(true), true});
    (*members)[entry->second].isRequired = true;
  }
  return true;
}

bool SchemaTranslator::translateObject(const Dict &schema,
                                       const SchemaPlace &place,
                                       std::string *result) {
  std::vector<Member> members;
  std::string other;
  if (!readMembers(schema, place, &members) ||
      !translateOthers(schema, members, place, &other))
    return false;
  std::string first, later = "ws";
  if (!other.empty()) {
    later = addRule("(\",\" ws " + other + ")* ws");
    first = "(" + other + " " + later + ")?";
  }
  for (size_t at = members.size(); at-- > 0;) {
    const Member &member = members[at];
    std::string value;
    SchemaPlace below = place.below("properties");
    if (!translate(member.schema, below.below(member.name), &value))
      return false;
    std::string pair = addRule(quoteKey(member.name) + " \":\" ws " + value);
    std::string alone = pair + " " + later;
    if (!member.isRequired)
      first =
          addRule(first.empty() ? "(" + alone + ")?" : alone + " | " + first);
    else
      first = alone;
    later = member.isRequired ? addRule("\",\" ws " + alone)
                              : addRule("(\",\" ws " + pair + ")? " + later);
  }
  *result = addRule("\"{\" ws " + first + " \"}\"");
  return true;
}

/// A member that the schema does not name; empty if there may be none. They
/// may be where `additionalProperties` says so, and where nothing is named.
bool SchemaTranslator::translateOthers(const Dict &schema,
                                       std::span<const Member> members,
                                       const SchemaPlace &place,
                                       std::string *pair) {
  const Value *others = schema.find("additionalProperties");
  pair->clear();
  if (others ? others->is(Kind::boolean) && !others->boolean
             : schema.find("properties") != nullptr)
    return true;
  std::string value = "value";
  if (others &&
      !translate(*others, place.below("additionalProperties"), &value))
    return false;
  *pair = addRule(keyBut(members) + " \":\" ws " + value);
  return true;
}

/// A key that is none of the members', with no escape, which could spell one.
std::string SchemaTranslator::keyBut(std::span<const Member> members) {
  if (members.empty())
    return "string";
  std::vector<NameNode> nodes(1);
  for (const Member &member : members) {
    size_t at = 0;
    for (std::string_view left = member.name; !left.empty();) {
      text::CodePoint point = text::firstCodePoint(left);
      left.remove_prefix(point.bytes);
      auto [entry, isNew] =
          nodes[at].children.try_emplace(point.value, nodes.size());
      at = entry->second;
      if (isNew)
        nodes.emplace_back();
    }
    nodes[at].isName = true;
  }
  constexpr const char *kNoLetter = "\"\\\\\\x00-\\x1f";
  std::string letter = addRule(std::string("[^") + kNoLetter + "]");
  std::vector<std::string> names(nodes.size());
  for (size_t at = nodes.size(); at-- > 0;) {
    const NameNode &node = nodes[at];
    std::string body, others = std::string("[^") + kNoLetter;
    for (const auto &[codePoint, child] : node.children) {
      others += classCharacter(codePoint);
      // What a key cannot have without an escape is in no key here.
      if (codePoint >= 0x20 && codePoint != '"' && codePoint != '\\')
        body += "[" + classCharacter(codePoint) + "] " + names[child] + " | ";
    }
    body += others + "] " + letter + "*";
    names[at] = addRule(node.isName ? body : "(" + body + ")?");
  }
  return addRule("\"\\\"\" " + names[0] + " \"\\\"\"");
}

} // namespace modelc::grammar
