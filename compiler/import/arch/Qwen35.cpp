//===- Qwen35.cpp - The qwen35 family, and what qwen35moe shares with it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Qwen 3.5, text: qwen3next with dense layers. Value heads go round the key
// heads, beta and alpha have matrices of their own, and pairs turn by several
// positions, which for text are one.
//
// Source: llama.cpp, src/models/qwen35.cpp, conversion/qwen.py.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Qwen35.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

DecoderTraits modelc::arch::makeQwen35Traits(llvm::StringRef family) {
  DecoderTraits traits;
  traits.family = family;
  traits.pairing = model::RopePairing::Half;
  traits.hasQkNorm = true;
  traits.hasGatedQuery = true;
  traits.hasRopeSections = true;
  traits.delta = {DeltaTraits::Use::Tiled};
  traits.feedForwardNorm = "post_attention_norm";
  return traits;
}

ImportedModule modelc::arch::importQwen35(mlir::MLIRContext &context,
                                          const gguf::GgufModel &source) {
  return importDecoder(context, source, makeQwen35Traits("qwen35"));
}
