//===- Operators.cpp - What operators do
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   7 // -2 == -4      "a" ~ 1 == "a1"      "b" in {"b": 1}
//
// Python's operators. Its integers have no limits, these have 64 bits: what
// does not fit fails.
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"
#include <cmath>

namespace modelc::jinja {
namespace {

const char *spelling(Operator op) {
  constexpr const char *kSpellings[] = {
      "+",  "-",  "*", "/",  "//", "%",  "**", "~",
      "==", "!=", "<", "<=", ">",  ">=", "in", "not in"};
  return kSpellings[static_cast<size_t>(op)];
}

double realArithmetic(Operator op, double left, double right) {
  switch (op) {
  case Operator::add:
    return left + right;
  case Operator::subtract:
    return left - right;
  case Operator::multiply:
    return left * right;
  case Operator::divide:
    return left / right;
  case Operator::floorDivide:
    return std::floor(left / right);
  case Operator::modulo: {
    double rest = std::fmod(left, right);
    return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest;
  }
  default:
    return std::pow(left, right);
  }
}

} // namespace

Value Interpreter::binary(Operator op, const Value &left, const Value &right,
                          int line) {
  if (failed())
    return {};
  if (op == Operator::concatenate) {
    std::string text(toText(left, line));
    std::string_view second = toText(right, line);
    if (!spend(second.size(), line))
      return {};
    return makeString(text.append(second), line);
  }
  if (left.isNumber() && right.isNumber())
    return arithmetic(op, left, right, line);
  if (op == Operator::add && left.isString() && right.isString()) {
    if (!spend(left.textBytes + right.textBytes, line))
      return {};
    return makeString(std::string(left.string()).append(right.string()), line);
  }
  if (op == Operator::add && left.is(Kind::list) && right.is(Kind::list) &&
      left.list->form == right.list->form) {
    const std::vector<Value> &a = left.list->items, &b = right.list->items;
    if (!spend((a.size() + b.size()) * sizeof(Value), line))
      return {};
    std::vector<Value> items = a;
    items.insert(items.end(), b.begin(), b.end());
    return heap.makeList(std::move(items), left.list->form);
  }
  if (op == Operator::multiply && right.isInteger() &&
      (left.isString() || left.is(Kind::list)))
    return repeat(left, right.asInteger(), line);
  if (op == Operator::multiply && left.isInteger() &&
      (right.isString() || right.is(Kind::list)))
    return repeat(right, left.asInteger(), line);
  for (const Value *side : {&left, &right})
    if (side->is(Kind::undefined) && !side->string().empty())
      return fail(line, "'" + std::string(side->string()) + "' is undefined");
  return fail(line, std::string(kindName(left)) + " " + spelling(op) + " " +
                        kindName(right));
}

Value Interpreter::arithmetic(Operator op, const Value &left,
                              const Value &right, int line) {
  bool divides = op == Operator::divide || op == Operator::floorDivide ||
                 op == Operator::modulo;
  if (divides && right.asReal() == 0)
    return fail(line, "division by zero");
  bool isInteger = left.isInteger() && right.isInteger();
  if (op == Operator::power && isInteger && right.asInteger() < 0)
    isInteger = false;
  if (isInteger && op != Operator::divide)
    return integerArithmetic(op, left.asInteger(), right.asInteger(), line);
  return Value::of(realArithmetic(op, left.asReal(), right.asReal()));
}

Value Interpreter::integerArithmetic(Operator op, int64_t left, int64_t right,
                                     int line) {
  int64_t result = 0;
  bool overflows = false;
  switch (op) {
  case Operator::add:
    overflows = __builtin_add_overflow(left, right, &result);
    break;
  case Operator::subtract:
    overflows = __builtin_sub_overflow(left, right, &result);
    break;
  case Operator::multiply:
    overflows = __builtin_mul_overflow(left, right, &result);
    break;
  case Operator::floorDivide:
  case Operator::modulo: {
    // INT64_MIN / -1 overflows; a remainder by -1 is 0.
    if (right == -1) {
      if (op == Operator::floorDivide)
        overflows = __builtin_sub_overflow(int64_t{0}, left, &result);
      break;
    }
    int64_t quotient = left / right, rest = left % right;
    bool goesDown = rest != 0 && (rest < 0) != (right < 0);
    result = op == Operator::floorDivide ? quotient - goesDown
                                         : rest + (goesDown ? right : 0);
    break;
  }
  default:
    result = 1;
    // 0, 1 and -1 alone have large powers.
    if (left >= -1 && left <= 1)
      result = left == -1 ? (right % 2 ? -1 : 1) : right == 0 ? 1 : left;
    else
      for (; right > 0 && !overflows; --right)
        overflows = __builtin_mul_overflow(result, left, &result);
  }
  if (overflows)
    return fail(line, "the number is too large");
  return Value::of(result);
}

Value Interpreter::repeat(const Value &value, int64_t count, int line) {
  size_t size = value.isString() ? value.textBytes
                                 : value.list->items.size() * sizeof(Value);
  uint64_t cost;
  count = count < 0 || size == 0 ? 0 : count;
  if (__builtin_mul_overflow(size, static_cast<uint64_t>(count), &cost))
    cost = UINT64_MAX;
  if (!spend(cost, line))
    return {};
  if (value.isString()) {
    std::string text;
    for (int64_t at = 0; at < count; ++at)
      text += value.string();
    return makeString(std::move(text), line);
  }
  std::vector<Value> items;
  for (int64_t at = 0; at < count; ++at)
    items.insert(items.end(), value.list->items.begin(),
                 value.list->items.end());
  return heap.makeList(std::move(items), value.list->form);
}

/// The cost of comparing `value` with another: its parts, counted as often as
/// they are met, up to `limit`.
static uint64_t comparisonCost(const Value &value, uint64_t limit,
                               int depth = 0) {
  uint64_t cost = 1;
  cost += value.textSize() / 4;
  if (depth > kMaxValueDepth || cost >= limit)
    return cost;
  if (value.is(Kind::list))
    for (const Value &item : value.list->items) {
      cost += comparisonCost(item, limit - cost, depth + 1);
      if (cost >= limit)
        return cost;
    }
  if (value.is(Kind::dict))
    for (const auto &item : value.dict->items) {
      cost += value.dict->items.size();
      if (cost >= limit)
        return cost;
      cost += comparisonCost(item.second, limit - cost, depth + 1);
      if (cost >= limit)
        return cost;
    }
  return cost;
}

bool Interpreter::comparison(Operator op, const Value &left, const Value &right,
                             int line) {
  if (failed())
    return false;
  if (op == Operator::in || op == Operator::notIn)
    return contains(right, left, line) == (op == Operator::in);
  if (!spend(comparisonCost(left, heap.remaining()), line))
    return false;
  if (op == Operator::equal || op == Operator::notEqual)
    return isEqual(left, right) == (op == Operator::equal);
  int order = compare(left, right);
  if (order == 2) {
    fail(line, std::string(kindName(left)) + " " + spelling(op) + " " +
                   kindName(right));
    return false;
  }
  switch (op) {
  case Operator::less:
    return order < 0;
  case Operator::lessEqual:
    return order <= 0;
  case Operator::greater:
    return order > 0;
  default:
    return order >= 0;
  }
}

bool Interpreter::spendSearch(uint64_t textBytes, uint64_t partBytes,
                              int line) {
  uint64_t cost;
  if (__builtin_mul_overflow(textBytes, partBytes + 1, &cost))
    cost = UINT64_MAX;
  return spend(cost / 16, line);
}

bool Interpreter::contains(const Value &container, const Value &value,
                           int line) {
  switch (container.kind) {
  case Kind::string:
    if (!value.isString())
      break;
    return spendSearch(container.textBytes, value.textBytes, line) &&
           container.string().find(value.string()) != std::string_view::npos;
  case Kind::list: {
    uint64_t cost = comparisonCost(value, heap.remaining());
    for (const Value &item : container.list->items) {
      if (!spend(cost, line))
        return false;
      if (isEqual(value, item))
        return true;
    }
    return false;
  }
  case Kind::dict:
    if (value.is(Kind::list) || value.is(Kind::dict))
      break; // What may change is no key.
    spend(container.dict->items.size() + value.textSize() / 4, line);
    return container.dict->find(value) != nullptr;
  case Kind::undefined:
    return false;
  default:
    break;
  }
  fail(line, std::string(kindName(value)) + " in " + kindName(container));
  return false;
}

} // namespace modelc::jinja
