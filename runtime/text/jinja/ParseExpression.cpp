//===- ParseExpression.cpp - Makes expressions of tokens
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   a + b | trim is defined and not c
//     ==> and(test(binary(add, a, filter(b, trim))), not(c))
//
// Precedence, from loose to tight, as in Jinja: if-else, or, and, not,
// comparisons, + -, ~, * / // %, **, signs, then what follows an operand:
// attributes, subscripts, calls, filters, tests.
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

namespace modelc::jinja {

const Expression *Parser::parseExpression(bool allowConditional) {
  Nesting nesting(this);
  return allowConditional ? parseConditional() : parseOr();
}

/// One expression, or several with commas, which are a tuple.
const Expression *Parser::parseTuple(bool allowConditional, bool inBrackets) {
  auto atEnd = [&] {
    return isSymbol(")") || current().kind == Token::Kind::variableEnd ||
           current().kind == Token::Kind::blockEnd ||
           current().kind == Token::Kind::end;
  };
  std::vector<const Expression *> items;
  bool isTuple = false;
  while (!atEnd()) {
    items.push_back(parseExpression(allowConditional));
    if (!skipSymbol(","))
      break;
    isTuple = true;
  }
  if (items.empty() && !inBrackets)
    fail("expected an expression, found " + describe());
  if (items.size() == 1 && !isTuple)
    return items[0];
  return make(Expression::Kind::tuple, std::move(items));
}

const Expression *Parser::parseConditional() {
  const Expression *value = parseOr();
  while (skipName("if")) {
    const Expression *condition = parseOr();
    const Expression *other = nullptr;
    if (skipName("else"))
      other = parseExpression();
    value = make(Expression::Kind::conditional, {condition, value, other});
  }
  return value;
}

const Expression *Parser::parseOr() {
  const Expression *left = parseAnd();
  while (skipName("or")) {
    Expression *both = make(Expression::Kind::logicalOr);
    const Expression *right = parseAnd();
    both->operands = {left, right};
    left = both;
  }
  return left;
}

const Expression *Parser::parseAnd() {
  const Expression *left = parseNot();
  while (skipName("and")) {
    Expression *both = make(Expression::Kind::logicalAnd);
    const Expression *right = parseNot();
    both->operands = {left, right};
    left = both;
  }
  return left;
}

const Expression *Parser::parseNot() {
  if (!isName("not"))
    return parseComparison();
  Nesting nesting(this);
  Expression *negation = make(Expression::Kind::logicalNot);
  next();
  const Expression *value = parseNot();
  negation->operands = {value};
  return negation;
}

/// Reads a comparison operator, if one stands here.
bool Parser::isComparison(Operator *op) {
  static constexpr std::pair<std::string_view, Operator> kSymbols[] = {
      {"==", Operator::equal},  {"!=", Operator::notEqual},
      {"<", Operator::less},    {"<=", Operator::lessEqual},
      {">", Operator::greater}, {">=", Operator::greaterEqual}};
  for (const auto &[symbol, comparison] : kSymbols)
    if (isSymbol(symbol)) {
      next();
      *op = comparison;
      return true;
    }
  if (skipName("in")) {
    *op = Operator::in;
    return true;
  }
  const Token *after = at + 1 < tokens.size() ? &tokens[at + 1] : nullptr;
  if (isName("not") && after && after->kind == Token::Kind::name &&
      after->text == "in") {
    next();
    next();
    *op = Operator::notIn;
    return true;
  }
  return false;
}

const Expression *Parser::parseComparison() {
  const Expression *first = parseBinary(0);
  Operator op;
  if (!isComparison(&op))
    return first;
  Expression *comparison = make(Expression::Kind::comparison, {first});
  do {
    comparison->operators.push_back(op);
    const Expression *right = parseBinary(0);
    comparison->operands.push_back(right);
  } while (isComparison(&op));
  return comparison;
}

/// Level 0: + -; 1: ~; 2: * / // %.
const Expression *Parser::parseBinary(int level) {
  struct Symbol {
    int level;
    std::string_view text;
    Operator op;
  };
  static constexpr Symbol kSymbols[] = {
      {0, "+", Operator::add},         {0, "-", Operator::subtract},
      {1, "~", Operator::concatenate}, {2, "*", Operator::multiply},
      {2, "/", Operator::divide},      {2, "//", Operator::floorDivide},
      {2, "%", Operator::modulo}};
  auto operand = [&] {
    return level == 2 ? parsePower() : parseBinary(level + 1);
  };
  const Expression *left = operand();
  while (true) {
    const Symbol *found = nullptr;
    for (const Symbol &symbol : kSymbols)
      if (symbol.level == level && isSymbol(symbol.text))
        found = &symbol;
    if (!found)
      return left;
    Expression *both = make(Expression::Kind::binary);
    both->operators = {found->op};
    next();
    const Expression *right = operand();
    both->operands = {left, right};
    left = both;
  }
}

const Expression *Parser::parsePower() {
  const Expression *left = parseUnary(true);
  while (isSymbol("**")) {
    Expression *both = make(Expression::Kind::binary);
    both->operators = {Operator::power};
    next();
    const Expression *right = parseUnary(true);
    both->operands = {left, right};
    left = both;
  }
  return left;
}

const Expression *Parser::parseUnary(bool withFilters) {
  const Expression *value;
  if (isSymbol("-") || isSymbol("+")) {
    Nesting nesting(this);
    Expression *sign =
        make(isSymbol("-") ? Expression::Kind::negate : Expression::Kind::plus);
    next();
    const Expression *operand = parseUnary(false);
    sign->operands = {operand};
    value = sign;
  } else {
    value = parsePrimary();
  }
  value = parsePostfix(value);
  return withFilters ? parseFilters(value) : value;
}

const Expression *Parser::parsePrimary() {
  Expression *literal = make(Expression::Kind::literal);
  switch (current().kind) {
  case Token::Kind::integer:
    literal->literal = Value::of(next().integer);
    return literal;
  case Token::Kind::real:
    literal->literal = Value::of(next().real);
    return literal;
  case Token::Kind::string: {
    literal->literal = Value::of(next().text);
    if (current().kind != Token::Kind::string)
      return literal;
    std::string joined(literal->literal.string());
    while (current().kind == Token::Kind::string)
      joined += next().text;
    ast.texts.push_back(std::move(joined));
    literal->literal = Value::of(std::string_view(ast.texts.back()));
    return literal;
  }
  case Token::Kind::name: {
    std::string_view name = next().text;
    if (name == "true" || name == "True" || name == "false" || name == "False")
      literal->literal = Value::of(name[0] == 't' || name[0] == 'T');
    else if (name == "none" || name == "None")
      literal->literal = Value::none();
    else {
      literal->kind = Expression::Kind::name;
      literal->name = name;
      loopNames += name == "loop";
    }
    return literal;
  }
  default:
    break;
  }
  if (skipSymbol("(")) {
    Nesting nesting(this);
    const Expression *value = parseTuple(true, true);
    expectSymbol(")");
    return value;
  }
  if (isSymbol("["))
    return parseList();
  if (isSymbol("{"))
    return parseDict();
  fail("expected an expression, found " + describe());
  return literal;
}

const Expression *Parser::parseList() {
  Nesting nesting(this);
  Expression *list = make(Expression::Kind::list);
  next();
  while (message.empty() && !isSymbol("]")) {
    const Expression *item = parseExpression();
    list->operands.push_back(item);
    if (!isSymbol("]"))
      expectSymbol(",");
  }
  expectSymbol("]");
  return list;
}

const Expression *Parser::parseDict() {
  Nesting nesting(this);
  Expression *dict = make(Expression::Kind::dict);
  next();
  while (message.empty() && !isSymbol("}")) {
    const Expression *key = parseExpression();
    expectSymbol(":");
    const Expression *value = parseExpression();
    dict->operands.push_back(key);
    dict->operands.push_back(value);
    if (!isSymbol("}"))
      expectSymbol(",");
  }
  expectSymbol("}");
  return dict;
}

const Expression *Parser::parsePostfix(const Expression *object) {
  while (true) {
    if (isSymbol(".")) {
      Expression *attribute = make(Expression::Kind::attribute, {object});
      next();
      if (current().kind == Token::Kind::integer) {
        Expression *index = make(Expression::Kind::literal);
        index->literal = Value::of(next().integer);
        attribute->kind = Expression::Kind::subscript;
        attribute->operands.push_back(index);
      } else {
        attribute->name = expectName("an attribute");
      }
      object = attribute;
    } else if (isSymbol("[")) {
      object = parseSubscript(object);
    } else if (isSymbol("(")) {
      Expression *call = make(Expression::Kind::call, {object});
      parseArguments(call);
      object = call;
    } else {
      return object;
    }
  }
}

const Expression *Parser::parseSubscript(const Expression *object) {
  Nesting nesting(this);
  Expression *subscript = make(Expression::Kind::subscript, {object});
  next();
  const Expression *parts[3] = {};
  int count = 0;
  while (message.empty() && !isSymbol("]") && count < 3) {
    if (!isSymbol(":"))
      parts[count] = parseExpression();
    ++count;
    if (!skipSymbol(":"))
      break;
    subscript->kind = Expression::Kind::slice;
  }
  expectSymbol("]");
  if (subscript->kind == Expression::Kind::slice)
    subscript->operands.insert(subscript->operands.end(), parts, parts + 3);
  else if (parts[0])
    subscript->operands.push_back(parts[0]);
  else
    fail("expected an index");
  return subscript;
}

const Expression *Parser::parseFilters(const Expression *value) {
  while (true) {
    if (skipSymbol("|"))
      value = parseFilter(value);
    else if (skipName("is"))
      value = parseTest(value);
    else if (isSymbol("(")) {
      Expression *call = make(Expression::Kind::call, {value});
      parseArguments(call);
      value = call;
    } else
      return value;
  }
}

/// A filter's name and arguments.
const Expression *Parser::parseFilter(const Expression *value) {
  Expression *filter = make(Expression::Kind::filter, {value});
  filter->name = expectName("a filter");
  if (isSymbol("("))
    parseArguments(filter);
  return filter;
}

/// What follows `is`. An argument may stand without brackets.
const Expression *Parser::parseTest(const Expression *value) {
  bool isNegated = skipName("not");
  Expression *test = make(Expression::Kind::test, {value});
  test->name = expectName("a test");
  Token::Kind kind = current().kind;
  bool isKeyword = isName("else") || isName("or") || isName("and") ||
                   isName("is") || isName("if") || isName("in") ||
                   isName("not");
  if (isSymbol("(")) {
    parseArguments(test);
  } else if ((kind == Token::Kind::name && !isKeyword) ||
             kind == Token::Kind::string || kind == Token::Kind::integer ||
             kind == Token::Kind::real || isSymbol("[") || isSymbol("{")) {
    const Expression *argument = parsePostfix(parsePrimary());
    test->operands.push_back(argument);
  }
  if (!isNegated)
    return test;
  return make(Expression::Kind::logicalNot, {test});
}

void Parser::parseArguments(Expression *call) {
  Nesting nesting(this);
  expectSymbol("(");
  while (message.empty() && !isSymbol(")")) {
    if (isSymbol("*") || isSymbol("**"))
      return fail("arguments with '*' are not understood here");
    const Token *after = at + 1 < tokens.size() ? &tokens[at + 1] : nullptr;
    if (current().kind == Token::Kind::name && after &&
        after->kind == Token::Kind::symbol && after->text == "=") {
      std::string_view name = next().text;
      next();
      const Expression *value = parseExpression();
      call->keywords.push_back({name, value});
    } else if (!call->keywords.empty()) {
      return fail("an argument without name after one with a name");
    } else {
      const Expression *value = parseExpression();
      call->operands.push_back(value);
    }
    if (!isSymbol(")"))
      expectSymbol(",");
  }
  expectSymbol(")");
}

} // namespace modelc::jinja
