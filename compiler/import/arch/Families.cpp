//===- Families.cpp - The model families that import knows
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table. A family that is not in it is refused by name.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Families.h"

using namespace modelc;
using namespace modelc::arch;

static constexpr Family kFamilies[] = {
    {"deepseek2", importDeepseek2, Witness::logits},
    {"gemma2", importGemma2, Witness::logits},
    {"gemma3", importGemma3, Witness::logits},
    {"glm4moe", importGlm4Moe, Witness::logits},
    {"gpt-oss", importGptOss, Witness::logits},
    {"gpt2", importGpt2, Witness::logits},
    {"llama", importLlama, Witness::logits},
    {"mistral3", importMistral3, Witness::logits},
    {"phi3", importPhi3, Witness::logits},
    {"qwen2", importQwen2, Witness::logits},
    {"qwen2moe", importQwen2Moe, Witness::logits},
    {"qwen3", importQwen3, Witness::logits},
    {"qwen35", importQwen35, Witness::logits},
    {"qwen35moe", importQwen35Moe, Witness::logits},
    {"qwen3moe", importQwen3Moe, Witness::logits},
    {"qwen3next", importQwen3Next, Witness::logits},
    {"smollm3", importSmolLm3, Witness::logits},
};

llvm::ArrayRef<Family> modelc::arch::getFamilies() { return kFamilies; }
