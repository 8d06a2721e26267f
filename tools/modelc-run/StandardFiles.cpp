//===- StandardFiles.cpp - stdin, stdout and stderr of a tool
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StandardFiles.h"
#include "RunCommand.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace modelc::tools {

void prepareStandardFiles() {
  std::signal(SIGPIPE, SIG_IGN);
  for (int number = 0; number <= 2; ++number)
    if (fcntl(number, F_GETFD) < 0)
      // The lowest free number is this one; to be read, so that writes fail.
      (void)open("/dev/null", O_RDONLY);
}

int printToStdout(const std::string &text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
      std::fflush(stdout) == 0)
    return 0;
  return reportError(stderr, std::string("stdout: ") + std::strerror(errno));
}

} // namespace modelc::tools
