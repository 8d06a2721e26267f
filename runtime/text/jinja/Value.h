//===- Value.h - The values of a template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Jinja computes with Python's values. Those that chat templates need are
// here, and they are small: what is larger than a number lies in a Heap, which
// owns everything until a rendering ends, so values are copied freely, and a
// namespace that holds itself leaks nothing.
//
// Lists, tuples and dicts do not change after they are made, as in the sandbox
// that Hugging Face's transformers use; only a namespace's attributes do.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_VALUE_H
#define MODELC_RUNTIME_TEXT_JINJA_VALUE_H

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace modelc::jinja {

struct Function;
struct List;
struct Dict;

enum class Kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list, ///< Also a tuple or a generator, see List.
  dict,
  nameSpace, ///< namespace(...), and a loop's variables.
  function
};

struct Value {
  Kind kind = Kind::undefined;
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char *text = nullptr; ///< string; undefined: its name.
    const List *list;
    Dict *dict; ///< dict, nameSpace.
    const Function *function;
  };
  size_t textBytes = 0;

  static Value none();
  static Value of(bool value);
  static Value of(int64_t value);
  static Value of(double value);
  /// Borrows the text.
  static Value of(std::string_view value);
  static Value of(const char *) = delete;
  static Value of(const List *value);
  static Value of(Dict *value, Kind kind = Kind::dict);
  static Value of(const Function *value);
  /// What a name without a value gives; `name` is borrowed.
  static Value undefined(std::string_view name);

  bool is(Kind other) const { return kind == other; }
  bool isString() const { return kind == Kind::string; }
  /// Bytes of a string; 0 for what is none.
  size_t textSize() const { return isString() ? textBytes : 0; }
  /// bool counts as a number, as in Python.
  bool isInteger() const {
    return kind == Kind::integer || kind == Kind::boolean;
  }
  bool isNumber() const { return isInteger() || kind == Kind::real; }
  /// Of a string; of undefined its name.
  std::string_view string() const { return {text, textBytes}; }
  /// Of an integer or a boolean.
  int64_t asInteger() const {
    return kind == Kind::boolean ? int64_t{boolean} : integer;
  }
  /// Of a number.
  double asReal() const {
    return kind == Kind::real ? real : static_cast<double>(asInteger());
  }
};

struct List {
  /// A generator is what Python computes while it is looped over: it has no
  /// length, and is true even if nothing comes out of it.
  enum class Form : uint8_t { list, tuple, generator };

  std::vector<Value> items;
  Form form = Form::list;
};

/// Keys in the order in which they came.
struct Dict {
  std::vector<std::pair<Value, Value>> items;

  /// nullptr if there is none.
  const Value *find(const Value &key) const;
  const Value *find(std::string_view key) const { return find(Value::of(key)); }
  void set(const Value &key, const Value &value);
};

/// Python's bool(value).
bool isTrue(const Value &value);

/// Python's left == right. Values nested deeper than kMaxValueDepth are
/// different.
bool isEqual(const Value &left, const Value &right, int depth = 0);

/// Python's order of two numbers, strings or lists: -1, 0, 1, or 2 if they
/// have none.
int compare(const Value &left, const Value &right, int depth = 0);

/// How deep values may lie in each other where all of them is looked at.
inline constexpr int kMaxValueDepth = 100;

/// As a message names it: "a string", "undefined".
const char *kindName(const Value &value);

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_VALUE_H
