//===- StatePages.cpp - The pages of a session's sequences
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   copy(0, 1, 70); extend(1, 71)
//     sequence 0:  4 7 2          4 7 2
//     sequence 1:           ==>   4 9       page 9 begins as a copy of 7
//
// Nothing here allocates but create(). A page that is taken a second time is
// zeroed, so that what a kernel sees, and what a saved session holds, never
// comes from a dropped sequence.
//
//===----------------------------------------------------------------------===//

#include "exec/StatePages.h"
#include <algorithm>
#include <string.h>

namespace modelc::rt {

static bool countBytes(const ModelcState &state, uint64_t pageCount,
                       uint32_t sequenceCount, uint64_t *out_bytes) {
  const bool isPaged = state.kind == MODELC_STATE_PAGED;
  uint64_t bytes;
  if (!checkedMul(isPaged ? pageCount : sequenceCount,
                  isPaged ? state.pageBytes : state.sequenceBytes, &bytes) ||
      bytes > INT64_MAX)
    return false;
  *out_bytes = alignUp(bytes, MODELC_PLAN_PAGE_BYTES);
  return true;
}

bool StatePages::countPoolBytes(std::span<const ModelcState> states,
                                uint32_t contextTokens, uint32_t sequenceCount,
                                uint64_t *out_bytes) {
  const uint64_t pageCount = uint64_t(sequenceCount) * pagesOf(contextTokens);
  uint64_t total = 0, bytes;
  for (const ModelcState &state : states)
    if (!countBytes(state, pageCount, sequenceCount, &bytes) ||
        !checkedAdd(total, bytes, &total))
      return false;
  *out_bytes = total;
  return true;
}

bool StatePages::create(std::span<const ModelcState> newStates,
                        uint32_t contextTokens, uint32_t sequenceCount,
                        HipStream *stream) {
  states = newStates;
  maxTokens = contextTokens;
  tableStride = pagesOf(contextTokens);
  const uint64_t pageCount = uint64_t(sequenceCount) * tableStride;
  if (pageCount > UINT32_MAX)
    return false;
  windowTokens = 0;
  for (const ModelcState &state : states)
    windowTokens = std::max(windowTokens, uint32_t(state.windowTokens));
  if (!lengths.allocate(sequenceCount) ||
      !droppedPages.allocate(sequenceCount) ||
      !poolOffsets.allocate(states.size()) ||
      !tableEntries.allocate(pageCount) || !useCounts.allocate(pageCount) ||
      !freePages.allocate(pageCount) ||
      !ids.allocate(pageCount * MODELC_PAGE_TOKENS))
    return false;
  uint64_t total = 0, bytes;
  for (size_t i = 0; i < states.size(); ++i) {
    poolOffsets[i] = total;
    if (!countBytes(states[i], pageCount, sequenceCount, &bytes) ||
        !checkedAdd(total, bytes, &total))
      return false;
  }
  return pools.reserve(total, stream);
}

/// The first page of a sequence that a token at position `length` reads in
/// states with a window.
uint32_t StatePages::firstPageRead(uint32_t length) const {
  return length < windowTokens
             ? 0
             : (length + 1 - windowTokens) / MODELC_PAGE_TOKENS;
}

/// Gives back the memory of what no token from the sequence's end on reads.
/// Pages that other sequences have too are left to them.
void StatePages::dropUnread(uint32_t sequence) {
  const uint32_t first = firstPageRead(lengths[sequence]);
  for (uint32_t i = droppedPages[sequence]; i < first; ++i) {
    const uint32_t page = table(sequence)[i];
    if (useCounts[page] > 1)
      continue;
    for (size_t s = 0; s < states.size(); ++s)
      if (states[s].windowTokens > 0)
        pools.release(poolOffsets[s] + page * pageBytes(s), pageBytes(s));
  }
  droppedPages[sequence] = std::max(droppedPages[sequence], first);
}

bool StatePages::canBegin(uint32_t sequence, uint32_t length) const {
  return windowTokens == 0 || length == lengths[sequence] ||
         firstPageRead(length) >=
             std::min(droppedPages[sequence], pagesOf(length));
}

void StatePages::extend(uint32_t sequence, uint32_t length) {
  if (windowTokens > 0)
    dropUnread(sequence);
  uint32_t *entries = table(sequence);
  const uint32_t oldLength = lengths[sequence];
  const uint32_t oldPages = pagesOf(oldLength);
  changes += pagesOf(length) > oldPages;
  if (length > oldLength && oldLength % MODELC_PAGE_TOKENS != 0)
    makeOwn(&entries[oldPages - 1]);
  for (uint32_t i = oldPages; i < pagesOf(length); ++i)
    entries[i] = takeZeroedPage();
  lengths[sequence] = length;
}

void StatePages::truncate(uint32_t sequence, uint32_t length) {
  uint32_t *entries = table(sequence);
  for (uint32_t i = pagesOf(length); i < pagesOf(lengths[sequence]); ++i) {
    release(entries[i]);
    entries[i] = 0;
    ++changes;
  }
  lengths[sequence] = length;
  droppedPages[sequence] = std::min(droppedPages[sequence], pagesOf(length));
}

void StatePages::copy(uint32_t from, uint32_t to, uint32_t length) {
  truncate(to, 0);
  for (uint32_t i = 0; i < pagesOf(length); ++i) {
    const uint32_t page = table(from)[i];
    ++useCounts[page];
    table(to)[i] = page;
    ++changes;
  }
  if (length > 0)
    for (size_t i = 0; i < states.size(); ++i)
      pools.copy(sequencePiece(i, to), sequencePiece(i, from),
                 sequenceBytes(i));
  lengths[to] = length;
  droppedPages[to] = std::min(droppedPages[from], pagesOf(length));
}

uint32_t StatePages::takePage() {
  return freeCount > 0 ? freePages[--freeCount] : freshPage++;
}

void StatePages::appendPage(uint32_t sequence, uint32_t page, uint32_t length) {
  ++useCounts[page];
  table(sequence)[pagesOf(length) - 1] = page;
  lengths[sequence] = length;
  ++changes;
  // The file does not say what had been dropped when it was saved.
  if (windowTokens > 0)
    droppedPages[sequence] = firstPageRead(length);
}

uint32_t StatePages::takeZeroedPage() {
  const bool isFresh = freeCount == 0;
  const uint32_t page = takePage();
  useCounts[page] = 1;
  if (isFresh)
    return page;
  for (size_t i = 0; i < states.size(); ++i)
    pools.zero(pool(i) + page * pageBytes(i), pageBytes(i));
  memset(pageIds(page), 0, kPageIdBytes);
  return page;
}

void StatePages::release(uint32_t page) {
  if (--useCounts[page] == 0)
    freePages[freeCount++] = page;
}

/// Replaces a shared page by a copy that only this entry names.
void StatePages::makeOwn(uint32_t *entry) {
  const uint32_t shared = *entry;
  if (useCounts[shared] == 1)
    return;
  // The entries name fewer distinct pages than there are, as two name this.
  const uint32_t page = takePage();
  for (size_t i = 0; i < states.size(); ++i)
    pools.copy(pool(i) + page * pageBytes(i), pool(i) + shared * pageBytes(i),
               pageBytes(i));
  memcpy(pageIds(page), pageIds(shared), kPageIdBytes);
  useCounts[page] = 1;
  --useCounts[shared];
  *entry = page;
  ++changes;
}

} // namespace modelc::rt
