//===- hip-session-test.cpp - Sessions on an AMD GPU
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipToy.h"
#include "TestFolder.h"

using namespace modelc::test;

namespace {

/// `count` tokens of sequence 0 from position `begin` on, each third with
/// logits.
std::vector<modelc_token> makeTokens(int32_t begin, int32_t count) {
  std::vector<modelc_token> tokens;
  for (int32_t i = begin; i < begin + count; ++i)
    tokens.push_back({i * 5 % kToyVocab, i, 0, i % 3 == 0});
  return tokens;
}

class EachChip : public testing::TestWithParam<const char *> {};

// The CPU's numbers, over several passes and pages, and then token by token.
TEST_P(EachChip, GivesTheSameLogits) {
  const std::string target = GetParam();
  const std::string chip = target == "gfx11-generic" ? "gfx1100" : target;
  onDevice(chip, {}, [&] {
    const TestPlan plan(makeHipToyPlan(target));
    ASSERT_NE(modelc_plan_device(plan.get()), nullptr);
    EXPECT_NE(strstr(modelc_plan_device(plan.get()), chip.c_str()), nullptr);
    TestSession session(plan, 100, 1, 1);
    // The graph was recorded and not run.
    EXPECT_EQ(countLaunches(), 0u);
    std::vector<int32_t> ids;
    std::vector<modelc_token> tokens = makeTokens(0, 21);
    ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
    Conversations check(session, 1);
    size_t row = 0;
    for (const modelc_token &token : tokens) {
      ids.push_back(token.id);
      if (token.wantLogits)
        check.expectLogits(row++, ids);
    }
    for (int32_t i = 21; i < 70; i += 7) {
      ids.resize(size_t(i));
      for (const modelc_token &token : makeTokens(i, 7))
        ids.push_back(token.id);
      tokens = makeTokens(i, 7);
      for (modelc_token &token : tokens)
        token.wantLogits = token.position == i + 6;
      ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
      check.expectLogits(0, ids);
    }
    EXPECT_EQ(countCalls("hipGraphLaunch"), 0u);
  });
}

INSTANTIATE_TEST_SUITE_P(Chips, EachChip,
                         testing::Values("gfx90a", "gfx942", "gfx1100",
                                         "gfx1201", "gfx11-generic"),
                         [](const auto &each) {
                           std::string name = each.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(HipSession, OneTokenIsAGraph) {
  onDevice("gfx942", {}, [] {
    const TestPlan plan(makeHipToyPlan("gfx942"));
    TestSession session(plan, 100, 1, 1);
    Conversations conversation(session, 1);
    conversation.append(0, 5, 1);
    const uint64_t launches = countCalls("hipModuleLaunchKernel");
    for (uint32_t i = 0; i < 10; ++i)
      conversation.append(0, 1, i);
    EXPECT_EQ(countCalls("hipGraphLaunch"), 10u);
    EXPECT_EQ(countCalls("hipModuleLaunchKernel"), launches);
    EXPECT_EQ(countLaunches(), 11u * 3);
  });
}

TEST(HipSession, SequencesAreCopiedAndCut) {
  onDevice("gfx1100", {}, [] {
    const TestPlan plan(makeHipToyPlan("gfx1100"));
    TestSession session(plan, kToyContext, 3, 1);
    Conversations conversations(session, 3);
    conversations.append(0, 70, 1);
    conversations.copy(0, 1, 67);
    conversations.append(1, 3, 2);
    conversations.append(0, 1, 3);
    conversations.copy(1, 2, 64);
    conversations.append(2, 1, 4);
    conversations.expectIntact(kToyContext);
    // A page that is given back is zeros when it is taken again.
    conversations.truncate(1, 0);
    conversations.append(2, 66, 5);
    conversations.truncate(0, 3);
    conversations.append(0, 62, 6);
    conversations.copy(2, 2, 10);
    conversations.expectIntact(kToyContext);
  });
}

// What no token reads any more is zeroed, as its memory is not given back.
TEST(HipSession, StatesWithAWindow) {
  onDevice("gfx942", {}, [] {
    PlanBuilder builder = makeHipToyPlan("gfx942");
    builder.states[builder.addState("window", 128)].windowTokens = 64;
    const TestPlan plan(builder);
    TestSession session(plan, kToyContext, 1, 1);
    Conversations conversation(session, 1);
    conversation.append(0, 100, 1);
    conversation.append(0, 26, 2);
    const uint64_t before = countCalls("hipMemsetAsync");
    conversation.append(0, 1, 3);
    EXPECT_EQ(countCalls("hipMemsetAsync"), before);
    conversation.append(0, 1, 4);
    EXPECT_EQ(countCalls("hipMemsetAsync"), before + 1);
    conversation.append(0, 70, 5);
  });
}

/// Adds a state that each sequence has as a whole: the sum of its ids.
PlanBuilder makePlanWithTotals(const std::string &target) {
  PlanBuilder plan = makeHipToyPlan(target);
  const uint32_t total = plan.addKernel("hip_total", nullptr);
  plan.functions.clear();
  ModelcState &state = plan.states[plan.addState("totals", 0)];
  state.kind = MODELC_STATE_SEQUENCE;
  state.flags = 0;
  state.sequenceBytes = 128;
  const ModelcOperand folds = plan.operands[plan.steps[1].firstOperand + 3];
  const OperandSpec operands[] = {
      {MODELC_SPACE_STATE, 2, 0, 128},
      {MODELC_SPACE_ARENA, 0, folds.offset, folds.sizeBytes}};
  ModelcStep step = plan.addStep("total", total, operands);
  step.countSource = MODELC_COUNT_ONE;
  plan.steps.pop_back();
  plan.steps.insert(plan.steps.begin() + 2, step);
  setWorkGroups(plan, target);
  return plan;
}

/// Appends `ids` to `sequence` and expects what the plan with totals gives for
/// all of `held`, to which they are added.
void append(TestSession &session, uint32_t sequence, std::vector<int32_t> ids,
            std::vector<int32_t> *held) {
  std::vector<modelc_token> tokens;
  for (const int32_t id : ids) {
    held->push_back(id);
    tokens.push_back({id, int32_t(held->size()) - 1, sequence,
                      tokens.size() + 1 == ids.size()});
  }
  ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
  float total = 0;
  for (const int32_t id : *held)
    total += float(id);
  for (uint32_t v = 0; v < kToyVocab; ++v)
    ASSERT_EQ(session.logits(0)[v], toyLogit(*held, v) + total) << v;
}

TEST(HipSession, StatesOfSequencesAreCopied) {
  onDevice("gfx942", {}, [] {
    const TestPlan plan(makePlanWithTotals("gfx942"));
    TestSession session(plan, 100, 2, 1);
    std::vector<int32_t> first;
    append(session, 0, {1, 2, 3, 30, 29, 28, 27, 26, 25, 24}, &first);
    ASSERT_EQ(modelc_session_copy(session.get(), 0, 1, 10, &session.status),
              MODELC_OK);
    std::vector<int32_t> second = first;
    append(session, 0, {4}, &first);
    append(session, 1, {5, 6}, &second);
    append(session, 0, {7}, &first);
  });
}

TEST(HipSession, IsSavedAndRestored) {
  onDevice("gfx1201", {}, [] {
    const TestFolder folder;
    const std::string path = folder.path("saved");
    const TestPlan plan(makePlanWithTotals("gfx1201"));
    std::vector<int32_t> ids;
    {
      TestSession session(plan, 100, 2, 1);
      append(session, 0, std::vector<int32_t>(66, 3), &ids);
      ASSERT_EQ(
          modelc_session_save(session.get(), path.c_str(), &session.status),
          MODELC_OK)
          << session.status.message;
    }
    TestSession session(plan, 100, 2, 1);
    std::vector<int32_t> other;
    append(session, 1, {1, 2}, &other);
    ASSERT_EQ(
        modelc_session_restore(session.get(), path.c_str(), &session.status),
        MODELC_OK)
        << session.status.message;
    EXPECT_EQ(session.length(1), 0u);
    EXPECT_EQ(session.length(0), 66u);
    append(session, 0, {9, 8, 7}, &ids);
    append(session, 0, {6}, &ids);
  });
}

/// The logits' step takes its count from the arena.
PlanBuilder makePlanWithCounter(const std::string &target) {
  PlanBuilder plan = makeHipToyPlan(target);
  const uint32_t kernel = plan.addKernel("hip_count", nullptr);
  plan.functions.clear();
  const uint64_t counter = plan.addSlot(sizeof(uint32_t));
  ModelcStep logits = plan.steps[2];
  logits.countSource = MODELC_COUNT_ARENA_U32;
  logits.countOffset = counter;
  logits.countLimit = kToyUbatch;
  logits.maxCount = kToyUbatch;
  plan.steps.resize(2);
  const OperandSpec operands[] = {
      {MODELC_SPACE_ARENA, 0, counter, sizeof(uint32_t)}};
  plan.addStep("count", kernel, operands).countSource = MODELC_COUNT_ONE;
  plan.steps.push_back(logits);
  setWorkGroups(plan, target);
  return plan;
}

TEST(HipSession, CountsThatKernelsWrite) {
  onDevice("gfx90a", {}, [] {
    const TestPlan plan(makePlanWithCounter("gfx90a"));
    TestSession session(plan, 100, 1, 1);
    Conversations conversation(session, 1);
    conversation.append(0, 6, 1);
    conversation.append(0, 1, 2);
    modelc_session_set_profile(session.get(), 1);
    std::vector<modelc_token> tokens = makeTokens(7, 7);
    ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
    std::vector<modelc_step_profile> profile(10);
    profile.resize(modelc_session_get_profile(session.get(), profile.data(),
                                              profile.size()));
    ASSERT_EQ(profile.size(), 4u);
    // Bytes are those of one output, of which tokens 9 and 12 are two.
    EXPECT_STREQ(profile[3].name, "logits.one");
    EXPECT_EQ(profile[3].bytes, 2 * kToyVocab * sizeof(float));
  });
}

TEST(HipSession, ProfilesItsSteps) {
  onDevice("gfx942", {}, [] {
    const TestPlan plan(makeHipToyPlan("gfx942"));
    TestSession session(plan, 100, 1, 1);
    Conversations conversation(session, 1);
    modelc_session_set_profile(session.get(), 1);
    conversation.append(0, 20, 1);
    std::vector<modelc_step_profile> profile(10);
    const size_t count = modelc_session_get_profile(
        session.get(), profile.data(), profile.size());
    ASSERT_EQ(count, 3u);
    EXPECT_STREQ(profile[0].name, "append");
    EXPECT_STREQ(profile[0].kernel, "hip_append");
    EXPECT_GT(profile[0].nanoseconds, 0u);
    EXPECT_EQ(profile[0].waitNanoseconds, 0u);
    EXPECT_STREQ(profile[2].name, "logits.one");
    EXPECT_EQ(profile[2].ops, kToyVocab);
    conversation.append(0, 1, 2);
    EXPECT_EQ(countCalls("hipGraphLaunch"), 0u);
    modelc_session_set_profile(session.get(), 0);
    conversation.append(0, 1, 3);
    EXPECT_EQ(countCalls("hipGraphLaunch"), 1u);
    EXPECT_EQ(modelc_session_get_profile(session.get(), nullptr, 0), 0u);
  });
}

TEST(HipSession, SessionsShareTheWeights) {
  onDevice("gfx942", {}, [] {
    const TestPlan plan(makeHipToyPlan("gfx942"));
    TestSession first(plan, 100, 1, 1), second(plan, 64, 2, 1);
    EXPECT_EQ(countCalls("hipModuleLoadData"), 1u);
    // Of the plan weights and constants; of a session arena, states, block and
    // page tables.
    EXPECT_EQ(countCalls("hipMalloc"), 2u + 2 * 4);
    Conversations one(first, 1), two(second, 2);
    for (uint32_t i = 0; i < 3; ++i) {
      one.append(0, 3, i);
      two.append(1, 2, i);
      two.append(0, 1, i);
    }
  });
}

// A device without memory of its own reads the plan where it is mapped.
TEST(HipSession, IntegratedDevicesMapTheWeights) {
  onDevice("gfx1100", {{"AMDGPUEMU_INTEGRATED", "1"}}, [] {
    const TestPlan plan(makeHipToyPlan("gfx1100"));
    EXPECT_EQ(countCalls("hipHostRegister"), 1u);
    EXPECT_EQ(countCalls("hipMalloc"), 1u); // constants
    TestSession session(plan, 100, 1, 1);
    Conversations(session, 1).append(0, 9, 1);
  });
  // Or copies, if the driver will not map a file.
  onDevice("gfx1100",
           {{"AMDGPUEMU_INTEGRATED", "1"},
            {"AMDGPUEMU_FAIL", "hipHostRegister:1:801"}},
           [] {
             const TestPlan plan(makeHipToyPlan("gfx1100"));
             EXPECT_EQ(countCalls("hipMalloc"), 2u);
             TestSession session(plan, 100, 1, 1);
             Conversations(session, 1).append(0, 9, 1);
           });
}

TEST(HipSession, OpensAPlanFile) {
  onDevice("gfx942", {}, [] {
    const TestFolder folder;
    const PlanBytes bytes = makeHipToyPlan("gfx942").build();
    const std::string path =
        folder.write("toy.mplan", {bytes.data(), bytes.size()});
    modelc_open_options options = {};
    options.verifyWeights = 1;
    modelc_plan *plan = nullptr;
    modelc_status status;
    ASSERT_EQ(modelc_open(path.c_str(), &options, &plan, &status), MODELC_OK)
        << status.message;
    modelc_plan_info info;
    modelc_plan_get_info(plan, &info);
    EXPECT_STREQ(info.target, "gfx942");
    EXPECT_STREQ(modelc_plan_device(plan),
                 "emulated gfx942 (gfx942:sramecc+:xnack-)");
    EXPECT_EQ(modelc_verify(plan, &status), MODELC_OK);
    modelc_close(plan);
  });
}

} // namespace
