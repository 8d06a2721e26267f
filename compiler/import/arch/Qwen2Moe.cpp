//===- Qwen2Moe.cpp - The qwen2moe family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As qwen2, with experts in every layer: softmax over all, not normalised, and
// one expert more that all tokens share, weighted by the sigmoid of a logit.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen2Moe(mlir::MLIRContext &context,
                                            const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "qwen2moe";
  traits.pairing = model::RopePairing::Half;
  traits.experts = {ExpertUse::Always, /*normalise=*/false,
                    /*hasGatedSharedExpert=*/true};
  return importDecoder(context, source, traits);
}
