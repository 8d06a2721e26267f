//===- GgmlTypes.h - The element types of GGUF tensors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one table of ggml's tensor element types: id, name, elements and bytes
// of one block. Everything that needs a block size or a type id asks here.
//
// Source: ggml's public type enumeration and block structures
// (github.com/ggml-org/ggml, include/ggml.h and src/ggml-common.h) and the
// GGUF specification (docs/gguf.md there).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_GGMLTYPES_H
#define MODELC_DIALECTS_MODEL_GGMLTYPES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

namespace modelc::model {

/// The type ids that GGUF files hold. Ids 4, 5, 31..33 and 36..38 were
/// retired by ggml and are not types.
enum class GgmlType : uint32_t {
#define GGML_TYPE(enumerator, id, name, blockElems, blockBytes, kind)          \
  enumerator = id,
#include "dialects/model/GgmlTypes.def"
};

/// What the elements of a type are.
enum class GgmlKind {
  Float,   ///< IEEE or bfloat16 numbers, one element a block.
  Integer, ///< Plain integers, one element a block.
  Block,   ///< Quantised: a block of elements shares scales.
};

/// One row of the table.
struct GgmlTypeInfo {
  GgmlType type;
  llvm::StringRef name; ///< Lower case, as in `!model.ggml<q4_0>`.
  int64_t blockElems;   ///< Elements of one block.
  int64_t blockBytes;   ///< Bytes of one block.
  GgmlKind kind;
};

/// The whole table, in ascending order of ids.
llvm::ArrayRef<GgmlTypeInfo> getGgmlTypes();

/// The row of `type`. Every enumerator has one.
const GgmlTypeInfo &getGgmlTypeInfo(GgmlType type);

/// The type with this id in a GGUF file, or nothing for retired and unknown
/// ids.
std::optional<GgmlType> getGgmlTypeById(uint32_t id);

/// The type of this name (`q4_0`), or nothing.
std::optional<GgmlType> getGgmlTypeByName(llvm::StringRef name);

} // namespace modelc::model

#endif // MODELC_DIALECTS_MODEL_GGMLTYPES_H
