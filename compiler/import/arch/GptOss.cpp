//===- GptOss.cpp - The gpt-oss family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but for: pairs of halves, biases, a sink for every head, a window
// on every other layer, the first one too, and experts with biases and a
// clamped unit. The weights of the chosen are the softmax of their logits,
// which is that of all, divided by the sum of the chosen.
//
// Source: llama.cpp, conversion/gpt_oss.py, src/models/openai-moe.cpp and
// ggml's swiglu_oai; gpt-oss (arXiv 2508.10925).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importGptOss(mlir::MLIRContext &context,
                                          const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "gpt-oss";
  traits.pairing = model::RopePairing::Half;
  traits.needsQkvBias = true;
  traits.feedForwardNorm = "post_attention_norm";
  traits.activation = model::Activation::SwigluOai;
  traits.hasSinks = true;
  traits.window = {WindowTraits::Use::Always, /*pattern=*/2};
  traits.experts = {ExpertUse::Always, /*normalise=*/true};
  traits.experts.hasBiases = true;
  return importDecoder(context, source, traits);
}
