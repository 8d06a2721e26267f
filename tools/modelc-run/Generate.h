//===- Generate.h - Continues a prompt
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// modelc-run -p TEXT: the prompt, what follows it, and the numbers at the end.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_GENERATE_H
#define MODELC_TOOLS_MODELC_RUN_GENERATE_H

#include "RunOptions.h"
#include <cstdio>

namespace modelc::tools {

/// Mode::generate of runCommand.
int generate(modelc_plan *plan, const RunOptions &options, FILE *out,
             FILE *messages, int input);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_GENERATE_H
