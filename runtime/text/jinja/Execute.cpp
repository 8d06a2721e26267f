//===- Execute.cpp - Runs statements
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {% set x = 1 %}{% for y in [2] %}{% set x = y %}{% endfor %}{{ x }}  ==> 1
//
// A loop's body, a macro's and a block's see what is around them, and what
// they set ends with them; `if` has no variables of its own.
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"

namespace modelc::jinja {

const Value *Scope::find(std::string_view name) const {
  for (const Scope *scope = this; scope; scope = scope->parent)
    for (const auto &[known, value] : scope->variables)
      if (known == name)
        return &value;
  return nullptr;
}

void Scope::set(std::string_view name, const Value &value) {
  for (auto &variable : variables)
    if (variable.first == name) {
      variable.second = value;
      return;
    }
  variables.emplace_back(name, value);
}

Interpreter::Nesting::Nesting(Interpreter *interpreter, int line)
    : interpreter(*interpreter) {
  if (++interpreter->depth > kMaxDepth)
    interpreter->fail(line, "nested too deep");
}

bool Interpreter::render(const Ast &ast, const Dict &context,
                         std::string *out) {
  Scope *outer = pushScope(nullptr);
  for (const Builtin &builtin : globals()) {
    functions.push_back({.builtin = &builtin, .self = {}});
    outer->set(builtin.name, Value::of(&functions.back()));
  }
  for (const auto &[name, value] : context.items)
    outer->set(name.string(), value);
  scope = pushScope(outer);
  output = result = out;
  execute(ast.body);
  return !failed();
}

Value Interpreter::fail(int line, const std::string &text) {
  if (message.empty())
    message = "line " + std::to_string(line) + ": " + text;
  return {};
}

bool Interpreter::spend(uint64_t cost, int line) {
  if (heap.spend(cost) && !heap.isSpent())
    return !failed();
  fail(line, "the template takes too long or makes too much");
  return false;
}

Scope *Interpreter::pushScope(Scope *parent) {
  heap.spend(sizeof(Scope) * 2);
  scopes.push_back({parent, {}});
  return &scopes.back();
}

void Interpreter::write(std::string_view text, int line) {
  if (spend(text.size() * (output == result ? Heap::kOutputCost : 1), line))
    *output += text;
}

Interpreter::Flow Interpreter::execute(const Block &block) {
  for (const Statement *statement : block) {
    Flow flow = executeStatement(*statement);
    if (failed() || flow != Flow::next)
      return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::executeStatement(const Statement &statement) {
  Nesting nesting(this, statement.line);
  if (!spend(Heap::kStepCost, statement.line))
    return Flow::next;
  switch (statement.kind) {
  case Statement::Kind::text:
    write(statement.text, statement.line);
    break;
  case Statement::Kind::output:
    write(toText(evaluate(*statement.value), statement.line), statement.line);
    break;
  case Statement::Kind::choice:
    return executeChoice(statement);
  case Statement::Kind::forLoop:
    return executeLoop(statement);
  case Statement::Kind::scope:
    return executeScope(statement);
  case Statement::Kind::set:
  case Statement::Kind::setBlock:
    executeSet(statement);
    break;
  case Statement::Kind::filter:
    write(toText(filterBody(statement), statement.line), statement.line);
    break;
  case Statement::Kind::macro:
    executeMacro(statement);
    break;
  case Statement::Kind::breakLoop:
    return Flow::breakLoop;
  case Statement::Kind::continueLoop:
    return Flow::continueLoop;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::executeChoice(const Statement &statement) {
  for (const Statement::Branch &branch : statement.branches)
    if (!branch.condition || isTrue(evaluate(*branch.condition)))
      return failed() ? Flow::next : execute(branch.body);
  return Flow::next;
}

Interpreter::Flow Interpreter::executeLoop(const Statement &statement) {
  std::vector<Value> items;
  Value iterable = evaluate(*statement.value);
  if (failed() || !iterate(iterable, statement.line, &items))
    return Flow::next;
  if (statement.condition && !filterItems(statement, &items))
    return Flow::next;
  if (items.empty())
    return execute(statement.otherwise);
  Scope *outer = scope;
  for (size_t at = 0; at < items.size() && !failed(); ++at) {
    if (!spend(Heap::kStepCost, statement.line))
      break;
    scope = pushScope(outer);
    unpack(statement.targets, items[at], statement.line);
    if (statement.usesLoop)
      scope->set("loop", Value::of(loopVariables(items, at), Kind::nameSpace));
    if (execute(statement.body) == Flow::breakLoop)
      break;
  }
  scope = outer;
  return Flow::next;
}

/// Keeps the items for which the loop's condition is true.
bool Interpreter::filterItems(const Statement &loop,
                              std::vector<Value> *items) {
  Scope *outer = scope;
  std::vector<Value> kept;
  for (const Value &item : *items) {
    scope = pushScope(outer);
    unpack(loop.targets, item, loop.line);
    bool isKept = isTrue(evaluate(*loop.condition));
    if (failed())
      break;
    if (isKept)
      kept.push_back(item);
  }
  scope = outer;
  *items = std::move(kept);
  return !failed();
}

Dict *Interpreter::loopVariables(const std::vector<Value> &items, size_t at) {
  Dict *loop = heap.makeDict();
  int64_t index = static_cast<int64_t>(at);
  int64_t length = static_cast<int64_t>(items.size());
  auto add = [&](std::string_view name, const Value &value) {
    loop->items.emplace_back(Value::of(name), value);
  };
  loop->items.reserve(9);
  heap.spend(9 * Heap::kItemCost);
  add("index", Value::of(index + 1));
  add("index0", Value::of(index));
  add("revindex", Value::of(length - index));
  add("revindex0", Value::of(length - index - 1));
  add("first", Value::of(index == 0));
  add("last", Value::of(index + 1 == length));
  add("length", Value::of(length));
  add("previtem", index > 0 ? items[at - 1] : Value::undefined("previtem"));
  add("nextitem",
      index + 1 < length ? items[at + 1] : Value::undefined("nextitem"));
  return loop;
}

Interpreter::Flow Interpreter::executeScope(const Statement &statement) {
  Scope *outer = scope;
  Scope *inner = pushScope(outer);
  for (size_t at = 0; at < statement.targets.size(); ++at)
    inner->set(statement.targets[at].name, evaluate(*statement.values[at]));
  scope = inner;
  Flow flow = execute(statement.body);
  scope = outer;
  return flow;
}

void Interpreter::executeSet(const Statement &statement) {
  if (statement.kind == Statement::Kind::set)
    return unpack(statement.targets, evaluate(*statement.value),
                  statement.line);
  assign(statement.targets[0], filterBody(statement), statement.line);
}

/// What a body writes, after the filters around it, if there are any.
Value Interpreter::filterBody(const Statement &statement) {
  Value body = Value::of(capture(statement.body, statement.line));
  if (!statement.value)
    return body;
  Scope *outer = scope;
  scope = pushScope(outer);
  scope->set(kBodyName, body);
  Value result = evaluate(*statement.value);
  scope = outer;
  return result;
}

void Interpreter::executeMacro(const Statement &statement) {
  spend(sizeof(Function), statement.line);
  Function &function = functions.emplace_back();
  function.macro = &statement;
  function.closure = scope;
  scope->set(statement.name, Value::of(&function));
}

void Interpreter::unpack(const std::vector<Statement::Target> &targets,
                         const Value &value, int line) {
  if (failed())
    return;
  if (targets.size() == 1)
    return assign(targets[0], value, line);
  std::vector<Value> items;
  if (!iterate(value, line, &items))
    return;
  if (items.size() != targets.size()) {
    fail(line, "found " + std::to_string(items.size()) + " values for " +
                   std::to_string(targets.size()) + " variables");
    return;
  }
  for (size_t at = 0; at < items.size(); ++at)
    assign(targets[at], items[at], line);
}

void Interpreter::assign(const Statement::Target &target, const Value &value,
                         int line) {
  if (!spend(Heap::kItemCost + scope->variables.size(), line))
    return;
  if (target.attribute.empty())
    return scope->set(target.name, value);
  const Value *object = scope->find(target.name);
  if (!object || !object->is(Kind::nameSpace)) {
    fail(line, "'" + std::string(target.name) +
                   "' is no namespace, its attributes cannot be set");
    return;
  }
  spend(object->dict->items.size(), line);
  object->dict->set(Value::of(target.attribute), value);
}

/// Executes `body` with variables of its own and returns what it writes.
std::string_view Interpreter::capture(const Block &body, int line) {
  std::string text;
  std::string *outerOutput = output;
  Scope *outerScope = scope;
  output = &text;
  scope = pushScope(outerScope);
  execute(body);
  scope = outerScope;
  output = outerOutput;
  return makeString(std::move(text), line).string();
}

} // namespace modelc::jinja
