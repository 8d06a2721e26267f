//===- Generate.h - Continues a prompt
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop of generation, and the numbers it prints at its end.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_GENERATE_H
#define MODELC_TOOLS_MODELC_RUN_GENERATE_H

#include "RunOptions.h"
#include <cstdio>

namespace modelc::tools {

/// Mode::generate of runCommand.
int generate(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages);

/// The ids of a prompt: with the tokens that the model puts around a text, and
/// with control tokens where they are spelled out.
bool tokenizePrompt(const modelc_tokenizer &tokenizer, const std::string &text,
                    std::vector<int32_t> *ids, modelc_status *status);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_GENERATE_H
