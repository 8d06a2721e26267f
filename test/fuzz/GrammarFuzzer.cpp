//===- GrammarFuzzer.cpp - Foreign grammars and schemas
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input is a grammar, or chooses the pieces of one, or a JSON schema, and
// then tokens. What a schema becomes is a grammar; what is a grammar gives
// masks that say the same as its answer to each token.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/grammar/Constraint.h"
#include "runtime/text/grammar/JsonSchema.h"
#include "test/text/FakeMetadata.h"
#include <fuzzer/FuzzedDataProvider.h>

using namespace modelc::grammar;
namespace text = modelc::text;

namespace {

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

std::string fromPieces(FuzzedDataProvider &data,
                       std::span<const char *const> pieces) {
  std::string text;
  while (data.remaining_bytes() > 16 && text.size() < 2048)
    text += pieces[data.ConsumeIntegralInRange<size_t>(0, pieces.size() - 1)];
  return text;
}

std::string anyGrammar(FuzzedDataProvider &data) {
  constexpr const char *kPieces[] = {"root ::= ",
                                     "\na ::= ",
                                     "\nb ::= ",
                                     "root",
                                     "a",
                                     "b",
                                     " ",
                                     "\"a\"",
                                     "\"b\"",
                                     "\"ab\"",
                                     "\"\"",
                                     "[a-b]",
                                     "[^a\\n]",
                                     ".",
                                     "\xc3\xa9",
                                     "\"\xc3\xa9\"",
                                     "(",
                                     ")",
                                     "|",
                                     "?",
                                     "*",
                                     "+",
                                     "{2}",
                                     "{0,3}",
                                     "{1,}",
                                     "{999}",
                                     "# x\n",
                                     "\n",
                                     "\\",
                                     "[",
                                     "]",
                                     "\"",
                                     "<a>",
                                     "::=",
                                     "[\\x00-\\U0010FFFF]"};
  return "root ::= a b?\na ::= \"a\"\nb ::= " + fromPieces(data, kPieces);
}

std::string anySchema(FuzzedDataProvider &data) {
  constexpr const char *kPieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"a\"",
                                     "\"b\"",
                                     "\"\"",
                                     "1",
                                     "-3",
                                     "2.5",
                                     "1e300",
                                     "true",
                                     "false",
                                     "null",
                                     "\"type\":",
                                     "\"string\"",
                                     "\"integer\"",
                                     "\"number\"",
                                     "\"object\"",
                                     "\"array\"",
                                     "\"enum\":",
                                     "\"const\":",
                                     "\"anyOf\":",
                                     "\"oneOf\":",
                                     "\"allOf\":",
                                     "\"$ref\":",
                                     "\"#\"",
                                     "\"#/$defs/a\"",
                                     "\"$defs\":",
                                     "\"properties\":",
                                     "\"required\":",
                                     "\"additionalProperties\":",
                                     "\"items\":",
                                     "\"prefixItems\":",
                                     "\"minItems\":",
                                     "\"maxItems\":",
                                     "\"minLength\":",
                                     "\"maxLength\":",
                                     "\"minimum\":",
                                     "\"maximum\":",
                                     "\"exclusiveMinimum\":",
                                     "\"format\":",
                                     "\"date\"",
                                     "\"uuid\"",
                                     "{\"a\":{",
                                     "}}",
                                     "{\"$ref\":\"#\"}"};
  return fromPieces(data, kPieces);
}

/// Bytes and a few pairs of them.
const text::Tokenizer &tokenizer() {
  static const std::unique_ptr<text::Tokenizer> made = [] {
    std::unique_ptr<text::Tokenizer> tokenizer;
    // The tokenizer borrows its texts.
    static text::test::FakeMetadata metadata = text::test::makeBpeMetadata(
        {"a b", "ab a", "\xc3\x83 \xc2\xa9", "\" :", "{ \""});
    metadata.setU32("tokenizer.ggml.eos_token_id", 0);
    require(createTokenizer(metadata, &tokenizer, nullptr) == MODELC_OK);
    return tokenizer;
  }();
  return *made;
}

void walk(GrammarProgram program, FuzzedDataProvider &data) {
  Constraint constraint(tokenizer(), std::move(program));
  size_t vocabSize = tokenizer().vocabulary().texts.size();
  for (int step = 0; step < 8; ++step) {
    const uint64_t *mask;
    modelc_code code = constraint.mask(&mask, nullptr);
    if (code) {
      require(code == MODELC_RESOURCE_EXHAUSTED ||
              code == MODELC_FAILED_PRECONDITION);
      return;
    }
    size_t first = data.ConsumeIntegralInRange<size_t>(0, vocabSize - 1);
    std::vector<bool> allowed(vocabSize);
    for (size_t id = 0; id < vocabSize; ++id)
      allowed[id] = mask[id / 64] >> (id % 64) & 1;
    size_t id = first;
    while (!allowed[id]) {
      require(constraint.accept(static_cast<int32_t>(id), nullptr) !=
              MODELC_OK);
      id = (id + 1) % vocabSize;
    }
    require(constraint.accept(static_cast<int32_t>(id), nullptr) == MODELC_OK);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  std::string source, error;
  bool isSchema = data.ConsumeBool();
  bool isRaw = data.ConsumeBool();
  if (isRaw)
    source = data.ConsumeRandomLengthString();
  else
    source = isSchema ? anySchema(data) : anyGrammar(data);
  if (isSchema) {
    std::string grammar;
    if (translateSchema(source, &grammar, &error) != SchemaResult::good) {
      require(error.starts_with("#"));
      return 0;
    }
    source = grammar;
  }
  Grammar grammar;
  GrammarProgram program;
  if (!readGbnf(source, &grammar, &error)) {
    require(error.starts_with("line "));
    // A schema becomes a grammar, if not one that is too large.
    require(!isSchema || source.size() > kMaxGrammarBytes);
    return 0;
  }
  if (!compileGrammar(grammar, &program, &error)) {
    require(!error.empty());
    return 0;
  }
  walk(std::move(program), data);
  return 0;
}
