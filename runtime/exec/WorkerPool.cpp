//===- WorkerPool.cpp - Threads that wait for work, and their barrier
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   worker 0   run: open startGate | job | barrier | return
//   worker i   wait at startGate   | job | barrier | wait at startGate ...
//
// Sleeping is by futex on the gate's generation. A sleeper counts itself before
// it sleeps, and who opens looks at the count after; both are sequentially
// consistent, so either the opener sees the sleeper and wakes it, or the
// sleeper's futex call sees the new generation and does not sleep.
//
//===----------------------------------------------------------------------===//

#include "exec/WorkerPool.h"
#include "exec/Clock.h"
#include "exec/FloatControl.h"
#include "exec/Futex.h"
#include "exec/WorkerThread.h"
#include <algorithm>
#include <errno.h>
#include <signal.h>

namespace modelc::rt {

/// A pause takes 12 to 50 ns, depending on the CPU: these are 12 to 50 us, what
/// a futex's sleep and wake-up cost, and longer than most steps of decoding.
static constexpr uint32_t kMostPauses = 1000;

/// A wait that lasts so long is for one that waits for this CPU: others' time
/// slices are of milliseconds, while a step's last tile ends within this time.
static constexpr uint64_t kLongWaitNanoseconds = 500'000;

/// One wait of so many spins as long as may be, to see whether it pays again.
static constexpr uint32_t kProbeEvery = 64;

static void pauseCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

void Gate::open() {
  generation.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0)
    futexWakeAll(&generation);
}

void Gate::waitPast(uint32_t seen, Patience *patience) {
  const uint32_t limit = patience->pauses();
  for (uint32_t i = 0; i < limit; ++i) {
    if (generation.load(std::memory_order_acquire) != seen) {
      patience->endedAfter(i);
      return;
    }
    pauseCpu();
  }
  const uint64_t since = nowNanoseconds();
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (generation.load(std::memory_order_seq_cst) == seen)
    futexWait(&generation, seen);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
  patience->sleptFor(nowNanoseconds() - since);
}

uint32_t Patience::pauses() {
  return waits++ % kProbeEvery == 0 ? most : usual;
}

void Patience::endedAfter(uint32_t pauses) {
  usual = std::clamp(2 * pauses, usual, most);
}

void Patience::sleptFor(uint64_t nanoseconds) {
  if (nanoseconds >= kLongWaitNanoseconds)
    usual /= 2;
}

bool WorkerPool::start(uint32_t newWorkerCount, uint32_t cpuCount) {
  workerCount = newWorkerCount;
  if (!threads.allocate(workerCount - 1) ||
      !patience.reserve(workerCount * sizeof(WorkerPatience))) {
    errno = ENOMEM;
    return false;
  }
  const uint32_t mostPauses = workerCount <= cpuCount ? kMostPauses : 0;
  for (uint32_t worker = 0; worker < workerCount; ++worker)
    *patienceOf(worker) = {Patience(mostPauses), Patience(mostPauses)};
  // Signals are for the host's threads, but for those that a worker raises
  // itself: blocked, they would end the process past the host's handlers.
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (int own : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP})
    sigdelset(&blocked, own);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  int error = 0;
  for (; startedThreads < threads.size(); ++startedThreads) {
    Thread &thread = threads[startedThreads];
    thread.pool = this;
    thread.worker = startedThreads + 1;
    error = pthread_create(&thread.handle, nullptr, threadMain, &thread);
    if (error != 0)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return error == 0;
}

WorkerPool::~WorkerPool() {
  job = nullptr;
  startGate.open();
  for (uint32_t i = 0; i < startedThreads; ++i)
    pthread_join(threads[i].handle, nullptr);
}

void *WorkerPool::threadMain(void *argument) {
  const auto *thread = static_cast<const Thread *>(argument);
  enterWorkerThread();
  thread->pool->serve(thread->worker);
  return nullptr;
}

void WorkerPool::serve(uint32_t worker) {
  const FloatControl floatControl;
  for (uint32_t seen = 0;; ++seen) {
    startGate.waitPast(seen, &patienceOf(worker)->start);
    if (!job)
      return;
    job(context, worker);
    barrier(worker);
  }
}

void WorkerPool::run(void (*newJob)(void *, uint32_t), void *newContext) {
  const FloatControl floatControl;
  job = newJob;
  context = newContext;
  startGate.open();
  job(context, 0);
  barrier(0);
}

void WorkerPool::barrier(uint32_t worker) {
  const uint32_t seen = barrierGate.openings();
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 < workerCount) {
    barrierGate.waitPast(seen, &patienceOf(worker)->barrier);
    return;
  }
  arrived.store(0, std::memory_order_relaxed);
  barrierGate.open();
}

} // namespace modelc::rt
