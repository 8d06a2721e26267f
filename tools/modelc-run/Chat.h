//===- Chat.h - A conversation
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// modelc-run --chat: what is said is read line by line, each answer printed as
// it comes.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_CHAT_H
#define MODELC_TOOLS_MODELC_RUN_CHAT_H

#include "RunOptions.h"
#include <cstdio>

namespace modelc::tools {

/// Mode::chat of runCommand.
int chat(modelc_plan *plan, const RunOptions &options, FILE *out,
         FILE *messages, int input);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_CHAT_H
