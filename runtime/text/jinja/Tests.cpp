//===- Tests.cpp - What may follow `is`
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   tools is defined and tools is not none and tools is iterable
//
// As in Jinja's documentation, "List of Builtin Tests".
//
//===----------------------------------------------------------------------===//

#include "Builtins.h"
#include "Interpreter.h"
#include "Strings.h"

namespace modelc::jinja {
namespace {

template <auto predicate> Value check(Call &call) {
  return Value::of(static_cast<bool>(predicate(call.self)));
}

template <Operator op> Value compareWith(Call &call) {
  return Value::of(
      call.interpreter.comparison(op, call.self, call.get(0), call.line));
}

bool isSequence(const Value &value) {
  return value.isString() || value.is(Kind::list) || value.is(Kind::dict) ||
         value.is(Kind::undefined);
}

Value remainder(Call &call, int64_t divisor, int64_t wanted) {
  Value rest = call.interpreter.binary(Operator::modulo, call.self,
                                       Value::of(divisor), call.line);
  return Value::of(isEqual(rest, Value::of(wanted)));
}

Value isOdd(Call &call) { return remainder(call, 2, 1); }
Value isEven(Call &call) { return remainder(call, 2, 0); }
Value isDivisible(Call &call) { return remainder(call, call.integer(0), 0); }

Value isSame(Call &call) {
  const Value &a = call.self;
  Value b = call.get(0);
  // What is one object in Python.
  bool isSimple = !a.isString() && !a.is(Kind::list) && !a.is(Kind::dict);
  bool isOne = isSimple       ? isEqual(a, b)
               : a.isString() ? a.text == b.text && a.textBytes == b.textBytes
                              : a.list == b.list;
  return Value::of(a.kind == b.kind && isOne);
}

/// Some letter, and no letter of the other case.
bool hasCase(std::string_view text, bool upper) {
  std::string own = upper ? toUpper(text) : toLower(text);
  std::string other = upper ? toLower(text) : toUpper(text);
  return own == text && other != text;
}
Value isLower(Call &call) { return Value::of(hasCase(call.selfText(), false)); }
Value isUpper(Call &call) { return Value::of(hasCase(call.selfText(), true)); }

constexpr Builtin kTests[] = {
    {"defined", check<[](const Value &v) { return !v.is(Kind::undefined); }>},
    {"undefined", check<[](const Value &v) { return v.is(Kind::undefined); }>},
    {"none", check<[](const Value &v) { return v.is(Kind::none); }>},
    {"string", check<[](const Value &v) { return v.isString(); }>},
    {"mapping", check<[](const Value &v) { return v.is(Kind::dict); }>},
    {"iterable", check<isSequence>},
    {"sequence", check<isSequence>},
    {"number", check<[](const Value &v) { return v.isNumber(); }>},
    {"integer", check<[](const Value &v) { return v.is(Kind::integer); }>},
    {"float", check<[](const Value &v) { return v.is(Kind::real); }>},
    {"boolean", check<[](const Value &v) { return v.is(Kind::boolean); }>},
    {"true",
     check<[](const Value &v) { return v.is(Kind::boolean) && v.boolean; }>},
    {"false",
     check<[](const Value &v) { return v.is(Kind::boolean) && !v.boolean; }>},
    // Jinja's undefined can be called, to fail then.
    {"callable", check<[](const Value &v) {
       return v.is(Kind::function) || v.is(Kind::undefined);
     }>},
    {"odd", isOdd},
    {"even", isEven},
    {"divisibleby", isDivisible, {"num"}, 1},
    {"sameas", isSame, {"other"}, 1},
    {"lower", isLower},
    {"upper", isUpper},
    {"in", compareWith<Operator::in>, {"seq"}, 1},
    {"eq", compareWith<Operator::equal>, {"other"}, 1},
    {"equalto", compareWith<Operator::equal>, {"other"}, 1},
    {"==", compareWith<Operator::equal>, {"other"}, 1},
    {"ne", compareWith<Operator::notEqual>, {"other"}, 1},
    {"!=", compareWith<Operator::notEqual>, {"other"}, 1},
    {"lt", compareWith<Operator::less>, {"other"}, 1},
    {"lessthan", compareWith<Operator::less>, {"other"}, 1},
    {"<", compareWith<Operator::less>, {"other"}, 1},
    {"le", compareWith<Operator::lessEqual>, {"other"}, 1},
    {"<=", compareWith<Operator::lessEqual>, {"other"}, 1},
    {"gt", compareWith<Operator::greater>, {"other"}, 1},
    {"greaterthan", compareWith<Operator::greater>, {"other"}, 1},
    {">", compareWith<Operator::greater>, {"other"}, 1},
    {"ge", compareWith<Operator::greaterEqual>, {"other"}, 1},
    {">=", compareWith<Operator::greaterEqual>, {"other"}, 1},
};

} // namespace

std::span<const Builtin> tests() { return kTests; }

} // namespace modelc::jinja
