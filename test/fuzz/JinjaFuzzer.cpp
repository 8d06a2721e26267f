//===- JinjaFuzzer.cpp - Foreign templates
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input's bytes are a template, or choose the pieces of one, and some JSON.
// Whatever it is, it renders or fails with one message, within a budget.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/jinja/Json.h"
#include "runtime/text/jinja/Template.h"
#include <fuzzer/FuzzedDataProvider.h>

using namespace modelc::jinja;

namespace {

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

/// Pieces that make templates more often than bytes do.
std::string anyTemplate(FuzzedDataProvider &data) {
  constexpr const char *kPieces[] = {"{{ ",
                                     " }}",
                                     "{% ",
                                     " %}",
                                     "{%- ",
                                     " -%}",
                                     "{# ",
                                     " #}",
                                     "\n",
                                     "  ",
                                     "if ",
                                     "elif ",
                                     "else",
                                     "endif",
                                     "for x in ",
                                     "for k, v in ",
                                     "endfor",
                                     "set x = ",
                                     "set ns.a = ",
                                     "set x",
                                     "endset",
                                     "macro m(a, b=1)",
                                     "endmacro",
                                     "m(x)",
                                     "break",
                                     "continue",
                                     "generation",
                                     "endgeneration",
                                     "filter ",
                                     "endfilter",
                                     "raw",
                                     "endraw",
                                     "with y = ",
                                     "endwith",
                                     "messages",
                                     "d",
                                     "x",
                                     "ns",
                                     "loop",
                                     ".index",
                                     ".a",
                                     "['a']",
                                     "[0]",
                                     "[1:]",
                                     "[::-1]",
                                     "[:-1:2]",
                                     "(",
                                     ")",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ",",
                                     ":",
                                     " + ",
                                     " - ",
                                     " * ",
                                     " / ",
                                     " // ",
                                     " % ",
                                     " ** ",
                                     " ~ ",
                                     " == ",
                                     " < ",
                                     " in ",
                                     " not in ",
                                     " is ",
                                     " is not ",
                                     " and ",
                                     " or ",
                                     "not ",
                                     " if ",
                                     " else ",
                                     "| ",
                                     "trim",
                                     "length",
                                     "tojson",
                                     "tojson(indent=2)",
                                     "join(',')",
                                     "map('upper')",
                                     "selectattr('role')",
                                     "sort",
                                     "unique",
                                     "dictsort",
                                     "default('x')",
                                     "replace('a', 'b')",
                                     "items",
                                     "list",
                                     "int",
                                     "float",
                                     "indent(3, true)",
                                     "defined",
                                     "string",
                                     "mapping",
                                     ".strip()",
                                     ".split('a')",
                                     ".split()",
                                     ".items()",
                                     ".get('a')",
                                     ".replace('', 'x')",
                                     ".rsplit(' ', 1)",
                                     ".title()",
                                     ".splitlines()",
                                     "range(3)",
                                     "namespace(a=1)",
                                     "dict(a=1)",
                                     "'ab c'",
                                     "'\xc3\xa9'",
                                     "1",
                                     "-1",
                                     "9223372036854775807",
                                     "0.5",
                                     "none",
                                     "true",
                                     "raise_exception('x')",
                                     "strftime_now('%Y')",
                                     "\\",
                                     "'",
                                     "\xff"};
  std::string source;
  while (data.remaining_bytes() > 0 && source.size() < 4096)
    source += data.PickValueInArray(kPieces);
  return source;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  Heap heap(1 << 20);
  std::string error;
  Value variables;
  std::string json = R"({"messages": [{"role": "user", "content": "a b"}],
                         "d": {"a": [1, 2.5, null, true], "b": "\u00e9 x"}})";
  if (data.ConsumeBool())
    json = data.ConsumeRandomLengthString(64);
  if (!parseJson(json, &heap, &variables, &error)) {
    require(error.find(" at byte ") != error.npos);
    return 0;
  }
  if (!variables.is(Kind::dict))
    return 0;
  std::string source = data.ConsumeBool() ? data.ConsumeRemainingBytesAsString()
                                          : anyTemplate(data);
  Template parsed;
  std::string text;
  bool good = parsed.parse(source, &error) &&
              parsed.render(*variables.dict, 0, &heap, &text, &error);
  require(good || error.starts_with("line "));
  require(text.size() <= (1 << 20));
  return 0;
}
