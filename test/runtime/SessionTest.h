//===- SessionTest.h - A session of the toy model, and what it should give
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_RUNTIME_SESSIONTEST_H
#define MODELC_TEST_RUNTIME_SESSIONTEST_H

#include "TestPlan.h"
#include "toy-kernels.h"
#include <gtest/gtest.h>

namespace modelc::test {

/// Opens a plan in memory.
class TestPlan {
public:
  explicit TestPlan(const PlanBuilder &builder) : bytes(builder.build()) {
    modelc_status status;
    EXPECT_EQ(modelc_open_memory(bytes.data(), bytes.size(),
                                 builder.functions.data(),
                                 builder.functions.size(), &plan, &status),
              MODELC_OK)
        << status.message;
  }
  TestPlan(const TestPlan &) = delete;
  TestPlan &operator=(const TestPlan &) = delete;
  ~TestPlan() { modelc_close(plan); }

  modelc_plan *get() const { return plan; }

private:
  PlanBytes bytes;
  modelc_plan *plan = nullptr;
};

class TestSession {
public:
  TestSession(const TestPlan &plan, uint32_t contextTokens, uint32_t sequences,
              uint32_t threads) {
    modelc_session_options options = {};
    options.contextTokens = contextTokens;
    options.sequences = sequences;
    options.threads = threads;
    modelc_status status;
    EXPECT_EQ(modelc_session_create(plan.get(), &options, &session, &status),
              MODELC_OK)
        << status.message;
  }
  TestSession(const TestSession &) = delete;
  TestSession &operator=(const TestSession &) = delete;
  ~TestSession() { modelc_session_destroy(session); }

  modelc_session *get() const { return session; }

  modelc_code step(const std::vector<modelc_token> &tokens) {
    return modelc_session_step(session, tokens.data(), tokens.size(), &status);
  }
  const float *logits(size_t index) {
    const float *values = nullptr;
    EXPECT_EQ(modelc_session_logits(session, index, &values, &status),
              MODELC_OK)
        << status.message;
    return values;
  }
  uint32_t length(uint32_t sequence) {
    uint32_t tokens = 0;
    EXPECT_EQ(modelc_session_length(session, sequence, &tokens, &status),
              MODELC_OK);
    return tokens;
  }

  modelc_status status;

private:
  modelc_session *session = nullptr;
};

/// Sequences of the toy model beside what they should hold.
class Conversations {
public:
  Conversations(TestSession &session, uint32_t sequences)
      : session(session), held(sequences) {}

  /// Appends `count` tokens that follow from `seed`, in one step, with logits
  /// of the last; checks them.
  void append(uint32_t sequence, uint32_t count, uint32_t seed) {
    std::vector<modelc_token> tokens;
    std::vector<int32_t> &ids = held[sequence];
    for (uint32_t i = 0; i < count; ++i) {
      const auto id = int32_t((seed * 7 + i * i * 3 + i) % kToyVocab);
      tokens.push_back({id, int32_t(ids.size()), sequence, i + 1 == count});
      ids.push_back(id);
    }
    ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
    expectLogits(0, ids);
    EXPECT_EQ(session.length(sequence), ids.size());
  }
  void truncate(uint32_t sequence, uint32_t length) {
    ASSERT_EQ(modelc_session_truncate(session.get(), sequence, length,
                                      &session.status),
              MODELC_OK);
    held[sequence].resize(length);
    EXPECT_EQ(session.length(sequence), length);
  }
  void copy(uint32_t from, uint32_t to, uint32_t length) {
    ASSERT_EQ(
        modelc_session_copy(session.get(), from, to, length, &session.status),
        MODELC_OK);
    std::vector<int32_t> prefix(held[from].begin(),
                                held[from].begin() + length);
    held[to] = prefix;
    EXPECT_EQ(session.length(to), length);
  }
  /// Appends one token to each sequence that has room, then forgets it: all
  /// that was there before must be as it should.
  void expectIntact(uint32_t contextTokens) {
    for (uint32_t s = 0; s < held.size(); ++s) {
      const auto length = uint32_t(held[s].size());
      if (length == contextTokens)
        continue;
      append(s, 1, s);
      truncate(s, length);
    }
  }
  void expectLogits(size_t index, std::span<const int32_t> ids) {
    const float *logits = session.logits(index);
    ASSERT_NE(logits, nullptr);
    for (uint32_t v = 0; v < kToyVocab; ++v)
      ASSERT_EQ(logits[v], toyLogit(ids, v)) << "column " << v;
  }
  const std::vector<int32_t> &tokens(uint32_t sequence) const {
    return held[sequence];
  }

private:
  TestSession &session;
  std::vector<std::vector<int32_t>> held;
};

} // namespace modelc::test

#endif // MODELC_TEST_RUNTIME_SESSIONTEST_H
