//===- Sequences.cpp - Truncating and copying sequences
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of modelc.h that changes sequences without computing: checks of
// arguments in front of StatePages.
//
//===----------------------------------------------------------------------===//

#include "exec/Session.h"
#include <inttypes.h>

using namespace modelc::rt;

static modelc_code checkSequence(const modelc_session *session,
                                 uint32_t sequence, const Reporter &report) {
  if (sequence < session->pages.sequenceCount())
    return MODELC_OK;
  return report.fail(MODELC_INVALID_ARGUMENT,
                     "sequence %" PRIu32 " out of range [0, %" PRIu32 ")",
                     sequence, session->pages.sequenceCount());
}

/// Whether the first `length` tokens of `sequence` can be had without the rest.
static modelc_code checkPrefix(const modelc_session *session, uint32_t sequence,
                               uint32_t length, const Reporter &report) {
  const uint32_t present = session->pages.length(sequence);
  if (length > present)
    return report.fail(MODELC_OUT_OF_RANGE,
                       "length %" PRIu32 ", but sequence %" PRIu32
                       " has %" PRIu32 " tokens",
                       length, sequence, present);
  if (length == 0 || length == present)
    return MODELC_OK;
  for (const ModelcState &state : session->plan->variant.states)
    if ((state.flags & MODELC_STATE_CAN_ROLL_BACK) == 0)
      return report.fail(MODELC_FAILED_PRECONDITION,
                         "state %s cannot be rolled back",
                         session->plan->tables.string(state.name));
  if (!session->pages.canBegin(sequence, length))
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "length %" PRIu32 ", but of the %" PRIu32
                       " tokens of sequence %" PRIu32
                       " layers with a window have lost some that it needs",
                       length, present, sequence);
  return MODELC_OK;
}

modelc_code modelc_session_length(const modelc_session *session,
                                  uint32_t sequence, uint32_t *out_tokens,
                                  modelc_status *status) {
  const Reporter report(session->plan->name, status);
  if (modelc_code code = checkSequence(session, sequence, report))
    return code;
  *out_tokens = session->pages.length(sequence);
  return succeed(status);
}

modelc_code modelc_session_tokens(const modelc_session *session,
                                  uint32_t sequence, int32_t *out_ids,
                                  size_t capacity, size_t *out_count,
                                  modelc_status *status) {
  const Reporter report(session->plan->name, status);
  if (modelc_code code = checkSequence(session, sequence, report))
    return code;
  const uint32_t length = session->pages.length(sequence);
  *out_count = length;
  if (length > capacity)
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "sequence %" PRIu32 " has %" PRIu32
                       " tokens, there is room for %zu",
                       sequence, length, capacity);
  for (uint32_t i = 0; i < length; ++i)
    out_ids[i] = *session->pages.tokenId(sequence, i);
  return succeed(status);
}

modelc_code modelc_session_truncate(modelc_session *session, uint32_t sequence,
                                    uint32_t length, modelc_status *status) {
  const Reporter report(session->plan->name, status);
  if (modelc_code code = checkSequence(session, sequence, report))
    return code;
  if (modelc_code code = checkPrefix(session, sequence, length, report))
    return code;
  session->pages.truncate(sequence, length);
  return succeed(status);
}

modelc_code modelc_session_copy(modelc_session *session, uint32_t from,
                                uint32_t to, uint32_t length,
                                modelc_status *status) {
  const Reporter report(session->plan->name, status);
  for (uint32_t sequence : {from, to})
    if (modelc_code code = checkSequence(session, sequence, report))
      return code;
  if (modelc_code code = checkPrefix(session, from, length, report))
    return code;
  if (modelc_code code = session->checkDevice(report))
    return code;
  const HipCurrentDevice current(session->stream());
  if (from == to)
    session->pages.truncate(from, length);
  else
    session->pages.copy(from, to, length);
  if (modelc_code code = session->checkDevice(report))
    return code;
  return succeed(status);
}
