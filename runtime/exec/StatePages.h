//===- StatePages.h - The pages of a session's sequences
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sequence's state lies in pages of MODELC_PAGE_TOKENS tokens. A page number
// names one page in the pool of every state, and the ids of its tokens:
//
//   page tables              pool of state 0     pool of state 1
//   sequence 0:  0 2         page 0 1 2 3        page 0 1 2 3
//   sequence 1:  0 3
//
// Sequences with a common prefix share its pages, each of which counts its
// users. A shared page is copied when one of them is about to write to it.
// States of one size for each sequence have no pages: their pools hold one
// piece for each sequence, which is copied with it. All memory is reserved
// once; there are as many pages as the tables have entries, so a page is always
// to be had.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_STATEPAGES_H
#define MODELC_RUNTIME_EXEC_STATEPAGES_H

#include "exec/StateMemory.h"
#include "load/Memory.h"
#include "modelc/kernel_abi.h"
#include "modelc/plan_format.h"
#include <span>

namespace modelc::rt {

/// Pages that hold `tokens` tokens.
inline uint32_t pagesOf(uint32_t tokens) {
  return tokens / MODELC_PAGE_TOKENS + (tokens % MODELC_PAGE_TOKENS != 0);
}

class StatePages {
public:
  /// Reserves the pools of `states`, which outlive this, for `sequenceCount`
  /// sequences of up to `contextTokens` tokens: on the device of `stream`,
  /// which outlives this too, or on the host. False if that is too much, or
  /// the stream has failed.
  [[nodiscard]] bool create(std::span<const ModelcState> states,
                            uint32_t contextTokens, uint32_t sequenceCount,
                            HipStream *stream = nullptr);

  /// Bytes of the pools that create() reserves. False if they cannot be
  /// counted.
  [[nodiscard]] static bool countPoolBytes(std::span<const ModelcState> states,
                                           uint32_t contextTokens,
                                           uint32_t sequenceCount,
                                           uint64_t *out_bytes);

  uint32_t sequenceCount() const { return uint32_t(lengths.size()); }
  uint32_t contextTokens() const { return maxTokens; }
  /// Tokens that `sequence` holds.
  uint32_t length(uint32_t sequence) const { return lengths[sequence]; }

  /// What moves the bytes that the addresses below are of.
  const StateMemory &memory() const { return pools; }
  /// First byte of the pool of state `state`.
  uint8_t *pool(size_t state) const {
    return pools.data() + poolOffsets[state];
  }
  /// Bytes of one page of state `state`; 0 if it has none.
  uint64_t pageBytes(size_t state) const { return states[state].pageBytes; }
  size_t stateCount() const { return states.size(); }
  /// What state `state` has of a sequence as a whole, sequenceBytes(state)
  /// bytes, which are 0 if it has pages.
  uint8_t *sequencePiece(size_t state, uint32_t sequence) const {
    return pool(state) + sequence * sequenceBytes(state);
  }
  uint64_t sequenceBytes(size_t state) const {
    return states[state].sequenceBytes;
  }

  /// The ids of a page's tokens, [MODELC_PAGE_TOKENS], 0 where there is none
  /// yet.
  int32_t *pageIds(uint32_t page) const {
    return ids.data() + uint64_t(page) * MODELC_PAGE_TOKENS;
  }
  static constexpr uint64_t kPageIdBytes = MODELC_PAGE_TOKENS * sizeof(int32_t);
  /// The id of the token at `position`, below length(sequence).
  int32_t *tokenId(uint32_t sequence, uint32_t position) const {
    return pageIds(table(sequence)[position / MODELC_PAGE_TOKENS]) +
           position % MODELC_PAGE_TOKENS;
  }

  /// [sequenceCount()][pagesPerSequence()] page numbers. Entries beyond a
  /// sequence's length are 0.
  const uint32_t *pageTables() const { return tables(); }
  uint32_t pagesPerSequence() const { return tableStride; }
  /// Another number after each change of the tables.
  uint64_t tableVersion() const { return changes; }
  /// The numbers of all pages in use are below this.
  uint32_t pageLimit() const { return freshPage; }

  /// Makes `sequence` `length` tokens long, not less than it is, with pages of
  /// its own for the new ones.
  void extend(uint32_t sequence, uint32_t length);
  /// Whether the first `length` tokens of `sequence` have all that tokens
  /// behind them read: states with a window lose what lies before it.
  bool canBegin(uint32_t sequence, uint32_t length) const;
  /// Forgets the tokens from `length` on, which is not more than there are.
  void truncate(uint32_t sequence, uint32_t length);
  /// Makes `to`, another sequence, share the first `length` tokens of `from`.
  /// With states that cannot be rolled back, that is none or all of them.
  void copy(uint32_t from, uint32_t to, uint32_t length);

  /// For restoring: a page that no table names yet, contents undefined.
  uint32_t takePage();
  /// For restoring: appends `page`, taken before, as the next page of
  /// `sequence`, which becomes `length` tokens long.
  void appendPage(uint32_t sequence, uint32_t page, uint32_t length);

private:
  uint32_t *tables() const { return tableEntries.data(); }
  /// The pages of `sequence`.
  uint32_t *table(uint32_t sequence) const {
    return tables() + uint64_t(sequence) * tableStride;
  }
  uint32_t takeZeroedPage();
  uint32_t firstPageRead(uint32_t length) const;
  void dropUnread(uint32_t sequence);
  void release(uint32_t page);
  void makeOwn(uint32_t *entry);

  std::span<const ModelcState> states;
  uint32_t maxTokens = 0;
  /// The longest window of all states that have one; 0: none has.
  uint32_t windowTokens = 0;
  /// Of each sequence the pages, its first ones, that states with a window may
  /// have lost.
  HeapArray<uint32_t> droppedPages;
  uint32_t tableStride = 0;
  HeapArray<uint32_t> lengths;
  HeapArray<uint64_t> poolOffsets;
  HeapArray<uint32_t> tableEntries;
  /// Table entries that name each page.
  HeapArray<uint32_t> useCounts;
  /// A stack of pages that were used and given back.
  HeapArray<uint32_t> freePages;
  uint32_t freeCount = 0;
  /// Pages from this on have never been used.
  uint32_t freshPage = 0;
  /// [page][MODELC_PAGE_TOKENS]; goes where the page goes.
  HeapArray<int32_t> ids;
  uint64_t changes = 0;
  StateMemory pools;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_STATEPAGES_H
