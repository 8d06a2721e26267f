//===- Template.cpp - A Jinja template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   source ==> tokens (Lexer) ==> nodes (Parser) ==> text (Interpreter)
//
//===----------------------------------------------------------------------===//

#include "Template.h"
#include "Interpreter.h"
#include "Parser.h"

namespace modelc::jinja {

/// Line ends become '\n', and the last one goes.
static std::string normalizeLines(std::string_view source) {
  std::string result;
  result.reserve(source.size());
  for (size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r')
      result += source[at];
    else if (at + 1 == source.size() || source[at + 1] != '\n')
      result += '\n';
  }
  if (result.ends_with('\n'))
    result.pop_back();
  return result;
}

bool Template::parse(std::string_view source, std::string *error) {
  if (source.size() > kMaxSourceBytes) {
    *error = "the template has " + std::to_string(source.size()) +
             " bytes, at most " + std::to_string(kMaxSourceBytes) +
             " are understood";
    return false;
  }
  ast.source = normalizeLines(source);
  std::vector<Token> tokens;
  if (!tokenize(&ast, &tokens, error))
    return false;
  Parser parser(&ast, tokens);
  if (parser.parse())
    return true;
  *error = parser.error();
  return false;
}

bool Template::render(const Dict &variables, int64_t now, Heap *heap,
                      std::string *out, std::string *error) const {
  Interpreter interpreter(heap, now);
  if (interpreter.render(ast, variables, out))
    return true;
  *error = interpreter.error();
  return false;
}

} // namespace modelc::jinja
