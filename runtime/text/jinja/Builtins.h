//===- Builtins.h - What a template can call
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables of filters, tests, methods and functions. A built-in names its
// parameters; its caller binds arguments to them and refuses others, so that
// the function itself looks at values alone.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_BUILTINS_H
#define MODELC_RUNTIME_TEXT_JINJA_BUILTINS_H

#include "Value.h"
#include <array>
#include <optional>
#include <span>

namespace modelc::jinja {

class Interpreter;

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> keywords;
};

inline constexpr size_t kMaxParameters = 5;

/// One call of a built-in.
struct Call {
  Interpreter &interpreter;
  int line;
  std::string_view name; ///< Of the built-in, for messages.
  /// The filtered or tested value, or the object of a method.
  Value self;
  /// [parameter]; only of built-ins that name their parameters.
  std::array<std::optional<Value>, kMaxParameters> bound;
  /// All of them; for built-ins that take any.
  Arguments arguments;

  bool has(size_t parameter) const { return bound[parameter].has_value(); }
  /// The argument, undefined if there is none.
  Value get(size_t parameter) const {
    return bound[parameter].value_or(Value());
  }
  /// The argument as a text or a number; another kind fails.
  std::string_view text(size_t parameter, std::string_view otherwise = {});
  int64_t integer(size_t parameter, int64_t otherwise = 0);
  bool flag(size_t parameter, bool otherwise = false);
  /// str(self).
  std::string_view selfText();
  /// The text of a parameter that is searched in self, paid for.
  std::string_view searched(size_t parameter);
  /// Fails with "NAME: TEXT"; undefined.
  Value fail(const std::string &text);
};

struct Builtin {
  std::string_view name;
  Value (*run)(Call &call);
  /// Names of parameters, in order; the first `required` must be given.
  std::array<std::string_view, kMaxParameters> parameters = {};
  uint8_t required = 0;
  bool takesAny = false;
};

/// The entry `name` of a table, or nullptr.
const Builtin *find(std::span<const Builtin> table, std::string_view name);

std::span<const Builtin> textFilters();
std::span<const Builtin> listFilters();
std::span<const Builtin> tests();
std::span<const Builtin> stringMethods();
std::span<const Builtin> listMethods();
std::span<const Builtin> dictMethods();
std::span<const Builtin> globals();

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_BUILTINS_H
