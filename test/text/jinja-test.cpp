//===- jinja-test.cpp - The template language of chat templates
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What each part of the language gives, the errors, and that hostile templates
// end. jinja/differential-test.py compares much more with Python's Jinja.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/jinja/Json.h"
#include "runtime/text/jinja/Template.h"
#include <gtest/gtest.h>

namespace modelc::jinja {
namespace {

/// The text, or "error: ...".
std::string render(std::string_view source, std::string_view json = "{}",
                   uint64_t budget = kRenderBudget) {
  Heap input(UINT64_MAX), heap(budget);
  Value variables;
  std::string error, text;
  if (!parseJson(json, &input, &variables, &error))
    return "error: variables: " + error;
  Template parsed;
  if (!parsed.parse(source, &error))
    return "error: " + error;
  if (!parsed.render(*variables.dict, 1750000000, &heap, &text, &error))
    return "error: " + error;
  return text;
}

struct Case {
  const char *source;
  const char *text;
};

void check(std::initializer_list<Case> cases, std::string_view json = "{}") {
  for (const Case &c : cases)
    EXPECT_EQ(render(c.source, json), c.text) << c.source;
}

TEST(Jinja, Expressions) {
  check({{"{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 3 }} {{ -7 // 2 }} {{ 2 ** 10 }}",
          "6 1 -4 1024"},
         {"{{ 7 / 2 }} {{ 1e20 }} {{ 0.1 + 0.2 }} {{ 1 == 1.0 }}",
          "3.5 1e+20 0.30000000000000004 True"},
         {"{{ 'a' ~ 1 ~ none ~ true }} {{ 'a' 'b' + 'c' }} {{ 'ab' * 2 }}",
          "a1NoneTrue abc abab"},
         {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' in 'cat' }} {{ 2 not in [1] "
          "}}",
          "True False True True"},
         {"{{ 1 and 0 or 'x' }} {{ not 1 }} {{ 'y' if 0 }}|", "x False |"},
         {"{{ [1, 'a\\'b', none, {'k': (1,)}] }}",
          "[1, \"a'b\", None, {'k': (1,)}]"},
         {"{{ 'abcdef'[1:3] }} {{ 'abc'[::-1] }} {{ [1,2,3][-1] }} {{ "
          "[1,2,3][5] }}|",
          "bc cba 3 |"},
         {"{{ '\\u00e9\\x41\\n\\q' }}", "\xc3\xa9"
                                        "A\n\\q"}});
}

TEST(Jinja, TextCountsCharacters) {
  check({{"{{ s | length }} {{ s[1] }} {{ s[::-1] }}", "3 \xc3\xa9 !\xc3\xa9h"},
         {"{{ s.upper() }} {{ '\\u3000x\\u3000' | trim }}", "H\xc3\xa9! x"}},
        R"({"s": "hé!"})");
}

TEST(Jinja, WhiteSpace) {
  check({{"a\n  {% if 1 %}\nb\n  {% endif %}\nc\n", "a\nb\nc"},
         {"a\n  {%- if 1 -%}\n b {%- endif %}\n c", "ab c"},
         {"a {% if 1 %} b {% endif %}\nc", "a  b c"},
         {"a\n  {%+ if 1 %}b{% endif +%}\nc", "a\n  b\nc"},
         {"a\n {# x #}\nb {#- y -#} c", "a\nbc"},
         {"{{ 1 }}\n{{- 2 -}}\n 3", "123"},
         {"{{ 1 }}\n\n", "1\n"},
         {"a\r\nb\rc", "a\nb\nc"},
         {"{% raw %}{{ x }} {% y{% endraw %}!", "{{ x }} {% y!"},
         {"{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"}});
}

TEST(Jinja, Statements) {
  check(
      {{"{% for x in [1,2,3] if x != 2 %}{{ loop.index }}{{ x }}{{ ',' if "
        "not loop.last }}{% else %}none{% endfor %}",
        "11,23"},
       {"{% for x in [] %}{% else %}none{% endfor %}", "none"},
       {"{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"},
       {"{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if "
        "x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
        "02"},
       {"{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}",
        "1"},
       {"{% set ns = namespace(n=0) %}{% for i in [1,2] %}{% set ns.n = ns.n "
        "+ i %}{% endfor %}{{ ns.n }}",
        "3"},
       {"{% set x | upper %}a{{ 1 }}{% endset %}{{ x }}", "A1"},
       {"{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"},
       {"{% macro m(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ "
        "m(b=2, a=3) }}",
        "[1z][32]"},
       {"{% filter upper %}a{% endfilter %}{% with x = 1 %}{{ x }}{% endwith "
        "%}{{ x }}|",
        "A1|"},
       {"{% generation %}said{% endgeneration %}", "said"},
       {"{% for x in [1,2] %}{{ loop.previtem is defined }}{% endfor %}",
        "FalseTrue"}});
}

TEST(Jinja, FiltersAndTests) {
  check(
      {{"{{ d | tojson }}", R"({"b": [1, 2.5, null], "a": "é\n\"<"})"},
       {"{{ d | tojson(indent=2) }}",
        "{\n  \"b\": [\n    1,\n    2.5,\n    null\n  ],\n"
        "  \"a\": \"é\\n\\\"<\"\n}"},
       {"{{ d | tojson(separators=(',', ':'), sort_keys=true) }}",
        R"({"a":"é\n\"<","b":[1,2.5,null]})"},
       {"{{ [3,1,2] | sort | join(',') }} {{ ['b','A'] | sort | first }}",
        "1,2,3 A"},
       {"{{ m | selectattr('r', 'equalto', 'u') | map(attribute='c') | join }}",
        "xz"},
       {"{{ m | rejectattr('r', 'equalto', 'u') | list | length }}", "1"},
       {"{{ missing | default('q') }} {{ '' | default('q', true) }}", "q q"},
       {"{{ 'a b' | title }} {{ 'aB' | capitalize }} {{ '42x' | int(7) }}",
        "A B Ab 7"},
       {"{{ {'b': 1, 'a': 2} | dictsort }} {{ [1,1,2] | unique | list }}",
        "[('a', 2), ('b', 1)] [1, 2]"},
       {"{{ 'a\nb' | indent(2) }} {{ [1,2,3] | sum }} {{ [2,9] | max }}",
        "a\n  b 6 9"},
       {"{{ m is iterable }} {{ 'x' is string }} {{ d is mapping }} {{ x is "
        "defined }} {{ none is none }} {{ 3 is odd }} {{ 3 is divisibleby 3 }}",
        "True True True False True True True"},
       {"{{ d.get('zz', 1) }} {{ d.zz is defined }} {{ d['b'][0] }} {{ "
        "d.keys() | list }}",
        "1 False 1 ['b', 'a']"},
       {"{{ ' a,b,c '.strip().split(',', 1) }} {{ 'abc'.startswith(('x', 'a')) "
        "}} {{ 'aXbX'.replace('X', '-') }}",
        "['a', 'b,c'] True a-b-"},
       {"{{ '<{}|{}{{}}>'.format('a', 2) }} {{ '{1}{n}{0}'.format(1, none, "
        "n='x') }}",
        "<a|2{}> Nonex1"},
       {"{{ 'a</think>b'.split('</think>')[-1].lstrip('\\n') }}", "b"}},
      R"({"d": {"b": [1, 2.5, null], "a": "é\n\"<"},
          "m": [{"r": "u", "c": "x"}, {"r": "a", "c": "y"},
                {"r": "u", "c": "z"}]})");
}

TEST(Jinja, Errors) {
  check(
      {{"\n{{ x.y }}", "error: line 2: 'x' is undefined"},
       {"{{ {}.a.b }}", "error: line 1: 'a' is undefined"},
       {"{{ f() }}", "error: line 1: 'f' is undefined"},
       {"{{ 1 + 'a' }}", "error: line 1: a number + a string"},
       {"{{ 'a' | nope }}",
        "error: line 1: the filter 'nope' is not understood here"},
       {"{{ 'a' is nope }}",
        "error: line 1: the test 'nope' is not understood here"},
       {"{% include 'x' %}",
        "error: line 1: the tag 'include' is not understood here"},
       {"{% if 1 %}\n", "error: line 1: the template ends before {% endif %}"},
       {"{% for x in none %}{% endfor %}", "error: line 1: none has no items"},
       {"{{ 1 ", "error: line 1: the tag {{ has no end"},
       {"{# x", "error: line 1: the comment has no end"},
       {"{{ 'x }}", "error: line 1: the string has no end"},
       {"{{ a b }}", "error: line 1: expected '}}', found 'b'"},
       {"{{ (1] }}", "error: line 1: unexpected ']'"},
       {"{% break %}", "error: line 1: there is no loop around this"},
       {"{{ raise_exception('no ' ~ 'way') }}",
        "error: line 1: the template refuses: no way"},
       {"{{ [].append(1) }}", "error: line 1: append: would change a list, "
                              "which a template may not"},
       {"{{ 'a'.replace('b') }}",
        "error: line 1: replace: needs the argument 'new'"},
       {"{{ '{}{}'.format(1) }}",
        "error: line 1: format: there is no argument for '{}'"},
       {"{{ '{:3}'.format(1) }}",
        "error: line 1: format: there is no argument for '{:3}'"},
       {"{{ '{0}{}'.format(1) }}",
        "error: line 1: format: fields with and without numbers"},
       {"{{ '}'.format() }}", "error: line 1: format: a '}' stands alone"},
       {"{{ 'a' | trim(1, 2) }}",
        "error: line 1: trim: takes at most 1 arguments"},
       {"{% set x.y = 1 %}", "error: line 1: 'x' is no namespace, its "
                             "attributes cannot be set"},
       {"{{ 9223372036854775807 + 1 }}",
        "error: line 1: the number is too large"},
       {"{{ 1 // 0 }}", "error: line 1: division by zero"},
       {"{{ x | int }}", "error: line 1: int: the value is undefined"},
       {"{{ {[1]: 2} }}", "error: line 1: a list cannot be a key"},
       {"{{ strftime_now('%9999d') }}", "error: line 1: strftime_now: the "
                                        "format is not understood here"}});
}

TEST(Jinja, HostileTemplatesEnd) {
  const std::string spent =
      "error: line 1: the template takes too long or makes too much";
  const std::string deep = "error: line 1: nested too deep";
  // Small budgets, so that the test is quick.
  for (const char *source :
       {"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% "
        "endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = "
        "ns.x ~ ns.x %}{% endfor %}",
        "{{ 'ab' * 999999999999 }}", "{{ [1] * 99999999 }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = "
        "[ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}",
        "{% set ns = namespace(x='') %}{% for i in range(99999) %}{% set ns.x "
        "= "
        "ns.x ~ 'abc' %}{{ ns.x }}{% endfor %}",
        "{{ ('a' * 99999).replace('', 'b' * 99999) }}",
        "{{ (range(99999) | list) * 99 | sort }}",
        "{{ ('a' * 99999) in ('a' * 999 + 'b') * 99 }}",
        "{{ ('a' * 99999).find('a' * 9999 + 'b') }}",
        "{% set a = 'x' * 99999 %}{% set b = 'x' * 99999 %}{% for i in "
        "range(999) %}{% if a == b %}{% endif %}{% endfor %}"})
    EXPECT_EQ(render(source, "{}", 1 << 22), spent) << source;
  EXPECT_EQ(render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), deep);
  EXPECT_EQ(
      render("{{ " + std::string(5000, '(') + std::string(5000, ')') + " }}"),
      deep);
  EXPECT_EQ(render("{{ " + std::string(99999, '[') + " }}").find("error: "),
            0u);
  std::string chain = "{{ 1";
  for (int at = 0; at < 5000; ++at)
    chain += "+1";
  EXPECT_EQ(render(chain + " }}"), deep);
  std::string blocks;
  for (int at = 0; at < 5000; ++at)
    blocks += "{% if 1 %}";
  EXPECT_EQ(render(blocks), deep);
  EXPECT_EQ(render("{{ range(100001) }}"),
            "error: line 1: range: more than 100000 numbers");
  // A namespace that holds itself prints, and leaks nothing.
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a }}"),
            "[<Namespace>]");
}

TEST(Jinja, Json) {
  check({{"{{ v }}", "[1, -2.5, 1e+30, 'a\\n\xf0\x9f\x98\x80', True, {}]"}},
        R"({"v": [1, -2.5, 1e30, "a\n\ud83d\ude00", true, {}]})");
  for (const char *json : {"", "{", "[1,]", "{\"a\":}", "\"\\ud800\"", "01x",
                           "[1] 2", "nul", "\"\x01\"", "-", "{1: 2}"}) {
    Heap heap(1 << 20);
    Value value;
    std::string error;
    EXPECT_FALSE(parseJson(json, &heap, &value, &error)) << json;
    EXPECT_NE(error.find(" at byte "), error.npos) << error;
  }
  Heap heap(1 << 20);
  Value value;
  std::string error;
  EXPECT_FALSE(parseJson(std::string(9999, '['), &heap, &value, &error));
  EXPECT_EQ(error, "nested too deep at byte 101");
}

} // namespace
} // namespace modelc::jinja
