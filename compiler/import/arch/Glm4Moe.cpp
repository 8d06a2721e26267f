//===- Glm4Moe.cpp - The glm4moe family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but for: pairs of halves over a part of each head, biases of q, k
// and v, norms of heads in some models, a dense network in the first layers,
// and then experts by sigmoid, with a bias of their selection, beside experts
// that all tokens use. Layers that predict further tokens are not used.
//
// Source: llama.cpp, conversion/glm.py and src/models/glm4-moe.cpp; GLM-4.5
// (arXiv 2508.06471).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importGlm4Moe(mlir::MLIRContext &context,
                                           const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "glm4moe";
  traits.pairing = model::RopePairing::Half;
  traits.mayHaveQkNorm = true;
  traits.feedForwardNorm = "post_attention_norm";
  traits.experts = {ExpertUse::Always};
  traits.experts.hasSharedExperts = true;
  traits.experts.mayBeginDense = true;
  traits.experts.gating = model::Gating::Sigmoid;
  traits.experts.mayHaveSelectionBias = true;
  return importDecoder(context, source, traits);
}
