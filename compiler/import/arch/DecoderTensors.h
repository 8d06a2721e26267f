//===- DecoderTensors.h - The tensors of a decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_DECODERTENSORS_H
#define MODELC_COMPILER_IMPORT_ARCH_DECODERTENSORS_H

#include "compiler/import/arch/LatentAttention.h"
#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/arch/Parameters.h"

namespace modelc::arch {

/// What a layer has, by the parameters and traits; the rest is null.
struct LayerTensors {
  const gguf::GgufTensor *attentionNorm;
  LinearTensors q, k, v, output;         ///< Null in a recurrent layer.
  LatentTensors latents;                 ///< Instead of q, k and v.
  const gguf::GgufTensor *qNorm, *kNorm; ///< Both or neither.
  const gguf::GgufTensor *sinks;
  DeltaTensors delta; ///< In a recurrent layer.
  const gguf::GgufTensor *attentionPostNorm;
  const gguf::GgufTensor *feedForwardNorm;
  LinearTensors gate, up, down; ///< Without experts.
  LinearTensors router;         ///< With experts, as what follows.
  const gguf::GgufTensor *selectionBias;
  ExpertWeights experts;
  /// Of the shared expert, one row: the logit of its weight, if it has one.
  const gguf::GgufTensor *sharedRouter;
  ExpertWeights shared;
  const gguf::GgufTensor *feedForwardPostNorm;
};

struct DecoderTensors {
  const gguf::GgufTensor *embedding;
  const gguf::GgufTensor *ropeDivisors; ///< Or null.
  std::vector<LayerTensors> layers;
  const gguf::GgufTensor *outputNorm;
  LinearTensors output;
};

/// Asks for all of them; reader.status() says whether they are there.
DecoderTensors readDecoderTensors(TensorReader &reader,
                                  const DecoderParameters &p,
                                  const DecoderTraits &traits);

/// The values of rope divisors, by which frequencies are divided; none if
/// there is no such tensor.
absl::StatusOr<std::vector<float>> readDivisors(const gguf::GgufModel &source,
                                                const gguf::GgufTensor *tensor);

/// True if a decoder does without this tensor: rotation frequencies that old
/// converters wrote for every layer, and layers that predict further tokens.
bool isIgnorable(llvm::StringRef tensor, const DecoderParameters &p);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_DECODERTENSORS_H
