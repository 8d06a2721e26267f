//===- json-schema-test.cpp - The grammars of JSON schemas
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JSON that a schema takes and JSON that it does not; what is refused, and how.
//
//===----------------------------------------------------------------------===//

#include "GrammarTesting.h"

namespace modelc::grammar::test {
namespace {

struct Case {
  const char *schema;
  std::vector<const char *> good, bad;
};

void check(const std::vector<Case> &cases) {
  for (const auto &[schema, good, bad] : cases) {
    GrammarMatcher matcher = matcherOf(grammarOfSchema(schema));
    for (const char *text : good)
      EXPECT_TRUE(matches(matcher, text)) << schema << "\n" << text;
    for (const char *text : bad)
      EXPECT_FALSE(matches(matcher, text)) << schema << "\n" << text;
  }
}

TEST(JsonSchema, Types) {
  check({
      {"true",
       {"null", "[1, {\"a\": [true]}]", "\"x\"", "{}", "[]", "-1.5e-3"},
       {"", "nul", "[1,]", "{a: 1}", "01", "'x'", " null", "null "}},
      {"{}", {"3"}, {"x"}},
      {R"({"type": "null"})", {"null"}, {"true"}},
      {R"({"type": "boolean"})", {"true", "false"}, {"null"}},
      {R"({"type": ["string", "null"]})", {"null", "\"\""}, {"1"}},
      {R"({"type": "integer"})",
       {"0", "-12", "999999999999999999"},
       {"1.0", "00", "+1", "1e3", "1000000000000000000"}},
      {R"({"type": "number"})", {"0", "-0.5", "1e3"}, {".5", "1.", "1e"}},
      {R"({"type": "number", "minimum": 0})", {"0.5"}, {"-0.5"}},
      {R"({"type": "string"})",
       {R"("")", R"("a\n\u00e9\"")", "\"\xc3\xa9\"", R"("\ud83d\ude00")"},
       {"\"", "\"\n\"", R"("\x")", R"("\ud83d")", R"("\ude00")", "a"}},
  });
}

TEST(JsonSchema, Strings) {
  check({
      {R"({"type": "string", "minLength": 2, "maxLength": 3})",
       {R"("ab")", "\"\xc3\xa9\xe6\xbc\xa2z\"", R"("\n\t")",
        R"("a\ud83d\ude00")"},
       {R"("a")", R"("abcd")"}},
      {R"({"minLength": 1})", {R"("a")"}, {R"("")"}},
      {R"({"type": "string", "format": "date"})",
       {R"("2026-11-25")", R"("2026-01-31")", R"("2026-02-28")"},
       {R"("2026-13-01")", R"("2026-00-10")", R"("2026-02-30")",
        R"("2026-06-31")", R"("2026-1-1")"}},
      {R"({"type": "string", "format": "time"})",
       {R"("23:59:59Z")", R"("00:00:00.125+01:30")"},
       {R"("24:00:00Z")", R"("23:60:00Z")", R"("23:59:59")"}},
      {R"({"type": "string", "format": "date-time"})",
       {R"("2026-11-25T01:02:03Z")"},
       {R"("2026-11-25")"}},
      {R"({"type": "string", "format": "uuid"})",
       {R"("123e4567-e89b-12d3-a456-426614174000")"},
       {R"("123e4567-e89b-12d3-a456-42661417400")"}},
      {R"({"type": "string", "format": "ipv4"})",
       {R"("0.10.199.255")"},
       {R"("256.0.0.1")", R"("1.2.3")", R"("01.2.3.4")"}},
  });
}

TEST(JsonSchema, Patterns) {
  check({
      {R"({"type": "string", "pattern": "^\\d{3}-\\d{4}$"})",
       {R"("555-0123")"},
       {R"("555-012")", R"("x555-0123")", R"("555-01234")", R"("555-0123)"}},
      // Without anchors it is a part of the string, which may have escapes.
      {R"({"pattern": "cat|^dog"})",
       {R"("cat")", R"("a cat \u00e9\n")", R"("dogs")"},
       {R"("a dog")", R"("ca")", R"("")"}},
      {R"({"pattern": ""})", {R"("")", R"("x")"}, {"1"}},
      {R"({"pattern": "^(?:ab|(?<n>c))*?d+$"})",
       {R"("d")", R"("abcabdd")"},
       {R"("abc")", R"("ad")"}},
      {R"({"pattern": "^[A-Z][a-z\\]-]{1,2}.\\.$"})",
       {R"("Ab].")", R"("A-\t.")", R"("Azz\".")", "\"Aa\xc3\xb0.\""},
       {R"("A.")", R"("ab..")", R"("Ab\n.")", R"("Ab\r.")"}},
      {R"({"pattern": "^[^a-c\\d\"]$"})",
       {R"("d")", R"("\\")", R"("\n")", "\"\xc3\xa9\""},
       {R"("a")", R"("7")", R"("\"")", "\"\n\""}},
      {R"({"pattern": "^\\w\\W\\s\\S\\D$"})",
       {R"("_- x!")", "\"A\xe3\x80\x80\xc2\xa0yz\""},
       {R"("--  !")", R"("a  xx7")"}},
      {R"({"pattern": "^\"\\\\\\x41\\u00e9\\t\\u0001\\/$"})",
       {"\"\\\"\\\\A\xc3\xa9\\t\\u0001/\""},
       {"\"\\\"\\\\A\xc3\xa9\t\\u0001/\""}},
      {R"({"pattern": "^a{2}b{2,}c{0,1}[$^]$"})",
       {R"("aabb$")", R"("aabbbbc^")"},
       {R"("aab$")", R"("aabbcc$")"}},
  });
}

// All numbers around the limits, for limits of all kinds.
TEST(JsonSchema, IntegerRanges) {
  const std::pair<int64_t, int64_t> ranges[] = {
      {0, 0},     {7, 42},   {10, 99},    {1, 100},  {95, 1203},
      {-5, 5},    {-42, -7}, {-100, 100}, {99, 101}, {1000, 1999},
      {123, 129}, {0, 1500}, {-1203, 0},  {5, 1005}};
  for (auto [low, high] : ranges) {
    GrammarMatcher matcher = matcherOf("root ::= " + integerRange(low, high));
    for (int64_t value = -2100; value <= 2100; ++value)
      ASSERT_EQ(matches(matcher, std::to_string(value)),
                value >= low && value <= high)
          << low << ".." << high << ": " << value;
    EXPECT_FALSE(matches(matcher, "-0"));
    EXPECT_FALSE(matches(matcher, "007"));
  }
  check({
      {R"({"type": "integer", "minimum": 3})", {"3", "1000"}, {"2", "-1"}},
      {R"({"type": "integer", "exclusiveMinimum": 3, "maximum": 4.5})",
       {"4"},
       {"3", "5"}},
      {R"({"type": "integer", "exclusiveMaximum": 0, "minimum": -2.5})",
       {"-1", "-2"},
       {"0", "-3"}},
      {R"({"type": "integer", "maximum": 1e300})", {"7"}, {"7.5"}},
  });
}

TEST(JsonSchema, EnumAndConst) {
  check({
      {R"({"enum": ["a", 1, null, true, {"x": [2]}]})",
       {R"("a")", "1", "null", "true", R"({"x": [2]})"},
       {"a", "2", "false"}},
      {R"({"const": "say \"\\\u00e9\""})",
       {"\"say \\\"\\\\\xc3\xa9\\\"\""},
       {}},
      {R"({"type": "string", "enum": ["a", 1]})", {R"("a")"}, {"1"}},
      {R"({"enum": [1, true], "const": true})", {"true"}, {"1"}},
  });
}

TEST(JsonSchema, Objects) {
  check({
      {R"({"type": "object"})", {"{}", R"({"a": 1, "b": {}})"}, {"[]"}},
      {R"({"properties": {"a": {"type": "null"}, "b": {"type": "boolean"},
           "c": {"type": "integer"}}, "required": ["b"]})",
       {R"({"b":true})", R"({"a":null,"b":true})", R"({"b":true,"c":1})",
        "{\n  \"a\": null,\n  \"b\": false,\n  \"c\": 3\n}"},
       {"{}", R"({"a":null})", R"({"b":1})", R"({"c":1,"b":true})",
        R"({"b":true,})", R"({"b":true,"d":1})"}},
      {R"({"properties": {"a": {}}})",
       {"{}", R"({"a": [1]})"},
       {R"({"b": 1})"}},
      {R"({"properties": {"a": {"type": "null"}, "ab": {"type": "null"}},
           "additionalProperties": {"type": "integer"}})",
       {"{}", R"({"a": null})", R"({"x": 1})", R"({"a": null, "b": 1, "c": 2})",
        R"({"": 1, "abc": 2})", R"({"ab": null, "aa": 1})"},
       {R"({"a": 1})", R"({"ab": 1})", R"({"x": null})", R"({"\u0061": 1})"}},
      {R"({"required": ["a"], "additionalProperties": {"type": "null"}})",
       {R"({"a": null})", R"({"a": null, "b": null})"},
       {"{}", R"({"b": null})", R"({"a": 1})"}},
      {R"({"type": "object", "required": ["a"]})",
       {R"({"a": [], "b": 1})"},
       {"{}"}},
      {R"({"properties": {"say \"x\"": {"type": "null"}}})",
       {R"({"say \"x\"": null})"},
       {}},
  });
}

TEST(JsonSchema, Arrays) {
  check({
      {R"({"items": {"type": "null"}})", {"[]", "[null, null]"}, {"[1]"}},
      {R"({"type": "array", "minItems": 1, "maxItems": 2})",
       {"[1]", "[1,2]"},
       {"[]", "[1,2,3]"}},
      {R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
      {R"({"type": "array", "maxItems": 1})", {"[]", "[1]"}, {"[1,2]"}},
      {R"({"type": "array", "minItems": 2})", {"[1,2,3]"}, {"[1]"}},
      {R"({"prefixItems": [{"type": "null"}, {"type": "boolean"}]})",
       {"[null, true]"},
       {"[]", "[null]", "[null, true, 1]"}},
      {R"({"prefixItems": [{"type": "null"}, {"type": "boolean"}],
           "items": {"type": "integer"}, "minItems": 1, "maxItems": 4})",
       {"[null]", "[null, true]", "[null, true, 1, 2]"},
       {"[]", "[true]", "[null, true, true]", "[null, true, 1, 2, 3]"}},
      {R"({"items": [{"type": "null"}],
           "additionalItems": {"type": "integer"}})",
       {"[null]", "[null, 1]"},
       {"[null, null]"}},
      {R"({"prefixItems": [{}, {}], "maxItems": 1})", {"[1]"}, {"[1,2]", "[]"}},
      {R"({"prefixItems": [{}, {}], "minItems": 0})",
       {"[]", "[1]", "[1,2]"},
       {"[1,2,3]"}},
  });
}

TEST(JsonSchema, AlternativesReferencesAndMerging) {
  check({
      {R"({"anyOf": [{"type": "null"}, {"type": "integer"}]})",
       {"null", "1"},
       {"true"}},
      {R"({"type": "object", "properties": {"a": {"type": "null"}},
           "oneOf": [{"required": ["a"]}, {"properties": {"b": {"type":
           "null"}}, "required": ["b"]}]})",
       {R"({"a": null})", R"({"b": null})", R"({"a": null, "b": null})"},
       {"{}"}},
      {R"({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object",
           "properties": {"value": {"type": "integer"}, "children": {"type":
           "array", "items": {"$ref": "#/$defs/tree"}}},
           "required": ["value", "children"]}}})",
       {R"({"value": 1, "children": []})",
        R"({"value": 1, "children": [{"value": 2, "children": []}]})"},
       {R"({"value": 1, "children": [1]})", R"({"value": 1})"}},
      {R"({"properties": {"next": {"$ref": "#"}}})",
       {"{}", R"({"next": {"next": {}}})"},
       {R"({"next": 1})"}},
      {R"({"allOf": [{"type": ["integer", "null"], "minimum": 2}, {"type":
           "number", "minimum": 1, "maximum": 9}, {"maximum": 5}]})",
       {"2", "5"},
       {"1", "6", "null"}},
      {R"({"allOf": [{"properties": {"a": {"type": "integer"}}, "required":
           ["a"]}, {"properties": {"a": {"minimum": 3, "maximum": 4},
           "b": {"type": "null"}}, "required": ["b"]}]})",
       {R"({"a": 3, "b": null})"},
       {R"({"a": 5, "b": null})", R"({"a": 3})"}},
      {R"({"$ref": "#/definitions/a~1b", "maximum": 3, "description": "x",
           "definitions": {"a/b": {"type": "integer", "minimum": 3}}})",
       {"3"},
       {"2", "4"}},
      {R"({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}]})",
       {"2", "3"},
       {"1", "4"}},
  });
}

TEST(JsonSchema, SaysWhatIsWrongAndWhatIsMissing) {
  const struct {
    std::string schema;
    SchemaResult result;
    std::string error;
  } cases[] = {
      {"{", SchemaResult::wrong, "#: no JSON: expected a key at byte 1"},
      {"3", SchemaResult::wrong, "#: found a number, expected a schema"},
      {"\"\xff\"", SchemaResult::wrong, "#: the schema is not UTF-8"},
      {"false", SchemaResult::wrong, "#: false: nothing fits"},
      {R"({"not": {}})", SchemaResult::unsupported,
       "#: the keyword 'not' is not supported"},
      {R"({"properties": {"a": {"multipleOf": 2}}})", SchemaResult::unsupported,
       "#/properties/a: the keyword 'multipleOf' is not supported"},
      {R"({"pattern": "a", "minLength": 1})", SchemaResult::unsupported,
       "#: minLength, maxLength or format beside pattern is not supported"},
      {R"({"pattern": 1})", SchemaResult::wrong,
       "#: pattern: expected a string"},
      {R"s({"pattern": "a(?=b)"})s", SchemaResult::unsupported,
       "#: pattern: looking ahead or behind is not supported"},
      {R"({"pattern": "(a)\\1"})", SchemaResult::unsupported,
       "#: pattern: '\\1' is not supported"},
      {R"({"pattern": "\\bx"})", SchemaResult::unsupported,
       "#: pattern: '\\b' is not supported"},
      {R"s({"pattern": "(^a)"})s", SchemaResult::unsupported,
       "#: pattern: '^' and '$' but at the ends is not supported"},
      {R"({"pattern": "a**"})", SchemaResult::wrong,
       "#: pattern: there is nothing that '*' could repeat"},
      {R"({"pattern": "(a"})", SchemaResult::wrong,
       "#: pattern: there is no ')' for a '('"},
      {R"s({"pattern": "a)"})s", SchemaResult::wrong,
       "#: pattern: there is no '(' for a ')'"},
      {R"({"pattern": "[a"})", SchemaResult::wrong,
       "#: pattern: there is no ']' for a '['"},
      {R"({"pattern": "[]"})", SchemaResult::wrong,
       "#: pattern: a class is empty"},
      {R"({"pattern": "[b-a]"})", SchemaResult::wrong,
       "#: pattern: a range of a class has no such ends"},
      {R"({"pattern": "a{3,2}"})", SchemaResult::wrong,
       "#: pattern: the numbers in '{}' are out of order"},
      {R"({"pattern": "a{2"})", SchemaResult::wrong,
       "#: pattern: there is no '}' for a '{'"},
      {R"({"pattern": "\\u12"})", SchemaResult::wrong,
       "#: pattern: expected 4 hexadecimal digits behind '\\x' or '\\u'"},
      {R"({"type": "text"})", SchemaResult::wrong, "#: type: no such type"},
      {R"({"type": "string", "format": "email"})", SchemaResult::unsupported,
       "#: the format 'email' is not supported"},
      {R"({"type": "number", "maximum": 3})", SchemaResult::unsupported,
       "#: 'maximum' of a number that need not be whole, but for a minimum of "
       "0, is not supported"},
      {R"({"$ref": "#/$defs/x"})", SchemaResult::wrong,
       "#: $ref: there is no '$defs' there"},
      {R"({"$ref": "http://x.org"})", SchemaResult::unsupported,
       "#: the reference 'http://x.org', which does not begin with '#/', is "
       "not supported"},
      {R"({"$ref": "#"})", SchemaResult::wrong,
       "#: the schema says of itself only that it is itself"},
      {R"({"type": "array", "minItems": 3, "maxItems": 2})",
       SchemaResult::wrong, "#: maxItems is below minItems: nothing fits"},
      {R"({"type": "array", "uniqueItems": true})", SchemaResult::unsupported,
       "#: uniqueItems is not supported"},
      {R"({"type": "integer", "minimum": 4, "maximum": 3})",
       SchemaResult::wrong, "#: no whole number of 18 digits is in the limits"},
      {R"({"minLength": 1, "minItems": 1})", SchemaResult::unsupported,
       "#: a schema without 'type' of two types is not supported"},
      {R"({"enum": []})", SchemaResult::wrong,
       "#: no value of enum or const fits"},
      {R"({"allOf": [{"properties": {"a": {}}, "additionalProperties": false},
           {"properties": {"b": {}}}]})",
       SchemaResult::unsupported,
       "#: additionalProperties of one part of allOf, which limits the "
       "properties of another, is not supported"},
      {R"({"allOf": [{"type": "string"}, {"type": "null"}]})",
       SchemaResult::wrong, "#: type: nothing fits all of them"},
      // What would go on for ever, or multiply.
      {R"({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}},
           "$ref": "#/$defs/a"})",
       SchemaResult::wrong, "#: schemas are nested deeper than 150"},
  };
  for (const auto &[schema, result, error] : cases) {
    std::string grammar, found;
    EXPECT_EQ(translateSchema(schema, &grammar, &found), result) << schema;
    EXPECT_EQ(found, error) << schema;
  }
  // Alternatives of themselves, twice each.
  std::string grammar, error;
  EXPECT_EQ(translateSchema(R"({"type": "null", "anyOf": [{"$ref": "#"},
                                {"$ref": "#"}]})",
                            &grammar, &error),
            SchemaResult::wrong);
}

// As the pages show it.
TEST(JsonSchema, WritesGbnf) {
  std::string grammar =
      grammarOfSchema(R"({"type": "array", "items": {"enum": [1, "a"]}})");
  EXPECT_EQ(grammar.substr(grammar.find("r1 ::=")),
            "r1 ::= \"1\" | \"\\\"a\\\"\"\n"
            "r2 ::= \"[\" ws (r1 (\",\" ws r1)* ws)? \"]\"\n"
            "root ::= r2\n");
}

} // namespace
} // namespace modelc::grammar::test
