//===- Interpreter.h - Renders a parsed template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the nodes: Execute.cpp statements, Evaluate.cpp expressions,
// Operators.cpp what operators do. Names of filters, tests, methods and
// functions are looked up in the tables of Builtins.h.
//
// After the first error every value is undefined and every loop ends; callers
// look at failed() where they would go on for long.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_INTERPRETER_H
#define MODELC_RUNTIME_TEXT_JINJA_INTERPRETER_H

#include "Ast.h"
#include "Builtins.h"
#include "Heap.h"

namespace modelc::jinja {

/// The variables of a part of the template, inside those of another.
struct Scope {
  Scope *parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> variables;

  const Value *find(std::string_view name) const;
  void set(std::string_view name, const Value &value);
};

/// What a call calls: a macro, or a built-in with the value it belongs to.
struct Function {
  const Statement *macro = nullptr;
  Scope *closure = nullptr;
  const Builtin *builtin = nullptr;
  Value self;
};

class Interpreter {
public:
  /// `now` is the time of strftime_now, in seconds since 1970.
  Interpreter(Heap *heap, int64_t now) : heap(*heap), now(now) {}

  /// Renders `ast` with the variables of `context`. False, with error()
  /// "line N: ...".
  bool render(const Ast &ast, const Dict &context, std::string *out);
  const std::string &error() const { return message; }

  // What built-ins use.
  bool failed() const { return !message.empty(); }
  Value fail(int line, const std::string &text);
  Heap &memory() { return heap; }
  int64_t time() const { return now; }
  /// Pays; fails if the budget does not suffice.
  bool spend(uint64_t cost, int line);
  /// Pays for a search for `partBytes` bytes, which may agree with the text for
  /// long at every place.
  bool spendSearch(uint64_t textBytes, uint64_t partBytes, int line);
  Value makeString(std::string text, int line);
  /// str(value), a view into the heap or the value itself.
  std::string_view toText(const Value &value, int line);
  /// The items that a loop over `value` sees; fails for what has none.
  bool iterate(const Value &value, int line, std::vector<Value> *items);
  Value attribute(const Value &object, std::string_view name, int line);
  Value subscript(const Value &object, const Value &index, int line);
  Value binary(Operator op, const Value &left, const Value &right, int line);
  bool comparison(Operator op, const Value &left, const Value &right, int line);
  Value applyFilter(std::string_view name, const Value &value,
                    Arguments arguments, int line);
  bool applyTest(std::string_view name, const Value &value, Arguments arguments,
                 int line);

private:
  /// How execution goes on after a statement.
  enum class Flow { next, breakLoop, continueLoop };

  // Execute.cpp
  Flow execute(const Block &block);
  Flow executeStatement(const Statement &statement);
  Flow executeChoice(const Statement &statement);
  Flow executeLoop(const Statement &statement);
  Flow executeScope(const Statement &statement);
  void executeSet(const Statement &statement);
  void executeMacro(const Statement &statement);
  void assign(const Statement::Target &target, const Value &value, int line);
  void unpack(const std::vector<Statement::Target> &targets, const Value &value,
              int line);
  bool filterItems(const Statement &loop, std::vector<Value> *items);
  Dict *loopVariables(const std::vector<Value> &items, size_t at);
  std::string_view capture(const Block &body, int line);
  Value filterBody(const Statement &statement);
  void write(std::string_view text, int line);
  Scope *pushScope(Scope *parent);

  // Evaluate.cpp
  Value evaluate(const Expression &expression);
  Value evaluateKind(const Expression &expression);
  Value evaluateList(const Expression &expression);
  Value evaluateDict(const Expression &expression);
  Value evaluateSlice(const Expression &expression);
  Value evaluateComparison(const Expression &expression);
  Value evaluateCall(const Expression &expression);
  Value lookUp(const Expression &name);
  Arguments evaluateArguments(const Expression &call);
  Value call(const Function &function, Arguments arguments, int line);
  Value callMacro(const Function &function, Arguments arguments, int line);
  Value callBuiltin(const Builtin &builtin, const Value &self,
                    Arguments arguments, int line);
  Value methodOf(const Value &object, std::string_view name);

  // Operators.cpp
  Value arithmetic(Operator op, const Value &left, const Value &right,
                   int line);
  Value integerArithmetic(Operator op, int64_t left, int64_t right, int line);
  Value repeat(const Value &value, int64_t count, int line);
  bool contains(const Value &container, const Value &value, int line);

  /// Statements, expressions and macro calls inside each other. A level takes
  /// less than 4 KiB of stack, with sanitizers too.
  static constexpr int kMaxDepth = 400;
  struct Nesting {
    Nesting(Interpreter *interpreter, int line);
    ~Nesting() { --interpreter.depth; }
    Interpreter &interpreter;
  };

  Heap &heap;
  int64_t now;
  int depth = 0;
  std::string message;
  std::deque<Scope> scopes;
  std::deque<Function> functions;
  Scope *scope = nullptr;
  /// Where output goes: the caller's, or that of a macro or a block.
  std::string *output = nullptr;
  std::string *result = nullptr;
};

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_INTERPRETER_H
