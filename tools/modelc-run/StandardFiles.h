//===- StandardFiles.h - stdin, stdout and stderr of a tool
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_STANDARDFILES_H
#define MODELC_TOOLS_MODELC_RUN_STANDARDFILES_H

#include <string>

namespace modelc::tools {

/// To be called first by main(). What is written to a closed stdout or stderr,
/// or to a pipe that nobody reads, then is an error of that write: no signal,
/// and no text inside a file that was opened later and got the free number.
void prepareStandardFiles();

/// Writes `text` to stdout. Returns the tool's exit status: 0, or 1 with the
/// error line.
int printToStdout(const std::string &text);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_STANDARDFILES_H
