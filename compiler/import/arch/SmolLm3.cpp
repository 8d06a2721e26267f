//===- SmolLm3.cpp - The smollm3 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, but that every fourth layer is not rotated.
//
// Source: llama.cpp, src/models/smollm3.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importSmolLm3(mlir::MLIRContext &context,
                                           const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "smollm3";
  traits.pairing = model::RopePairing::Adjacent;
  traits.noRopeStep = 4;
  return importDecoder(context, source, traits);
}
