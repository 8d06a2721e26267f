//===- session-test.cpp - Steps, passes, logits, and sequences
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include <functional>
#include <random>

using namespace modelc::test;

namespace {

// The same tokens, cut into steps and passes in every way, by any number of
// threads: the same logits.
TEST(Session, SplitsAndThreads) {
  const TestPlan plan(makeToyPlan());
  for (uint32_t threads : {1, 2, 3, 5, 8})
    for (uint32_t piece : {1, 7, 8, 9, 16, 70, 100}) {
      TestSession session(plan, 100, 1, threads);
      Conversations conversations(session, 1);
      for (uint32_t done = 0; done < 100; done += piece)
        conversations.append(0, std::min(piece, 100 - done), done);
    }
}

// 20 tokens in passes of 8; wanted logits in the first, the second, the last.
TEST(Session, LogitsOfSeveralPasses) {
  const TestPlan plan(makeToyPlan());
  const std::vector<std::vector<uint32_t>> choices = {
      {0},
      {19},
      {0, 19},
      {3, 7, 8, 15, 16},
      {7, 8},
      {0, 1, 2, 3, 4, 5, 6, 7},
      {12, 13, 14, 15, 16, 17, 18, 19},
      {16, 18},
      {}};
  for (const auto &wanted : choices) {
    TestSession session(plan, 100, 1, 2);
    Conversations check(session, 1);
    std::vector<int32_t> ids;
    std::vector<modelc_token> tokens;
    for (int32_t i = 0; i < 20; ++i) {
      ids.push_back(i * 11 % kToyVocab);
      tokens.push_back({ids.back(), i, 0, 0});
    }
    for (uint32_t i : wanted)
      tokens[i].wantLogits = 1;
    ASSERT_EQ(session.step(tokens), MODELC_OK);
    for (size_t i = 0; i < wanted.size(); ++i)
      check.expectLogits(i, std::span(ids).first(wanted[i] + 1));
    const float *none = nullptr;
    EXPECT_EQ(modelc_session_logits(session.get(), wanted.size(), &none,
                                    &session.status),
              MODELC_OUT_OF_RANGE);
    EXPECT_EQ(none, nullptr);
  }
}

// Tokens of three sequences in one step, interleaved.
TEST(Session, SequencesInOneStep) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 70, 3, 3);
  Conversations check(session, 3);
  std::vector<std::vector<int32_t>> ids(3);
  for (int round = 0; round < 5; ++round) {
    std::vector<modelc_token> tokens;
    for (uint32_t i = 0; i < 11; ++i) {
      const uint32_t s = (i * 2 + uint32_t(round)) % 3;
      const auto id = int32_t((i * 5 + uint32_t(round)) % kToyVocab);
      tokens.push_back({id, int32_t(ids[s].size()), s, i % 4 == 1});
      ids[s].push_back(id);
    }
    ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
    size_t output = 0;
    for (const modelc_token &token : tokens)
      if (token.wantLogits)
        check.expectLogits(
            output++,
            std::span(ids[token.sequence]).first(size_t(token.position) + 1));
    EXPECT_EQ(output, 3u);
  }
}

TEST(Session, RefusedStepsChangeNothing) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 70, 2, 1);
  Conversations conversations(session, 2);
  conversations.append(0, 60, 1);
  conversations.append(1, 3, 2);
  auto expectRefusal = [&](modelc_code code, const char *message,
                           const std::vector<modelc_token> &tokens) {
    EXPECT_EQ(session.step(tokens), code) << message;
    EXPECT_EQ(std::string("plan in memory: ") + message,
              session.status.message);
    conversations.expectIntact(70);
  };
  expectRefusal(MODELC_INVALID_ARGUMENT, "a step of 0 tokens", {});
  expectRefusal(MODELC_INVALID_ARGUMENT, "token 1: id 32 out of range [0, 32)",
                {{1, 60, 0, 0}, {32, 61, 0, 0}});
  expectRefusal(MODELC_INVALID_ARGUMENT, "token 0: id -1 out of range [0, 32)",
                {{-1, 60, 0, 0}});
  expectRefusal(MODELC_INVALID_ARGUMENT,
                "token 1: sequence 2 out of range [0, 2)",
                {{1, 60, 0, 0}, {1, 0, 2, 0}});
  expectRefusal(MODELC_INVALID_ARGUMENT,
                "token 0: position 59, expected 60 in sequence 0",
                {{1, 59, 0, 0}});
  expectRefusal(MODELC_INVALID_ARGUMENT,
                "token 2: position 60, expected 61 in sequence 0",
                {{1, 60, 0, 0}, {1, 3, 1, 0}, {1, 60, 0, 0}});
  expectRefusal(MODELC_INVALID_ARGUMENT,
                "token 0: position -1, expected 60 in sequence 0",
                {{1, -1, 0, 0}});
  std::vector<modelc_token> tooMany;
  for (int32_t i = 0; i < 11; ++i)
    tooMany.push_back({1, 60 + i, 0, 0});
  expectRefusal(MODELC_OUT_OF_RANGE,
                "token 10: sequence 0 is full with 70 tokens", tooMany);
  for (modelc_token &token : tooMany)
    token.wantLogits = 1;
  tooMany.pop_back();
  tooMany.pop_back();
  expectRefusal(MODELC_INVALID_ARGUMENT, "9 tokens want logits, at most 8 can",
                tooMany);
}

TEST(Session, BadOptions) {
  const TestPlan plan(makeToyPlan());
  auto create = [&](modelc_session_options options, modelc_status *status) {
    modelc_session *session = nullptr;
    const modelc_code code =
        modelc_session_create(plan.get(), &options, &session, status);
    EXPECT_EQ(session, nullptr);
    return code;
  };
  modelc_status status;
  modelc_session_options options = {};
  options.threads = 1025;
  EXPECT_EQ(create(options, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "plan in memory: threads 1025 out of range [1, 1024]");
  options = {};
  options.contextTokens = UINT32_MAX;
  EXPECT_EQ(create(options, &status), MODELC_INVALID_ARGUMENT);
  options = {};
  options.reserved[4] = 1;
  EXPECT_EQ(create(options, &status), MODELC_INVALID_ARGUMENT);
  options = {};
  options.contextTokens = INT32_MAX;
  options.sequences = UINT32_MAX;
  EXPECT_EQ(create(options, &status), MODELC_RESOURCE_EXHAUSTED);
  EXPECT_STREQ(status.message,
               "plan in memory: no memory for 4294967295 sequences of "
               "2147483647 tokens");
}

// An arena, scratch or page that no machine has.
TEST(Session, ImpossibleSizes) {
  const std::vector<std::function<void(PlanBuilder &)>> spoilers = {
      [](PlanBuilder &p) { p.variants[0].arenaBytes = uint64_t(1) << 62; },
      [](PlanBuilder &p) { p.variants[0].arenaBytes = UINT64_MAX; },
      [](PlanBuilder &p) { p.variants[0].scratchBytes = UINT64_MAX; },
      [](PlanBuilder &p) { p.variants[0].scratchBytes = INT64_MAX; },
      [](PlanBuilder &p) { p.states[0].pageBytes = uint64_t(1) << 60; },
      [](PlanBuilder &p) { p.states[0].pageBytes = uint64_t(-128); }};
  for (const auto &spoil : spoilers) {
    PlanBuilder builder = makeToyPlan();
    spoil(builder);
    const TestPlan plan(builder);
    modelc_session *session = nullptr;
    modelc_status status;
    EXPECT_EQ(modelc_session_create(plan.get(), nullptr, &session, &status),
              MODELC_RESOURCE_EXHAUSTED);
    EXPECT_EQ(session, nullptr);
    modelc_session_destroy(session); // As C programs clean up.
  }
}

TEST(Session, DefaultsComeFromThePlanAndTheMachine) {
  const TestPlan plan(makeToyPlan());
  modelc_session *session = nullptr;
  modelc_status status;
  ASSERT_EQ(modelc_session_create(plan.get(), nullptr, &session, &status),
            MODELC_OK);
  // 200 tokens fit the model's context length, and one sequence.
  std::vector<modelc_token> tokens;
  for (int32_t i = 0; i < 200; ++i)
    tokens.push_back({0, i, 0, 0});
  EXPECT_EQ(modelc_session_step(session, tokens.data(), 200, &status),
            MODELC_OK);
  const modelc_token more = {0, 200, 0, 0};
  EXPECT_EQ(modelc_session_step(session, &more, 1, &status),
            MODELC_OUT_OF_RANGE);
  const modelc_token other = {0, 0, 1, 0};
  EXPECT_EQ(modelc_session_step(session, &other, 1, &status),
            MODELC_INVALID_ARGUMENT);
  modelc_session_destroy(session);
}

// The pages around 64: truncated in and between pages, then appended to.
TEST(Sequences, Truncate) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 200, 2, 2);
  Conversations conversations(session, 2);
  for (uint32_t length : {0, 1, 63, 64, 65, 127, 128, 129, 150}) {
    conversations.truncate(0, 0);
    conversations.append(0, 150, length);
    conversations.truncate(0, length);
    conversations.append(0, 10, length + 1);
  }
}

// A copy and its original go different ways from a shared page.
TEST(Sequences, CopyOnWrite) {
  const TestPlan plan(makeToyPlan());
  for (uint32_t length : {0, 1, 63, 64, 65, 70, 128}) {
    TestSession session(plan, 200, 3, 2);
    Conversations conversations(session, 3);
    conversations.append(0, 130, 9);
    conversations.copy(0, 1, length);
    conversations.copy(1, 2, length);
    conversations.append(1, 5, 4);
    conversations.append(0, 5, 5);
    conversations.append(2, 70, 6);
    conversations.expectIntact(200);
    conversations.copy(0, 0, length);
    conversations.expectIntact(200);
  }
}

TEST(Sequences, RefusedChanges) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 70, 2, 1);
  Conversations conversations(session, 2);
  conversations.append(0, 10, 1);
  modelc_status &status = session.status;
  EXPECT_EQ(modelc_session_truncate(session.get(), 2, 0, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "plan in memory: sequence 2 out of range [0, 2)");
  EXPECT_EQ(modelc_session_truncate(session.get(), 0, 11, &status),
            MODELC_OUT_OF_RANGE);
  EXPECT_STREQ(status.message,
               "plan in memory: length 11, but sequence 0 has 10 tokens");
  EXPECT_EQ(modelc_session_copy(session.get(), 0, 2, 1, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(modelc_session_copy(session.get(), 2, 0, 1, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(modelc_session_copy(session.get(), 1, 0, 1, &status),
            MODELC_OUT_OF_RANGE);
  uint32_t tokens = 0;
  EXPECT_EQ(modelc_session_length(session.get(), 2, &tokens, &status),
            MODELC_INVALID_ARGUMENT);
  conversations.expectIntact(70);
}

// A state that keeps more than its tokens can be dropped, not rolled back.
TEST(Sequences, NoRollBack) {
  PlanBuilder builder = makeToyPlan();
  builder.states[1].flags = 0;
  const TestPlan plan(builder);
  TestSession session(plan, 70, 2, 1);
  Conversations conversations(session, 2);
  conversations.append(0, 10, 1);
  modelc_status &status = session.status;
  EXPECT_EQ(modelc_session_truncate(session.get(), 0, 9, &status),
            MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               "plan in memory: state positions cannot be rolled back");
  EXPECT_EQ(modelc_session_copy(session.get(), 0, 1, 9, &status),
            MODELC_FAILED_PRECONDITION);
  conversations.copy(0, 1, 10);
  conversations.truncate(0, 10);
  conversations.truncate(0, 0);
  conversations.append(1, 1, 0);
}

// Any order of calls, against plain lists of tokens. The pool has just as many
// pages as the tables have entries, so each must come back.
TEST(Sequences, RandomCalls) {
  const TestPlan plan(makeToyPlan());
  std::mt19937 random(1);
  auto below = [&](uint32_t limit) { return uint32_t(random() % limit); };
  TestSession session(plan, 200, 4, 2);
  Conversations conversations(session, 4);
  for (int call = 0; call < 2000 && !testing::Test::HasFailure(); ++call) {
    const uint32_t s = below(4);
    const auto length = uint32_t(conversations.tokens(s).size());
    switch (below(4)) {
    case 0:
      conversations.truncate(s, below(length + 1));
      break;
    case 1:
      conversations.copy(s, (s + 1 + below(3)) % 4, below(length + 1));
      break;
    default:
      if (length < 200)
        conversations.append(s, 1 + below(200 - length), uint32_t(call));
    }
  }
  conversations.expectIntact(200);
}

TEST(Session, Profile) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 200, 1, 2);
  std::vector<modelc_token> tokens;
  for (int32_t i = 0; i < 20; ++i)
    tokens.push_back({1, i, 0, i >= 15});
  EXPECT_EQ(modelc_session_get_profile(session.get(), nullptr, 0), 0u);
  modelc_session_set_profile(session.get(), 1);
  ASSERT_EQ(session.step(tokens), MODELC_OK);
  modelc_step_profile profile[4];
  // Passes of 8, 8 and 4 tokens, with 0, 1 and 4 outputs.
  ASSERT_EQ(modelc_session_get_profile(session.get(), profile, 4), 4u);
  const char *names[] = {"append", "fold", "logits.one", "logits.many"};
  const char *kernels[] = {"toy_append", "toy_fold", "toy_logits",
                           "toy_logits"};
  const uint64_t bytes[] = {0, 0, 128, 128}, ops[] = {0, 0, 32, 128};
  for (int i = 0; i < 4; ++i) {
    EXPECT_STREQ(profile[i].name, names[i]);
    EXPECT_STREQ(profile[i].kernel, kernels[i]);
    EXPECT_GT(profile[i].nanoseconds, 0u);
    EXPECT_LE(profile[i].waitNanoseconds, profile[i].nanoseconds);
    EXPECT_EQ(profile[i].bytes, bytes[i]);
    EXPECT_EQ(profile[i].ops, ops[i]);
  }
  // The next step forgets the last, and steps that do not run do not appear.
  ASSERT_EQ(session.step({{1, 20, 0, 1}}), MODELC_OK);
  ASSERT_EQ(modelc_session_get_profile(session.get(), profile, 2), 3u);
  EXPECT_STREQ(profile[1].name, "fold");
  modelc_session_set_profile(session.get(), 0);
  ASSERT_EQ(session.step({{1, 21, 0, 1}}), MODELC_OK);
  EXPECT_EQ(modelc_session_get_profile(session.get(), profile, 4), 0u);
}

// Ids go where their pages go: a copy that goes on on its own leaves the first
// as it was, and what is forgotten comes back as nothing else.
TEST(Session, KnowsItsTokens) {
  TestPlan plan(makeToyPlan());
  TestSession session(plan, 200, 3, 1);
  Conversations conversations(session, 3);
  auto expectIds = [&](uint32_t sequence) {
    std::vector<int32_t> ids(200);
    size_t count = 0;
    ASSERT_EQ(modelc_session_tokens(session.get(), sequence, ids.data(),
                                    ids.size(), &count, &session.status),
              MODELC_OK);
    ids.resize(count);
    EXPECT_EQ(ids, conversations.tokens(sequence));
  };
  conversations.append(0, 100, 1);
  conversations.copy(0, 1, 70);
  conversations.append(1, 60, 2);
  conversations.truncate(0, 65);
  conversations.append(0, 3, 5);
  for (uint32_t sequence : {0, 1, 2})
    expectIds(sequence);
  int32_t ids[4];
  size_t count;
  EXPECT_EQ(
      modelc_session_tokens(session.get(), 0, ids, 4, &count, &session.status),
      MODELC_RESOURCE_EXHAUSTED);
  EXPECT_EQ(count, 68u);
  EXPECT_NE(
      modelc_session_tokens(session.get(), 3, ids, 4, &count, &session.status),
      MODELC_OK);
}

} // namespace
