//===- Phi3.cpp - The phi3 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but for: pairs of halves, q, k and v in one matrix, gate and up in
// another, and rope divisors of which one set is for contexts beyond the
// original one. The window, where there is one, is that of all layers, as in
// the model's own code (llama.cpp ignores it).
//
// Source: llama.cpp, conversion/phi.py and src/models/phi3.cpp; Phi-3
// (arXiv 2404.14219); LongRoPE (arXiv 2402.13753).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importPhi3(mlir::MLIRContext &context,
                                        const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "phi3";
  traits.pairing = model::RopePairing::Half;
  traits.hasFusedQkv = true;
  traits.hasFusedGateUp = true;
  traits.divisors = RopeDivisors::LongOrShort;
  traits.window = {WindowTraits::Use::IfGiven, /*pattern=*/0};
  return importDecoder(context, source, traits);
}
