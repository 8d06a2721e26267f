//===- ForEachPiece.cpp - Numbered pieces of work on several threads
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// POSIX threads, since std::thread ends the process where the system refuses
// one and exceptions are off.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/ForEachPiece.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <atomic>
#include <pthread.h>

using namespace modelc;
using namespace modelc::repack;

namespace {

/// What the threads share.
struct Team {
  uint64_t count;
  llvm::function_ref<bool(uint64_t, PieceBuffer &)> work;
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> isStopped = false;
};

} // namespace

static void *takePieces(void *argument) {
  auto *team = static_cast<Team *>(argument);
  PieceBuffer buffer;
  while (!team->isStopped) {
    uint64_t piece = team->next.fetch_add(1);
    if (piece >= team->count)
      break;
    if (!team->work(piece, buffer))
      team->isStopped = true;
  }
  return nullptr;
}

void repack::forEachPiece(
    uint64_t count, unsigned threads,
    llvm::function_ref<bool(uint64_t, PieceBuffer &)> work) {
  Team team = {count, work};
  uint64_t useful = std::min<uint64_t>(threads, count);
  std::vector<pthread_t> helpers;
  for (uint64_t i = 1; i < useful; ++i) {
    pthread_t helper;
    if (pthread_create(&helper, nullptr, takePieces, &team) != 0)
      break;
    helpers.push_back(helper);
  }
  takePieces(&team);
  for (pthread_t helper : helpers)
    pthread_join(helper, nullptr);
}

PieceMap::PieceMap(llvm::ArrayRef<uint64_t> counts) : firsts(1, 0) {
  for (uint64_t count : counts)
    firsts.push_back(firsts.back() + count);
}

size_t PieceMap::getPart(uint64_t piece) const {
  return llvm::upper_bound(firsts, piece) - firsts.begin() - 1;
}

void ProgressCount::add(uint64_t amount) {
  if (!report)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  done += amount;
  report(done, total);
}
