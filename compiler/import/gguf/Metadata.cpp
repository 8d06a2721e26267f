//===- Metadata.cpp - The keys of a GGUF file and their values
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reading: key, type, then the value, each checked against what is left of the
// file before it is touched.
//
//   u64 n | n bytes key | u32 type | value
//   value: a number | u64 n, n bytes | u32 type, u64 n, n values
//
// Looking up: the entry, its type, its range, in this order.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/Metadata.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace modelc;
using namespace modelc::gguf;

/// The specification's limit.
static constexpr size_t kMaxKeyBytes = 65535;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static bool isKnown(MetadataType type) { return type <= MetadataType::F64; }

static llvm::StringRef getName(MetadataType type) {
  static constexpr llvm::StringLiteral kNames[] = {
      "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
      "bool", "string", "array", "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

/// Bytes of a number; 0 for strings and arrays.
static uint64_t getSizeBytes(MetadataType type) {
  static constexpr uint8_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kSizes[static_cast<uint32_t>(type)];
}

static bool isInteger(MetadataType type) {
  return type != MetadataType::F32 && type != MetadataType::Bool &&
         type != MetadataType::String && type != MetadataType::F64;
}

template <typename T>
static T load(const MetadataEntry &entry, uint64_t index) {
  T value;
  memcpy(&value, entry.bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

llvm::SmallVector<llvm::StringRef> MetadataEntry::strings() const {
  llvm::SmallVector<llvm::StringRef> result;
  // Bounds were checked when the file was read.
  Cursor cursor(key, bytes);
  for (uint64_t i = 0; i < count; ++i)
    result.push_back(cursor.readString(Subject::key(key), "string"));
  return result;
}

std::optional<int64_t> MetadataEntry::integer(uint64_t index) const {
  switch (type) {
  case MetadataType::U8:
  case MetadataType::Bool:
    return load<uint8_t>(*this, index);
  case MetadataType::I8:
    return load<int8_t>(*this, index);
  case MetadataType::U16:
    return load<uint16_t>(*this, index);
  case MetadataType::I16:
    return load<int16_t>(*this, index);
  case MetadataType::U32:
    return load<uint32_t>(*this, index);
  case MetadataType::I32:
    return load<int32_t>(*this, index);
  case MetadataType::I64:
    return load<int64_t>(*this, index);
  default:
    break;
  }
  const auto value = load<uint64_t>(*this, index);
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return std::nullopt;
  return static_cast<int64_t>(value);
}

std::string MetadataEntry::describeType() const {
  if (!isArray)
    return getName(type).str();
  return "array of " + std::to_string(count) + " " + getName(type).str();
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Reads a type id; on an unknown one the cursor fails.
static MetadataType readType(Cursor &cursor, const Subject &subject) {
  const auto type =
      static_cast<MetadataType>(cursor.read<uint32_t>(subject, "type"));
  if (!isKnown(type)) {
    cursor.fail(subject, "type", llvm::Twine(static_cast<uint32_t>(type)),
                "a type of 0 to 12");
    return MetadataType::U8;
  }
  return type;
}

/// The bytes of `count` strings, lengths included.
static llvm::ArrayRef<uint8_t>
readStrings(Cursor &cursor, const Subject &subject, uint64_t count) {
  // Stops at the end of the file whatever the count: each string has 8 bytes.
  const uint64_t begin = cursor.offset();
  for (uint64_t i = 0; i < count && cursor.ok(); ++i)
    cursor.readString(subject, "string");
  return cursor.bytesSince(begin);
}

static llvm::ArrayRef<uint8_t> readNumbers(Cursor &cursor,
                                           const Subject &subject,
                                           MetadataType type, uint64_t count) {
  std::optional<uint64_t> sizeBytes =
      llvm::checkedMulUnsigned(count, getSizeBytes(type));
  if (!sizeBytes) {
    cursor.fail(subject, "length", llvm::Twine(count),
                "a count that fits into the file");
    return {};
  }
  llvm::ArrayRef<uint8_t> bytes =
      cursor.readBytes(*sizeBytes, subject, "value");
  if (type == MetadataType::Bool)
    for (uint8_t value : bytes)
      if (value > 1)
        cursor.fail(subject, "value", "bool " + llvm::Twine(unsigned(value)),
                    "0 or 1");
  return bytes;
}

static MetadataEntry readEntry(Cursor &cursor, uint64_t number) {
  MetadataEntry entry = {};
  entry.key = cursor.readString(Subject::keyNumber(number), "name");
  const size_t keyBytes = entry.key.size();
  if (keyBytes == 0 || keyBytes > kMaxKeyBytes)
    cursor.fail(Subject::keyNumber(number), "name",
                llvm::Twine(keyBytes) + " bytes", "1 to 65535");
  // Plans end names by a NUL: two keys could become one.
  if (entry.key.contains('\0'))
    cursor.fail(Subject::keyNumber(number), "name", quote(entry.key),
                "a name without NUL");
  const Subject subject = Subject::key(entry.key);
  entry.type = readType(cursor, subject);
  entry.count = 1;
  if (entry.type == MetadataType::Array) {
    entry.isArray = true;
    entry.type = readType(cursor, subject);
    entry.count = cursor.read<uint64_t>(subject, "length");
  }
  if (entry.type == MetadataType::Array)
    cursor.fail(subject, "type", "an array of arrays",
                "an array of numbers, bools or strings");
  else if (entry.type == MetadataType::String)
    entry.bytes = readStrings(cursor, subject, entry.count);
  else
    entry.bytes = readNumbers(cursor, subject, entry.type, entry.count);
  return entry;
}

absl::StatusOr<Metadata> Metadata::read(Cursor &cursor, uint64_t count) {
  Metadata metadata(cursor.fileName());
  for (uint64_t i = 0; i < count; ++i) {
    MetadataEntry entry = readEntry(cursor, i + 1);
    if (!cursor.ok())
      return cursor.status();
    if (!metadata.indices.try_emplace(entry.key, i).second)
      return metadata.makeError(entry.key, "it twice", "it once");
    metadata.list.push_back(entry);
  }
  return metadata;
}

//===----------------------------------------------------------------------===//
// Looking up
//===----------------------------------------------------------------------===//

const MetadataEntry *Metadata::find(llvm::StringRef key) const {
  auto it = indices.find(key);
  return it == indices.end() ? nullptr : &list[it->second];
}

absl::Status Metadata::makeError(llvm::StringRef key, const llvm::Twine &found,
                                 const llvm::Twine &expected) const {
  return gguf::makeError(file, Subject::key(key), "", found, expected);
}

absl::StatusOr<const MetadataEntry *>
Metadata::findScalar(llvm::StringRef key, const llvm::Twine &expected) const {
  const MetadataEntry *entry = find(key);
  if (!entry)
    return makeError(key, "none", expected);
  if (entry->isArray)
    return makeError(key, entry->describeType(), expected);
  return entry;
}

absl::StatusOr<int64_t> Metadata::checkInteger(const MetadataEntry &entry,
                                               uint64_t index,
                                               IntegerRange range) const {
  std::optional<int64_t> value = entry.integer(index);
  if (value && *value >= range.min && *value <= range.max)
    return *value;
  const std::string text = value ? std::to_string(*value)
                                 : std::to_string(load<uint64_t>(entry, index));
  return makeError(entry.key, text,
                   llvm::Twine(range.min) + " to " + llvm::Twine(range.max));
}

absl::StatusOr<int64_t> Metadata::getInteger(llvm::StringRef key,
                                             IntegerRange range) const {
  absl::StatusOr<const MetadataEntry *> entry = findScalar(key, "an integer");
  if (!entry.ok())
    return entry.status();
  if (!isInteger((*entry)->type))
    return makeError(key, (*entry)->describeType(), "an integer");
  return checkInteger(**entry, 0, range);
}

absl::StatusOr<int64_t> Metadata::getIntegerOr(llvm::StringRef key,
                                               IntegerRange range,
                                               int64_t fallback) const {
  if (!find(key))
    return fallback;
  return getInteger(key, range);
}

absl::StatusOr<int64_t> Metadata::getUniformInteger(llvm::StringRef key,
                                                    IntegerRange range,
                                                    int64_t count) const {
  const MetadataEntry *entry = find(key);
  if (!entry || !entry->isArray)
    return getInteger(key, range);
  const auto elements = static_cast<uint64_t>(count);
  if (!isInteger(entry->type) || entry->count != elements || count == 0)
    return makeError(key, entry->describeType(),
                     "an integer or an array of " + llvm::Twine(count));
  absl::StatusOr<int64_t> first = checkInteger(*entry, 0, range);
  if (!first.ok())
    return first;
  for (uint64_t i = 1; i < elements; ++i) {
    absl::StatusOr<int64_t> value = checkInteger(*entry, i, range);
    if (!value.ok())
      return value;
    if (*value != *first)
      return makeError(key,
                       llvm::Twine(*value) + " for element " + llvm::Twine(i),
                       llvm::Twine(*first) + " for all, as for element 0");
  }
  return first;
}

static std::string formatFloat(float value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", double(value));
  return text;
}

absl::StatusOr<float> Metadata::getFloat(llvm::StringRef key,
                                         FloatRange range) const {
  absl::StatusOr<const MetadataEntry *> found = findScalar(key, "a float");
  if (!found.ok())
    return found.status();
  const MetadataEntry &entry = **found;
  float value;
  if (entry.type == MetadataType::F32)
    value = load<float>(entry, 0);
  else if (entry.type == MetadataType::F64)
    value = static_cast<float>(load<double>(entry, 0));
  else
    return makeError(key, entry.describeType(), "a float");
  if (value >= range.min && value <= range.max)
    return value;
  return makeError(key, formatFloat(value),
                   formatFloat(range.min) + " to " + formatFloat(range.max));
}

absl::StatusOr<float> Metadata::getFloatOr(llvm::StringRef key,
                                           FloatRange range,
                                           float fallback) const {
  if (!find(key))
    return fallback;
  return getFloat(key, range);
}

absl::StatusOr<bool> Metadata::getBoolOr(llvm::StringRef key,
                                         bool fallback) const {
  if (!find(key))
    return fallback;
  absl::StatusOr<const MetadataEntry *> entry = findScalar(key, "a bool");
  if (!entry.ok())
    return entry.status();
  if ((*entry)->type != MetadataType::Bool)
    return makeError(key, (*entry)->describeType(), "a bool");
  return load<uint8_t>(**entry, 0) != 0;
}

absl::StatusOr<llvm::StringRef> Metadata::getString(llvm::StringRef key) const {
  absl::StatusOr<const MetadataEntry *> entry = findScalar(key, "a string");
  if (!entry.ok())
    return entry.status();
  if ((*entry)->type != MetadataType::String)
    return makeError(key, (*entry)->describeType(), "a string");
  return (*entry)->strings().front();
}

absl::StatusOr<llvm::StringRef>
Metadata::getStringOr(llvm::StringRef key, llvm::StringRef fallback) const {
  if (!find(key))
    return fallback;
  return getString(key);
}

absl::StatusOr<int64_t> Metadata::getArrayLength(llvm::StringRef key) const {
  const MetadataEntry *entry = find(key);
  if (!entry)
    return makeError(key, "none", "an array");
  if (!entry->isArray)
    return makeError(key, entry->describeType(), "an array");
  return static_cast<int64_t>(entry->count);
}
