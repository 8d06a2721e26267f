//===- Decoder.h - Decoders of attention and feed-forward layers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_DECODER_H
#define MODELC_COMPILER_IMPORT_ARCH_DECODER_H

#include "compiler/import/arch/DeltaNet.h"
#include "compiler/import/arch/ExpertParameters.h"
#include "compiler/import/arch/Families.h"
#include "compiler/import/arch/TensorReader.h"
#include "compiler/import/arch/WindowParameters.h"
#include "dialects/model/ModelDialect.h"

namespace modelc::arch {

/// Which divisors of rope frequencies a file may have.
enum class RopeDivisors {
  One,         ///< rope_freqs.weight (Llama 3).
  LongOrShort, ///< rope_factors_long.weight and _short.weight (Phi 3).
};

/// In what families of this shape differ.
struct DecoderTraits {
  llvm::StringRef family;     ///< Prefix of the keys.
  model::RopePairing pairing; ///< Of the rotated elements of a head.
  bool needsQkvBias = false;  ///< Else q, k and v have biases if there are any.
  /// A norm over each head of q and k, or in some files.
  bool hasQkNorm = false, mayHaveQkNorm = false;
  bool hasFusedQkv = false;    ///< attn_qkv.weight: rows of q, then k, then v.
  bool hasFusedGateUp = false; ///< ffn_up.weight: rows of gate, then up.
  /// Embeddings are multiplied by the square root of their length.
  bool scalesEmbedding = false;
  /// What attention and the feed-forward network add is normalised before.
  bool hasPostNorms = false;
  /// The norm before the feed-forward network.
  llvm::StringRef feedForwardNorm = "ffn_norm";
  model::Activation activation = model::Activation::Silu;
  /// Caps of attention scores and of logits, unless keys say else; 0: none,
  /// and no key is read for the former.
  float attentionCap = 0, logitCap = 0;
  bool mayCapLogits = false; ///< A key may give the latter.
  /// Models of so many layers scale scores by the width's share of a head
  /// instead of the head's length.
  int64_t layersScaledByWidth = 0;
  WindowTraits window;
  bool hasLatents = false; ///< Keys and values are made of latent vectors.
  bool hasSinks = false;   ///< A score more for each head.
  bool hasTemper = false;  ///< Queries may be scaled by their position.
  int64_t noRopeStep = 0;  ///< Each so-manieth layer is not rotated.
  RopeDivisors divisors = RopeDivisors::One;
  bool hasRopeSections = false; ///< Pairs may turn by one of several positions.
  /// Rows of attn_q.weight are, for each head, those of its query, then those
  /// of a gate of what attention gives.
  bool hasGatedQuery = false;
  DeltaTraits delta;
  ExpertTraits experts;
};

/// Keys, tensors and ops of a decoder.
ImportedModule importDecoder(mlir::MLIRContext &context,
                             const gguf::GgufModel &source,
                             const DecoderTraits &traits);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_DECODER_H
