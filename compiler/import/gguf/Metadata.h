//===- Metadata.h - The keys of a GGUF file and their values
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys are read and checked once, when the file is opened; values stay where
// they lie in the mapping. Look-ups give a value of the wanted kind and range,
// or an error that names the file, the key, what was found and expected.
//
// Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_METADATA_H
#define MODELC_COMPILER_IMPORT_GGUF_METADATA_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/Cursor.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <limits>
#include <string>
#include <vector>

namespace modelc::gguf {

/// Types of values, as GGUF numbers them.
enum class MetadataType : uint32_t {
  U8 = MODELC_META_U8,
  I8 = MODELC_META_I8,
  U16 = MODELC_META_U16,
  I16 = MODELC_META_I16,
  U32 = MODELC_META_U32,
  I32 = MODELC_META_I32,
  F32 = MODELC_META_F32,
  Bool = MODELC_META_BOOL,
  String = MODELC_META_STRING,
  Array = MODELC_META_ARRAY, ///< In files only; an entry has its elements'.
  U64 = MODELC_META_U64,
  I64 = MODELC_META_I64,
  F64 = MODELC_META_F64,
};

/// One key. All references are into the file.
struct MetadataEntry {
  llvm::StringRef key;
  MetadataType type; ///< Of the value or, in an array, of the elements.
  bool isArray;
  uint64_t count; ///< Elements; 1 if it is no array.
  /// The elements as they lie in the file: numbers packed, without alignment;
  /// each string as its u64 length, then its bytes.
  llvm::ArrayRef<uint8_t> bytes;

  /// All strings in order, `count` of them. Expects type String.
  llvm::SmallVector<llvm::StringRef> strings() const;

  /// Element `index` of any integer or bool type as a number, or nothing if
  /// it is a u64 beyond int64_t's range.
  std::optional<int64_t> integer(uint64_t index) const;

  /// Its type for an error: `u32`, `array of 3 string`.
  std::string describeType() const;
};

/// What an integer may be; both ends included.
struct IntegerRange {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
};

/// What a float may be; both ends included, never NaN.
struct FloatRange {
  float min = std::numeric_limits<float>::lowest();
  float max = std::numeric_limits<float>::max();
};

/// All keys of one file, in its order. Any thread may look up. Functions
/// without `Or` demand the key; with it, `fallback` stands for a missing one.
class Metadata {
public:
  /// Reads `count` keys. Duplicate keys, arrays of arrays, bools beyond 0 and
  /// 1 and unknown types are errors.
  static absl::StatusOr<Metadata> read(Cursor &cursor, uint64_t count);

  llvm::ArrayRef<MetadataEntry> entries() const { return list; }
  const MetadataEntry *find(llvm::StringRef key) const;

  /// An integer of any width, signed or not.
  absl::StatusOr<int64_t> getInteger(llvm::StringRef key,
                                     IntegerRange range) const;
  absl::StatusOr<int64_t> getIntegerOr(llvm::StringRef key, IntegerRange range,
                                       int64_t fallback) const;

  /// An integer, or an array of `count` integers that are all equal: how
  /// converters write a fact that could differ between layers.
  absl::StatusOr<int64_t> getUniformInteger(llvm::StringRef key,
                                            IntegerRange range,
                                            int64_t count) const;

  /// An f32, or an f64 rounded to one.
  absl::StatusOr<float> getFloat(llvm::StringRef key, FloatRange range) const;
  absl::StatusOr<float> getFloatOr(llvm::StringRef key, FloatRange range,
                                   float fallback) const;

  absl::StatusOr<bool> getBoolOr(llvm::StringRef key, bool fallback) const;

  absl::StatusOr<llvm::StringRef> getString(llvm::StringRef key) const;
  absl::StatusOr<llvm::StringRef> getStringOr(llvm::StringRef key,
                                              llvm::StringRef fallback) const;

  /// Elements of an array of any type.
  absl::StatusOr<int64_t> getArrayLength(llvm::StringRef key) const;

  /// An error about `key`: `FILE: key 'KEY': found FOUND, expected EXPECTED`.
  absl::Status makeError(llvm::StringRef key, const llvm::Twine &found,
                         const llvm::Twine &expected) const;

private:
  explicit Metadata(llvm::StringRef file) : file(file) {}

  /// The entry, which must be there and no array.
  absl::StatusOr<const MetadataEntry *>
  findScalar(llvm::StringRef key, const llvm::Twine &expected) const;
  absl::StatusOr<int64_t> checkInteger(const MetadataEntry &entry,
                                       uint64_t index,
                                       IntegerRange range) const;

  std::string file;
  std::vector<MetadataEntry> list;
  llvm::StringMap<size_t> indices;
};

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_METADATA_H
