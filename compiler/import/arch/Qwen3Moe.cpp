//===- Qwen3Moe.cpp - The qwen3moe family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As qwen3, with experts in every layer: softmax over all, the weights of the
// chosen normalised (norm_topk_prob of the model's card).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen3Moe(mlir::MLIRContext &context,
                                            const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "qwen3moe";
  traits.pairing = model::RopePairing::Half;
  traits.hasQkNorm = true;
  traits.experts = {ExpertUse::Always, /*normalise=*/true};
  return importDecoder(context, source, traits);
}
