//===- RunCommand.h - Runs an open plan as the options say
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by modelc-run, which opens a plan, and `modelc run`, which compiles a
// model in memory.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_RUNCOMMAND_H
#define MODELC_TOOLS_MODELC_RUN_RUNCOMMAND_H

#include "RunOptions.h"
#include "modelc/grammar.h"
#include <cstdio>
#include <memory>

namespace modelc::tools {

/// Does what `options` ask for, a mode that needs a plan. Text goes to `out`
/// as it comes, everything else to `messages`. Returns the exit status: 0, or
/// 1 after a line "error: ..." on `messages`. A line "warning: ..." may come
/// first. SIGPIPE must be ignored, so that
/// a closed `out` is an error like others. `input` is the descriptor that
/// prompts and what is said in a chat are read from. `plan` stays open.
int runCommand(modelc_plan *plan, const RunOptions &options, FILE *out = stdout,
               FILE *messages = stderr, int input = 0);

/// Prints "error: MESSAGE" and returns 1.
int reportError(FILE *messages, const std::string &message);

/// Prints "warning: MESSAGE" if the plan has one (modelc_plan_warning).
void printWarning(FILE *messages, const modelc_plan *plan);

/// Destroys what the C API creates.
template <auto destroy> struct Destroyer {
  template <typename T> void operator()(T *object) const { destroy(object); }
};
using PlanPointer = std::unique_ptr<modelc_plan, Destroyer<modelc_close>>;
using SessionPointer =
    std::unique_ptr<modelc_session, Destroyer<modelc_session_destroy>>;
using TokenizerPointer =
    std::unique_ptr<modelc_tokenizer, Destroyer<modelc_tokenizer_destroy>>;
using DetokenizerPointer =
    std::unique_ptr<modelc_detokenizer, Destroyer<modelc_detokenizer_destroy>>;
using GrammarPointer =
    std::unique_ptr<modelc_grammar, Destroyer<modelc_grammar_destroy>>;
using SamplerPointer =
    std::unique_ptr<modelc_sampler, Destroyer<modelc_sampler_destroy>>;

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_RUNCOMMAND_H
