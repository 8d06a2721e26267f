//===- GgufFile.cpp - One GGUF file: header, keys, tensors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "GGUF" | u32 version | u64 tensors | u64 keys
//   keys:    u64 n, name | u32 type | value                     Metadata.cpp
//   tensors: u64 n, name | u32 rank | u64 dims[rank] | u32 type | u64 offset
//   0 .. alignment - 1 bytes of padding
//   tensor data: offsets count from here
//
// Nothing is allocated for a count that the file is too short to hold.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace modelc;
using namespace modelc::gguf;
using modelc::model::GgmlType;
using modelc::model::GgmlTypeInfo;

/// The fewest bytes of a tensor: a name of 1 byte, 1 dimension.
static constexpr uint64_t kMinTensorBytes = (8 + 1) + 4 + 8 + 4 + 8;
/// The fewest bytes of a key: a name of 1 byte, a value of 1.
static constexpr uint64_t kMinKeyBytes = (8 + 1) + 4 + 1;
/// The specification's limit.
static constexpr uint64_t kMaxNameBytes = 64;
static constexpr uint32_t kMaxRank = 4;
static constexpr int64_t kDefaultAlignment = 32;
static constexpr int64_t kAlignmentUnit = 8;

namespace {

struct Header {
  uint64_t tensorCount;
  uint64_t keyCount;
};

} // namespace

static Header readHeader(Cursor &cursor);
static absl::StatusOr<uint64_t> readAlignment(const Metadata &metadata);
static GgufTensor readTensor(Cursor &cursor, uint64_t number,
                             uint64_t alignment);
static absl::Status placeTensors(llvm::StringRef path,
                                 llvm::ArrayRef<uint8_t> data,
                                 uint64_t dataOffset,
                                 std::vector<GgufTensor> &tensors);
static absl::Status checkOverlaps(llvm::StringRef path,
                                  llvm::ArrayRef<GgufTensor> tensors);

absl::StatusOr<GgufFile>
modelc::gguf::readGgufFile(llvm::StringRef path, llvm::ArrayRef<uint8_t> bytes,
                           uint32_t shard) {
  Cursor cursor(path, bytes);
  const Header header = readHeader(cursor);
  if (!cursor.ok())
    return cursor.status();
  absl::StatusOr<Metadata> metadata = Metadata::read(cursor, header.keyCount);
  if (!metadata.ok())
    return metadata.status();
  absl::StatusOr<uint64_t> alignment = readAlignment(*metadata);
  if (!alignment.ok())
    return alignment.status();
  std::vector<GgufTensor> tensors;
  for (uint64_t i = 0; i < header.tensorCount; ++i) {
    tensors.push_back(readTensor(cursor, i + 1, *alignment));
    if (!cursor.ok())
      return cursor.status();
    tensors.back().shard = shard;
  }
  // Cannot wrap: files are shorter than 2^63 bytes, alignments than 2^32.
  const uint64_t dataOffset = llvm::alignTo(cursor.offset(), *alignment);
  llvm::ArrayRef<uint8_t> data;
  if (dataOffset <= bytes.size())
    data = bytes.drop_front(dataOffset);
  if (absl::Status status = placeTensors(path, data, dataOffset, tensors);
      !status.ok())
    return status;
  if (absl::Status status = checkOverlaps(path, tensors); !status.ok())
    return status;
  return GgufFile{*std::move(metadata), std::move(tensors)};
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

static void checkVersion(Cursor &cursor, uint32_t version) {
  if (version == 2 || version == 3)
    return;
  const uint32_t swapped = __builtin_bswap32(version);
  if (swapped >= 1 && swapped <= 3)
    cursor.fail(Subject::header(), "version",
                llvm::Twine(swapped) + " in big-endian byte order",
                "a little-endian file");
  else
    cursor.fail(Subject::header(), "version", llvm::Twine(version), "2 or 3");
}

/// A count of things of which each takes `minBytes` or more of what follows.
static void checkCount(Cursor &cursor, llvm::StringRef field, uint64_t count,
                       uint64_t minBytes) {
  const uint64_t most = cursor.remainingBytes() / minBytes;
  if (cursor.ok() && count > most)
    cursor.fail(Subject::header(), field, llvm::Twine(count),
                "at most " + llvm::Twine(most) + ", all that " +
                    llvm::Twine(cursor.remainingBytes()) + " bytes can hold");
}

static Header readHeader(Cursor &cursor) {
  const Subject subject = Subject::header();
  llvm::ArrayRef<uint8_t> magic = cursor.readBytes(4, subject, "magic");
  llvm::StringRef text(reinterpret_cast<const char *>(magic.data()),
                       magic.size());
  if (text != "GGUF")
    cursor.fail(subject, "magic", quote(text), "'GGUF'");
  const auto version = cursor.read<uint32_t>(subject, "version");
  if (cursor.ok())
    checkVersion(cursor, version);
  Header header;
  header.tensorCount = cursor.read<uint64_t>(subject, "tensor count");
  header.keyCount = cursor.read<uint64_t>(subject, "key count");
  checkCount(cursor, "tensor count", header.tensorCount, kMinTensorBytes);
  checkCount(cursor, "key count", header.keyCount, kMinKeyBytes);
  return header;
}

static absl::StatusOr<uint64_t> readAlignment(const Metadata &metadata) {
  constexpr llvm::StringLiteral kKey = "general.alignment";
  const IntegerRange range = {kAlignmentUnit,
                              std::numeric_limits<uint32_t>::max()};
  absl::StatusOr<int64_t> value =
      metadata.getIntegerOr(kKey, range, kDefaultAlignment);
  if (!value.ok())
    return value.status();
  if (*value % kAlignmentUnit != 0)
    return metadata.makeError(kKey, llvm::Twine(*value), "a multiple of 8");
  return static_cast<uint64_t>(*value);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

GgufTensor GgufTensor::takeRows(llvm::StringRef newName, int64_t begin,
                                int64_t end) const {
  const bool isMany = shape.size() > 2;
  const uint64_t matrices = isMany ? shape[0] : 1;
  const uint64_t matrixBytes = bytes.size() / matrices;
  const uint64_t rowBytes = matrixBytes / static_cast<uint64_t>(getRowCount());
  GgufTensor rows = *this;
  rows.name = newName;
  rows.shape[isMany ? 1 : 0] = end - begin;
  rows.offset += begin * rowBytes;
  rows.stride = isMany ? matrixBytes : 0;
  rows.bytes = bytes.slice(begin * rowBytes, (matrices - 1) * matrixBytes +
                                                 (end - begin) * rowBytes);
  return rows;
}

int64_t GgufTensor::getRowCount() const {
  if (shape.size() > 3)
    return 0;
  return shape.size() > 2 ? shape[1] : shape[0];
}

llvm::ArrayRef<uint8_t> GgufTensor::getMatrix(int64_t index) const {
  const uint64_t matrices = shape.size() > 2 ? shape[0] : 1;
  const uint64_t count = getByteCount() / matrices;
  return bytes.slice(index * (stride ? stride : count), count);
}

uint64_t GgufTensor::getByteCount() const {
  if (stride == 0)
    return bytes.size();
  const uint64_t between = static_cast<uint64_t>(shape[0]) - 1;
  return (bytes.size() - between * stride) * (between + 1);
}

std::string GgufTensor::nameRows(int64_t begin, int64_t end) const {
  return llvm::formatv("{0}[{1}:{2}]", name, begin, end);
}

std::string modelc::gguf::formatShape(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t dim : shape)
    text += "[" + std::to_string(dim) + "]";
  return text;
}

/// Names of the ids that ggml has retired; empty for others.
static llvm::StringRef getRetiredName(uint32_t id) {
  switch (id) {
  case 4:
    return "q4_2";
  case 5:
    return "q4_3";
  case 31:
    return "q4_0_4_4";
  case 32:
    return "q4_0_4_8";
  case 33:
    return "q4_0_8_8";
  case 36:
    return "iq4_nl_4_4";
  case 37:
    return "iq4_nl_4_8";
  case 38:
    return "iq4_nl_8_8";
  default:
    return "";
  }
}

static GgmlType readType(Cursor &cursor, const Subject &subject) {
  const auto id = cursor.read<uint32_t>(subject, "type");
  std::optional<GgmlType> type = model::getGgmlTypeById(id);
  if (type)
    return *type;
  llvm::StringRef retired = getRetiredName(id);
  if (retired.empty())
    cursor.fail(subject, "type", llvm::Twine(id), "the id of a ggml type");
  else
    cursor.fail(subject, "type",
                llvm::Twine(id) + " (" + retired + ", retired by ggml)",
                "the id of a ggml type");
  return GgmlType::F32;
}

/// Reads the rank and the dimensions, rows last, into `tensor.shape`.
static void readShape(Cursor &cursor, const Subject &subject,
                      GgufTensor &tensor) {
  const auto rank = cursor.read<uint32_t>(subject, "rank");
  if (rank < 1 || rank > kMaxRank) {
    cursor.fail(subject, "rank", llvm::Twine(rank), "1 to 4");
    return;
  }
  tensor.shape.resize(rank);
  for (int64_t &dim : llvm::reverse(tensor.shape)) {
    const auto value = cursor.read<uint64_t>(subject, "dimensions");
    dim = static_cast<int64_t>(value);
    if (dim < 1)
      cursor.fail(subject, "dimensions", llvm::Twine(value),
                  "1 to 9223372036854775807");
  }
}

/// Bytes of a tensor, or nothing if there is no such number.
static std::optional<int64_t> computeSizeBytes(const GgufTensor &tensor) {
  const GgmlTypeInfo &info = model::getGgmlTypeInfo(tensor.type);
  std::optional<int64_t> size =
      llvm::checkedMul(info.blockBytes, tensor.shape.back() / info.blockElems);
  for (int64_t dim : llvm::drop_end(tensor.shape))
    size = size ? llvm::checkedMul(*size, dim) : size;
  return size;
}

/// Fails if the type does not allow the shape or the size is no number.
static void checkSize(Cursor &cursor, const Subject &subject,
                      const GgufTensor &tensor) {
  if (!cursor.ok())
    return;
  const GgmlTypeInfo &info = model::getGgmlTypeInfo(tensor.type);
  if (tensor.shape.back() % info.blockElems != 0)
    cursor.fail(subject, "dimensions",
                "rows of " + llvm::Twine(tensor.shape.back()),
                "a multiple of " + llvm::Twine(info.blockElems) +
                    ", the block of " + info.name);
  else if (!computeSizeBytes(tensor))
    cursor.fail(subject, "dimensions", formatShape(tensor.shape),
                "a size below 2^63 bytes");
}

/// Reads a tensor; its offset still counts from the tensor data, and its bytes
/// are not known yet.
static GgufTensor readTensor(Cursor &cursor, uint64_t number,
                             uint64_t alignment) {
  GgufTensor tensor = {};
  tensor.name = cursor.readString(Subject::tensorNumber(number), "name");
  const size_t nameBytes = tensor.name.size();
  if (nameBytes == 0 || nameBytes > kMaxNameBytes)
    cursor.fail(Subject::tensorNumber(number), "name",
                llvm::Twine(nameBytes) + " bytes", "1 to 64");
  const Subject subject = Subject::tensor(tensor.name);
  readShape(cursor, subject, tensor);
  if (cursor.ok())
    tensor.type = readType(cursor, subject);
  checkSize(cursor, subject, tensor);
  tensor.offset = cursor.read<uint64_t>(subject, "offset");
  if (tensor.offset % alignment != 0)
    cursor.fail(subject, "offset", llvm::Twine(tensor.offset),
                "a multiple of " + llvm::Twine(alignment));
  return tensor;
}

static absl::Status placeTensors(llvm::StringRef path,
                                 llvm::ArrayRef<uint8_t> data,
                                 uint64_t dataOffset,
                                 std::vector<GgufTensor> &tensors) {
  for (GgufTensor &tensor : tensors) {
    const auto sizeBytes = static_cast<uint64_t>(*computeSizeBytes(tensor));
    if (tensor.offset > data.size() || sizeBytes > data.size() - tensor.offset)
      return makeError(path, Subject::tensor(tensor.name), "offset",
                       llvm::Twine(tensor.offset) + " with " +
                           llvm::Twine(sizeBytes) + " bytes",
                       "an end within the " + llvm::Twine(data.size()) +
                           " bytes of tensor data");
    tensor.bytes = data.slice(tensor.offset, sizeBytes);
    tensor.offset += dataOffset;
  }
  return absl::OkStatus();
}

static absl::Status checkOverlaps(llvm::StringRef path,
                                  llvm::ArrayRef<GgufTensor> tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair(tensors[a].offset, a) < std::pair(tensors[b].offset, b);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor &before = tensors[order[i - 1]];
    const GgufTensor &tensor = tensors[order[i]];
    const uint64_t end = before.offset + before.bytes.size();
    if (tensor.offset < end)
      return makeError(path, Subject::tensor(tensor.name), "offset",
                       "byte " + llvm::Twine(tensor.offset) + " of the file",
                       "at least " + llvm::Twine(end) + ", the end of tensor " +
                           quote(before.name));
  }
  return absl::OkStatus();
}
