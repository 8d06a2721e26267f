//===- TargetsCommand.cpp - modelc targets
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lists the targets, and which of them `native` is here.
//
//===----------------------------------------------------------------------===//

#include "compiler/target/TargetSpec.h"
#include "tools/modelc/Commands.h"
#include <cstdio>

using namespace modelc;
using namespace modelc::tools;

int tools::targetsCommand(Arguments arguments) {
  constexpr const char *kUsage = "usage: modelc targets";
  bool help = false;
  std::string error;
  CommandLine line;
  addHelpFlags(line, &help);
  if (!line.parse(arguments, &error))
    return reportUsage(error, kUsage);
  if (help) {
    std::printf("%s\n", kUsage);
    return 0;
  }
  if (!line.positionals().empty())
    return reportUsage("no arguments expected", kUsage);
  for (const target::TargetSpec &spec : target::getTargets())
    std::printf("%-16s %s\n", spec.name.str().c_str(),
                spec.summary.str().c_str());
  const target::TargetSpec *host = target::getHostTarget();
  std::printf("%-16s %s\n", "native",
              host ? ("here: " + host->name.str()).c_str()
                   : "here: none of these");
  return 0;
}
