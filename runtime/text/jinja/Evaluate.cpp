//===- Evaluate.cpp - Computes expressions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   message.content.strip() | upper
//     ==> lookUp(message) ==> attribute(content) ==> call(method strip)
//     ==> applyFilter(upper)
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"
#include "Print.h"
#include "Strings.h"
#include <algorithm>

namespace modelc::jinja {
namespace {

std::string undefinedMessage(const Value &value) {
  if (value.string().empty())
    return "the value is undefined";
  return "'" + std::string(value.string()) + "' is undefined";
}

} // namespace

Value Interpreter::evaluate(const Expression &expression) {
  Nesting nesting(this, expression.line);
  if (!spend(Heap::kStepCost, expression.line))
    return {};
  Value value = evaluateKind(expression);
  return failed() ? Value() : value;
}

Value Interpreter::evaluateKind(const Expression &expression) {
  int line = expression.line;
  auto operand = [&](size_t at) { return evaluate(*expression.operands[at]); };
  switch (expression.kind) {
  case Expression::Kind::literal:
    return expression.literal;
  case Expression::Kind::name:
    return lookUp(expression);
  case Expression::Kind::list:
  case Expression::Kind::tuple:
    return evaluateList(expression);
  case Expression::Kind::dict:
    return evaluateDict(expression);
  case Expression::Kind::attribute:
    return attribute(operand(0), expression.name, line);
  case Expression::Kind::subscript: {
    Value object = operand(0);
    return subscript(object, operand(1), line);
  }
  case Expression::Kind::slice:
    return evaluateSlice(expression);
  case Expression::Kind::call:
    return evaluateCall(expression);
  case Expression::Kind::filter: {
    Value value = operand(0);
    return applyFilter(expression.name, value, evaluateArguments(expression),
                       line);
  }
  case Expression::Kind::test: {
    Value value = operand(0);
    return Value::of(
        applyTest(expression.name, value, evaluateArguments(expression), line));
  }
  case Expression::Kind::negate:
    return binary(Operator::subtract, Value::of(int64_t{0}), operand(0), line);
  case Expression::Kind::plus:
    return binary(Operator::add, Value::of(int64_t{0}), operand(0), line);
  case Expression::Kind::logicalNot:
    return Value::of(!isTrue(operand(0)));
  case Expression::Kind::logicalAnd: {
    Value left = operand(0);
    return isTrue(left) ? operand(1) : left;
  }
  case Expression::Kind::logicalOr: {
    Value left = operand(0);
    return isTrue(left) ? left : operand(1);
  }
  case Expression::Kind::binary: {
    Value left = operand(0);
    return binary(expression.operators[0], left, operand(1), line);
  }
  case Expression::Kind::comparison:
    return evaluateComparison(expression);
  case Expression::Kind::conditional:
    if (isTrue(operand(0)))
      return operand(1);
    return expression.operands[2] ? operand(2) : Value();
  }
  return {};
}

Value Interpreter::lookUp(const Expression &name) {
  for (Scope *other = scope; other; other = other->parent)
    spend(other->variables.size() / 4, name.line);
  if (const Value *value = scope->find(name.name))
    return *value;
  return Value::undefined(name.name);
}

Value Interpreter::evaluateList(const Expression &expression) {
  std::vector<Value> items;
  for (const Expression *item : expression.operands)
    items.push_back(evaluate(*item));
  return heap.makeList(std::move(items),
                       expression.kind == Expression::Kind::tuple
                           ? List::Form::tuple
                           : List::Form::list);
}

Value Interpreter::evaluateDict(const Expression &expression) {
  Dict *dict = heap.makeDict();
  for (size_t at = 0; at + 1 < expression.operands.size(); at += 2) {
    Value key = evaluate(*expression.operands[at]);
    Value value = evaluate(*expression.operands[at + 1]);
    if (key.is(Kind::dict) || key.is(Kind::list))
      return fail(expression.line,
                  std::string(kindName(key)) + " cannot be a key");
    if (!spend(Heap::kItemCost + dict->items.size() + key.textSize() / 4,
               expression.line))
      return {};
    dict->set(key, value);
  }
  return Value::of(dict);
}

Value Interpreter::evaluateSlice(const Expression &expression) {
  int line = expression.line;
  Value object = evaluate(*expression.operands[0]);
  Value bounds[3];
  for (int at = 0; at < 3; ++at)
    if (const Expression *bound = expression.operands[at + 1]) {
      bounds[at] = evaluate(*bound);
      if (!bounds[at].isInteger() && !bounds[at].is(Kind::none) && !failed())
        return fail(line, std::string("a slice to ") + kindName(bounds[at]));
    }
  if (failed())
    return {};
  if (object.is(Kind::undefined))
    return fail(line, undefinedMessage(object));
  bool isGenerator =
      object.is(Kind::list) && object.list->form == List::Form::generator;
  if ((!object.isString() && !object.is(Kind::list)) || isGenerator)
    return fail(line, std::string(kindName(object)) + " cannot be sliced");
  std::vector<Value> items;
  if (!iterate(object, line, &items))
    return {};
  int64_t size = static_cast<int64_t>(items.size());
  auto bound = [&](int at, int64_t otherwise) {
    return bounds[at].isInteger() ? bounds[at].asInteger() : otherwise;
  };
  int64_t step = bound(2, 1);
  if (step == 0)
    return fail(line, "a slice with step 0");
  // Python Language Reference, "Slicings": bounds are counted from the end if
  // negative, then cut to what there is.
  auto cut = [&](int64_t place) {
    if (place < 0)
      place = place < -size ? -1 : place + size;
    return step > 0 ? std::clamp<int64_t>(place, 0, size)
                    : std::clamp<int64_t>(place, -1, size - 1);
  };
  int64_t start = bounds[0].isInteger() ? cut(bounds[0].asInteger())
                  : step > 0            ? 0
                                        : size - 1;
  int64_t stop = bounds[1].isInteger() ? cut(bounds[1].asInteger())
                 : step > 0            ? size
                                       : -1;
  std::vector<Value> kept;
  for (int64_t at = start; step > 0 ? at < stop : at > stop;) {
    kept.push_back(items[at]);
    if (__builtin_add_overflow(at, step, &at))
      break;
  }
  if (object.is(Kind::list))
    return heap.makeList(std::move(kept), object.list->form);
  std::string text;
  for (const Value &character : kept)
    text += character.string();
  return makeString(std::move(text), line);
}

Value Interpreter::evaluateComparison(const Expression &expression) {
  Value left = evaluate(*expression.operands[0]);
  for (size_t at = 0; at < expression.operators.size(); ++at) {
    Value right = evaluate(*expression.operands[at + 1]);
    if (failed() ||
        !comparison(expression.operators[at], left, right, expression.line))
      return Value::of(false);
    left = right;
  }
  return Value::of(true);
}

Arguments Interpreter::evaluateArguments(const Expression &call) {
  Arguments arguments;
  for (size_t at = 1; at < call.operands.size(); ++at)
    arguments.positional.push_back(evaluate(*call.operands[at]));
  for (const Expression::Keyword &keyword : call.keywords)
    arguments.keywords.emplace_back(keyword.name, evaluate(*keyword.value));
  return arguments;
}

Value Interpreter::evaluateCall(const Expression &expression) {
  Value function = evaluate(*expression.operands[0]);
  Arguments arguments = evaluateArguments(expression);
  if (failed())
    return {};
  if (function.is(Kind::undefined))
    return fail(expression.line, undefinedMessage(function));
  if (!function.is(Kind::function))
    return fail(expression.line,
                std::string(kindName(function)) + " cannot be called");
  return call(*function.function, std::move(arguments), expression.line);
}

Value Interpreter::call(const Function &function, Arguments arguments,
                        int line) {
  if (function.macro)
    return callMacro(function, std::move(arguments), line);
  return callBuiltin(*function.builtin, function.self, std::move(arguments),
                     line);
}

Value Interpreter::callMacro(const Function &function, Arguments arguments,
                             int line) {
  const Statement &macro = *function.macro;
  std::string name(macro.name);
  if (arguments.positional.size() > macro.parameters.size())
    return fail(line, "macro '" + name + "' takes at most " +
                          std::to_string(macro.parameters.size()) +
                          " arguments");
  spend(arguments.keywords.size() * macro.parameters.size(), line);
  for (const auto &[keyword, value] : arguments.keywords)
    if (std::none_of(macro.parameters.begin(), macro.parameters.end(),
                     [&](const auto &known) { return known.name == keyword; }))
      return fail(line, "macro '" + name + "' has no parameter '" +
                            std::string(keyword) + "'");
  Scope *outerScope = scope;
  scope = pushScope(function.closure);
  for (size_t at = 0; at < macro.parameters.size(); ++at) {
    const Statement::Parameter &parameter = macro.parameters[at];
    const Value *given = nullptr;
    if (at < arguments.positional.size())
      given = &arguments.positional[at];
    for (const auto &[keyword, value] : arguments.keywords)
      if (keyword == parameter.name)
        given = &value;
    Value value = given                    ? *given
                  : parameter.defaultValue ? evaluate(*parameter.defaultValue)
                                           : Value::undefined(parameter.name);
    scope->set(parameter.name, value);
  }
  std::string_view text = capture(macro.body, line);
  scope = outerScope;
  return Value::of(text);
}

Value Interpreter::callBuiltin(const Builtin &builtin, const Value &self,
                               Arguments arguments, int line) {
  if (failed())
    return {};
  Call call{*this, line, builtin.name, self, {}, std::move(arguments)};
  if (builtin.takesAny)
    return builtin.run(call);
  size_t count = 0;
  while (count < kMaxParameters && !builtin.parameters[count].empty())
    ++count;
  if (call.arguments.positional.size() > count)
    return call.fail("takes at most " + std::to_string(count) + " arguments");
  for (size_t at = 0; at < call.arguments.positional.size(); ++at)
    call.bound[at] = call.arguments.positional[at];
  for (const auto &[keyword, value] : call.arguments.keywords) {
    size_t at = 0;
    while (at < count && builtin.parameters[at] != keyword)
      ++at;
    if (at == count)
      return call.fail("has no parameter '" + std::string(keyword) + "'");
    call.bound[at] = value;
  }
  for (size_t at = 0; at < builtin.required; ++at)
    if (!call.has(at))
      return call.fail("needs the argument '" +
                       std::string(builtin.parameters[at]) + "'");
  return builtin.run(call);
}

Value Interpreter::applyFilter(std::string_view name, const Value &value,
                               Arguments arguments, int line) {
  const Builtin *filter = find(textFilters(), name);
  if (!filter)
    filter = find(listFilters(), name);
  if (!filter)
    return fail(line, "the filter '" + std::string(name) +
                          "' is not understood here");
  return callBuiltin(*filter, value, std::move(arguments), line);
}

bool Interpreter::applyTest(std::string_view name, const Value &value,
                            Arguments arguments, int line) {
  const Builtin *test = find(tests(), name);
  if (!test) {
    fail(line, "the test '" + std::string(name) + "' is not understood here");
    return false;
  }
  return isTrue(callBuiltin(*test, value, std::move(arguments), line));
}

/// The method `name` of `object`; undefined if there is none.
Value Interpreter::methodOf(const Value &object, std::string_view name) {
  const Builtin *method = nullptr;
  if (object.isString())
    method = find(stringMethods(), name);
  else if (object.is(Kind::list))
    method = find(listMethods(), name);
  else if (object.is(Kind::dict))
    method = find(dictMethods(), name);
  if (!method)
    return Value::undefined(name);
  heap.spend(sizeof(Function));
  functions.push_back({.builtin = method, .self = object});
  return Value::of(&functions.back());
}

Value Interpreter::attribute(const Value &object, std::string_view name,
                             int line) {
  if (failed())
    return {};
  if (object.is(Kind::undefined))
    return fail(line, undefinedMessage(object));
  Value method = methodOf(object, name);
  if (!method.is(Kind::undefined))
    return method;
  if (object.is(Kind::dict) || object.is(Kind::nameSpace)) {
    spend(object.dict->items.size(), line);
    if (const Value *value = object.dict->find(name))
      return *value;
  }
  return Value::undefined(name);
}

Value Interpreter::subscript(const Value &object, const Value &index,
                             int line) {
  if (failed())
    return {};
  switch (object.kind) {
  case Kind::undefined:
    return fail(line, undefinedMessage(object));
  case Kind::dict:
    spend(object.dict->items.size() + index.textSize() / 4, line);
    if (const Value *value = object.dict->find(index))
      return *value;
    break;
  case Kind::list:
  case Kind::string: {
    if (!index.isInteger() ||
        (object.is(Kind::list) && object.list->form == List::Form::generator))
      break;
    spend(object.textSize() / 4, line);
    int64_t size =
        static_cast<int64_t>(object.isString() ? characterCount(object.string())
                                               : object.list->items.size());
    int64_t at = index.asInteger();
    if (at < 0)
      at += size;
    if (at < 0 || at >= size)
      return Value::undefined({});
    if (object.is(Kind::list))
      return object.list->items[at];
    std::string_view rest = object.string();
    for (; at > 0; --at)
      rest.remove_prefix(firstCharacter(rest));
    return Value::of(rest.substr(0, firstCharacter(rest)));
  }
  default:
    break;
  }
  if (index.isString())
    return attribute(object, index.string(), line);
  return Value::undefined({});
}

std::string_view Interpreter::toText(const Value &value, int line) {
  if (value.isString())
    return value.string();
  std::string text;
  if (!printText(value, heap.remaining() / 4, &text)) {
    fail(line, "a value is too large, or nested too deep, to be printed");
    return {};
  }
  return makeString(std::move(text), line).string();
}

Value Interpreter::makeString(std::string text, int line) {
  if (!spend(0, line))
    return {};
  Value value = heap.makeString(std::move(text));
  spend(0, line);
  return value;
}

bool Interpreter::iterate(const Value &value, int line,
                          std::vector<Value> *items) {
  switch (value.kind) {
  case Kind::undefined:
    return true;
  case Kind::list:
    if (!spend(value.list->items.size() * sizeof(Value), line))
      return false;
    *items = value.list->items;
    return true;
  case Kind::dict:
    if (!spend(value.dict->items.size() * sizeof(Value), line))
      return false;
    for (const auto &item : value.dict->items)
      items->push_back(item.first);
    return true;
  case Kind::string: {
    if (!spend(value.textBytes * sizeof(Value), line))
      return false;
    std::string_view rest = value.string();
    while (!rest.empty()) {
      size_t bytes = firstCharacter(rest);
      items->push_back(Value::of(rest.substr(0, bytes)));
      rest.remove_prefix(bytes);
    }
    return true;
  }
  default:
    fail(line, std::string(kindName(value)) + " has no items");
    return false;
  }
}

} // namespace modelc::jinja
