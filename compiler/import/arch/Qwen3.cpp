//===- Qwen3.cpp - The qwen3 family, dense
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, with a norm over each head of q and k before it is rotated, and
// rotated pairs (i, i + dims/2).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen3(mlir::MLIRContext &context,
                                         const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "qwen3";
  traits.pairing = model::RopePairing::Half;
  traits.hasQkNorm = true;
  return importDecoder(context, source, traits);
}
