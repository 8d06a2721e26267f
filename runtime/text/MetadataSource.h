//===- MetadataSource.h - Where a tokenizer finds the keys of its model
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan is one source (TokenizerFromPlan.cpp); tests and fuzzers have their
// own. Everything that comes from a source is untrusted.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_METADATASOURCE_H
#define MODELC_RUNTIME_TEXT_METADATASOURCE_H

#include "modelc/modelc.h"
#include <string_view>

namespace modelc::text {

class MetadataSource {
public:
  virtual ~MetadataSource() = default;

  /// Looks up a GGUF key; false if there is none. `*value` has `count`
  /// elements of its type behind `data`, and borrows from the source.
  virtual bool find(const char *key, modelc_metadata *value) const = 0;

  /// String `index` of `value`; false if it is none. Borrowed from the source.
  virtual bool string(const modelc_metadata &value, uint64_t index,
                      std::string_view *result) const = 0;

  /// Ids that the model computes logits for; the vocabulary must have as many.
  virtual uint64_t vocabSize() const = 0;
};

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_METADATASOURCE_H
