//===- Mistral3.cpp - The mistral3 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As llama, Mixtral's experts too, with YaRN and queries that are scaled by
// their position.
//
// Source: llama.cpp, conversion/mistral3.py, src/models/mistral3.cpp and
// llm_graph_input_attn_temp.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importMistral3(mlir::MLIRContext &context,
                                            const gguf::GgufModel &source) {
  DecoderTraits traits;
  traits.family = "mistral3";
  traits.pairing = model::RopePairing::Adjacent;
  traits.hasTemper = true;
  traits.experts = {ExpertUse::IfCounted, /*normalise=*/true};
  return importDecoder(context, source, traits);
}
