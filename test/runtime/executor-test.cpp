//===- executor-test.cpp - Workers, tiles, barriers, rounding modes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plans whose logits are the executor's own traces: how often each tile was
// computed, in which order steps ran, who computed what. A logit is a 32-bit
// word here, column v of row 0 belonging to tile v.
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include "exec/FloatControl.h"
#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

using namespace modelc::test;

namespace {

constexpr uint32_t kTiles = 48;

/// A plan without model: steps of `tileCount` tiles over the logits.
struct TracePlan {
  explicit TracePlan(uint32_t words = kTiles) {
    builder.variants[0].vocabSize = words;
    builder.variants[0].ubatch = 8;
    logits = builder.addLogits();
  }
  ModelcStep &add(ModelcKernel kernel, uint32_t tileCount, bool barrier) {
    const uint32_t index = builder.addKernel("kernel", kernel);
    const OperandSpec operands[] = {{MODELC_SPACE_ARENA, 0, logits, 4},
                                    {MODELC_SPACE_INPUTS, 0, 0, 0}};
    ModelcStep &step = builder.addStep("step", index, operands);
    step.countSource = MODELC_COUNT_ONE;
    step.maxCount = 1;
    step.tileMultiplier = tileCount;
    step.flags = barrier ? MODELC_STEP_BARRIER : 0;
    return step;
  }

  PlanBuilder builder;
  uint64_t logits;
};

/// Runs one token and gives the first logits as words.
std::vector<uint32_t> runOnce(TestSession &session, uint32_t words = kTiles) {
  EXPECT_EQ(session.step({{0, int32_t(session.length(0)), 0, 1}}), MODELC_OK)
      << session.status.message;
  std::vector<uint32_t> result(words);
  memcpy(result.data(), session.logits(0), words * sizeof(uint32_t));
  return result;
}

uint32_t *wordsOf(const ModelcKernelParams *params) {
  return static_cast<uint32_t *>(params->operands[0]);
}

void countTiles(const ModelcKernelParams *params) {
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t)
    wordsOf(params)[t] += 1;
}

// Each tile of each step is computed exactly once, whatever the numbers; many
// steps without a barrier between them run through the cursors' ring.
TEST(Executor, EachTileOnce) {
  for (uint32_t tiles : {1, 2, 5, 47, 48})
    for (uint32_t threads : {1, 2, 3, 5, 7}) {
      TracePlan plan;
      for (int i = 0; i < 30; ++i)
        plan.add(countTiles, tiles, true);
      const TestPlan open(plan.builder);
      TestSession session(open, 200, 1, threads);
      for (uint32_t pass = 1; pass <= 20; ++pass) {
        const std::vector<uint32_t> words = runOnce(session);
        for (uint32_t t = 0; t < kTiles; ++t)
          ASSERT_EQ(words[t], t < tiles ? 30 * pass : 0)
              << tiles << " tiles, " << threads << " threads, tile " << t;
      }
    }
}

void countTilesAtomically(const ModelcKernelParams *params) {
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t)
    __atomic_fetch_add(&wordsOf(params)[t], 1, __ATOMIC_RELAXED);
}

TEST(Executor, EachTileOnceWithoutBarriers) {
  for (uint32_t threads : {2, 3, 5}) {
    TracePlan plan;
    for (uint32_t i = 0; i < 40; ++i)
      plan.add(countTilesAtomically, i % 3 == 0 ? 1 : kTiles, false);
    const TestPlan open(plan.builder);
    TestSession session(open, 200, 1, threads);
    for (uint32_t pass = 1; pass <= 50; ++pass) {
      const std::vector<uint32_t> words = runOnce(session);
      for (uint32_t t = 0; t < kTiles; ++t)
        ASSERT_EQ(words[t], (t == 0 ? 40 : 26) * pass);
    }
  }
}

/// Every tile reads what others wrote in the step before, and writes to the
/// other half of the words.
void mixTiles(const ModelcKernelParams *params, uint32_t from, uint32_t to) {
  uint32_t *words = wordsOf(params);
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t)
    words[to + t] = words[from + (t * 7 + 3) % kTiles] * 3 +
                    words[from + (t * 5 + 1) % kTiles] + t;
}
void mixForth(const ModelcKernelParams *params) { mixTiles(params, 0, kTiles); }
void mixBack(const ModelcKernelParams *params) { mixTiles(params, kTiles, 0); }

// With barriers, results are those of one thread.
TEST(Executor, BarriersSeparateSteps) {
  TracePlan plan(2 * kTiles);
  for (int i = 0; i < 20; ++i)
    plan.add(i % 2 ? mixBack : mixForth, kTiles, true);
  const TestPlan open(plan.builder);
  TestSession one(open, 200, 1, 1);
  std::vector<std::vector<uint32_t>> expected;
  for (int pass = 0; pass < 30; ++pass)
    expected.push_back(runOnce(one, 2 * kTiles));
  for (uint32_t threads : {2, 3, 5, 8}) {
    TestSession session(open, 200, 1, threads);
    for (const auto &words : expected)
      ASSERT_EQ(runOnce(session, 2 * kTiles), words) << threads << " threads";
  }
}

std::atomic<uint32_t> doneTiles;

/// The owner of tile 0 waits until all but its own claim are done: others must
/// have taken the rest of its range.
void waitForOthers(const ModelcKernelParams *params) {
  const uint32_t own = params->tileEnd - params->tileBegin;
  if (params->tileBegin == 0) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (doneTiles.load() < kTiles - own)
      if (std::chrono::steady_clock::now() > deadline)
        return;
      else
        std::this_thread::yield();
    wordsOf(params)[0] = 1;
  }
  doneTiles += own;
}

TEST(Executor, OthersTakeWhatIsLeft) {
  TracePlan plan;
  plan.add(waitForOthers, kTiles, false);
  const TestPlan open(plan.builder);
  for (uint32_t threads : {2, 3, 5}) {
    TestSession session(open, 200, 1, threads);
    doneTiles = 0;
    EXPECT_EQ(runOnce(session)[0], 1u) << threads << " threads";
    EXPECT_EQ(doneTiles, kTiles);
  }
}

/// Which scratch and count a tile saw.
void noteScratch(const ModelcKernelParams *params) {
  memset(params->scratch, 0xab, 256);
  const auto address = reinterpret_cast<uintptr_t>(params->scratch);
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t)
    wordsOf(params)[t] = uint32_t(address / MODELC_BUFFER_ALIGN) + 1;
  if (address % MODELC_BUFFER_ALIGN != 0 || params->reserved != 0 ||
      params->inputs != params->operands[1])
    wordsOf(params)[params->tileBegin] = 0;
  std::this_thread::yield();
}

TEST(Executor, ScratchIsTheWorkersOwn) {
  TracePlan plan;
  plan.add(noteScratch, kTiles, false);
  const TestPlan open(plan.builder);
  TestSession session(open, 200, 1, 3);
  std::set<uint32_t> addresses;
  for (int pass = 0; pass < 50; ++pass)
    for (uint32_t address : runOnce(session))
      addresses.insert(address);
  EXPECT_EQ(addresses.count(0), 0u);
  EXPECT_LE(addresses.size(), 3u);
}

template <uint32_t bit> void markRow(const ModelcKernelParams *params) {
  wordsOf(params)[0] |= 1u << bit;
  wordsOf(params)[1] = params->count;
  wordsOf(params)[2] += params->tileEnd - params->tileBegin;
}

// Regimes: steps run for the counts between their bounds, and have
// ceil(count / divisor) * multiplier tiles.
TEST(Executor, CountsAndRegimes) {
  TracePlan plan;
  struct Bounds {
    uint8_t source;
    uint32_t min, max;
  };
  const Bounds bounds[] = {
      {MODELC_COUNT_TOKENS, 1, 1},  {MODELC_COUNT_TOKENS, 2, 4},
      {MODELC_COUNT_TOKENS, 5, 8},  {MODELC_COUNT_OUTPUTS, 2, 8},
      {MODELC_COUNT_OUTPUTS, 0, 0}, {MODELC_COUNT_ONE, 1, 1}};
  const ModelcKernel kernels[] = {markRow<0>, markRow<1>, markRow<2>,
                                  markRow<3>, markRow<4>, markRow<5>};
  for (int i = 0; i < 6; ++i) {
    ModelcStep &step = plan.add(kernels[i], 1, true);
    step.countSource = bounds[i].source;
    step.minCount = bounds[i].min;
    step.maxCount = bounds[i].max;
    step.tileDivisor = 3;
    step.tileMultiplier = 2;
  }
  const TestPlan open(plan.builder);
  for (uint32_t tokens = 1; tokens <= 8; ++tokens)
    for (uint32_t outputs = 1; outputs <= tokens; ++outputs) {
      TestSession session(open, 200, 1, 1);
      std::vector<modelc_token> call;
      for (uint32_t i = 0; i < tokens; ++i)
        call.push_back({0, int32_t(i), 0, i < outputs});
      ASSERT_EQ(session.step(call), MODELC_OK);
      uint32_t words[3];
      memcpy(words, session.logits(0), sizeof(words));
      const uint32_t regime = tokens == 1 ? 1 : tokens <= 4 ? 2 : 4;
      EXPECT_EQ(words[0], (regime | (outputs >= 2 ? 8 : 0) | 32));
      EXPECT_EQ(words[1], 1u);
      auto tilesFor = [](uint32_t count) { return (count + 2) / 3 * 2; };
      EXPECT_EQ(words[2],
                tilesFor(tokens) + (outputs >= 2 ? tilesFor(outputs) : 0) + 2);
    }
}

constexpr uint32_t kCounterWord = 47, kTileSumWord = 46, kCountWord = 45;

/// Writes position + 2 times the token's id: small numbers and huge ones.
void writeCounter(const ModelcKernelParams *params) {
  const int32_t id = params->inputs->tokens[0];
  wordsOf(params)[kCounterWord] =
      id == 3 ? UINT32_MAX : uint32_t(params->inputs->positions[0] + 2 * id);
  wordsOf(params)[kTileSumWord] = 0;
  wordsOf(params)[kCountWord] = 77;
}

void noteCounted(const ModelcKernelParams *params) {
  __atomic_fetch_add(&wordsOf(params)[kTileSumWord],
                     params->tileEnd - params->tileBegin, __ATOMIC_RELAXED);
  __atomic_store_n(&wordsOf(params)[kCountWord], params->count,
                   __ATOMIC_RELAXED);
}

/// A step that counts what the step before it wrote, for up to 4 tokens.
TracePlan makeCountedPlan() {
  TracePlan plan;
  plan.builder.variants[0].vocabSize = kTiles;
  plan.add(writeCounter, 1, true);
  ModelcStep &step = plan.add(noteCounted, 3, true);
  step.countSource = MODELC_COUNT_ARENA_U32;
  step.countOffset = plan.logits + kCounterWord * sizeof(uint32_t);
  step.countLimit = 9;
  step.maxCount = 4;
  step.tileDivisor = 2;
  step.bytesFixed = 100;
  step.opsPerCount = 7;
  return plan;
}

// The number is read behind the barrier, anew in each pass, and bounded; the
// step's bounds are those of the number of tokens.
TEST(Executor, CountsInTheArena) {
  const TestPlan open(makeCountedPlan().builder);
  for (uint32_t threads : {1, 2, 3, 5}) {
    TestSession session(open, 200, 1, threads);
    for (int32_t position = 0; position < 60; ++position) {
      const int32_t id = position % 4;
      ASSERT_EQ(session.step({{id, position, 0, 1}}), MODELC_OK);
      uint32_t words[kTiles];
      memcpy(words, session.logits(0), sizeof(words));
      const uint32_t count =
          id == 3 ? 9u : std::min(uint32_t(position + 2 * id), 9u);
      ASSERT_EQ(words[kTileSumWord], (count + 1) / 2 * 3) << position;
      ASSERT_EQ(words[kCountWord], count == 0 ? 77 : count) << position;
    }
    // Five tokens are another regime, whatever the number.
    std::vector<modelc_token> call;
    for (int32_t i = 0; i < 5; ++i)
      call.push_back({1, 60 + i, 0, 1});
    ASSERT_EQ(session.step(call), MODELC_OK);
    uint32_t words[kTiles];
    memcpy(words, session.logits(0), sizeof(words));
    EXPECT_EQ(words[kTileSumWord], 0u);
  }
}

// Bytes are of what was counted, operations of tokens.
TEST(Executor, ProfileOfCountsInTheArena) {
  const TestPlan open(makeCountedPlan().builder);
  TestSession session(open, 200, 1, 2);
  modelc_session_set_profile(session.get(), 1);
  ASSERT_EQ(session.step({{2, 0, 0, 1}, {2, 1, 0, 1}}), MODELC_OK);
  modelc_step_profile profile[2];
  ASSERT_EQ(modelc_session_get_profile(session.get(), profile, 2), 2u);
  EXPECT_EQ(profile[1].bytes, 400u); // 0 + 2 * 2 of something.
  EXPECT_EQ(profile[1].ops, 14u);    // Two tokens.
}

#if defined(__x86_64__)

void noteRounding(const ModelcKernelParams *params) {
  for (uint32_t t = params->tileBegin; t < params->tileEnd; ++t)
    wordsOf(params)[t] = _mm_getcsr() & ~0x3fu;
  std::this_thread::yield();
}

// Kernels see round-to-nearest and subnormals whatever the caller has set, on
// every thread, and the caller has its settings back.
TEST(Executor, RoundingMode) {
  TracePlan plan;
  plan.add(noteRounding, kTiles, false);
  const TestPlan open(plan.builder);
  const uint32_t before = _mm_getcsr();
  const uint32_t strange = 0x1f80 | 0x8040 | 0x6000; // FTZ, DAZ, toward zero
  _mm_setcsr(strange);
  {
    TestSession session(open, 200, 1, 3);
    for (int pass = 0; pass < 20; ++pass)
      for (uint32_t mode : runOnce(session))
        ASSERT_EQ(mode, 0x1f80u);
  }
  EXPECT_EQ(_mm_getcsr(), strange);
  _mm_setcsr(before);
}

#endif

// Sessions of one plan on several threads at once.
TEST(Executor, SessionsAreIndependent) {
  const TestPlan plan(makeToyPlan());
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 4; ++i)
    threads.emplace_back([&plan, i] {
      TestSession session(plan, 200, 2, 2);
      Conversations conversations(session, 2);
      for (uint32_t k = 0; k < 20; ++k)
        conversations.append(k % 2, 1 + (k + i) % 13, i);
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
