//===- WorkerPool.h - Threads that wait for work, and their barrier
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A wait spins for a moment, as steps of a plan are short, then sleeps, as the
// time between two tokens may be long. How long it spins is learnt: where the
// one that is waited for needs this CPU, each pause is time lost for both. That
// shows in waits of more than a time slice; a shorter one that spins in vain
// waits for a long tile, and says nothing of the next, which may be short. It
// never yields: the scheduler takes that as leave to run other processes for
// their time slices, of milliseconds.
//
// A tiny model, 0.08 ms a token on one worker and a free CPU, with two workers
// on two CPUs that other processes keep busy too (Linux 6.18), in tokens/s:
//
//   yields every 32 pauses          15 .. 55
//   1000 pauses, then sleep         700 .. 1500
//   sleep at once                   2000 .. 7000
//   as here                         1400 .. 14000, and 32000 on free CPUs
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_WORKERPOOL_H
#define MODELC_RUNTIME_EXEC_WORKERPOOL_H

#include "load/Memory.h"
#include <atomic>
#include <pthread.h>

namespace modelc::rt {

/// How long one thread spins at one gate before it sleeps.
class Patience {
public:
  /// Spins `most` pauses at the most; none for 0.
  explicit Patience(uint32_t most) : most(most), usual(most) {}

  /// The pauses of the next wait.
  uint32_t pauses();
  /// The wait ended after that many; the next may take twice as many.
  void endedAfter(uint32_t pauses);
  /// It did not end, and lasted so much longer: if that was long, the next
  /// spins half as much.
  void sleptFor(uint64_t nanoseconds);

private:
  uint32_t most;
  uint32_t usual;
  uint32_t waits = 0;
};

/// Opens again and again; each opening lets through all who wait for it.
class Gate {
public:
  /// The number of openings so far (modulo 2^32).
  uint32_t openings() const {
    return generation.load(std::memory_order_acquire);
  }
  /// Lets everyone through who waits past the present number of openings.
  /// Whatever this thread wrote is seen by them.
  void open();
  /// Returns once openings() differs from `seen`.
  void waitPast(uint32_t seen, Patience *patience);

private:
  std::atomic<uint32_t> generation = 0;
  std::atomic<uint32_t> sleepers = 0;
};

/// A fixed number of threads that run one function at a time, all together.
class WorkerPool {
public:
  WorkerPool() = default;
  WorkerPool(const WorkerPool &) = delete;
  WorkerPool &operator=(const WorkerPool &) = delete;
  ~WorkerPool();

  /// Starts `workerCount` - 1 threads, as worker 0 is the caller of run();
  /// `cpuCount` CPUs are theirs. False, with errno, if one cannot be had.
  [[nodiscard]] bool start(uint32_t workerCount, uint32_t cpuCount);

  uint32_t size() const { return workerCount; }

  /// Calls job(context, worker) once on every worker and returns when all have
  /// returned. One thread at a time may call it.
  void run(void (*job)(void *context, uint32_t worker), void *context);

  /// For jobs: returns when all workers have called it, each with its number.
  /// What they wrote before is seen by all after.
  void barrier(uint32_t worker);

private:
  struct Thread {
    WorkerPool *pool;
    uint32_t worker;
    pthread_t handle;
  };

  /// On a line of its own: a worker writes to it at each wait.
  struct alignas(64) WorkerPatience {
    Patience start;
    Patience barrier;
  };

  static void *threadMain(void *argument);
  void serve(uint32_t worker);
  WorkerPatience *patienceOf(uint32_t worker) const {
    return reinterpret_cast<WorkerPatience *>(patience.data()) + worker;
  }

  uint32_t workerCount = 1;
  uint32_t startedThreads = 0;
  HeapArray<Thread> threads;
  Mapping patience;
  void (*job)(void *, uint32_t) = nullptr;
  void *context = nullptr;
  /// On lines of their own: the workers write to them all the time.
  alignas(64) Gate startGate;
  alignas(64) std::atomic<uint32_t> arrived = 0;
  alignas(64) Gate barrierGate;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_WORKERPOOL_H
