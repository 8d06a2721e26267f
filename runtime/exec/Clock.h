//===- Clock.h - The time, for waits and profiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_CLOCK_H
#define MODELC_RUNTIME_EXEC_CLOCK_H

#include <stdint.h>
#include <time.h>

namespace modelc::rt {

/// Nanoseconds since some moment, which never go back.
inline uint64_t nowNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1000000000 + uint64_t(now.tv_nsec);
}

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_CLOCK_H
