//===- Qwen35Moe.cpp - The qwen35moe family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Qwen 3.5 with experts, text: qwen35 with qwen3next's experts.
//
// Source: llama.cpp, src/models/qwen35moe.cpp, conversion/qwen.py.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Families.h"
#include "compiler/import/arch/Qwen35.h"

using namespace modelc;
using namespace modelc::arch;

ImportedModule modelc::arch::importQwen35Moe(mlir::MLIRContext &context,
                                             const gguf::GgufModel &source) {
  DecoderTraits traits = makeQwen35Traits("qwen35moe");
  traits.experts = {ExpertUse::Always, /*normalise=*/true,
                    /*hasGatedSharedExpert=*/true};
  return importDecoder(context, source, traits);
}
