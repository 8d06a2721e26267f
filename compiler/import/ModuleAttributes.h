//===- ModuleAttributes.h - Facts of a model on its module
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Names of the attributes that import puts on the module and that later verbs
// read. Everything else about a model is in its ops or in the file's metadata.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_MODULEATTRIBUTES_H
#define MODELC_COMPILER_IMPORT_MODULEATTRIBUTES_H

#include "llvm/ADT/StringRef.h"

namespace modelc {

/// String: general.architecture.
inline constexpr llvm::StringLiteral kArchitectureAttr = "modelc.architecture";
/// String: general.name, or empty.
inline constexpr llvm::StringLiteral kNameAttr = "modelc.name";
/// i64: tokens of context that the model was trained for.
inline constexpr llvm::StringLiteral kContextLengthAttr =
    "modelc.context_length";
/// i64: ids that have logits.
inline constexpr llvm::StringLiteral kVocabSizeAttr = "modelc.vocab_size";
/// i64: features of a token between layers.
inline constexpr llvm::StringLiteral kEmbeddingLengthAttr =
    "modelc.embedding_length";
/// i64.
inline constexpr llvm::StringLiteral kLayerCountAttr = "modelc.layer_count";
/// Array of strings: tensors of the file that the network does not need, for
/// the compile report.
inline constexpr llvm::StringLiteral kIgnoredTensorsAttr =
    "modelc.ignored_tensors";

/// Name of the function that is the network.
inline constexpr llvm::StringLiteral kForwardName = "forward";

} // namespace modelc

#endif // MODELC_COMPILER_IMPORT_MODULEATTRIBUTES_H
