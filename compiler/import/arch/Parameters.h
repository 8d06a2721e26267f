//===- Parameters.h - The numbers of a decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H
#define MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H

#include "absl/status/statusor.h"
#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/LatentAttention.h"
#include "compiler/import/arch/RopeParameters.h"
#include "compiler/import/gguf/GgufModel.h"

namespace modelc::arch {

/// What the keys `FAMILY.*` of a decoder say. No product of two of the
/// counts reaches 2^50.
struct DecoderParameters {
  int64_t layers;
  int64_t predictingLayers; ///< Behind them; they predict further tokens.
  int64_t contextLength;
  int64_t vocabSize;
  int64_t embeddingLength;
  int64_t feedForwardLength;
  int64_t heads;
  int64_t kvHeads; ///< Divides heads.
  int64_t keyDim;
  int64_t valueDim;
  float attentionScale;
  float normEps;
  float embeddingScale; ///< 1: none.
  float attentionCap;   ///< 0: none.
  float logitCap;       ///< 0: none.
  float temperScale;    ///< 0: queries are not scaled by position.
  RopeParameters rope;
  RopeParameters slidingRope; ///< Of layers with a window.
  WindowParameters window;
  DeltaParameters delta;
  ExpertParameters experts;
  LatentParameters latents; ///< Of families that have them.
};

/// Reads and checks them. Keys that stand for something a decoder of this
/// family cannot do (experts, attention to later tokens) are errors.
absl::StatusOr<DecoderParameters>
readDecoderParameters(const gguf::GgufModel &source,
                      const DecoderTraits &traits);

/// The number of tokens: of those that the tokenizer's keys list or, without a
/// list, of `vocab_size` or the embedding's rows.
absl::StatusOr<int64_t> readVocabSize(const gguf::GgufModel &source,
                                      const std::string &prefix);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H
