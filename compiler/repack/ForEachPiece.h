//===- ForEachPiece.h - Numbered pieces of work on several threads
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads take pieces from one counter, so pieces begin in ascending order.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_FOREACHPIECE_H
#define MODELC_COMPILER_REPACK_FOREACHPIECE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace modelc::repack {

/// Memory that one thread keeps from piece to piece.
using PieceBuffer = std::vector<uint8_t>;

/// Calls `work(piece, buffer)` for the pieces 0 .. count - 1 on up to `threads`
/// threads, the caller's among them, and returns when all have ended. Once a
/// call has returned false no further piece is begun. Where the system has no
/// more threads, fewer do the work.
void forEachPiece(uint64_t count, unsigned threads,
                  llvm::function_ref<bool(uint64_t, PieceBuffer &)> work);

/// Numbers the pieces of several parts through: part i has counts[i] of them.
class PieceMap {
public:
  explicit PieceMap(llvm::ArrayRef<uint64_t> counts);

  /// The number of all pieces.
  uint64_t size() const { return firsts.back(); }
  /// The first piece of a part; that of the part behind the last is size().
  uint64_t getFirst(size_t part) const { return firsts[part]; }
  /// The part that a piece belongs to.
  size_t getPart(uint64_t piece) const;

private:
  std::vector<uint64_t> firsts;
};

/// Adds up what has been done and reports it.
class ProgressCount {
public:
  /// `report` may be empty.
  ProgressCount(uint64_t total,
                const std::function<void(uint64_t, uint64_t)> &report)
      : total(total), report(report) {}

  /// Called by any thread.
  void add(uint64_t amount);

private:
  const uint64_t total;
  const std::function<void(uint64_t, uint64_t)> &report;
  std::mutex mutex;
  uint64_t done = 0;
};

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_FOREACHPIECE_H
