//===- Qwen2.cpp - The qwen2 family, dense
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, with biases on q, k and v, and rotated pairs (i, i + dims/2).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen2(mlir::MLIRContext &context,
                                         const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "qwen2";
  traits.pairing = model::RopePairing::Half;
  traits.needsQkvBias = true;
  return importDecoder(context, source, traits);
}
