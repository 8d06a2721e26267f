//===- hip-failure-test.cpp - When HIP fails
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function of HIP fails in its first, second and last call of a run that
// does everything once. The call of ours in which that happens says which it
// was, and what comes after it fails too or does without the device.
//
//===----------------------------------------------------------------------===//

#include "HipToy.h"
#include "TestFolder.h"
#include "device/HipApi.h"
#include <set>

using namespace modelc::test;

namespace {

/// What a run's calls said, in order; it goes on after a failure as far as
/// there are things to call.
class Scenario {
public:
  explicit Scenario(const TestFolder &folder) : path(folder.path("saved")) {}

  void everything() {
    const PlanBytes bytes = makeHipToyPlan("gfx942").build();
    modelc_plan *plan = nullptr;
    note(modelc_open_memory(bytes.data(), bytes.size(), nullptr, 0, &plan,
                            &status));
    modelc_session_options options = {};
    options.contextTokens = 200;
    options.sequences = 2;
    modelc_session *session = nullptr;
    if (plan)
      note(modelc_session_create(plan, &options, &session, &status));
    if (session)
      useSession(session);
    modelc_session_destroy(session);
    modelc_close(plan);
  }

  size_t failures() const { return messages.size(); }
  const std::string &firstMessage() const { return messages.front(); }
  modelc_code firstCode() const { return code; }
  /// Whether a call succeeded after one had failed that needed the device.
  bool recovered() const { return hasRecovered; }

private:
  void note(modelc_code result) {
    if (result == MODELC_OK) {
      hasRecovered |= !messages.empty();
      return;
    }
    if (messages.empty())
      code = result;
    messages.push_back(status.message);
  }

  void step(modelc_session *session, int32_t count, bool allLogits) {
    uint32_t length = 0;
    ASSERT_EQ(modelc_session_length(session, 0, &length, &status), MODELC_OK);
    std::vector<modelc_token> tokens;
    for (int32_t i = 0; i < count; ++i)
      tokens.push_back(
          {1, int32_t(length) + i, 0, allLogits || i + 1 == count});
    const modelc_code result =
        modelc_session_step(session, tokens.data(), tokens.size(), &status);
    note(result);
    modelc_status ignored;
    uint32_t after = 0;
    ASSERT_EQ(modelc_session_length(session, 0, &after, &ignored), MODELC_OK);
    EXPECT_EQ(after, length + (result == MODELC_OK ? uint32_t(count) : 0));
    const float *logits = nullptr;
    EXPECT_EQ(modelc_session_logits(session, 0, &logits, &ignored),
              result == MODELC_OK ? MODELC_OK : MODELC_OUT_OF_RANGE);
  }

  void useSession(modelc_session *session) {
    step(session, 5, true);
    step(session, 1, false);
    step(session, 64, false);
    note(
        modelc_session_copy(session, 0, 1, messages.empty() ? 66 : 0, &status));
    step(session, 1, false);
    note(modelc_session_save(session, path.c_str(), &status));
    EXPECT_EQ(modelc_session_truncate(session, 0, 0, &status), MODELC_OK);
    step(session, 10, false);
    if (messages.empty())
      note(modelc_session_restore(session, path.c_str(), &status));
    modelc_session_set_profile(session, 1);
    step(session, 2, false);
  }

  const std::string path;
  modelc_status status = {};
  std::vector<std::string> messages;
  modelc_code code = MODELC_OK;
  bool hasRecovered = false;
};

/// Functions that give something back, and the one that copying stands in for:
/// their failures are not ours to report.
bool isIgnored(const std::string &function) {
  for (const char *name :
       {"hipFree", "hipHostFree", "hipHostUnregister", "hipHostRegister",
        "hipHostGetDevicePointer", "hipModuleUnload", "hipStreamDestroy",
        "hipEventDestroy", "hipGraphDestroy", "hipGraphExecDestroy"})
    if (function == name)
      return true;
  return false;
}

/// One run in which call `call` of `function` returns hipErrorUnknown.
void failOnce(const std::string &function, uint64_t call) {
  SCOPED_TRACE(function + ", call " + std::to_string(call));
  onDevice("gfx942",
           {{"AMDGPUEMU_FAIL", function + ":" + std::to_string(call) + ":999"}},
           [&] {
             const TestFolder folder;
             Scenario run(folder);
             run.everything();
             EXPECT_GE(countCalls(function.c_str()), call);
             if (isIgnored(function)) {
               EXPECT_EQ(run.failures(), 0u);
               return;
             }
             ASSERT_GT(run.failures(), 0u);
             const std::string expected = function + ": hipErrorUnknown";
             EXPECT_NE(run.firstMessage().find(expected), std::string::npos)
                 << run.firstMessage();
             EXPECT_FALSE(run.recovered());
             // A machine whose devices cannot be counted has none.
             EXPECT_TRUE(run.firstCode() == MODELC_INTERNAL ||
                         run.firstCode() == MODELC_FAILED_PRECONDITION)
                 << run.firstCode();
           });
}

TEST(HipFailure, OfEachFunction) {
  std::vector<std::string> functions;
#define MODELC_HIP_NAME(name, parameters) functions.push_back(#name);
  MODELC_HIP_FUNCTIONS(MODELC_HIP_NAME)
#undef MODELC_HIP_NAME
  // How often a run calls each, by way of a file, as it has its own process.
  const TestFolder folder;
  const std::string countsPath = folder.path("counts");
  onDevice("gfx942", {}, [&] {
    Scenario run(folder);
    run.everything();
    EXPECT_EQ(run.failures(), 0u);
    std::ofstream counts(countsPath);
    for (const std::string &function : functions)
      counts << countCalls(function.c_str()) << "\n";
  });
  std::ifstream counts(countsPath);
  size_t called = 0;
  for (const std::string &function : functions) {
    uint64_t calls = 0;
    ASSERT_TRUE(counts >> calls);
    called += calls > 0;
    for (const uint64_t call : std::set<uint64_t>{1, 2, calls})
      if (call > 0 && call <= calls)
        failOnce(function, call);
  }
  // All but those of devices that share the host's memory, and hipSetDevice,
  // as there is one device.
  EXPECT_EQ(called, functions.size() - 4);
}

/// The plan's append writes token 31 where there is no memory.
PlanBuilder makeStrayPlan() {
  PlanBuilder plan = makeHipToyPlan("gfx942");
  plan.kernels[0].name = plan.string("hip_stray");
  setWorkGroups(plan, "gfx942");
  return plan;
}

// A kernel's error breaks the device for the whole process. Nothing hangs, and
// what needs no device goes on.
TEST(HipFailure, ABrokenDevice) {
  for (const bool isDecode : {false, true})
    onDevice("gfx942", {}, [&] {
      const TestFolder folder;
      const TestPlan plan(makeStrayPlan());
      TestSession session(plan, 100, 2, 1), other(plan, 100, 1, 1);
      Conversations(session, 2).append(0, 6, 1);
      std::vector<modelc_token> tokens = {{31, 6, 0, 1}};
      if (!isDecode)
        tokens.push_back({1, 7, 0, 1});
      EXPECT_EQ(session.step(tokens), MODELC_INTERNAL);
      // Which call is the first to say so is the driver's affair.
      const std::string message = session.status.message;
      EXPECT_NE(message.find(": hipErrorIllegalAddress"), std::string::npos)
          << message;
      EXPECT_EQ(session.length(0), 6u);
      const uint64_t launches = countLaunches();
      EXPECT_EQ(session.step({{1, 6, 0, 1}}), MODELC_INTERNAL);
      EXPECT_EQ(session.status.message, message);
      modelc_status status;
      EXPECT_EQ(modelc_session_copy(session.get(), 0, 1, 6, &status),
                MODELC_INTERNAL);
      EXPECT_EQ(session.length(1), 0u);
      EXPECT_EQ(modelc_session_save(session.get(), folder.path("saved").c_str(),
                                    &status),
                MODELC_INTERNAL);
      EXPECT_EQ(folder.fileCount(), 0u);
      EXPECT_EQ(modelc_session_truncate(session.get(), 0, 2, &status),
                MODELC_OK);
      EXPECT_EQ(session.length(0), 2u);
      EXPECT_EQ(other.step({{1, 0, 0, 1}}), MODELC_INTERNAL);
      EXPECT_NE(strstr(other.status.message, "hipErrorIllegalAddress"),
                nullptr);
      modelc_session *third = nullptr;
      EXPECT_EQ(modelc_session_create(plan.get(), nullptr, &third, &status),
                MODELC_INTERNAL);
      EXPECT_EQ(countLaunches(), launches);
    });
}

} // namespace
