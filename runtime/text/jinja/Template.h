//===- Template.h - A Jinja template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of Jinja (https://jinja.palletsprojects.com) that chat templates
// use, with the settings of Hugging Face's transformers: trim_blocks,
// lstrip_blocks, break and continue, {% generation %}, raise_exception,
// strftime_now, values that do not change.
//
//   Template greeting;
//   greeting.parse("Hello {{ name | upper }}", &error);
//   greeting.render(R"({"name": "you"})", ...)   // "Hello YOU"
//
// A template is foreign code: it ends, within bounds, whatever it is (Heap.h).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_TEMPLATE_H
#define MODELC_RUNTIME_TEXT_JINJA_TEMPLATE_H

#include "Ast.h"
#include "Heap.h"
#include <string>

namespace modelc::jinja {

/// Longest source, in bytes; the longest real ones have less than 64 KiB.
inline constexpr size_t kMaxSourceBytes = size_t{1} << 20;

/// What one rendering may spend, in units of Heap: about a second, and at most
/// as many bytes.
inline constexpr uint64_t kRenderBudget = uint64_t{1} << 28;

class Template {
public:
  /// Parses `source`. False, with *error "line N: ...", for what is no
  /// template or beyond what is understood here.
  bool parse(std::string_view source, std::string *error);

  /// Renders with `variables`, which may lie in `heap`; what is made goes
  /// there, too. `now` is the time for strftime_now, in seconds since 1970.
  /// False, with *error "line N: ..."; *out then ends where it failed.
  bool render(const Dict &variables, int64_t now, Heap *heap, std::string *out,
              std::string *error) const;

private:
  Ast ast;
};

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_TEMPLATE_H
