//===- TensorReader.cpp - Finds the tensors that a family needs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "blk.0.attn_q.weight", 4096 x 4096 ==> the tensor, or an error such as
//   x.gguf: tensor 'blk.0.attn_q.weight': field shape: found [64][4096],
//   expected [4096][4096]
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/TensorReader.h"
#include "dialects/model/GgmlTypes.h"

using namespace modelc;
using namespace modelc::arch;
using gguf::GgufTensor;
using model::GgmlKind;
using model::GgmlType;

const GgufTensor *TensorReader::find(llvm::StringRef name,
                                     llvm::ArrayRef<int64_t> shape,
                                     Presence presence) {
  if (!error.ok())
    return nullptr;
  const GgufTensor *tensor = source.findTensor(name);
  if (!tensor) {
    if (presence == Presence::Required)
      error = source.makeError(name, "", "none",
                               "one of shape " + gguf::formatShape(shape));
    return nullptr;
  }
  if (llvm::ArrayRef<int64_t>(tensor->shape) != shape) {
    error = source.makeError(name, "shape", gguf::formatShape(tensor->shape),
                             gguf::formatShape(shape));
    return nullptr;
  }
  used.insert(tensor);
  return tensor;
}

/// Q8_1 and Q8_K are types of intermediate results, not of weights.
static bool isWeightType(GgmlType type) {
  return model::getGgmlTypeInfo(type).kind != GgmlKind::Integer &&
         type != GgmlType::Q8_1 && type != GgmlType::Q8_K;
}

/// The tensor, if there is one and its type is one of weights.
const GgufTensor *TensorReader::ofWeightType(const GgufTensor *tensor) {
  if (!tensor || isWeightType(tensor->type))
    return tensor;
  error = source.makeError(tensor->name, "type",
                           model::getGgmlTypeInfo(tensor->type).name,
                           "a float or quantised weight type");
  return nullptr;
}

const GgufTensor *TensorReader::matrix(const llvm::Twine &name, int64_t rows,
                                       int64_t columns, Presence presence) {
  return ofWeightType(find(name.str(), {rows, columns}, presence));
}

const GgufTensor *TensorReader::matrices(const llvm::Twine &name,
                                         int64_t experts, int64_t rows,
                                         int64_t columns, Presence presence) {
  return ofWeightType(find(name.str(), {experts, rows, columns}, presence));
}

void TensorReader::refuse(const llvm::Twine &name, const llvm::Twine &found,
                          const llvm::Twine &expected) {
  if (error.ok() && source.findTensor(name.str()))
    error = source.makeError(name.str(), "", found, expected);
}

const GgufTensor *TensorReader::ofFloat32(const GgufTensor *tensor) {
  if (!tensor || tensor->type == GgmlType::F32)
    return tensor;
  error = source.makeError(tensor->name, "type",
                           model::getGgmlTypeInfo(tensor->type).name, "f32");
  return nullptr;
}

const GgufTensor *TensorReader::floats(const llvm::Twine &name, int64_t rows,
                                       int64_t columns) {
  return ofFloat32(find(name.str(), {rows, columns}, Presence::Required));
}

const GgufTensor *TensorReader::vector(const llvm::Twine &name, int64_t length,
                                       Presence presence) {
  return ofFloat32(find(name.str(), {length}, presence));
}

LinearTensors TensorReader::linear(const llvm::Twine &name, int64_t rows,
                                   int64_t columns, Presence bias) {
  const std::string prefix = name.str();
  LinearTensors tensors;
  tensors.weight = matrix(prefix + ".weight", rows, columns);
  tensors.bias = vector(prefix + ".bias", rows, bias);
  return tensors;
}

const GgufTensor *TensorReader::takeRows(const GgufTensor *tensor,
                                         int64_t begin, int64_t end) {
  if (!tensor)
    return nullptr;
  View &view = views.emplace_back();
  view.name = tensor->nameRows(begin, end);
  view.tensor = tensor->takeRows(view.name, begin, end);
  // What reads tensors expects this of all.
  constexpr uint64_t kAlign = 8;
  if (view.tensor.offset % kAlign == 0)
    return &view.tensor;
  error = source.makeError(tensor->name, "row " + std::to_string(begin),
                           "at byte " + llvm::Twine(view.tensor.offset),
                           "a multiple of " + llvm::Twine(kAlign));
  return nullptr;
}

std::vector<LinearTensors> TensorReader::split(const LinearTensors &whole,
                                               llvm::ArrayRef<int64_t> sizes) {
  std::vector<LinearTensors> parts;
  int64_t begin = 0;
  for (int64_t size : sizes) {
    parts.push_back({takeRows(whole.weight, begin, begin + size),
                     takeRows(whole.bias, begin, begin + size)});
    begin += size;
  }
  return parts;
}

absl::StatusOr<std::vector<llvm::StringRef>> TensorReader::takeIgnored(
    llvm::function_ref<bool(llvm::StringRef)> isIgnorable) {
  std::vector<llvm::StringRef> ignored;
  for (const GgufTensor &tensor : source.tensors()) {
    if (used.contains(&tensor))
      continue;
    if (!isIgnorable(tensor.name))
      return source.makeError(tensor.name, "", "one that nothing uses",
                              "only tensors of the family");
    ignored.push_back(tensor.name);
  }
  return ignored;
}
