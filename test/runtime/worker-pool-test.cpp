//===- worker-pool-test.cpp - Threads, their barrier and their patience
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "exec/WorkerPool.h"
#include <atomic>
#include <gtest/gtest.h>
#include <signal.h>
#include <vector>

using namespace modelc::rt;

/// Each worker counts its rounds; after a barrier all must have counted as far.
struct Rounds {
  WorkerPool *pool;
  std::vector<std::atomic<uint32_t>> done;
  std::atomic<uint32_t> early = 0;
};

static void countRounds(void *context, uint32_t worker) {
  auto *rounds = static_cast<Rounds *>(context);
  for (uint32_t round = 0; round < 20; ++round) {
    const uint32_t mine = ++rounds->done[worker];
    rounds->pool->barrier(worker);
    for (const std::atomic<uint32_t> &other : rounds->done)
      rounds->early += other < mine;
    rounds->pool->barrier(worker);
  }
}

/// Workers that spin, and workers that sleep at once as CPUs are few; more of
/// them than this machine has CPUs, in any case.
TEST(WorkerPool, NobodyIsEarlyOrForgotten) {
  for (uint32_t workers : {1u, 2u, 3u, 17u}) {
    for (uint32_t cpus : {1u, 64u}) {
      WorkerPool pool;
      ASSERT_TRUE(pool.start(workers, cpus));
      Rounds rounds = {&pool, std::vector<std::atomic<uint32_t>>(workers), 0};
      for (uint32_t run = 0; run < 20; ++run)
        pool.run(countRounds, &rounds);
      EXPECT_EQ(rounds.early, 0u) << workers << " workers, " << cpus << " CPUs";
      for (uint32_t worker = 0; worker < workers; ++worker)
        EXPECT_EQ(rounds.done[worker], 400u) << "worker " << worker;
    }
  }
}

TEST(WorkerPool, EndsWithoutARun) {
  WorkerPool pool;
  EXPECT_TRUE(pool.start(5, 2));
}

static void readSignalMask(void *context, uint32_t worker) {
  if (worker == 1)
    pthread_sigmask(SIG_BLOCK, nullptr, static_cast<sigset_t *>(context));
}

/// The host's signals are handled by its own threads; what a worker itself
/// raises reaches the host's handler.
TEST(WorkerPool, BlocksTheSignalsOfOthers) {
  WorkerPool pool;
  ASSERT_TRUE(pool.start(2, 2));
  sigset_t blocked;
  sigemptyset(&blocked);
  pool.run(readSignalMask, &blocked);
  for (int signal : {SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1})
    EXPECT_EQ(sigismember(&blocked, signal), 1) << signal;
  for (int signal : {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP})
    EXPECT_EQ(sigismember(&blocked, signal), 0) << signal;
}

/// A wait of more than a time slice, in nanoseconds, and one for a long tile.
constexpr uint64_t kLong = 3'000'000, kShort = 100'000;

TEST(Patience, IsLostInVainAndFoundByAProbe) {
  Patience patience(1000);
  EXPECT_EQ(patience.pauses(), 1000u);
  for (int wait = 0; wait < 200; ++wait)
    patience.sleptFor(kShort);
  EXPECT_EQ(patience.pauses(), 1000u);
  patience.sleptFor(kLong);
  EXPECT_EQ(patience.pauses(), 500u);
  uint32_t probes = 0, sum = 0;
  for (uint32_t wait = 0; wait < 1024; ++wait) {
    const uint32_t pauses = patience.pauses();
    probes += pauses == 1000;
    sum += pauses;
    patience.sleptFor(kLong);
  }
  EXPECT_EQ(probes, 16u);
  EXPECT_LT(sum, 16u * 1000 + 1000);
  EXPECT_EQ(patience.pauses(), 0u);
  // A wait that ended while it spun, by a probe: later ones are long enough.
  patience.endedAfter(300);
  EXPECT_EQ(patience.pauses(), 600u);
  patience.endedAfter(10);
  EXPECT_EQ(patience.pauses(), 600u);
  patience.endedAfter(900);
  EXPECT_EQ(patience.pauses(), 1000u);
}

TEST(Patience, NoneAtAll) {
  Patience patience(0);
  for (uint32_t wait = 0; wait < 200; ++wait) {
    EXPECT_EQ(patience.pauses(), 0u);
    patience.sleptFor(kLong);
  }
}
