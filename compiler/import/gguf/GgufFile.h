//===- GgufFile.h - One GGUF file: header, keys, tensors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a single file says, checked. GgufModel.h puts the parts of a split
// model together.
//
// Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_GGUF_GGUFFILE_H
#define MODELC_COMPILER_IMPORT_GGUF_GGUFFILE_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/Metadata.h"
#include "dialects/model/GgmlTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace modelc::gguf {

/// A tensor and where its bytes lie. References are into the file.
struct GgufTensor {
  llvm::StringRef name;
  /// 1 to 4 positive dimensions, rows first as in `A[M][K]` (a GGUF file has
  /// them the other way round); the last is a multiple of the type's block.
  llvm::SmallVector<int64_t, 4> shape;
  model::GgmlType type;
  uint32_t shard;  ///< Index of its file.
  uint64_t offset; ///< Of its first byte from the beginning of the file.
  llvm::ArrayRef<uint8_t> bytes; ///< At a multiple of 8 bytes.
  /// From one matrix of [E][N][K] to the next in `bytes`; 0: they touch.
  uint64_t stride = 0;

  /// Rows, of one matrix or of each, or the elements of a vector; 0 for a
  /// tensor of four dimensions, whose rows cannot be taken.
  int64_t getRowCount() const;

  /// The rows begin .. end - 1 as a tensor of its own, of [E][N][K] those of
  /// each matrix, called `name`, which is borrowed. Expects 0 <= begin < end <=
  /// getRowCount().
  GgufTensor takeRows(llvm::StringRef name, int64_t begin, int64_t end) const;

  /// The bytes of matrix `index` of [E][N][K], or of the only one.
  llvm::ArrayRef<uint8_t> getMatrix(int64_t index) const;

  /// `bytes` without what stands between matrices.
  uint64_t getByteCount() const;

  /// `NAME[begin:end]`: what such a tensor is called in a module and a plan.
  std::string nameRows(int64_t begin, int64_t end) const;
};

/// `[512][64]`
std::string formatShape(llvm::ArrayRef<int64_t> shape);

struct GgufFile {
  Metadata metadata;
  std::vector<GgufTensor> tensors; ///< In the file's order.
};

/// Reads the file that `bytes` are, little-endian GGUF of version 2 or 3.
/// Every count, size, offset and product is checked before it is used; tensors
/// lie inside the file and do not overlap. Names of tensors may be double:
/// that is for the whole model to see. `path` names the file in errors.
absl::StatusOr<GgufFile> readGgufFile(llvm::StringRef path,
                                      llvm::ArrayRef<uint8_t> bytes,
                                      uint32_t shard);

} // namespace modelc::gguf

#endif // MODELC_COMPILER_IMPORT_GGUF_GGUFFILE_H
