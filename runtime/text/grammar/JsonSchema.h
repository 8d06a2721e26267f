//===- JsonSchema.h - The grammar of the JSON that a schema takes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JSON Schema (json-schema.org, draft 2020-12, with `definitions` and lists of
// `items` as before it) as GBNF. Every text of the grammar is taken by the
// schema; docs/howto/constrain.md says which of its texts are left out.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_GRAMMAR_JSONSCHEMA_H
#define MODELC_RUNTIME_TEXT_GRAMMAR_JSONSCHEMA_H

#include <cstdint>
#include <string>
#include <string_view>

namespace modelc::grammar {

enum class SchemaResult : uint8_t {
  good,
  wrong,      ///< No schema, or one that nothing fits.
  unsupported ///< A schema, with what would have to be ignored.
};

/// Writes the grammar to *out. If not good, *error says where and why:
/// "#/properties/a: the keyword 'not' is not supported".
SchemaResult translateSchema(std::string_view schema, std::string *out,
                             std::string *error);

/// A text in quotes, as GBNF writes it.
std::string quoteGbnf(std::string_view text);

/// GBNF of the whole numbers `low` to `high`, -10^18 < low <= high < 10^18.
std::string integerRange(int64_t low, int64_t high);

} // namespace modelc::grammar

#endif // MODELC_RUNTIME_TEXT_GRAMMAR_JSONSCHEMA_H
