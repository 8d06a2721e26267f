//===- GgufModel.cpp - A model in one or several GGUF files
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   NAME-00001-of-00003.gguf   keys of the model, split.no 0, some tensors
//   NAME-00002-of-00003.gguf   split.no 1, more tensors
//   NAME-00003-of-00003.gguf   split.no 2, the rest
//     ==> one list of keys, one of tensors
//
// The name says how many parts there are; split.count in each part and
// split.tensors.count for their sum must agree (llama.cpp, gguf-split).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufModel.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace modelc;
using namespace modelc::gguf;

namespace {

/// PREFIX-00001-of-00003.gguf
struct PartName {
  llvm::StringRef prefix;
  int64_t number = 1; ///< From 1.
  int64_t count = 1;
};

} // namespace

/// Takes five digits from the end of `text`.
static std::optional<int64_t> takeDigits(llvm::StringRef &text) {
  int64_t value;
  llvm::StringRef digits = text.take_back(5);
  if (digits.size() != 5 || !llvm::all_of(digits, llvm::isDigit) ||
      digits.getAsInteger(10, value))
    return std::nullopt;
  text = text.drop_back(5);
  return value;
}

static std::optional<PartName> parsePartName(llvm::StringRef path) {
  if (!path.consume_back(".gguf"))
    return std::nullopt;
  std::optional<int64_t> count = takeDigits(path);
  if (!count || *count == 0 || !path.consume_back("-of-"))
    return std::nullopt;
  std::optional<int64_t> number = takeDigits(path);
  if (!number || *number == 0 || *number > *count || !path.consume_back("-"))
    return std::nullopt;
  return PartName{path, *number, *count};
}

static std::string formatPartName(const PartName &name, int64_t number) {
  std::string path;
  llvm::raw_string_ostream(path)
      << name.prefix
      << llvm::format("-%05d-of-%05d.gguf", int(number), int(name.count));
  return path;
}

absl::StatusOr<std::unique_ptr<GgufModel>>
GgufModel::open(llvm::StringRef path) {
  const PartName name = parsePartName(path).value_or(PartName());
  if (name.number != 1)
    return absl::InvalidArgumentError(
        path.str() + ": found part " + std::to_string(name.number) + " of " +
        std::to_string(name.count) + ", expected the first, " +
        quote(formatPartName(name, 1)));
  std::unique_ptr<GgufModel> model(new GgufModel());
  model->partCount = name.count;
  if (absl::Status status = model->addMapped(path); !status.ok())
    return status;
  for (int64_t number = 2; number <= name.count; ++number)
    if (absl::Status status = model->addMapped(formatPartName(name, number));
        !status.ok())
      return status;
  if (absl::Status status = model->checkTotal(); !status.ok())
    return status;
  return model;
}

absl::StatusOr<std::unique_ptr<GgufModel>>
GgufModel::fromMemory(llvm::StringRef path, llvm::ArrayRef<uint8_t> bytes) {
  std::unique_ptr<GgufModel> model(new GgufModel());
  if (absl::Status status = model->add(path, bytes); !status.ok())
    return status;
  return model;
}

absl::Status GgufModel::addMapped(llvm::StringRef path) {
  absl::StatusOr<MappedFile> mapping = MappedFile::open(path);
  if (!mapping.ok())
    return mapping.status();
  mappings.push_back(*std::move(mapping));
  return add(path, mappings.back().bytes());
}

absl::Status GgufModel::add(llvm::StringRef path,
                            llvm::ArrayRef<uint8_t> bytes) {
  const size_t index = files.size();
  absl::StatusOr<GgufFile> file =
      readGgufFile(path, bytes, static_cast<uint32_t>(index));
  if (!file.ok())
    return file.status();
  if (absl::Status status =
          checkPart(file->metadata, static_cast<int64_t>(index));
      !status.ok())
    return status;
  files.push_back({path.str(), bytes});
  for (const GgufTensor &tensor : file->tensors) {
    auto [it, isNew] =
        tensorIndices.try_emplace(tensor.name, allTensors.size());
    if (!isNew)
      return gguf::makeError(path, Subject::tensor(tensor.name), "name",
                             "it again after " +
                                 files[allTensors[it->second].shard].path,
                             "it once");
    allTensors.push_back(tensor);
  }
  if (!keys)
    keys = std::move(file->metadata);
  return absl::OkStatus();
}

absl::Status GgufModel::checkPart(const Metadata &metadata,
                                  int64_t index) const {
  constexpr IntegerRange kAny = {0, std::numeric_limits<int32_t>::max()};
  constexpr llvm::StringLiteral kCount = "split.count", kNumber = "split.no";
  absl::StatusOr<int64_t> count = metadata.getIntegerOr(kCount, kAny, 1);
  if (!count.ok())
    return count.status();
  // Parts that were merged again say 0.
  if (std::max<int64_t>(*count, 1) != partCount)
    return metadata.makeError(kCount, llvm::Twine(*count),
                              llvm::Twine(partCount) +
                                  ", what the name of the file says");
  if (partCount == 1)
    return absl::OkStatus();
  absl::StatusOr<int64_t> number = metadata.getInteger(kNumber, kAny);
  if (!number.ok())
    return number.status();
  if (*number != index)
    return metadata.makeError(kNumber, llvm::Twine(*number),
                              llvm::Twine(index) +
                                  ", what the name of the file says");
  return absl::OkStatus();
}

absl::Status GgufModel::checkTotal() const {
  constexpr llvm::StringLiteral kTotal = "split.tensors.count";
  if (partCount == 1)
    return absl::OkStatus();
  absl::StatusOr<int64_t> total = keys->getInteger(kTotal, {});
  if (!total.ok())
    return total.status();
  const auto found = static_cast<int64_t>(allTensors.size());
  if (*total != found)
    return keys->makeError(kTotal, llvm::Twine(*total),
                           llvm::Twine(found) + ", the tensors of all parts");
  return absl::OkStatus();
}

const GgufTensor *GgufModel::findTensor(llvm::StringRef name) const {
  auto it = tensorIndices.find(name);
  return it == tensorIndices.end() ? nullptr : &allTensors[it->second];
}

std::optional<GgufTensor> GgufModel::findRows(llvm::StringRef name) const {
  if (const GgufTensor *tensor = findTensor(name))
    return *tensor;
  auto [whole, range] = name.rsplit('[');
  auto [first, last] = range.split(':');
  const GgufTensor *tensor = findTensor(whole);
  int64_t begin, end;
  if (!tensor || !last.consume_back("]") || first.getAsInteger(10, begin) ||
      last.getAsInteger(10, end) || begin < 0 || begin >= end ||
      end > tensor->getRowCount())
    return std::nullopt;
  return tensor->takeRows(name, begin, end);
}

absl::Status GgufModel::makeError(llvm::StringRef tensor, llvm::StringRef field,
                                  const llvm::Twine &found,
                                  const llvm::Twine &expected) const {
  const GgufTensor *known = findTensor(tensor);
  return gguf::makeError(files[known ? known->shard : 0].path,
                         Subject::tensor(tensor), field, found, expected);
}
