//===- RunModelCommand.cpp - modelc run
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles a model in memory for this machine and runs it as modelc-run does.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Driver.h"
#include "modelc/modelc.h"
#include "tools/modelc-run/RunCommand.h"
#include "tools/modelc/Commands.h"
#include <cstdio>

using namespace modelc;
using namespace modelc::tools;

int tools::runModelCommand(Arguments arguments) {
  constexpr const char *kProgram = "modelc run";
  constexpr const char *kFile = "IN.gguf";
  RunOptions options;
  std::string error;
  if (!parseRunOptions(arguments, &options, &error))
    return reportUsage(error, runUsage(kProgram, kFile).c_str());
  if (options.mode == RunOptions::Mode::help ||
      options.mode == RunOptions::Mode::version) {
    std::fputs(runHelp(kProgram, kFile).c_str(), stdout);
    return 0;
  }
  driver::CompileOptions compile;
  compile.input = options.file;
  compile.variants = {{"native", {}}};
  compile.threads = options.threads;
  absl::StatusOr<driver::MemoryPlan> memory = driver::compileInMemory(compile);
  if (!memory.ok())
    return reportFailure(memory.status());
  modelc_status status;
  modelc_plan *plan;
  llvm::ArrayRef<ModelcKernel> kernels = memory->jit.getKernels();
  if (modelc_open_memory(memory->bytes, memory->sizeBytes, kernels.data(),
                         kernels.size(), &plan, &status))
    return reportFailure(absl::InternalError(status.message));
  PlanPointer owner(plan);
  return runCommand(plan, options);
}
