//===- Qwen3Next.cpp - The qwen3next family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Qwen3-Next: three of four layers are gated delta nets, the others attention
// with a gate on what it gives and norms of heads, of which a part is rotated;
// experts in every layer, normalised, beside a gated shared one. Norms lie in
// the file with the 1 that the model adds to them. One layer behind the others
// predicts a further token; it is not used.
//
// Source: llama.cpp, src/models/qwen3next.cpp, conversion/qwen.py.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen3Next(mlir::MLIRContext &context,
                                             const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "qwen3next";
  traits.pairing = model::RopePairing::Half;
  traits.hasQkNorm = true;
  traits.hasGatedQuery = true;
  traits.delta = {DeltaTraits::Use::Grouped};
  traits.feedForwardNorm = "post_attention_norm";
  traits.experts = {ExpertUse::Always, /*normalise=*/true,
                    /*hasGatedSharedExpert=*/true};
  return importDecoder(context, source, traits);
}
