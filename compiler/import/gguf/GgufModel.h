//===- GgufModel.h - A model in one or several GGUF files
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entry of the reader: opens a file, or all parts of a split model when
// given the first, and gives its keys and tensors.
//
//   absl::StatusOr<std::unique_ptr<GgufModel>> model =
//       GgufModel::open("llama.gguf");
//   absl::StatusOr<int64_t> layers =
//       (*model)->metadata().getInteger("llama.block_count", {1, 1000});
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_GGUFMODEL_H
#define MODELC_COMPILER_IMPORT_GGUF_GGUFMODEL_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/GgufFile.h"
#include "compiler/import/gguf/MappedFile.h"
#include "llvm/ADT/StringMap.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace modelc::gguf {

/// One file of a model.
struct GgufShard {
  std::string path;
  llvm::ArrayRef<uint8_t> bytes; ///< The whole file.
};

/// Owns the mappings of its files; everything it gives borrows from it. Never
/// changes after it is made, so any thread may use it.
class GgufModel {
public:
  /// Opens the model at `path`: a whole one, or the first of several parts
  /// NAME-00001-of-0000N.gguf, whose others lie beside it. Any other part is
  /// refused with the name of the first.
  static absl::StatusOr<std::unique_ptr<GgufModel>> open(llvm::StringRef path);

  /// A whole model in memory, called `path` in errors; `bytes`, 8-byte
  /// aligned, stay the caller's.
  static absl::StatusOr<std::unique_ptr<GgufModel>>
  fromMemory(llvm::StringRef path, llvm::ArrayRef<uint8_t> bytes);

  /// As given to open().
  llvm::StringRef path() const { return files.front().path; }

  /// Keys of the first file; those of later ones say only which part it is.
  const Metadata &metadata() const { return *keys; }

  /// All tensors, in the order of files and within them. Names are unique.
  llvm::ArrayRef<GgufTensor> tensors() const { return allTensors; }
  const GgufTensor *findTensor(llvm::StringRef name) const;

  /// The tensor of this name or, as GgufTensor::takeRows names them, the rows
  /// `NAME[begin:end]` of one. The result borrows `name`.
  std::optional<GgufTensor> findRows(llvm::StringRef name) const;

  /// The files, for hashing and for dependency files; GgufTensor::shard is an
  /// index into them.
  llvm::ArrayRef<GgufShard> shards() const { return files; }

  /// An error about a tensor: `FILE: tensor 'NAME': field FIELD: found FOUND,
  /// expected EXPECTED`, with the file that the tensor is in.
  absl::Status makeError(llvm::StringRef tensor, llvm::StringRef field,
                         const llvm::Twine &found,
                         const llvm::Twine &expected) const;

private:
  GgufModel() = default;

  absl::Status addMapped(llvm::StringRef path);
  absl::Status add(llvm::StringRef path, llvm::ArrayRef<uint8_t> bytes);
  /// Checks what the keys of part `index`, from 0, say of the split.
  absl::Status checkPart(const Metadata &metadata, int64_t index) const;
  absl::Status checkTotal() const;

  std::vector<MappedFile> mappings;
  std::vector<GgufShard> files;
  std::optional<Metadata> keys;
  std::vector<GgufTensor> allTensors;
  llvm::StringMap<size_t> tensorIndices;
  int64_t partCount = 1;
};

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_GGUFMODEL_H
