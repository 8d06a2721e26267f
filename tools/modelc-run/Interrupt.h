//===- Interrupt.h - Ctrl-C as something to ask about
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// While one exists, SIGINT ends system calls and is remembered, instead of
// ending the program.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_INTERRUPT_H
#define MODELC_TOOLS_MODELC_RUN_INTERRUPT_H

#include <csignal>

namespace modelc::tools {

/// At most one at a time.
class Interrupt {
public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt &) = delete;
  Interrupt &operator=(const Interrupt &) = delete;

  /// Whether SIGINT came since the last clear().
  static bool isSet();
  static void clear();

private:
  struct sigaction before;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_INTERRUPT_H
