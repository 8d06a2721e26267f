//===- PlanLoadFuzzer.cpp - Damaged plans
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input's bytes are edits of a good plan: which field of which record gets
// which value. Then the checksums are put right, so that each check behind them
// is reached. A plan that opens must survive whatever the runtime does with it;
// its kernels do nothing here, as code in a plan is trusted.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include "modelc/kernel_abi.h"
#include <cstring>
#include <fuzzer/FuzzedDataProvider.h>

using namespace modelc::test;

namespace {

void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

void doNothing(const ModelcKernelParams *) {}

PlanBytes makeGoodPlan(bool isHip) {
  PlanBuilder builder = makeToyPlan();
  if (isHip)
    makeHip(builder, "gfx942", 64, makeCodeObject());
  builder.variants.push_back(builder.variants[0]);
  return builder.build();
}

/// Of a GPU, all checks come before HIP is asked for, which is not there.
const PlanBytes &goodPlan(bool isHip) {
  static const PlanBytes cpu = makeGoodPlan(false);
  static const PlanBytes hip = makeGoodPlan(true);
  return isHip ? hip : cpu;
}

/// Near a bound, or anything.
uint64_t anyValue(FuzzedDataProvider &data) {
  const uint64_t bounds[] = {0,          1,          4,          8,
                             64,         128,        256,        4096,
                             UINT16_MAX, INT32_MAX,  UINT32_MAX, INT64_MAX,
                             UINT64_MAX, 1ull << 20, 1ull << 62, 60 << 10};
  if (data.ConsumeBool())
    return data.ConsumeIntegral<uint64_t>();
  return data.PickValueInArray(bounds) +
         uint64_t(data.ConsumeIntegralInRange<int64_t>(-130, 130));
}

/// Writes a little-endian integer of 1, 2, 4 or 8 bytes into the header, the
/// section table, or a section, and, for a section, may change its size.
void edit(FuzzedDataProvider &data, const PlanBytes &good, PlanBytes &plan) {
  const auto sections = good.sections();
  const size_t where = data.ConsumeIntegralInRange<size_t>(0, sections.size());
  const bool isTable = where == sections.size();
  const uint64_t begin = isTable ? 0 : sections[where].offset;
  const uint64_t bytes = isTable
                             ? sizeof(ModelcPlanHeader) + sections.size_bytes()
                             : sections[where].sizeBytes;
  const size_t width = size_t(1) << data.ConsumeIntegralInRange(0, 3);
  if (bytes < width)
    return;
  const uint64_t value = anyValue(data);
  const uint64_t slot =
      data.ConsumeIntegralInRange<uint64_t>(0, bytes / width - 1);
  memcpy(plan.data() + begin + slot * width, &value, width);
}

void readMetadata(const modelc_plan *plan) {
  for (const char *key : {"general.name", "tokenizer.ggml.tokens"}) {
    modelc_metadata value;
    if (modelc_plan_metadata(plan, key, &value, nullptr) != MODELC_OK)
      continue;
    uint8_t sum = 0;
    const char *text;
    size_t bytes;
    for (uint64_t i = 0;
         modelc_metadata_string(&value, i, &text, &bytes) == MODELC_OK; ++i)
      for (size_t c = 0; c < bytes; ++c)
        sum = uint8_t(sum + uint8_t(text[c]));
    [[maybe_unused]] static volatile uint8_t sink;
    sink = sum;
  }
}

void runSession(modelc_plan *plan) {
  modelc_session_options options = {};
  options.contextTokens = 100;
  options.sequences = 2;
  options.threads = 1;
  modelc_session *session;
  if (modelc_session_create(plan, &options, &session, nullptr) != MODELC_OK)
    return;
  const modelc_token tokens[] = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}};
  require(modelc_session_step(session, tokens, 3, nullptr) == MODELC_OK);
  require(modelc_session_copy(session, 0, 1, 2, nullptr) == MODELC_OK);
  modelc_session_truncate(session, 0, 1, nullptr);
  modelc_session_destroy(session);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  setenv("MODELC_HIP_LIBRARY", "/nowhere/libamdhip64.so", 1);
  FuzzedDataProvider data(bytes, size);
  const PlanBytes &good = goodPlan(data.ConsumeBool());
  PlanBytes plan = good;
  const size_t kept = data.ConsumeBool()
                          ? plan.size()
                          : data.ConsumeIntegralInRange<size_t>(0, plan.size());
  while (data.remaining_bytes() > 0)
    edit(data, good, plan);
  plan.reseal();

  const ModelcKernel kernels[] = {doNothing, doNothing, doNothing};
  modelc_plan *opened;
  modelc_status status;
  if (modelc_open_memory(plan.data(), kept, kernels, 3, &opened, &status) !=
      MODELC_OK) {
    require(status.message[0] != '\0' && !strchr(status.message, '\n'));
    return 0;
  }
  modelc_plan_info info;
  modelc_plan_get_info(opened, &info);
  require(strlen(info.target) + strlen(info.architecture) +
              strlen(info.modelName) <
          plan.size());
  readMetadata(opened);
  modelc_verify(opened, &status);
  runSession(opened);
  modelc_close(opened);
  return 0;
}
