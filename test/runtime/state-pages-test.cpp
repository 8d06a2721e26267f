//===- state-pages-test.cpp - Pages of states with a window
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pages as such are tested through sessions; here it is what becomes of memory
// that no later token reads. State 0 has no window, state 1 has one of 100
// tokens: token n reads positions n - 99 .. n.
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include "exec/StatePages.h"

using namespace modelc::rt;
using namespace modelc::test;

namespace {

constexpr uint32_t kWindow = 100, kContext = 1000;

class WindowPages : public testing::Test {
protected:
  WindowPages() {
    for (ModelcState &state : states) {
      state.kind = MODELC_STATE_PAGED;
      state.pageBytes = 1 << 16; // Of every system's pages some whole ones.
    }
    states[1].windowTokens = kWindow;
    EXPECT_TRUE(pages.create(states, kContext, 2));
  }

  /// Makes a sequence longer and fills all its pages with ones.
  void extend(uint32_t sequence, uint32_t length) {
    pages.extend(sequence, length);
    for (size_t state = 0; state < 2; ++state)
      for (uint32_t i = pagesOf(length);
           i-- > 0 && !isFull(sequence, state, i);)
        memset(page(sequence, state, i), 1, pages.pageBytes(state));
  }
  uint8_t *page(uint32_t sequence, size_t state, uint32_t number) {
    const uint32_t *table =
        pages.pageTables() + sequence * pages.pagesPerSequence();
    return pages.pool(state) + table[number] * pages.pageBytes(state);
  }
  bool isFull(uint32_t sequence, size_t state, uint32_t number) {
    return page(sequence, state, number)[1 << 15] == 1;
  }
  /// Of a sequence the pages of a state that still hold something.
  std::vector<uint32_t> full(uint32_t sequence, size_t state) {
    std::vector<uint32_t> numbers;
    for (uint32_t i = 0; i < pagesOf(pages.length(sequence)); ++i)
      if (isFull(sequence, state, i))
        numbers.push_back(i);
    return numbers;
  }

  ModelcState states[2] = {};
  StatePages pages;
};

using Numbers = std::vector<uint32_t>;

} // namespace

// Token 163 reads from 64 on, which is page 1; before it, page 0 is read.
TEST_F(WindowPages, GivesBackWhatNoLaterTokenReads) {
  extend(0, 162);
  extend(0, 163); // Token 162 reads position 63.
  EXPECT_EQ(full(0, 1), (Numbers{0, 1, 2}));
  extend(0, 170); // Token 163 does not.
  EXPECT_EQ(full(0, 1), (Numbers{1, 2}));
  EXPECT_EQ(full(0, 0), (Numbers{0, 1, 2}));
  extend(0, 600); // Token 170 reads from 71 on.
  EXPECT_EQ(full(0, 1), (Numbers{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  extend(0, 601); // Token 600 reads from 501 on.
  EXPECT_EQ(full(0, 1), (Numbers{7, 8, 9}));
  EXPECT_EQ(full(0, 0).size(), 10u);
}

TEST_F(WindowPages, LeavesSharedPagesAlone) {
  extend(0, 170);
  pages.copy(0, 1, 170);
  extend(0, 400);
  extend(0, 401);
  // Pages 0 and 1 are those of the other sequence too.
  EXPECT_EQ(full(1, 1), (Numbers{0, 1, 2}));
  EXPECT_EQ(full(0, 1), (Numbers{0, 1, 4, 5, 6}));
}

TEST_F(WindowPages, SaysWhereASequenceCanBegin) {
  extend(0, 500);
  for (uint32_t length : {0u, 1u, 250u, 499u, 500u})
    EXPECT_TRUE(pages.canBegin(0, length));
  extend(0, 501); // Dropped: pages 0 .. 5, as token 500 reads from 401 on.
  EXPECT_FALSE(pages.canBegin(0, 300));
  EXPECT_FALSE(pages.canBegin(0, 482)); // Reads position 383, in page 5.
  EXPECT_TRUE(pages.canBegin(0, 483));
  EXPECT_TRUE(pages.canBegin(0, 501));
  EXPECT_TRUE(pages.canBegin(0, 0));
  pages.truncate(0, 483);
  EXPECT_FALSE(pages.canBegin(0, 482));
  pages.copy(0, 1, 483);
  EXPECT_FALSE(pages.canBegin(1, 400));
  pages.truncate(1, 0);
  extend(1, 300);
  EXPECT_TRUE(pages.canBegin(1, 100));
}

// A plan's own sessions refuse to go back too far, and say so.
TEST(WindowSessions, RefuseWhatIsLost) {
  PlanBuilder builder = makeToyPlan();
  for (ModelcState &state : builder.states)
    state.windowTokens = 20;
  const TestPlan plan(builder);
  TestSession session(plan, 200, 2, 1);
  auto append = [&](int32_t from, int32_t to) {
    std::vector<modelc_token> tokens;
    for (int32_t i = from; i < to; ++i)
      tokens.push_back({1, i, 0, 0});
    ASSERT_EQ(session.step(tokens), MODELC_OK) << session.status.message;
  };
  append(0, 150);
  append(150, 151); // Drops pages 0 and 1.
  EXPECT_EQ(modelc_session_truncate(session.get(), 0, 146, &session.status),
            MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(session.status.message,
               "plan in memory: length 146, but of the 151 tokens of sequence "
               "0 layers with a window have lost some that it needs");
  EXPECT_EQ(modelc_session_copy(session.get(), 0, 1, 100, &session.status),
            MODELC_FAILED_PRECONDITION);
  EXPECT_EQ(session.length(0), 151u);
  EXPECT_EQ(modelc_session_copy(session.get(), 0, 1, 147, &session.status),
            MODELC_OK);
  EXPECT_EQ(modelc_session_truncate(session.get(), 0, 0, &session.status),
            MODELC_OK);
}
