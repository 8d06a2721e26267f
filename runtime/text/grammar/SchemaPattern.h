//===- SchemaPattern.h - The grammar of a string that fits a regex
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMAPATTERN_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMAPATTERN_H

#include "JsonSchema.h"

namespace modelc::grammar {

/// Writes what may stand between the quotes of a JSON string that fits
/// `pattern`, UTF-8, as an expression in GBNF with the rule `char`. A pattern
/// says something of a part of the string, unless it begins with ^ and ends
/// with $. Every character is written in one way: with the short escapes of
/// JSON, or \u00XX, only where it needs one; control characters without a
/// short escape are only where the pattern names them one by one.
///
/// Not `good`: *error says why, as the end of a sentence that begins with the
/// schema's place.
///
/// Source: ECMA-262, Patterns, as with the flag u, which JSON Schema (draft
/// 2020-12, 6.4) recommends.
SchemaResult translatePattern(std::string_view pattern, std::string *expression,
                              std::string *error);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_SCHEMAPATTERN_H
