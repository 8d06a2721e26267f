//===- TensorReader.h - Finds the tensors that a family needs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_TENSORREADER_H
#define MODELC_COMPILER_IMPORT_ARCH_TENSORREADER_H

#include "absl/status/status.h"
#include "compiler/import/gguf/GgufModel.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <deque>
#include <vector>

namespace modelc::arch {

/// A matrix and what is added to its products.
struct LinearTensors {
  const gguf::GgufTensor *weight = nullptr; ///< [rows][columns]
  const gguf::GgufTensor *bias = nullptr;   ///< [rows], or null.
};

enum class Presence { Required, Optional };

/// Looks tensors up by name, checks shape and type, and remembers which were
/// asked for. The first error is kept and ends all further work: look-ups then
/// give null. So a family asks for all its tensors, looks at status() once (or
/// once a layer, as the number of layers is the file's word), and only then
/// builds ops, which cannot fail.
class TensorReader {
public:
  explicit TensorReader(const gguf::GgufModel &source) : source(source) {}

  /// A matrix of a float or quantised type. Null if optional and missing.
  const gguf::GgufTensor *matrix(const llvm::Twine &name, int64_t rows,
                                 int64_t columns,
                                 Presence presence = Presence::Required);

  /// The same of `experts` matrices [rows][columns].
  const gguf::GgufTensor *matrices(const llvm::Twine &name, int64_t experts,
                                   int64_t rows, int64_t columns,
                                   Presence presence = Presence::Required);

  /// A matrix of f32: vectors of all experts.
  const gguf::GgufTensor *floats(const llvm::Twine &name, int64_t rows,
                                 int64_t columns);

  /// A vector of f32: norms, biases, rope divisors.
  const gguf::GgufTensor *vector(const llvm::Twine &name, int64_t length,
                                 Presence presence = Presence::Required);

  /// `NAME.weight` [rows][columns] and `NAME.bias` [rows].
  LinearTensors linear(const llvm::Twine &name, int64_t rows, int64_t columns,
                       Presence bias = Presence::Optional);

  /// A matrix [rows][columns], or several of which each is, and a vector [rows]
  /// cut by rows: the views of `sizes`, whose sum is the rows. Nulls stay null.
  /// The views live as long as the reader.
  std::vector<LinearTensors> split(const LinearTensors &whole,
                                   llvm::ArrayRef<int64_t> sizes);

  /// Fails if there is a tensor of this name; `expected` says what there is
  /// to be instead.
  void refuse(const llvm::Twine &name, const llvm::Twine &found,
              const llvm::Twine &expected);

  const absl::Status &status() const { return error; }

  /// Every tensor that was not asked for must be one of which `isIgnorable`
  /// says that the network does without it; any other would make the network
  /// another one than the file's. Gives the ignored ones, in the file's order.
  absl::StatusOr<std::vector<llvm::StringRef>>
  takeIgnored(llvm::function_ref<bool(llvm::StringRef)> isIgnorable);

private:
  const gguf::GgufTensor *ofWeightType(const gguf::GgufTensor *tensor);
  const gguf::GgufTensor *ofFloat32(const gguf::GgufTensor *tensor);
  const gguf::GgufTensor *
  find(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, Presence presence);

  const gguf::GgufTensor *takeRows(const gguf::GgufTensor *tensor,
                                   int64_t begin, int64_t end);

  struct View {
    std::string name;
    gguf::GgufTensor tensor;
  };

  const gguf::GgufModel &source;
  std::deque<View> views;
  llvm::DenseSet<const gguf::GgufTensor *> used;
  absl::Status error;
};

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_TENSORREADER_H
