//===- Parser.h - Makes nodes of tokens
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recursive descent, in two files: ParseStatement.cpp and
// ParseExpression.cpp. After the first error the parser stands at the end
// token, where every loop ends.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_PARSER_H
#define MODELC_RUNTIME_TEXT_JINJA_PARSER_H

#include "Lexer.h"
#include <initializer_list>

namespace modelc::jinja {

class Parser {
public:
  /// `tokens` are those of `ast`.
  Parser(Ast *ast, const std::vector<Token> &tokens)
      : ast(*ast), tokens(tokens) {}

  /// Fills ast->body. False, with error() "line N: ...", for what is no
  /// template, or beyond what is understood here.
  bool parse();
  const std::string &error() const { return message; }

private:
  // ParseStatement.cpp
  Block parseBlock(std::initializer_list<std::string_view> ends);
  const Statement *parseTag();
  const Statement *parseChoice();
  const Statement *parseFor();
  const Statement *parseSet();
  const Statement *parseMacro();
  const Statement *parseFilterBlock();
  const Statement *parseScope(bool hasVariables);
  const Statement *parseJump(Statement::Kind kind);
  std::vector<Statement::Target> parseTargets(bool allowAttribute);
  const Expression *parseBodyFilters();
  void endTag();
  void endBlock(std::string_view name);

  // ParseExpression.cpp
  const Expression *parseExpression(bool allowConditional = true);
  const Expression *parseTuple(bool allowConditional = true,
                               bool inBrackets = false);
  const Expression *parseConditional();
  const Expression *parseOr();
  const Expression *parseAnd();
  const Expression *parseNot();
  const Expression *parseComparison();
  const Expression *parseBinary(int level);
  const Expression *parsePower();
  const Expression *parseUnary(bool withFilters);
  const Expression *parsePrimary();
  const Expression *parseList();
  const Expression *parseDict();
  const Expression *parsePostfix(const Expression *object);
  const Expression *parseSubscript(const Expression *object);
  const Expression *parseFilters(const Expression *value);
  const Expression *parseFilter(const Expression *value);
  const Expression *parseTest(const Expression *value);
  void parseArguments(Expression *call);
  bool isComparison(Operator *op);

  // Tokens
  const Token &current() const { return tokens[at]; }
  bool isSymbol(std::string_view text) const {
    return current().kind == Token::Kind::symbol && current().text == text;
  }
  bool isName(std::string_view text) const {
    return current().kind == Token::Kind::name && current().text == text;
  }
  const Token &next();
  bool skipSymbol(std::string_view text);
  bool skipName(std::string_view text);
  void expectSymbol(std::string_view text);
  std::string_view expectName(const char *what);
  /// What stands here, for a message.
  std::string describe() const;
  void fail(const std::string &text);

  Expression *make(Expression::Kind kind,
                   std::vector<const Expression *> operands = {});
  Statement *make(Statement::Kind kind);

  /// How deep what is parsed lies in itself; a template of brackets alone must
  /// not exhaust the stack.
  static constexpr int kMaxDepth = 120;
  struct Nesting {
    explicit Nesting(Parser *parser) : parser(*parser) {
      if (++this->parser.depth > kMaxDepth)
        this->parser.fail("nested too deep");
    }
    ~Nesting() { --parser.depth; }
    Parser &parser;
  };

  Ast &ast;
  const std::vector<Token> &tokens;
  size_t at = 0;
  int depth = 0;
  int loops = 0;
  /// How often the name `loop` was read.
  int loopNames = 0;
  std::string message;
};

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_PARSER_H
