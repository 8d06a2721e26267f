//===- sessions-test.c - Several sequences give what each gives alone
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sessions-test FILE.mplan
//
// Computes the logits of three sequences alone, each in a session of its own,
// and then together in one session: in mixed pieces, after copies, truncations
// and a saved file. Every logit must have the same bits. Sequences pass the
// ends of the cache's pages (64 tokens) at different times. Of a plan with a
// state that cannot be rolled back, parts of sequences must be refused.
//
//===----------------------------------------------------------------------===//

#include "modelc/modelc.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kSequences = 3, kSpare = kSequences, kLength = 140, kMost = 48 };

static modelc_status status;
static modelc_plan_info info;

static void check(bool fine, const char *what) {
  if (fine)
    return;
  fprintf(stderr, "FAILED: %s: %s\n", what, status.message);
  exit(1);
}

/// Token `position` of `sequence`: the same for all, then diverging.
static int32_t getToken(int sequence, int position) {
  if (position == 0)
    return 1;
  const int number = position * 31 + (position > 10 ? sequence * 57 : 0);
  return number % 500 + 3;
}

static modelc_session *createSession(modelc_plan *plan, uint32_t threads) {
  const modelc_session_options options = {.contextTokens = kLength,
                                          .sequences = kSequences + 1,
                                          .threads = threads};
  modelc_session *session;
  check(!modelc_session_create(plan, &options, &session, &status), "create");
  return session;
}

/// Logits [kLength][vocabSize] of one sequence, as it is alone.
static float *computeAlone(modelc_plan *plan, int sequence) {
  const size_t rowBytes = sizeof(float) * info.vocabSize;
  float *result = malloc(kLength * rowBytes);
  check(result != NULL, "malloc");
  modelc_session *session = createSession(plan, 1);
  modelc_token tokens[kLength];
  for (int i = 0; i < kLength; ++i)
    tokens[i] = (modelc_token){getToken(sequence, i), i, 0, 1};
  check(!modelc_session_step(session, tokens, kLength, &status), "alone");
  for (int i = 0; i < kLength; ++i) {
    const float *logits;
    check(!modelc_session_logits(session, (size_t)i, &logits, &status),
          "logits");
    memcpy(result + (size_t)i * info.vocabSize, logits, rowBytes);
  }
  modelc_session_destroy(session);
  return result;
}

/// A session of several sequences. Slot s holds the text of sequence text[s].
typedef struct Session {
  modelc_session *session;
  int text[kSequences + 1];
  int length[kSequences + 1];
  float *const *expected;
} Session;

/// Feeds counts[s] tokens to each slot s in one step, slots by turns, and
/// compares their logits.
static void feed(Session *session, const int *counts, const char *what) {
  modelc_token tokens[kMost];
  size_t size = 0;
  int left[kSequences + 1];
  memcpy(left, counts, sizeof(left));
  for (bool any = true; any;) {
    any = false;
    for (uint32_t slot = 0; slot <= kSequences; ++slot) {
      if (left[slot] == 0 || session->length[slot] == kLength)
        continue;
      const int position = session->length[slot]++;
      const int32_t id = getToken(session->text[slot], position);
      check(size < kMost, "the test feeds too much at once");
      // One token in five is not asked for.
      tokens[size] = (modelc_token){id, position, slot, size % 5 != 4};
      ++size;
      --left[slot];
      any = true;
    }
  }
  if (size == 0)
    return;
  check(!modelc_session_step(session->session, tokens, size, &status), what);
  size_t index = 0;
  for (size_t i = 0; i < size; ++i) {
    if (!tokens[i].wantLogits)
      continue;
    const float *logits;
    check(!modelc_session_logits(session->session, index++, &logits, &status),
          what);
    const float *expected =
        session->expected[session->text[tokens[i].sequence]];
    expected += (size_t)tokens[i].position * info.vocabSize;
    check(memcmp(logits, expected, sizeof(float) * info.vocabSize) == 0, what);
  }
}

/// Feeds all slots to their ends in pieces of changing sizes.
static void feedAll(Session *session, const char *what) {
  for (int round = 0; round < kLength; ++round) {
    const int counts[kSequences + 1] = {round % 3 + 1, round % 7,
                                        (round * 5) % 11,
                                        session->length[kSpare] ? 4 : 0};
    feed(session, counts, what);
  }
}

static void checkLengths(const Session *session, const char *what) {
  for (uint32_t slot = 0; slot <= kSequences; ++slot) {
    uint32_t length;
    check(!modelc_session_length(session->session, slot, &length, &status),
          what);
    check(length == (uint32_t)session->length[slot], what);
  }
}

/// Whether a session with fewer tokens of a slot must compute them again: a
/// state of a whole sequence cannot be rolled back.
static bool mustBeginAnew(const Session *session, uint32_t slot, int length) {
  return info.stateBytesPerSequence > 0 && length > 0 &&
         length < session->length[slot];
}

static void truncateSlot(Session *session, uint32_t slot, int length) {
  const bool isRefused = mustBeginAnew(session, slot, length);
  if (isRefused)
    check(modelc_session_truncate(session->session, slot, (uint32_t)length,
                                  &status) == MODELC_FAILED_PRECONDITION,
          "a state is rolled back");
  check(!modelc_session_truncate(session->session, slot,
                                 isRefused ? 0 : (uint32_t)length, &status),
        "truncate");
  session->length[slot] = isRefused ? 0 : length;
  while (session->length[slot] < length) {
    int counts[kSequences + 1] = {0};
    const int left = length - session->length[slot];
    counts[slot] = left < kMost ? left : kMost;
    feed(session, counts, "anew");
  }
}

static void copySlot(Session *session, uint32_t from, uint32_t to, int length) {
  if (mustBeginAnew(session, from, length)) {
    check(modelc_session_copy(session->session, from, to, (uint32_t)length,
                              &status) == MODELC_FAILED_PRECONDITION,
          "a part of a state is copied");
    truncateSlot(session, from, length);
  }
  check(!modelc_session_copy(session->session, from, to, (uint32_t)length,
                             &status),
        "copy");
  session->length[to] = length;
  session->text[to] = session->text[from];
}

/// Saves the session, restores it into one of another number of threads, and
/// lets both go on.
static void testSaved(Session *session, modelc_plan *plan, const char *path) {
  for (uint32_t slot = 0; slot < kSequences; ++slot)
    truncateSlot(session, slot, 60 + (int)slot * 4);
  truncateSlot(session, kSpare, 0);
  check(!modelc_session_save(session->session, path, &status), "save");
  Session restored = *session;
  restored.session = createSession(plan, 3);
  check(!modelc_session_restore(restored.session, path, &status), "restore");
  checkLengths(&restored, "lengths of the restored session");
  feedAll(session, "the saved session goes on");
  feedAll(&restored, "the restored session goes on");
  modelc_session_destroy(restored.session);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: sessions-test FILE.mplan\n");
    return 2;
  }
  modelc_plan *plan;
  check(!modelc_open(argv[1], NULL, &plan, &status), "open");
  modelc_plan_get_info(plan, &info);
  float *expected[kSequences];
  for (int i = 0; i < kSequences; ++i)
    expected[i] = computeAlone(plan, i);
  check(memcmp(expected[0] + 20 * info.vocabSize,
               expected[1] + 20 * info.vocabSize,
               sizeof(float) * info.vocabSize) != 0,
        "the sequences do not differ");

  Session session = {createSession(plan, 2), {0, 1, 2, 0}, {0}, expected};
  feedAll(&session, "mixed pieces");
  checkLengths(&session, "lengths");

  // Back into the middle of a page, and on with another sequence's text where
  // both have the same so far.
  truncateSlot(&session, 0, 70);
  truncateSlot(&session, 1, 5);
  session.text[1] = 2;
  feedAll(&session, "after truncation");

  // A copy shares pages until one of the two writes; both then go their ways.
  copySlot(&session, 2, kSpare, 67);
  truncateSlot(&session, 2, 65);
  truncateSlot(&session, 0, 0);
  copySlot(&session, kSpare, 0, 9);
  session.text[0] = 1;
  feedAll(&session, "after copies");
  checkLengths(&session, "lengths after copies");

  testSaved(&session, plan, "session.bin");
  modelc_session_destroy(session.session);
  for (int i = 0; i < kSequences; ++i)
    free(expected[i]);
  modelc_close(plan);
  printf("every logit has its bits\n");
  return 0;
}
