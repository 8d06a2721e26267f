//===- Print.h - Values as text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What Python's str, repr and json.dumps make of a value.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_PRINT_H
#define MODELC_RUNTIME_TEXT_JINJA_PRINT_H

#include "Value.h"
#include <optional>
#include <string>

namespace modelc::jinja {

/// Appends str(value). False, with *out of any content, once it would exceed
/// `maxBytes` or values lie too deep in each other.
bool printText(const Value &value, size_t maxBytes, std::string *out);

struct JsonStyle {
  /// Spaces, or another text, of a level; without: all on one line.
  std::optional<std::string> indent;
  std::string itemSeparator = ", ";
  std::string keySeparator = ": ";
  bool sortKeys = false;
  bool asciiOnly = false;
};

/// Appends json.dumps(value). False as above, and, with *error naming the
/// kind, for a value that JSON has not.
bool printJson(const Value &value, const JsonStyle &style, size_t maxBytes,
               std::string *out, const char **error);

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_PRINT_H
