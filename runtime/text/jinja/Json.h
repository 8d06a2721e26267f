//===- Json.h - JSON as values
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For variables that callers give: tools, switches of a template.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_JSON_H
#define MODELC_RUNTIME_TEXT_JINJA_JSON_H

#include "Heap.h"

namespace modelc::jinja {

/// Reads all of `text` (RFC 8259). False, with *error saying what and at which
/// byte, for anything else, values nested deeper than kMaxValueDepth, or more
/// than the heap may hold. Whole numbers beyond 64 bits become reals.
bool parseJson(std::string_view text, Heap *heap, Value *out,
               std::string *error);

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_JSON_H
