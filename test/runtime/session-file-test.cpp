//===- session-file-test.cpp - Saving and restoring sessions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include "TestFolder.h"
#include "modelc/checksum.h"
#include <cstring>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace modelc::test;

namespace {

std::vector<uint8_t> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(file), {});
}

class SessionFile : public ::testing::Test {
protected:
  SessionFile()
      : plan(makeToyPlan()), session(plan, 200, 4, 2),
        conversations(session, 4), path(folder.path("saved")) {
    conversations.append(0, 150, 1);
    conversations.copy(0, 2, 100);
    conversations.append(2, 3, 2);
  }

  modelc_code save() {
    return modelc_session_save(session.get(), path.c_str(), &session.status);
  }
  modelc_code restore(TestSession &into) {
    return modelc_session_restore(into.get(), path.c_str(), &into.status);
  }
  /// Puts the checksum right after a change.
  void reseal(std::vector<uint8_t> *bytes) {
    const size_t at = 44;
    memset(bytes->data() + at, 0, 4);
    const uint32_t checksum = modelc_crc32c(bytes->data(), bytes->size());
    memcpy(bytes->data() + at, &checksum, 4);
  }

  TestFolder folder;
  TestPlan plan;
  TestSession session;
  Conversations conversations;
  std::string path;
};

TEST_F(SessionFile, RestoresEverySequence) {
  ASSERT_EQ(save(), MODELC_OK) << session.status.message;
  EXPECT_EQ(folder.fileCount(), 1u);
  const std::vector<int32_t> ids0 = conversations.tokens(0);
  const std::vector<int32_t> ids2 = conversations.tokens(2);
  for (uint32_t threads : {1, 3}) {
    TestSession other(plan, 160, 5, threads);
    Conversations before(other, 5);
    for (uint32_t s = 0; s < 5; ++s)
      before.append(s, 90 + s, s);
    ASSERT_EQ(restore(other), MODELC_OK) << other.status.message;
    for (uint32_t s = 0; s < 5; ++s)
      EXPECT_EQ(other.length(s), s == 0 ? 150u : s == 2 ? 103u : 0u);
    for (uint32_t s : {0, 2}) {
      std::vector<int32_t> ids(200);
      size_t count;
      ASSERT_EQ(modelc_session_tokens(other.get(), s, ids.data(), ids.size(),
                                      &count, &other.status),
                MODELC_OK);
      ids.resize(count);
      EXPECT_EQ(ids, s == 0 ? ids0 : ids2);
    }
    // What follows is what would have followed, in both.
    for (uint32_t s : {0, 2}) {
      std::vector<int32_t> ids = s == 0 ? ids0 : ids2;
      ids.push_back(5);
      ASSERT_EQ(other.step({{5, int32_t(ids.size()) - 1, s, 1}}), MODELC_OK);
      Conversations(other, 5).expectLogits(0, ids);
    }
  }
}

// The pages that two sequences share are in the file once: 3 + 1 of them.
TEST_F(SessionFile, SharedPagesOnce) {
  ASSERT_EQ(save(), MODELC_OK);
  // A page's ids, then its part of both states.
  const size_t pageBytes = 4 * 64 + 256 + 128, pages = 4, entries = 5,
               sequences = 3;
  EXPECT_EQ(readFile(path).size(),
            48 + 4 * sequences + 4 * entries + pages * pageBytes);
  TestSession other(plan, 200, 4, 1);
  ASSERT_EQ(restore(other), MODELC_OK);
  const std::string again = folder.path("again");
  ASSERT_EQ(modelc_session_save(other.get(), again.c_str(), &other.status),
            MODELC_OK);
  EXPECT_EQ(readFile(again), readFile(path));
}

TEST_F(SessionFile, EmptySession) {
  TestSession empty(plan, 200, 2, 1);
  ASSERT_EQ(modelc_session_save(empty.get(), path.c_str(), &empty.status),
            MODELC_OK);
  EXPECT_EQ(readFile(path).size(), 48u);
  ASSERT_EQ(restore(session), MODELC_OK);
  EXPECT_EQ(session.length(0), 0u);
}

// Only the owner may read a conversation, and no other name is left over.
TEST_F(SessionFile, ReplacesAnOlderFile) {
  folder.write("saved", std::vector<uint8_t>(10, 'x'));
  ASSERT_EQ(save(), MODELC_OK);
  EXPECT_EQ(folder.fileCount(), 1u);
  struct stat facts;
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(SessionFile, RefusedSave) {
  path = folder.path("none/saved");
  EXPECT_EQ(save(), MODELC_NOT_FOUND);
  EXPECT_STREQ(session.status.message,
               "saved: cannot save: No such file or directory");
  path = folder.path("");
  EXPECT_NE(save(), MODELC_OK);
  EXPECT_EQ(folder.fileCount(), 0u);
  // As for /dev/null: what is no file is not replaced by one.
  path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(save(), MODELC_PERMISSION_DENIED);
  EXPECT_STREQ(session.status.message, "pipe: cannot save: not a regular file");
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(folder.fileCount(), 0u);
}

// As on a full disk: the file may not grow to its size.
TEST_F(SessionFile, NoSpace) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const modelc_code code = save();
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(code, MODELC_RESOURCE_EXHAUSTED);
  EXPECT_STREQ(session.status.message, "saved: cannot save: File too large");
  EXPECT_EQ(folder.fileCount(), 0u);
}

// Each byte of the file counts, and its length; the session stays as it was.
TEST_F(SessionFile, EveryFlippedBitIsFound) {
  ASSERT_EQ(save(), MODELC_OK);
  std::vector<uint8_t> bytes = readFile(path);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= uint8_t(1 << i % 8);
    folder.write("saved", bytes);
    ASSERT_NE(restore(session), MODELC_OK) << "byte " << i;
    ASSERT_EQ(session.length(0), 150u);
    bytes[i] ^= uint8_t(1 << i % 8);
  }
  for (size_t length = 0; length < bytes.size(); length += 3) {
    folder.write("saved", std::span(bytes).first(length));
    ASSERT_EQ(restore(session), MODELC_DATA_LOSS) << length;
  }
  conversations.expectIntact(200);
  folder.write("saved", bytes);
  EXPECT_EQ(restore(session), MODELC_OK);
}

TEST_F(SessionFile, WrongPlanOrTooSmallASession) {
  ASSERT_EQ(save(), MODELC_OK);
  PlanBuilder builder = makeToyPlan();
  builder.provenance.sourceBytes = 1;
  const TestPlan otherPlan(builder);
  TestSession other(otherPlan, 200, 4, 1);
  EXPECT_EQ(restore(other), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(other.status.message,
               "saved: was saved with another plan than plan in memory");
  TestSession few(plan, 200, 2, 1);
  EXPECT_EQ(restore(few), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(few.status.message, "saved: has 3 sequences, the session 2");
  TestSession tight(plan, 149, 3, 1);
  EXPECT_EQ(restore(tight), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(tight.status.message, "saved: sequence 0 has 150 tokens, the "
                                     "session's context 149");
  path = folder.path("none");
  EXPECT_EQ(restore(session), MODELC_NOT_FOUND);
  path = folder.path("");
  EXPECT_EQ(restore(session), MODELC_DATA_LOSS);
  EXPECT_STREQ(session.status.message, ": not a saved session");
}

// Files with right checksums and wrong tables.
TEST_F(SessionFile, HostileTables) {
  ASSERT_EQ(save(), MODELC_OK);
  const std::vector<uint8_t> good = readFile(path);
  // Words of the file: 8 variant, 9 sequenceCount, 10 pageCount, 12 .. 14
  // lengths 150, 0, 103, 15 .. 19 pages 0, 1, 2, 0, 3, 20 .. 83 ids.
  struct Case {
    size_t word;
    uint32_t value;
    const char *message;
  };
  const Case cases[] = {
      {2, 3, "session version 3, this runtime reads 2"},
      {8, 1, "was saved with another plan than plan in memory"},
      {9, 4, "has 2556 bytes of pages, not those of 4 pages"},
      {10, 3, "has 2560 bytes of pages, not those of 3 pages"},
      {10, UINT32_MAX,
       "has 2560 bytes of pages, not those of 4294967295 pages"},
      {12, 0, "has 2572 bytes of pages, not those of 4 pages"},
      {15, 1, "page table entry 0: page 1 out of order"},
      {17, 1, "page table entry 4: page 3 out of order"},
      {19, 4, "page table entry 4: page 4 out of order"},
      {19, 2, "names 3 of its 4 pages"},
      {20, UINT32_MAX, "page 0: token id -1 is outside the vocabulary"}};
  for (const Case &c : cases) {
    std::vector<uint8_t> bytes = good;
    memcpy(bytes.data() + c.word * 4, &c.value, 4);
    reseal(&bytes);
    folder.write("saved", bytes);
    EXPECT_NE(restore(session), MODELC_OK) << c.message;
    EXPECT_EQ(std::string("saved: ") + c.message, session.status.message);
  }
  conversations.expectIntact(200);
}

} // namespace
