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
    {"deepseek2", importDeepseek2}, {"gemma2", importGemma2},
    {"gemma3", importGemma3},       {"glm4moe", importGlm4Moe},
    {"gpt-oss", importGptOss},      {"gpt2", importGpt2},
    {"llama", importLlama},         {"mistral3", importMistral3},
    {"phi3", importPhi3},           {"qwen2", importQwen2},
    {"qwen2moe", importQwen2Moe},   {"qwen3", importQwen3},
    {"qwen35", importQwen35},       {"qwen35moe", importQwen35Moe},
    {"qwen3moe", importQwen3Moe},   {"qwen3next", importQwen3Next},
    {"smollm3", importSmolLm3},
};

llvm::ArrayRef<Family> modelc::arch::getFamilies() { return kFamilies; }
