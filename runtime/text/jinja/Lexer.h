//===- Lexer.h - The tokens of a template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   a{%- if x %}      ==>  data "a" | blockBegin | name "if" | name "x" |
//                          blockEnd | end
//
// White space around tags is decided here, by the rules that transformers and
// llama.cpp set for chat templates: trim_blocks and lstrip_blocks are on, and
// one line end at the end of the source is dropped.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_LEXER_H
#define MODELC_RUNTIME_TEXT_JINJA_LEXER_H

#include "Ast.h"

namespace modelc::jinja {

struct Token {
  enum class Kind : uint8_t {
    data,
    variableBegin,
    variableEnd,
    blockBegin,
    blockEnd,
    name,
    string,
    integer,
    real,
    symbol, ///< An operator, a bracket, a comma...
    end
  };
  Kind kind = Kind::end;
  int line = 0;
  /// Of strings: what they stand for. Borrowed from the Ast.
  std::string_view text;
  int64_t integer = 0;
  double real = 0;
};

/// Makes the tokens of `ast->source`, whose line ends are '\n' alone. The last
/// one is `end`. False, with *error "line N: ...", if there are none.
bool tokenize(Ast *ast, std::vector<Token> *out, std::string *error);

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_LEXER_H
