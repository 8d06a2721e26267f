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
// to groups of them (DeepSeek-V3, Kimi K2).
//
// Source: llama.cpp, conversion/deepseek.py and src/models/deepseek2.cpp;
// DeepSeek-V2 (arXiv 2405.04434), DeepSeek-V3 (arXiv 2412.19437).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importDeepseek2(mlir::MLIRContext &context,
                                             const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "deepseek2";
  traits.pairing = model::RopePairing::Adjacent;
  traits.hasLatents = true;
  traits.experts = {ExpertUse::IfCounted};
  traits.experts.hasSharedExperts = true;
  traits.experts.mayBeginDense = true;
  traits.experts.mayHaveSelectionBias = true;
  traits.experts.mayLimitGroups = true;
  return importDecoder(context, source, traits);
}
