//===- FakeRuntime.cpp - The C API without a model
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   logits[i] of the token at position p = 8 if i == script[p], else
//   i / vocabSize, so that each row is known.
//
//===----------------------------------------------------------------------===//

#include "FakeRuntime.h"
#include <algorithm>
#include <csignal>
#include <cstdio>

using modelc::text::test::stringAt;

struct modelc_session {
  modelc_plan *plan;
  uint32_t context;
  std::vector<uint32_t> lengths; ///< By sequence.
  std::vector<int32_t> ids;      ///< Of sequence 0.
  std::vector<std::vector<float>> logits;
  bool isProfiled = false;
};

modelc_plan *nextPlanToOpen = nullptr;

namespace {

modelc_code fail(modelc_status *status, modelc_code code, const char *message) {
  status->code = code;
  std::snprintf(status->message, sizeof(status->message), "%s", message);
  return code;
}

} // namespace

modelc_code modelc_open(const char *, const modelc_open_options *,
                        modelc_plan **out_plan, modelc_status *status) {
  if (!nextPlanToOpen)
    return fail(status, MODELC_NOT_FOUND, "fake.mplan: not found");
  *out_plan = nextPlanToOpen;
  nextPlanToOpen = nullptr;
  return MODELC_OK;
}

void modelc_close(modelc_plan *plan) { delete plan; }

const char *modelc_plan_device(const modelc_plan *) { return nullptr; }

const char *modelc_plan_warning(const modelc_plan *plan) {
  return plan->warning;
}

void modelc_plan_get_info(const modelc_plan *plan, modelc_plan_info *out_info) {
  *out_info = {};
  out_info->target = "fake";
  out_info->architecture = "llama";
  out_info->modelName = "a \"name\"";
  out_info->vocabSize = plan->vocabSize;
  out_info->contextLength = plan->contextLength;
  out_info->ubatch = plan->ubatch;
}

modelc_code modelc_plan_metadata(const modelc_plan *plan, const char *key,
                                 modelc_metadata *out_value, modelc_status *) {
  return plan->metadata.find(key, out_value) ? MODELC_OK : MODELC_NOT_FOUND;
}

modelc_code modelc_metadata_string(const modelc_metadata *value, uint64_t index,
                                   const char **out_data, size_t *out_bytes) {
  std::string_view text;
  if (!stringAt(*value, index, &text))
    return MODELC_OUT_OF_RANGE;
  *out_data = text.data();
  *out_bytes = text.size();
  return MODELC_OK;
}

modelc_code modelc_session_create(modelc_plan *plan,
                                  const modelc_session_options *options,
                                  modelc_session **out_session,
                                  modelc_status *) {
  plan->sessionContext = options->contextTokens;
  plan->sessionSequences = options->sequences;
  plan->sessionThreads = options->threads;
  uint32_t context =
      options->contextTokens ? options->contextTokens : plan->contextLength;
  std::vector<uint32_t> lengths(std::max(options->sequences, 1u));
  *out_session = new modelc_session{plan, context, lengths, {}, {}, false};
  return MODELC_OK;
}

void modelc_session_destroy(modelc_session *session) { delete session; }

modelc_code modelc_session_step(modelc_session *session,
                                const modelc_token *tokens, size_t count,
                                modelc_status *status) {
  modelc_plan &plan = *session->plan;
  session->logits.clear();
  std::vector<int32_t> ids;
  for (size_t at = 0; at < count; ++at) {
    if (tokens[at].sequence >= session->lengths.size())
      return fail(status, MODELC_INVALID_ARGUMENT, "no such sequence");
    uint32_t &length = session->lengths[tokens[at].sequence];
    if (tokens[at].position != static_cast<int32_t>(length++))
      return fail(status, MODELC_INVALID_ARGUMENT, "wrong position");
    if (length > session->context)
      return fail(status, MODELC_OUT_OF_RANGE, "the context is overrun");
    ids.push_back(tokens[at].id);
    if (!tokens[at].wantLogits)
      continue;
    std::vector<float> row(plan.vocabSize);
    for (size_t id = 0; id < row.size(); ++id)
      row[id] = static_cast<float>(id) / static_cast<float>(row.size());
    if (static_cast<size_t>(tokens[at].position) < plan.script.size())
      row[plan.script[tokens[at].position]] = 8;
    session->logits.push_back(row);
  }
  if (session->logits.size() > plan.ubatch)
    return fail(status, MODELC_INVALID_ARGUMENT, "too many logits wanted");
  plan.steps.push_back(ids);
  if (plan.tokenLog)
    plan.tokenLog->emplace_back(tokens, tokens + count);
  for (size_t at = 0; at < count; ++at)
    if (tokens[at].sequence == 0)
      session->ids.push_back(tokens[at].id);
  if (plan.steps.size() == plan.interruptedStep)
    std::raise(SIGINT);
  if (plan.steps.size() == plan.failingStep)
    return fail(status, MODELC_INTERNAL, "fake.mplan: the step fails");
  return MODELC_OK;
}

modelc_code modelc_session_logits(const modelc_session *session, size_t index,
                                  const float **out_logits,
                                  modelc_status *status) {
  if (index >= session->logits.size())
    return fail(status, MODELC_OUT_OF_RANGE, "no such logits");
  *out_logits = session->logits[index].data();
  return MODELC_OK;
}

modelc_code modelc_session_length(const modelc_session *session,
                                  uint32_t sequence, uint32_t *out_tokens,
                                  modelc_status *) {
  *out_tokens = session->lengths.at(sequence);
  return MODELC_OK;
}

modelc_code modelc_session_truncate(modelc_session *session, uint32_t sequence,
                                    uint32_t length, modelc_status *status) {
  uint32_t &held = session->lengths.at(sequence);
  if (session->plan->cannotRollBack && length > 0 && length < held)
    return fail(status, MODELC_FAILED_PRECONDITION, "cannot be rolled back");
  held = length;
  if (sequence == 0)
    session->ids.resize(length);
  return MODELC_OK;
}

modelc_code modelc_session_tokens(const modelc_session *session, uint32_t,
                                  int32_t *out_ids, size_t capacity,
                                  size_t *out_count, modelc_status *status) {
  *out_count = session->ids.size();
  if (session->ids.size() > capacity)
    return fail(status, MODELC_RESOURCE_EXHAUSTED, "no room");
  std::copy(session->ids.begin(), session->ids.end(), out_ids);
  return MODELC_OK;
}

modelc_code modelc_session_save(const modelc_session *session, const char *path,
                                modelc_status *status) {
  if (path[0] == '/')
    return fail(status, MODELC_NOT_FOUND, "saved: cannot save");
  session->plan->saved[path] = session->ids;
  return MODELC_OK;
}

modelc_code modelc_session_restore(modelc_session *session, const char *path,
                                   modelc_status *status) {
  if (std::string_view(path) == "foreign")
    return fail(status, MODELC_FAILED_PRECONDITION, "foreign: another plan");
  auto found = session->plan->saved.find(path);
  if (found == session->plan->saved.end())
    return fail(status, MODELC_NOT_FOUND, "saved: not found");
  session->ids = found->second;
  session->lengths[0] = static_cast<uint32_t>(session->ids.size());
  return MODELC_OK;
}

void modelc_session_set_profile(modelc_session *session, uint32_t enabled) {
  session->isProfiled = enabled;
}

size_t modelc_session_get_profile(const modelc_session *session,
                                  modelc_step_profile *out_profile,
                                  size_t capacity) {
  const std::vector<modelc_step_profile> &all = session->plan->profile;
  if (!session->isProfiled)
    return 0;
  for (size_t at = 0; at < all.size() && at < capacity; ++at)
    out_profile[at] = all[at];
  return all.size();
}
