//===- Gemma2.cpp - The gemma2 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but for: pairs of halves, GELU, embeddings times the square root of
// their length, norms before and after attention and feed-forward network, caps
// of scores and logits, and a window on every other layer, the first one too.
// The converter has added 1 to the norms. The largest model, of 46 layers,
// scales scores by its width.
//
// Source: llama.cpp, conversion/gemma.py and src/models/gemma2.cpp; Gemma 2
// (arXiv 2408.00118).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importGemma2(mlir::MLIRContext &context,
                                          const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "gemma2";
  traits.pairing = model::RopePairing::Half;
  traits.activation = model::Activation::Gelu;
  traits.scalesEmbedding = true;
  traits.hasPostNorms = true;
  traits.attentionCap = 50;
  traits.logitCap = 30;
  traits.mayCapLogits = true;
  traits.layersScaledByWidth = 46;
  traits.window = {WindowTraits::Use::Always, /*pattern=*/2, /*fallback=*/4096};
  return importDecoder(context, source, traits);
}
