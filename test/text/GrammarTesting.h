//===- GrammarTesting.h - Grammars in tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short ways from a grammar's or a schema's text to what it matches.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_TEXT_GRAMMARTESTING_H
#define MODELC_TEST_TEXT_GRAMMARTESTING_H

#include "runtime/text/grammar/GrammarMatcher.h"
#include "runtime/text/grammar/JsonSchema.h"
#include "runtime/text/jinja/Strings.h"
#include <gtest/gtest.h>

namespace modelc::grammar::test {

/// What is wrong with a grammar; empty if nothing is.
inline std::string errorOf(const std::string &text) {
  Grammar grammar;
  GrammarProgram program;
  std::string error;
  if (readGbnf(text, &grammar, &error) &&
      compileGrammar(grammar, &program, &error))
    return "";
  return error;
}

inline GrammarProgram programOf(const std::string &text) {
  Grammar grammar;
  GrammarProgram program;
  std::string error;
  EXPECT_TRUE(readGbnf(text, &grammar, &error) &&
              compileGrammar(grammar, &program, &error))
      << error << "\n"
      << text;
  return program;
}

inline GrammarMatcher matcherOf(const std::string &text) {
  return GrammarMatcher(programOf(text));
}

inline bool matches(GrammarMatcher &matcher, std::string_view text) {
  GrammarMatcher::State state = matcher.start();
  for (char c : text) {
    if (state == GrammarMatcher::kTooMany)
      return false;
    state = matcher.step(state, static_cast<uint8_t>(c));
  }
  return state != GrammarMatcher::kTooMany && matcher.isAccepting(state);
}

inline bool matches(const std::string &grammar, std::string_view text) {
  GrammarMatcher matcher = matcherOf(grammar);
  return matches(matcher, text);
}

inline std::string utf8(uint32_t codePoint) {
  std::string text;
  jinja::appendUtf8(codePoint, &text);
  return text;
}

/// The grammar of a schema, with `before` before the root's expression.
inline std::string grammarOfSchema(const std::string &schema,
                                   const std::string &before = "") {
  std::string grammar, error;
  EXPECT_EQ(translateSchema(schema, &grammar, &error), SchemaResult::good)
      << error << "\n"
      << schema;
  const std::string root = "root ::= ";
  return grammar.insert(grammar.rfind(root) + root.size(), before);
}

} // namespace modelc::grammar::test

#endif // MODELC_TEST_TEXT_GRAMMARTESTING_H
