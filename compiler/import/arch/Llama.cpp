//===- Llama.cpp - The llama family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Llama 1 to 3, Mistral, and what shares their structure: rms norms before
// attention and feed-forward, rotated pairs of neighbours (the converter
// permutes the rows of q and k to that end), swiglu, biases where the file has
// them. Llama 3 brings divisors of the rotation's frequencies as a tensor.
// Mixtral has experts: softmax over all, the weights of the chosen normalised.
//
// Keys: docs/gguf.md of ggml; tensors: as llama.cpp's converter names them.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importLlama(mlir::MLIRContext &context,
                                         const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "llama";
  traits.pairing = model::RopePairing::Adjacent;
  traits.experts = {ExpertUse::IfCounted, /*normalise=*/true};
  return importDecoder(context, source, traits);
}
