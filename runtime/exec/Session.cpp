//===- Session.cpp - Creating a session and taking steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc_session_step(300 tokens), ubatch 128
//     ==> check all 300 | pages for all 300 | passes of 128, 128 and 44 tokens
//
// The part of modelc.h that computes. After the check nothing is allocated, as
// sizes are known when the session is created, and nothing can fail but a GPU.
//
// A pass leaves its logits at one place: on a CPU in the arena. If all wanted
// ones come from the last pass, they are read there; otherwise each pass's are
// copied to logitsCopy, which is reserved but not touched before.
//
//===----------------------------------------------------------------------===//

#include "exec/Session.h"
#include "load/CpuFeatures.h"
#include <algorithm>
#include <inttypes.h>
#include <string.h>

using namespace modelc::rt;

/// More is a mistake, not a machine.
static constexpr uint32_t kMaxThreads = 1024;

static modelc_code createOnHip(modelc_session *session,
                               const modelc_session_options &options,
                               const Reporter &report);
static modelc_code reserveMemory(modelc_session *session,
                                 const modelc_session_options &options,
                                 const Reporter &report);
static modelc_code checkTokens(modelc_session *session,
                               const modelc_token *tokens, size_t count,
                               const Reporter &report);
static modelc_code runPasses(modelc_session *session,
                             const modelc_token *tokens, size_t count,
                             const Reporter &report);
static void forgetTokens(modelc_session *session, const modelc_token *tokens,
                         size_t count);

modelc_code modelc_session_create(modelc_plan *plan,
                                  const modelc_session_options *given,
                                  modelc_session **out_session,
                                  modelc_status *status) {
  const Reporter report(plan->name, status);
  modelc_session_options options = given ? *given : modelc_session_options();
  if (options.contextTokens == 0)
    options.contextTokens = plan->variant.variant->contextLength;
  if (options.sequences == 0)
    options.sequences = 1;
  if (options.threads == 0)
    options.threads = std::min(usableCpuCount(), kMaxThreads);
  if (options.contextTokens > INT32_MAX)
    return report.fail(MODELC_INVALID_ARGUMENT,
                       "contextTokens %" PRIu32 " out of range [1, %" PRId32
                       "]",
                       options.contextTokens, INT32_MAX);
  if (options.threads > kMaxThreads)
    return report.fail(MODELC_INVALID_ARGUMENT,
                       "threads %" PRIu32 " out of range [1, %" PRIu32 "]",
                       options.threads, kMaxThreads);
  for (uint32_t word : options.reserved)
    if (word != 0)
      return report.fail(MODELC_INVALID_ARGUMENT,
                         "modelc_session_options.reserved is not zero");

  Owned<modelc_session> session = makeOwned<modelc_session>();
  if (!session)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory for a session");
  session->plan = plan;
  if (plan->hip) {
    if (modelc_code code = createOnHip(session.get(), options, report))
      return code;
  } else {
    if (modelc_code code = reserveMemory(session.get(), options, report))
      return code;
    if (modelc_code code = session->executor.create(
            *plan, session->arena.data(), session->pages, &session->inputs,
            options.threads, report))
      return code;
  }
  *out_session = session.release();
  return succeed(status);
}

static modelc_code createOnHip(modelc_session *session,
                               const modelc_session_options &options,
                               const Reporter &report) {
  session->hip = makeOwned<HipSession>();
  if (!session->hip)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory for a session");
  if (modelc_code code = session->hip->reserve(
          *session->plan, options.contextTokens, options.sequences, report))
    return code;
  const HipCurrentDevice current(session->stream());
  if (modelc_code code = reserveMemory(session, options, report))
    return code;
  return session->hip->create(session->pages, report);
}

static modelc_code reserveMemory(modelc_session *session,
                                 const modelc_session_options &options,
                                 const Reporter &report) {
  const VariantTables &tables = session->plan->variant;
  const ModelcVariant &variant = *tables.variant;
  // Does not overflow: a plan's logits are inside its arena.
  const uint64_t logitsBytes =
      uint64_t(variant.ubatch) * variant.vocabSize * sizeof(float);
  if (!session->arena.reserve(session->hip ? 0 : variant.arenaBytes) ||
      !session->logitsCopy.reserve(logitsBytes))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for an arena of %" PRIu64 " bytes",
                       variant.arenaBytes);
  if (!session->pages.create(tables.states, options.contextTokens,
                             options.sequences, session->stream()))
    return session->hip && !session->stream()->ok()
               ? session->hip->failCreation(report)
               : report.fail(MODELC_RESOURCE_EXHAUSTED,
                             "no memory for %" PRIu32 " sequences of %" PRIu32
                             " tokens",
                             options.sequences, options.contextTokens);
  if (!session->tokens.allocate(variant.ubatch) ||
      !session->positions.allocate(variant.ubatch) ||
      !session->sequences.allocate(variant.ubatch) ||
      !session->outputRows.allocate(variant.ubatch) ||
      !session->pending.allocate(options.sequences))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for passes of %" PRIu32 " tokens",
                       variant.ubatch);
  session->inputs.tokens = session->tokens.data();
  session->inputs.positions = session->positions.data();
  session->inputs.sequences = session->sequences.data();
  session->inputs.outputRows = session->outputRows.data();
  session->inputs.pageTables = session->pages.pageTables();
  session->inputs.pagesPerSequence = session->pages.pagesPerSequence();
  return MODELC_OK;
}

void modelc_session_destroy(modelc_session *session) {
  Owned<modelc_session> dead(session);
}

modelc_code modelc_session_step(modelc_session *session,
                                const modelc_token *tokens, size_t count,
                                modelc_status *status) {
  const Reporter report(session->plan->name, status);
  if (modelc_code code = session->checkDevice(report))
    return code;
  modelc_code code = checkTokens(session, tokens, count, report);
  if (code == MODELC_OK) {
    code = runPasses(session, tokens, count, report);
    if (code != MODELC_OK)
      forgetTokens(session, tokens, count);
  }
  // Either way the counts of checkTokens go back to zero.
  for (size_t i = 0; i < count; ++i)
    if (tokens[i].sequence < session->pending.size())
      session->pending[tokens[i].sequence] = 0;
  return code == MODELC_OK ? succeed(status) : code;
}

/// Leaves the number of tokens of each sequence in session->pending.
static modelc_code checkTokens(modelc_session *session,
                               const modelc_token *tokens, size_t count,
                               const Reporter &report) {
  const ModelcVariant &variant = *session->plan->variant.variant;
  const StatePages &pages = session->pages;
  if (count == 0)
    return report.fail(MODELC_INVALID_ARGUMENT, "a step of 0 tokens");
  size_t outputs = 0;
  for (size_t i = 0; i < count; ++i) {
    const modelc_token &token = tokens[i];
    if (token.sequence >= pages.sequenceCount())
      return report.fail(MODELC_INVALID_ARGUMENT,
                         "token %zu: sequence %" PRIu32
                         " out of range [0, %" PRIu32 ")",
                         i, token.sequence, pages.sequenceCount());
    if (token.id < 0 || uint32_t(token.id) >= variant.vocabSize)
      return report.fail(MODELC_INVALID_ARGUMENT,
                         "token %zu: id %" PRId32 " out of range [0, %" PRIu32
                         ")",
                         i, token.id, variant.vocabSize);
    // Below 2^32: neither part passes the context length.
    const uint32_t expected =
        pages.length(token.sequence) + session->pending[token.sequence];
    if (expected >= pages.contextTokens())
      return report.fail(MODELC_OUT_OF_RANGE,
                         "token %zu: sequence %" PRIu32 " is full with %" PRIu32
                         " tokens",
                         i, token.sequence, pages.contextTokens());
    if (token.position < 0 || uint32_t(token.position) != expected)
      return report.fail(MODELC_INVALID_ARGUMENT,
                         "token %zu: position %" PRId32 ", expected %" PRIu32
                         " in sequence %" PRIu32,
                         i, token.position, expected, token.sequence);
    session->pending[token.sequence] += 1;
    outputs += token.wantLogits != 0;
  }
  if (outputs > variant.ubatch)
    return report.fail(MODELC_INVALID_ARGUMENT,
                       "%zu tokens want logits, at most %" PRIu32 " can",
                       outputs, variant.ubatch);
  return MODELC_OK;
}

static void clearProfile(modelc_session *session) {
  session->executor.clearProfile();
  if (session->hip)
    session->hip->clearProfile();
}

/// Fills the inputs' arrays.
static void describePass(modelc_session *session, const modelc_token *tokens,
                         size_t count) {
  ModelcStepInputs &inputs = session->inputs;
  inputs.tokenCount = uint32_t(count);
  inputs.outputCount = 0;
  inputs.maxLength = 0;
  for (uint32_t i = 0; i < count; ++i) {
    session->tokens[i] = tokens[i].id;
    session->positions[i] = tokens[i].position;
    session->sequences[i] = tokens[i].sequence;
    if (tokens[i].wantLogits)
      session->outputRows[inputs.outputCount++] = i;
    inputs.maxLength =
        std::max(inputs.maxLength, uint32_t(tokens[i].position) + 1);
  }
}

/// After a failure: the sequences are as long as before the step.
static void forgetTokens(modelc_session *session, const modelc_token *tokens,
                         size_t count) {
  for (size_t i = count; i-- > 0;)
    session->pages.truncate(tokens[i].sequence, uint32_t(tokens[i].position));
}

/// Assumes checked tokens, and session->pending as checkTokens leaves it. Fails
/// only with a device.
static modelc_code runPasses(modelc_session *session,
                             const modelc_token *tokens, size_t count,
                             const Reporter &report) {
  const ModelcVariant &variant = *session->plan->variant.variant;
  StatePages &pages = session->pages;
  const HipCurrentDevice current(session->stream());
  for (size_t i = 0; i < count; ++i) {
    uint32_t &added = session->pending[tokens[i].sequence];
    pages.extend(tokens[i].sequence, pages.length(tokens[i].sequence) + added);
    added = 0;
  }
  for (size_t i = 0; i < count; ++i)
    *pages.tokenId(tokens[i].sequence, uint32_t(tokens[i].position)) =
        tokens[i].id;
  if (session->profiling)
    clearProfile(session);

  // Of no meaning on a GPU, whose passes say where theirs are.
  const auto *passLogits = reinterpret_cast<const float *>(
      session->arena.data() + (session->hip ? 0 : variant.logitsOffset));
  auto *copy = reinterpret_cast<float *>(session->logitsCopy.data());
  const size_t lastPass = (count - 1) / variant.ubatch * variant.ubatch;
  const bool fromLastPass =
      std::none_of(tokens, tokens + lastPass,
                   [](const modelc_token &t) { return t.wantLogits != 0; });
  session->outputCount = 0;
  for (size_t first = 0; first < count; first += variant.ubatch) {
    describePass(session, tokens + first,
                 std::min<size_t>(variant.ubatch, count - first));
    if (!session->hip) {
      session->executor.runPass();
    } else {
      if (modelc_code code =
              session->hip->runPass(pages, session->inputs, report)) {
        session->outputCount = 0;
        return code;
      }
      passLogits = session->hip->logits();
    }
    const uint32_t outputs = session->inputs.outputCount;
    if (!fromLastPass && outputs > 0)
      memcpy(copy + uint64_t(session->outputCount) * variant.vocabSize,
             passLogits, uint64_t(outputs) * variant.vocabSize * sizeof(float));
    session->outputCount += outputs;
  }
  session->logits = fromLastPass ? passLogits : copy;
  return MODELC_OK;
}

modelc_code modelc_session_logits(const modelc_session *session, size_t index,
                                  const float **out_logits,
                                  modelc_status *status) {
  if (index >= session->outputCount)
    return Reporter(session->plan->name, status)
        .fail(MODELC_OUT_OF_RANGE, "logits %zu out of range [0, %" PRIu32 ")",
              index, session->outputCount);
  *out_logits =
      session->logits + index * session->plan->variant.variant->vocabSize;
  return succeed(status);
}

void modelc_session_set_profile(modelc_session *session, uint32_t enabled) {
  session->profiling = enabled != 0;
  session->executor.setProfiling(session->profiling);
  if (session->hip)
    session->hip->setProfiling(session->profiling);
  clearProfile(session);
}

size_t modelc_session_get_profile(const modelc_session *session,
                                  modelc_step_profile *out_profile,
                                  size_t capacity) {
  const modelc_plan &plan = *session->plan;
  const auto &measured =
      session->hip ? session->hip->profile() : session->executor.profile();
  size_t count = 0;
  for (uint64_t i = 0; i < measured.size(); ++i) {
    if (measured[i].runs == 0)
      continue;
    if (count < capacity) {
      const ModelcStep &step = plan.variant.steps[i];
      modelc_step_profile &out = out_profile[count];
      out.name = plan.tables.string(step.name);
      out.kernel = plan.tables.string(plan.variant.kernels[step.kernel].name);
      out.nanoseconds = measured[i].nanoseconds;
      out.waitNanoseconds = measured[i].waitNanoseconds;
      out.bytes = step.bytesFixed * (step.countSource == MODELC_COUNT_ARENA_U32
                                         ? measured[i].arenaCounts
                                         : measured[i].runs);
      out.ops = step.opsPerCount * measured[i].counts;
    }
    ++count;
  }
  return count;
}
