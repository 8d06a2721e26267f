//===- VerifyWeights.cpp - Comparing weights with their checksums
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   WEIGHTS  | 0 | weight a | 0 | weight b ................ | 0 |
//   pieces        a0          .   b0 | b1 | b2 | b3 | b4
//
// Threads take the 1 MiB pieces of all weights from one counter, then each
// weight's checksum is formed of its pieces'. The bytes between weights are
// zero. Several variants may have tables over one WEIGHTS section; a weight
// that they share is read once.
//
//===----------------------------------------------------------------------===//

#include "load/CpuFeatures.h"
#include "load/Plan.h"
#include "load/ReadPlan.h"
#include "modelc/checksum.h"
#include <algorithm>
#include <atomic>
#include <inttypes.h>
#include <pthread.h>
#include <span>
#include <tuple>

namespace modelc::rt {

/// More threads than this do not read faster.
static constexpr uint32_t kMaxVerifyThreads = 32;

namespace {
struct Entry {
  const ModelcWeight *weight;
  const uint8_t *bytes;
  /// Pieces of all weights before this one.
  uint64_t firstPiece;
};

/// What the threads share.
struct Work {
  HeapArray<Entry> memory;
  /// In the order of their addresses.
  std::span<Entry> entries;
  HeapArray<uint32_t> pieces;
  std::atomic<uint64_t> nextPiece = 0;
};
} // namespace

static bool collectEntries(const PlanTables &tables, Work *work);
static void computePieces(Work *work);
static modelc_code checkGaps(const PlanTables &tables, const Work &work,
                             const Reporter &report);

modelc_code verifyWeights(const PlanTables &tables, const Reporter &report) {
  Work work;
  if (!collectEntries(tables, &work))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to verify it");
  computePieces(&work);
  for (const Entry &entry : work.entries) {
    const ModelcWeight &weight = *entry.weight;
    const uint32_t found = modelc_weight_checksum_of_pieces(
        work.pieces.data() + entry.firstPiece,
        modelc_weight_piece_count(weight.sizeBytes));
    if (found != weight.checksum)
      return report.damaged("weight %s: checksum 0x%08" PRIx32
                            ", but its bytes have 0x%08" PRIx32,
                            tables.string(weight.name), weight.checksum, found);
  }
  return checkGaps(tables, work, report);
}

/// False without memory.
static bool collectEntries(const PlanTables &tables, Work *work) {
  const auto variantCount = uint32_t(tables.variants.size());
  uint64_t count = 0;
  for (uint32_t v = 0; v < variantCount; ++v)
    count += tables.variantTables(v).weights.size();
  if (!work->memory.allocate(count))
    return false;
  Entry *end = work->memory.begin();
  for (uint32_t v = 0; v < variantCount; ++v) {
    const VariantTables variant = tables.variantTables(v);
    for (const ModelcWeight &weight : variant.weights)
      *end++ = {&weight, variant.weightBytes.data() + weight.offset, 0};
  }
  // What tables say of the same bytes counts once, if they agree.
  auto key = [](const Entry &entry) {
    return std::tuple(entry.bytes, entry.weight->sizeBytes,
                      entry.weight->checksum);
  };
  std::sort(work->memory.begin(), end,
            [&](const Entry &a, const Entry &b) { return key(a) < key(b); });
  end = std::unique(
      work->memory.begin(), end,
      [&](const Entry &a, const Entry &b) { return key(a) == key(b); });
  work->entries = {work->memory.begin(), end};

  uint64_t pieceCount = 0;
  for (Entry &entry : work->entries) {
    entry.firstPiece = pieceCount;
    pieceCount += modelc_weight_piece_count(entry.weight->sizeBytes);
  }
  return work->pieces.allocate(pieceCount);
}

static void *computeSomePieces(void *argument) {
  auto *work = static_cast<Work *>(argument);
  const uint64_t pieceCount = work->pieces.size();
  while (true) {
    const uint64_t piece = work->nextPiece.fetch_add(1);
    if (piece >= pieceCount)
      return nullptr;
    const auto after = std::upper_bound(
        work->entries.begin(), work->entries.end(), piece,
        [](uint64_t p, const Entry &e) { return p < e.firstPiece; });
    const Entry *entry =
        work->entries.data() + (after - work->entries.begin()) - 1;
    work->pieces[piece] = modelc_weight_piece_checksum(
        entry->bytes, entry->weight->sizeBytes, piece - entry->firstPiece);
  }
}

static void computePieces(Work *work) {
  const uint64_t useful =
      std::min<uint64_t>(usableCpuCount(), work->pieces.size());
  const auto helpers =
      uint32_t(std::clamp<uint64_t>(useful, 1, kMaxVerifyThreads)) - 1;
  pthread_t threads[kMaxVerifyThreads];
  uint32_t started = 0;
  // Where a thread cannot be had, the others do its work.
  while (started < helpers && pthread_create(&threads[started], nullptr,
                                             computeSomePieces, work) == 0)
    ++started;
  computeSomePieces(work);
  for (uint32_t i = 0; i < started; ++i)
    pthread_join(threads[i], nullptr);
}

static modelc_code checkGaps(const PlanTables &tables, const Work &work,
                             const Reporter &report) {
  auto next = work.entries.begin();
  for (const ModelcSection &section : tables.sections) {
    if (section.kind != MODELC_SECTION_WEIGHTS)
      continue;
    const uint8_t *base = tables.bytes.data() + section.offset;
    const uint8_t *end = base + section.sizeBytes;
    const uint8_t *checked = base;
    auto checkUntil = [&](const uint8_t *until) {
      if (until <= checked || isZero({checked, until}))
        return MODELC_OK;
      return report.damaged("WEIGHTS: padding at [0x%" PRIx64 ", 0x%" PRIx64
                            ") is not zero",
                            uint64_t(checked - base), uint64_t(until - base));
    };
    for (; next != work.entries.end() && next->bytes < end; ++next) {
      if (modelc_code code = checkUntil(next->bytes))
        return code;
      checked = std::max(checked, next->bytes + next->weight->sizeBytes);
    }
    if (modelc_code code = checkUntil(end))
      return code;
  }
  return MODELC_OK;
}

} // namespace modelc::rt
