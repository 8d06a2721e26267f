//===- TileQueue.h - Who computes which tiles of a step
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tiles of a step are cut into one contiguous range per worker. A worker
// takes its own range first, in ever smaller parts, so that the same worker
// reads the same weights at each token; then what the others have left.
//
//   tiles    0         10         20         30
//   ranges   | worker 0 | worker 1 | worker 2 |
//   claims    0000 00 0   1111 110   2222 22 0        worker 0 was fast
//
// Steps are numbered through the session's life. A worker's cursor is one word,
// {number of the step, next tile}. There are as many cursors as a ring of
// kRing steps needs, not one per step, and none is ever reset: a cursor with an
// older step's number counts as untouched; one with a newer number says that
// this step is over, because nobody leaves a step before all its tiles are
// claimed. So steps without a barrier between them need no agreement at all.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_TILEQUEUE_H
#define MODELC_RUNTIME_EXEC_TILEQUEUE_H

#include "load/Memory.h"
#include <algorithm>
#include <atomic>

namespace modelc::rt {

/// Tiles [begin, end).
struct TileRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

class TileQueue {
public:
  /// False if there is no memory.
  [[nodiscard]] bool create(uint32_t newWorkerCount) {
    workerCount = newWorkerCount;
    return cursors.reserve(uint64_t(kRing) * workerCount * sizeof(Cursor));
  }

  /// Takes some tiles of step number `step`, which has `tileCount`, for
  /// `worker`; false when none is left. The numbers of a worker's calls never
  /// go back, and begin at 1; each worker calls it for every number until it
  /// is false.
  [[nodiscard]] bool claim(uint32_t step, uint32_t tileCount, uint32_t worker,
                           TileRange *claimed) {
    if (claimFrom(step, tileCount, worker, kOwnShare, claimed))
      return true;
    for (uint32_t i = 1; i < workerCount; ++i) {
      const uint32_t other = (worker + i) % workerCount;
      if (claimFrom(step, tileCount, other, kOthersShare, claimed))
        return true;
    }
    return false;
  }

private:
  /// Workers can be this many steps apart before they share a cursor's line
  /// with a step that is still going on.
  static constexpr uint32_t kRing = 8;
  /// A claim takes 1/share of what is left: half of the own range, so that
  /// kernels get long runs of tiles; less of another's, whose owner is at work.
  static constexpr uint32_t kOwnShare = 2;
  static constexpr uint32_t kOthersShare = 4;

  /// Zero bytes are a cursor of step 0, which no step is.
  struct alignas(64) Cursor {
    std::atomic<uint64_t> word;
  };

  static uint64_t makeWord(uint32_t step, uint32_t tile) {
    return uint64_t(step) << 32 | tile;
  }

  bool claimFrom(uint32_t step, uint32_t tileCount, uint32_t owner,
                 uint32_t share, TileRange *claimed) {
    const auto begin = uint32_t(uint64_t(tileCount) * owner / workerCount);
    const auto end = uint32_t(uint64_t(tileCount) * (owner + 1) / workerCount);
    std::atomic<uint64_t> &cursor = cursorOf(step, owner);
    uint64_t word = cursor.load(std::memory_order_relaxed);
    while (true) {
      // The difference is small, whatever the numbers' wrap-around.
      const auto age = int32_t(step - uint32_t(word >> 32));
      const uint32_t next = age > 0 ? begin : uint32_t(word);
      if (age < 0 || (age == 0 && next >= end))
        return false;
      // An empty range is marked by its owner, so that no cursor grows old.
      if (next >= end && share == kOthersShare)
        return false;
      const uint32_t after =
          next >= end ? end : next + std::max(1u, (end - next) / share);
      if (!cursor.compare_exchange_weak(word, makeWord(step, after),
                                        std::memory_order_relaxed))
        continue;
      *claimed = {next, after};
      return next < after;
    }
  }

  std::atomic<uint64_t> &cursorOf(uint32_t step, uint32_t owner) const {
    auto *all = reinterpret_cast<Cursor *>(cursors.data());
    return all[uint64_t(step % kRing) * workerCount + owner].word;
  }

  uint32_t workerCount = 1;
  Mapping cursors;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_TILEQUEUE_H
