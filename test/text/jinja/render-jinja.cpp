//===- render-jinja.cpp - Renders templates for differential tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each line of stdin, {"template": "...", "variables": {...}}, becomes a line
// of stdout, {"text": "..."} or {"error": "..."}.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/jinja/Json.h"
#include "runtime/text/jinja/Print.h"
#include "runtime/text/jinja/Template.h"
#include <cstdio>
#include <iostream>

using namespace modelc::jinja;

namespace {

/// A text's rendering as the key and value of the answer.
std::pair<std::string, std::string> answer(const std::string &line) {
  Heap heap(kRenderBudget);
  Value request;
  std::string error;
  if (!parseJson(line, &heap, &request, &error))
    return {"error", "the line: " + error};
  if (!request.is(Kind::dict))
    return {"error", "the line is no object"};
  const Value *source = request.dict->find("template");
  const Value *variables = request.dict->find("variables");
  if (!source || !source->isString() || !variables ||
      !variables->is(Kind::dict))
    return {"error", "the line needs \"template\" and \"variables\""};
  Template parsed;
  std::string text;
  if (!parsed.parse(source->string(), &error) ||
      !parsed.render(*variables->dict, 1750000000, &heap, &text, &error))
    return {"error", error};
  return {"text", text};
}

} // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    auto [key, text] = answer(line);
    Dict result;
    result.set(Value::of(std::string_view(key)),
               Value::of(std::string_view(text)));
    std::string json;
    const char *kind;
    if (!printJson(Value::of(&result), {}, SIZE_MAX, &json, &kind))
      return 1;
    std::puts(json.c_str());
    std::fflush(stdout);
  }
  return 0;
}
