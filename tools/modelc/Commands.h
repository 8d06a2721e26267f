//===- Commands.h - The commands of modelc
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function a command: arguments after the command's name in, exit status
// out. DESIGN.md section 8 fixes the command lines.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_COMMANDS_H
#define MODELC_TOOLS_MODELC_COMMANDS_H

#include "absl/status/status.h"
#include "tools/modelc-run/CommandLine.h"
#include <span>
#include <string>

namespace modelc::tools {

using Arguments = std::span<const char *const>;

int compileCommand(Arguments arguments);
int inspectCommand(Arguments arguments);
int runModelCommand(Arguments arguments);
int targetsCommand(Arguments arguments);
int verifyCommand(Arguments arguments);

/// Gives `line` the flags --help and -h.
void addHelpFlags(CommandLine &line, bool *help);

/// Prints "error: MESSAGE" on stderr as one line and returns 1.
int reportFailure(const absl::Status &status);

/// Prints the message and the usage line on stderr and returns 2.
int reportUsage(const std::string &message, const char *usage);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_COMMANDS_H
