//===- ParseStatement.cpp - Makes statements of tokens
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {% if a %}x{% else %}y{% endif %}
//     ==> choice {a: {text x}}, {null: {text y}}
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include <algorithm>

namespace modelc::jinja {

bool Parser::parse() {
  ast.body = parseBlock({});
  return message.empty();
}

/// Statements up to one of the tags `ends`, whose name is not read yet, or up
/// to the template's end if there are none.
Block Parser::parseBlock(std::initializer_list<std::string_view> ends) {
  Block block;
  Nesting nesting(this);
  while (current().kind != Token::Kind::end) {
    if (current().kind == Token::Kind::data) {
      Statement *text = make(Statement::Kind::text);
      text->text = next().text;
      block.push_back(text);
    } else if (current().kind == Token::Kind::variableBegin) {
      Statement *output = make(Statement::Kind::output);
      next();
      output->value = parseTuple();
      if (current().kind != Token::Kind::variableEnd)
        fail("expected '}}', found " + describe());
      next();
      block.push_back(output);
    } else {
      next(); // blockBegin: nothing else follows the end of a tag.
      if (std::find(ends.begin(), ends.end(), current().text) != ends.end() &&
          current().kind == Token::Kind::name)
        return block;
      if (const Statement *statement = parseTag())
        block.push_back(statement);
    }
  }
  if (ends.size() > 0)
    fail("the template ends before {% " + std::string(*(ends.end() - 1)) +
         " %}");
  return block;
}

/// A tag after its blockBegin.
const Statement *Parser::parseTag() {
  std::string_view name = current().text;
  if (current().kind != Token::Kind::name) {
    fail("expected the name of a tag, found " + describe());
    return nullptr;
  }
  next();
  if (name == "if")
    return parseChoice();
  if (name == "for")
    return parseFor();
  if (name == "set")
    return parseSet();
  if (name == "macro")
    return parseMacro();
  if (name == "filter")
    return parseFilterBlock();
  if (name == "with")
    return parseScope(true);
  if (name == "generation")
    return parseScope(false);
  if (name == "break")
    return parseJump(Statement::Kind::breakLoop);
  if (name == "continue")
    return parseJump(Statement::Kind::continueLoop);
  fail("the tag '" + std::string(name) + "' is not understood here");
  return nullptr;
}

const Statement *Parser::parseChoice() {
  Statement *choice = make(Statement::Kind::choice);
  bool isElse = false;
  while (message.empty()) {
    const Expression *condition = isElse ? nullptr : parseTuple(false);
    endTag();
    Block body =
        isElse ? parseBlock({"endif"}) : parseBlock({"elif", "else", "endif"});
    choice->branches.push_back({condition, std::move(body)});
    if (isElse || (!isName("elif") && !isName("else")))
      break;
    isElse = next().text == "else";
  }
  endBlock("endif");
  return choice;
}

const Statement *Parser::parseFor() {
  Statement *loop = make(Statement::Kind::forLoop);
  int loopNamesBefore = loopNames;
  loop->targets = parseTargets(false);
  if (!skipName("in"))
    fail("expected 'in', found " + describe());
  loop->value = parseTuple(false);
  if (skipName("if"))
    loop->condition = parseExpression();
  if (isName("recursive"))
    fail("a recursive loop is not understood here");
  endTag();
  ++loops;
  loop->body = parseBlock({"else", "endfor"});
  --loops;
  if (skipName("else")) {
    endTag();
    loop->otherwise = parseBlock({"endfor"});
  }
  endBlock("endfor");
  loop->usesLoop = loopNames != loopNamesBefore;
  return loop;
}

const Statement *Parser::parseSet() {
  Statement *set = make(Statement::Kind::set);
  set->targets = parseTargets(true);
  if (skipSymbol("=")) {
    set->value = parseTuple();
    endTag();
    return set;
  }
  set->kind = Statement::Kind::setBlock;
  if (set->targets.size() > 1)
    fail("expected '=', found " + describe());
  set->value = parseBodyFilters();
  endTag();
  set->body = parseBlock({"endset"});
  endBlock("endset");
  return set;
}

/// `| a | b` as filters of kBodyName; null if there are none.
const Expression *Parser::parseBodyFilters() {
  if (!isSymbol("|"))
    return nullptr;
  Expression *body = make(Expression::Kind::name);
  body->name = kBodyName;
  return parseFilters(body);
}

const Statement *Parser::parseFilterBlock() {
  Statement *filter = make(Statement::Kind::filter);
  Expression *body = make(Expression::Kind::name);
  body->name = kBodyName;
  filter->value = parseFilters(parseFilter(body));
  endTag();
  filter->body = parseBlock({"endfilter"});
  endBlock("endfilter");
  return filter;
}

const Statement *Parser::parseMacro() {
  Statement *macro = make(Statement::Kind::macro);
  macro->name = expectName("the macro's name");
  expectSymbol("(");
  while (message.empty() && !isSymbol(")")) {
    if (!macro->parameters.empty())
      expectSymbol(",");
    std::string_view name = expectName("a parameter");
    const Expression *value = nullptr;
    if (skipSymbol("="))
      value = parseExpression();
    else if (!macro->parameters.empty() &&
             macro->parameters.back().defaultValue)
      fail("a parameter without default after one with a default");
    macro->parameters.push_back({name, value});
  }
  expectSymbol(")");
  endTag();
  // A loop around the macro is not one around its body.
  int outerLoops = loops;
  loops = 0;
  macro->body = parseBlock({"endmacro"});
  loops = outerLoops;
  endBlock("endmacro");
  return macro;
}

/// {% with a = 1 %} or {% generation %}, which only marks what the model said.
const Statement *Parser::parseScope(bool hasVariables) {
  Statement *scope = make(Statement::Kind::scope);
  while (hasVariables && current().kind == Token::Kind::name) {
    if (!scope->targets.empty())
      expectSymbol(",");
    scope->targets.push_back({expectName("a variable"), {}});
    expectSymbol("=");
    scope->values.push_back(parseExpression());
    if (!isSymbol(","))
      break;
    next();
  }
  endTag();
  if (hasVariables) {
    scope->body = parseBlock({"endwith"});
    endBlock("endwith");
  } else {
    scope->body = parseBlock({"endgeneration"});
    endBlock("endgeneration");
  }
  return scope;
}

const Statement *Parser::parseJump(Statement::Kind kind) {
  if (loops == 0)
    fail("there is no loop around this");
  Statement *jump = make(kind);
  endTag();
  return jump;
}

std::vector<Statement::Target> Parser::parseTargets(bool allowAttribute) {
  std::vector<Statement::Target> targets;
  bool inBrackets = skipSymbol("(");
  while (message.empty()) {
    Statement::Target target{expectName("a variable"), {}};
    if (allowAttribute && skipSymbol("."))
      target.attribute = expectName("an attribute");
    targets.push_back(target);
    if (!skipSymbol(",") || isSymbol(")"))
      break;
  }
  if (inBrackets)
    expectSymbol(")");
  return targets;
}

/// Reads the end of a tag.
void Parser::endTag() {
  if (current().kind != Token::Kind::blockEnd)
    fail("expected '%}', found " + describe());
  next();
}

/// Reads the name and the end of a closing tag.
void Parser::endBlock(std::string_view name) {
  if (!skipName(name))
    fail("expected '" + std::string(name) + "', found " + describe());
  // {% endmacro name %} may repeat the name.
  if (name == "endmacro" && current().kind == Token::Kind::name)
    next();
  endTag();
}

const Token &Parser::next() {
  const Token &token = tokens[at];
  if (token.kind != Token::Kind::end)
    ++at;
  return token;
}

bool Parser::skipSymbol(std::string_view text) {
  if (!isSymbol(text))
    return false;
  next();
  return true;
}

bool Parser::skipName(std::string_view text) {
  if (!isName(text))
    return false;
  next();
  return true;
}

void Parser::expectSymbol(std::string_view text) {
  if (!skipSymbol(text))
    fail("expected '" + std::string(text) + "', found " + describe());
}

std::string_view Parser::expectName(const char *what) {
  if (current().kind == Token::Kind::name)
    return next().text;
  fail(std::string("expected ") + what + ", found " + describe());
  return {};
}

std::string Parser::describe() const {
  switch (current().kind) {
  case Token::Kind::variableEnd:
    return "'}}'";
  case Token::Kind::blockEnd:
    return "'%}'";
  case Token::Kind::string:
    return "a string";
  case Token::Kind::end:
    return "the template's end";
  default:
    return "'" + std::string(current().text.substr(0, 40)) + "'";
  }
}

void Parser::fail(const std::string &text) {
  if (message.empty())
    message = "line " + std::to_string(current().line) + ": " + text;
  at = tokens.size() - 1;
}

Expression *Parser::make(Expression::Kind kind,
                         std::vector<const Expression *> operands) {
  Expression &expression = ast.expressions.emplace_back();
  expression.kind = kind;
  expression.line = current().line;
  expression.operands = std::move(operands);
  return &expression;
}

Statement *Parser::make(Statement::Kind kind) {
  Statement &statement = ast.statements.emplace_back();
  statement.kind = kind;
  statement.line = current().line;
  return &statement;
}

} // namespace modelc::jinja
