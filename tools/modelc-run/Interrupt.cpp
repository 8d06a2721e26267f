//===- Interrupt.cpp - Ctrl-C as something to ask about
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Ctrl-C ==> read() fails with EINTR, isSet() == true
//
//===----------------------------------------------------------------------===//

#include "Interrupt.h"

namespace modelc::tools {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void remember(int) { interrupted = 1; }

} // namespace

Interrupt::Interrupt() {
  clear();
  struct sigaction action = {};
  action.sa_handler = remember; // No SA_RESTART: reading ends.
  sigaction(SIGINT, &action, &before);
}

Interrupt::~Interrupt() { sigaction(SIGINT, &before, nullptr); }

bool Interrupt::isSet() { return interrupted != 0; }

void Interrupt::clear() { interrupted = 0; }

} // namespace modelc::tools
