//===- sequence-state-test.cpp - States of one size for each sequence
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The toy plan with a state more: a sum over all tokens of a sequence, which
// only follows if what every token left is there for the next.
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include "TestFolder.h"
#include "exec/Session.h"
#include "modelc/checksum.h"
#include <cstring>

using namespace modelc::test;

namespace {

constexpr uint64_t kStateBytes = 256;
constexpr size_t kState = 2; ///< Behind the toy's own.

uint32_t addToSum(uint32_t sum, int32_t id) {
  return sum * 31 + uint32_t(id) + 1;
}

/// The last word of a sequence's piece is the sum of its tokens.
extern "C" void sumTokens(const ModelcKernelParams *params) {
  const ModelcStepInputs &inputs = *params->inputs;
  auto *pool = static_cast<uint8_t *>(params->operands[0]);
  for (uint32_t t = 0; params->tileBegin == 0 && t < inputs.tokenCount; ++t) {
    uint8_t *piece = pool + inputs.sequences[t] * kStateBytes;
    uint32_t sum = 0;
    if (inputs.positions[t] > 0)
      memcpy(&sum, piece + kStateBytes - 4, 4);
    sum = addToSum(sum, inputs.tokens[t]);
    memcpy(piece + kStateBytes - 4, &sum, 4);
  }
}

PlanBuilder makePlan() {
  PlanBuilder plan = makeToyPlan();
  const uint32_t state = plan.addState("sum", 0);
  plan.states[state].kind = MODELC_STATE_SEQUENCE;
  plan.states[state].flags = 0;
  plan.states[state].sequenceBytes = kStateBytes;
  const OperandSpec operands[] = {{MODELC_SPACE_STATE, state, 0, kStateBytes}};
  plan.addStep("sum", plan.addKernel("sum_tokens", sumTokens), operands);
  return plan;
}

class SequenceState : public ::testing::Test {
protected:
  SequenceState()
      : plan(makePlan()), session(plan, 200, 3, 2), conversations(session, 3) {}

  static void expectSum(TestSession &session, uint32_t sequence,
                        const std::vector<int32_t> &ids) {
    uint32_t expected = 0, found;
    for (int32_t id : ids)
      expected = addToSum(expected, id);
    memcpy(&found,
           session.get()->pages.sequencePiece(kState, sequence) + kStateBytes -
               4,
           4);
    EXPECT_EQ(found, expected) << "sequence " << sequence;
  }
  void expectSum(uint32_t sequence) {
    expectSum(session, sequence, conversations.tokens(sequence));
  }

  TestPlan plan;
  TestSession session;
  Conversations conversations;
};

} // namespace

TEST_F(SequenceState, IsOfItsSequence) {
  conversations.append(0, 100, 1);
  conversations.append(2, 7, 2);
  conversations.append(0, 3, 3);
  for (uint32_t s : {0, 2})
    expectSum(s);
  modelc_plan_info info;
  modelc_plan_get_info(plan.get(), &info);
  EXPECT_EQ(info.stateBytesPerSequence, kStateBytes);
}

TEST_F(SequenceState, GoesWithACopy) {
  conversations.append(0, 70, 1);
  conversations.copy(0, 1, 70);
  conversations.append(0, 2, 2);
  conversations.append(1, 5, 3);
  expectSum(0);
  expectSum(1);
}

TEST_F(SequenceState, CannotBeRolledBack) {
  conversations.append(0, 70, 1);
  EXPECT_EQ(modelc_session_truncate(session.get(), 0, 69, &session.status),
            MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(session.status.message,
               "plan in memory: state sum cannot be rolled back");
  EXPECT_EQ(modelc_session_copy(session.get(), 0, 1, 69, &session.status),
            MODELC_FAILED_PRECONDITION);
  expectSum(0);
  // To the beginning it can be.
  conversations.truncate(0, 0);
  conversations.append(0, 4, 2);
  expectSum(0);
}

TEST_F(SequenceState, IsSavedAndRestored) {
  TestFolder folder;
  const std::string path = folder.path("saved");
  conversations.append(0, 70, 1);
  conversations.append(2, 7, 2);
  ASSERT_EQ(modelc_session_save(session.get(), path.c_str(), &session.status),
            MODELC_OK);
  TestSession other(plan, 200, 3, 1);
  Conversations before(other, 3);
  for (uint32_t s = 0; s < 3; ++s)
    before.append(s, 10 + s, s);
  ASSERT_EQ(modelc_session_restore(other.get(), path.c_str(), &other.status),
            MODELC_OK)
      << other.status.message;
  for (uint32_t s : {0, 2})
    expectSum(other, s, conversations.tokens(s));
  const auto length = int32_t(conversations.tokens(2).size());
  ASSERT_EQ(other.step({{5, length, 2, 0}}), MODELC_OK);
  std::vector<int32_t> ids = conversations.tokens(2);
  ids.push_back(5);
  expectSum(other, 2, ids);
}

// A file that lacks a sequence's piece, though its sizes agree.
TEST_F(SequenceState, RefusesAFileWithoutIt) {
  TestFolder folder;
  const std::string path = folder.path("saved");
  conversations.append(0, 1, 1);
  ASSERT_EQ(modelc_session_save(session.get(), path.c_str(), &session.status),
            MODELC_OK);
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(file), {});
  // Header, a length, an entry, a page's ids and states, a sequence's state.
  ASSERT_EQ(bytes.size(), 48 + 4 + 4 + (4 * 64 + 256 + 128) + kStateBytes);
  for (const auto &[size, message] :
       {std::pair(bytes.size() - kStateBytes,
                  "has 384 bytes of pages, not those of 1 pages"),
        std::pair(size_t(48 + 4 + 4 + 100), "ends inside its sequences")}) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + ptrdiff_t(size));
    const uint64_t fileBytes = size;
    memcpy(cut.data() + 24, &fileBytes, 8);
    memset(cut.data() + 44, 0, 4);
    const uint32_t checksum = modelc_crc32c(cut.data(), cut.size());
    memcpy(cut.data() + 44, &checksum, 4);
    folder.write("cut", cut);
    EXPECT_EQ(modelc_session_restore(session.get(), folder.path("cut").c_str(),
                                     &session.status),
              MODELC_DATA_LOSS);
    EXPECT_STREQ(session.status.message,
                 ("cut: " + std::string(message)).c_str());
  }
  expectSum(0);
}
