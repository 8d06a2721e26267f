//===- Ast.h - A parsed template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {% for m in messages if m.role %}{{ m.content | trim }}{% endfor %}
//     ==> forLoop(targets {m}, value name(messages),
//                 condition attribute(name(m), "role"),
//                 body {output(filter(attribute(name(m), "content"), "trim"))})
//
// Nodes are owned, flat, by the Ast; texts are borrowed from the source or
// from `texts`.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_AST_H
#define MODELC_RUNTIME_TEXT_JINJA_AST_H

#include "Value.h"
#include <deque>
#include <string>

namespace modelc::jinja {

enum class Operator : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floorDivide,
  modulo,
  power,
  concatenate,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  in,
  notIn
};

struct Expression {
  enum class Kind : uint8_t {
    literal,
    name,
    list,        ///< operands: items
    tuple,       ///< operands: items
    dict,        ///< operands: key, value, key, value, ...
    attribute,   ///< operands: object; name
    subscript,   ///< operands: object, index
    slice,       ///< operands: object, start, stop, step; each may be null
    call,        ///< operands: callee, positional arguments; keywords
    filter,      ///< operands: value, positional arguments; name, keywords
    test,        ///< the same
    negate,      ///< operands: value
    plus,        ///< operands: value
    logicalNot,  ///< operands: value
    logicalAnd,  ///< operands: left, right
    logicalOr,   ///< operands: left, right
    binary,      ///< operands: left, right; operators[0]
    comparison,  ///< operands: n + 1 values; operators: n
    conditional, ///< operands: condition, value, other value or null
  };
  struct Keyword {
    std::string_view name;
    const Expression *value;
  };

  Kind kind = Kind::literal;
  int line = 0;
  std::string_view name;
  Value literal;
  std::vector<const Expression *> operands;
  std::vector<Keyword> keywords;
  std::vector<Operator> operators;
};

struct Statement;
using Block = std::vector<const Statement *>;

struct Statement {
  enum class Kind : uint8_t {
    text,     ///< text
    output,   ///< value
    choice,   ///< branches
    forLoop,  ///< targets, value, condition or null, body, otherwise, usesLoop
    set,      ///< targets, value
    setBlock, ///< targets[0], value: filters around the body or null; body
    filter,   ///< value: filters around the body; body
    macro,    ///< name, parameters, body
    scope,    ///< targets, values: variables of the body; body
    breakLoop,
    continueLoop
  };
  /// `name`, or `name.attribute` of a namespace.
  struct Target {
    std::string_view name;
    std::string_view attribute;
  };
  struct Branch {
    const Expression *condition; ///< null: else.
    Block body;
  };
  struct Parameter {
    std::string_view name;
    const Expression *defaultValue; ///< null: none.
  };

  Kind kind = Kind::text;
  int line = 0;
  std::string_view text;
  std::string_view name;
  const Expression *value = nullptr;
  const Expression *condition = nullptr;
  std::vector<const Expression *> values;
  std::vector<Target> targets;
  std::vector<Branch> branches;
  std::vector<Parameter> parameters;
  Block body;
  Block otherwise;
  bool usesLoop = false;
};

/// The name of the variable that a filter around a body reads. No template can
/// spell it.
inline constexpr std::string_view kBodyName = "(body)";

struct Ast {
  Ast() = default;
  Ast(const Ast &) = delete;
  Ast &operator=(const Ast &) = delete;

  std::string source;
  std::deque<std::string> texts;
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  Block body;
};

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_AST_H
