//===- main.cpp - modelc-run: runs a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc-run FILE.mplan -p TEXT -n N
//
// Exit status: 0; 1 with a line "error: ..." on stderr; 2 for wrong usage;
// 130 after Ctrl-C.
//
//===----------------------------------------------------------------------===//

#include "RunCommand.h"
#include "StandardFiles.h"
#include "modelc/plan_format.h"

using namespace modelc::tools;

namespace {

constexpr const char *kProgram = "modelc-run";
constexpr const char *kFile = "FILE.mplan";

} // namespace

int main(int argc, char **argv) {
  prepareStandardFiles();
  RunOptions options;
  std::string error;
  std::span<const char *const> arguments(argv + 1, argc > 0 ? argc - 1 : 0);
  if (!parseRunOptions(arguments, &options, &error)) {
    reportError(stderr, error);
    std::fputs(runUsage(kProgram, kFile).c_str(), stderr);
    return 2;
  }
  if (options.mode == RunOptions::Mode::help)
    return printToStdout(runHelp(kProgram, kFile));
  if (options.mode == RunOptions::Mode::version)
    return printToStdout(std::string(kProgram) +
                         " " MODELC_VERSION " (plan format " +
                         std::to_string(MODELC_PLAN_VERSION) + ")\n");
  modelc_status status;
  modelc_plan *plan;
  if (modelc_open(options.file.c_str(), nullptr, &plan, &status))
    return reportError(stderr, status.message);
  PlanPointer owner(plan);
  return runCommand(plan, options);
}
