//===- allocation-test.cpp - When the runtime allocates, and what if it cannot
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The linker's --wrap leads all calls of the runtime's objects to malloc,
// calloc, posix_memalign, mmap and pthread_create through the functions here.
//
//===----------------------------------------------------------------------===//

#include "SessionTest.h"
#include "TestFolder.h"
#include <errno.h>
#include <functional>
#include <pthread.h>
#include <sys/mman.h>

namespace {

/// Requests since the start of a test, and the one that is refused (counted
/// from 1; 0: none).
int requestCount = 0;
int refusedRequest = 0;

bool isRefused() { return ++requestCount == refusedRequest; }

} // namespace

extern "C" {

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
int __real_posix_memalign(void **out, size_t alignment, size_t bytes);
void *__real_mmap(void *address, size_t bytes, int protection, int flags,
                  int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument);

void *__wrap_malloc(size_t bytes) {
  return isRefused() ? nullptr : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
  return isRefused() ? nullptr : __real_calloc(count, bytes);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes) {
  return isRefused() ? ENOMEM : __real_posix_memalign(out, alignment, bytes);
}

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags,
                  int fd, off_t offset) {
  if (!isRefused())
    return __real_mmap(address, bytes, protection, flags, fd, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument) {
  return isRefused()
             ? EAGAIN
             : __real_pthread_create(thread, attributes, function, argument);
}

} // extern "C"

using namespace modelc::test;

namespace {

/// Runs `call` with its first request refused, then its second, and so on
/// until it makes fewer. Each time `call` must say RESOURCE_EXHAUSTED.
void refuseEachRequest(
    int atLeast, const std::function<modelc_code(modelc_status *)> &call) {
  for (int refused = 1;; ++refused) {
    modelc_status status = {};
    requestCount = 0;
    refusedRequest = refused;
    const modelc_code code = call(&status);
    refusedRequest = 0;
    if (requestCount < refused) {
      EXPECT_EQ(code, MODELC_OK) << status.message;
      EXPECT_GT(refused, atLeast);
      return;
    }
    EXPECT_EQ(code, MODELC_RESOURCE_EXHAUSTED)
        << "request " << refused << ": " << status.message;
    EXPECT_EQ(status.code, code);
    EXPECT_STRNE(status.message, "");
  }
}

TEST(Allocation, NoneBetweenCreationAndEnd) {
  const TestPlan plan(makeToyPlan());
  TestSession session(plan, 200, 2, 3);
  std::vector<modelc_token> tokens;
  for (int32_t i = 0; i < 150; ++i)
    tokens.push_back({1, i, 0, i % 25 == 0});
  requestCount = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(session.step(tokens), MODELC_OK);
    ASSERT_EQ(modelc_session_copy(session.get(), 0, 1, 130, &session.status),
              MODELC_OK);
    ASSERT_EQ(session.step({{1, 130, 1, 1}}), MODELC_OK);
    ASSERT_EQ(modelc_session_truncate(session.get(), 0, 0, &session.status),
              MODELC_OK);
    ASSERT_EQ(modelc_session_truncate(session.get(), 1, 0, &session.status),
              MODELC_OK);
  }
  EXPECT_EQ(requestCount, 0);
}

TEST(Allocation, RefusedWhileOpening) {
  const TestFolder folder;
  PlanBuilder builder = makeToyPlan();
  addToyCode(builder, MODELC_TOY_CODE);
  const PlanBytes bytes = builder.build();
  const std::string path =
      folder.write("toy.mplan", {bytes.data(), bytes.size()});
  refuseEachRequest(4, [&](modelc_status *status) {
    modelc_plan *plan = nullptr;
    const modelc_code code = modelc_open(path.c_str(), nullptr, &plan, status);
    EXPECT_EQ(plan != nullptr, code == MODELC_OK);
    modelc_close(plan);
    return code;
  });
  refuseEachRequest(2, [&](modelc_status *status) {
    modelc_plan *plan = nullptr;
    const modelc_code code =
        modelc_open_memory(bytes.data(), bytes.size(), builder.functions.data(),
                           builder.functions.size(), &plan, status);
    EXPECT_EQ(plan != nullptr, code == MODELC_OK);
    modelc_close(plan);
    return code;
  });
}

TEST(Allocation, RefusedWhileCreatingASession) {
  const TestPlan plan(makeToyPlan());
  refuseEachRequest(15, [&](modelc_status *status) {
    modelc_session_options options = {};
    options.threads = 3;
    modelc_session *session = nullptr;
    const modelc_code code =
        modelc_session_create(plan.get(), &options, &session, status);
    EXPECT_EQ(session != nullptr, code == MODELC_OK);
    modelc_session_destroy(session);
    return code;
  });
}

TEST(Allocation, RefusedWhileSavingAndRestoring) {
  const TestPlan plan(makeToyPlan());
  const TestFolder folder;
  const std::string path = folder.path("saved");
  TestSession session(plan, 200, 2, 1);
  Conversations conversations(session, 2);
  conversations.append(0, 100, 1);
  refuseEachRequest(4, [&](modelc_status *status) {
    const modelc_code code =
        modelc_session_save(session.get(), path.c_str(), status);
    EXPECT_EQ(folder.fileCount(), code == MODELC_OK ? 1u : 0u);
    return code;
  });
  refuseEachRequest(2, [&](modelc_status *status) {
    const modelc_code code =
        modelc_session_restore(session.get(), path.c_str(), status);
    EXPECT_EQ(session.length(0), 100u);
    return code;
  });
  conversations.expectIntact(200);
}

// A verification that gets no second thread does its work with one.
TEST(Allocation, RefusedWhileVerifying) {
  PlanBuilder builder = makeToyPlan();
  builder.addWeight("large",
                    std::vector<uint8_t>(3 * MODELC_CHECKSUM_PIECE_BYTES, 7));
  const TestPlan plan(builder);
  for (int refused = 1; refused <= 3; ++refused) {
    requestCount = 0;
    refusedRequest = refused;
    const modelc_code code = modelc_verify(plan.get(), nullptr);
    refusedRequest = 0;
    const bool isMemory = refused <= 2;
    EXPECT_EQ(code, isMemory ? MODELC_RESOURCE_EXHAUSTED : MODELC_OK);
  }
}

} // namespace
