//===- Gemma3.cpp - The gemma3 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As gemma2, but for: norms of heads instead of caps, a window on five of six
// layers, whose rope has the base 10000 and is not stretched, and no window
// where the file gives none. The largest model has 62 layers.
//
// Source: llama.cpp, conversion/gemma.py and src/models/gemma3.cpp; Gemma 3
// (arXiv 2503.19786).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importGemma3(mlir::MLIRContext &context,
                                          const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "gemma3";
  traits.pairing = model::RopePairing::Half;
  traits.hasQkNorm = true;
  traits.activation = model::Activation::Gelu;
  traits.scalesEmbedding = true;
  traits.hasPostNorms = true;
  traits.mayCapLogits = true;
  traits.layersScaledByWidth = 62;
  traits.window = {WindowTraits::Use::IfGiven, /*pattern=*/6, /*fallback=*/0,
                   /*ropeBase=*/10000};
  return importDecoder(context, source, traits);
}
