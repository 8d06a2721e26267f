//===- Futex.h - Waiting for a number to change
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_FUTEX_H
#define MODELC_RUNTIME_EXEC_FUTEX_H

#include <atomic>
#include <stdint.h>
#if defined(__APPLE__)
#include <os/os_sync_wait_on_address.h> // macOS 14.4
#else
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace modelc::rt {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

/// Sleeps unless `*word` differs from `expected`; may return early.
inline void futexWait(std::atomic<uint32_t> *word, uint32_t expected) {
#if defined(__APPLE__)
  os_sync_wait_on_address(word, expected, sizeof(expected),
                          OS_SYNC_WAIT_ON_ADDRESS_NONE);
#else
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
#endif
}

/// Wakes all that sleep on `word`.
inline void futexWakeAll(std::atomic<uint32_t> *word) {
#if defined(__APPLE__)
  os_sync_wake_by_address_all(word, sizeof(uint32_t),
                              OS_SYNC_WAKE_BY_ADDRESS_NONE);
#else
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
#endif
}

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_FUTEX_H
