//===- Deepseek2.cpp - The deepseek2 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but for: latent attention (LatentAttention.h), a dense network in
// the first layers, and then experts, beside experts that all tokens use: by
// softmax (DeepSeek-V2), or by sigmoid with a bias of their selection, limited
// to groups of them (DeepSeek-V3, Kimi K2, GLM-4.7-Flash).
//
// Source: llama.cpp, conversion/deepseek.py, conversion/glm.py and
// src/models/deepseek2.cpp; DeepSeek-V2 (arXiv 2405.04434), DeepSeek-V3 (arXiv
// 2412.19437).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"
#include "compiler/import/arch/Parameters.h"

using namespace modelc;
using namespace modelc::arch;

/// The gating of files that do not say it. Those of DeepSeek-V2 have softmax;
/// GLM-4.7-Flash, 47 layers, of which older files count one more, is known by
/// its sizes, as llama.cpp knows it. Wrong keys are found later.
static model::Gating guessGating(const gguf::GgufModel &source) {
  constexpr int64_t kGlmFlashTokens = 154880;
  const gguf::Metadata &metadata = source.metadata();
  absl::StatusOr<int64_t> layers =
      metadata.getInteger("deepseek2.block_count", {1, 1 << 16});
  absl::StatusOr<int64_t> predicting =
      metadata.getIntegerOr("deepseek2.nextn_predict_layers", {0, 1 << 16}, 0);
  absl::StatusOr<int64_t> tokens = readVocabSize(source, "deepseek2.");
  if (!layers.ok() || !predicting.ok() || !tokens.ok())
    return model::Gating::Softmax;
  const int64_t used = *layers - *predicting;
  const bool isGlmFlash =
      (used == 47 || used == 48) && *tokens == kGlmFlashTokens;
  return isGlmFlash ? model::Gating::Sigmoid : model::Gating::Softmax;
}

ImportedModule modelc::arch::importDeepseek2(mlir::MLIRContext &context,
                                             const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "deepseek2";
  traits.pairing = model::RopePairing::Adjacent;
  traits.hasLatents = true;
  traits.experts = {ExpertUse::IfCounted};
  traits.experts.gating = guessGating(source);
  traits.experts.hasSharedExperts = true;
  traits.experts.mayBeginDense = true;
  traits.experts.mayHaveSelectionBias = true;
  traits.experts.mayLimitGroups = true;
  return importDecoder(context, source, traits);
}
