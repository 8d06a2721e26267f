//===- SessionRestoreFuzzer.cpp - Foreign session files
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input chooses the numbers of a session file: lengths, page tables, how
// many pages follow; often those that fit, sometimes any. Magic, plan and
// checksum are right. A file that restores must give sequences that can be
// used; one that does not must leave the session alone.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include "modelc/checksum.h"
#include "toy-kernels.h"
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace modelc::test;

namespace {

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

constexpr uint64_t kSequenceBytes = 128;

/// The toy plan and a state that each sequence has as a whole.
PlanBuilder makePlan() {
  PlanBuilder plan = makeToyPlan();
  ModelcState &state = plan.states[plan.addState("sequence", 0)];
  state.kind = MODELC_STATE_SEQUENCE;
  state.flags = 0;
  state.sequenceBytes = kSequenceBytes;
  return plan;
}

/// An open plan and a file in memory, for all inputs.
struct Fixture {
  Fixture() : builder(makePlan()), bytes(builder.build()) {
    require(modelc_open_memory(bytes.data(), bytes.size(),
                               builder.functions.data(), 3, &plan,
                               nullptr) == MODELC_OK);
    fd = memfd_create("session", 0);
    path = "/proc/self/fd/" + std::to_string(fd);
  }
  PlanBuilder builder;
  PlanBytes bytes;
  modelc_plan *plan = nullptr;
  int fd;
  std::string path;
};

uint32_t getLength(modelc_session *session, uint32_t sequence) {
  uint32_t length;
  require(modelc_session_length(session, sequence, &length, nullptr) ==
          MODELC_OK);
  return length;
}

void step(modelc_session *session, uint32_t sequence) {
  const uint32_t length = getLength(session, sequence);
  if (length == kToyContext)
    return;
  const modelc_token token = {1, int32_t(length), sequence, 1};
  require(modelc_session_step(session, &token, 1, nullptr) == MODELC_OK);
}

} // namespace

/// A session file of the plan with header `plan`.
static std::vector<uint8_t> anyFile(FuzzedDataProvider &data,
                                    const ModelcPlanHeader &plan) {
  const auto fits = [&] { return data.ConsumeIntegralInRange(0, 15) != 0; };
  std::vector<uint32_t> words;
  const auto sequences = data.ConsumeIntegralInRange<uint32_t>(0, 5);
  uint32_t entries = 0, used = 0;
  for (uint32_t s = 0; s < sequences; ++s) {
    words.push_back(fits() ? data.ConsumeIntegralInRange<uint32_t>(0, 201)
                           : data.ConsumeIntegral<uint32_t>());
    used += words.back() > 0;
    if (words.back() < 1000)
      entries += (words.back() + 63) / 64;
  }
  // A page that was named before, or the next one.
  uint32_t pages = 0;
  for (uint32_t i = 0; i < entries; ++i) {
    const auto page = fits() ? data.ConsumeIntegralInRange<uint32_t>(0, pages)
                             : data.ConsumeIntegral<uint32_t>();
    words.push_back(page);
    pages += page == pages;
  }
  constexpr size_t kHeaderBytes = 48, kPageBytes = 4 * 64 + 256 + 128;
  std::vector<uint8_t> file(kHeaderBytes);
  const auto *bytes = reinterpret_cast<const uint8_t *>(words.data());
  file.insert(file.end(), bytes, bytes + words.size() * sizeof(uint32_t));
  file.resize(file.size() + pages * kPageBytes + used * kSequenceBytes +
              (fits() ? 0 : data.ConsumeIntegralInRange<size_t>(0, 400)));
  const auto put = [&](size_t at, auto value) {
    memcpy(file.data() + at, &value, sizeof(value));
  };
  memcpy(file.data(), "MSESS\r\n", 8);
  put(8, uint32_t(2));
  put(12, plan.checksum);
  put(16, plan.fileBytes);
  put(24, uint64_t(file.size()));
  put(32, uint32_t(0));
  put(36, fits() ? sequences : data.ConsumeIntegral<uint32_t>());
  put(40, fits() ? pages : data.ConsumeIntegral<uint32_t>());
  if (!fits())
    file.resize(data.ConsumeIntegralInRange<size_t>(kHeaderBytes, file.size()));
  put(44, modelc_crc32c(file.data(), file.size()));
  return file;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static const Fixture fixture;
  FuzzedDataProvider data(input, size);
  const std::vector<uint8_t> file = anyFile(data, fixture.bytes.header());
  require(ftruncate(fixture.fd, 0) == 0);
  require(pwrite(fixture.fd, file.data(), file.size(), 0) ==
          ssize_t(file.size()));

  modelc_session_options options = {};
  options.sequences = 4;
  options.threads = 1;
  modelc_session *session;
  require(modelc_session_create(fixture.plan, &options, &session, nullptr) ==
          MODELC_OK);
  step(session, 3);
  modelc_status status;
  const modelc_code code =
      modelc_session_restore(session, fixture.path.c_str(), &status);
  if (code != MODELC_OK)
    require(getLength(session, 3) == 1 && status.message[0] != '\0');
  for (uint32_t sequence = 0; sequence < 4; ++sequence)
    step(session, sequence);
  require(modelc_session_copy(session, 0, 1, getLength(session, 0), nullptr) ==
          MODELC_OK);
  for (uint32_t sequence = 0; sequence < 4; ++sequence)
    require(modelc_session_truncate(session, sequence, 0, nullptr) ==
            MODELC_OK);
  modelc_session_destroy(session);
  return 0;
}
