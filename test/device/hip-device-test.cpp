//===- hip-device-test.cpp - Finding HIP, a device, and room on it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipToy.h"
#include "device/HipDevice.h"

using namespace modelc::test;

namespace {

TEST(HipDevice, WhichTargetsFit) {
  using modelc::rt::hipTargetFits;
  EXPECT_TRUE(hipTargetFits("gfx942", "gfx942:sramecc+:xnack-"));
  EXPECT_TRUE(hipTargetFits("gfx1100", "gfx1100"));
  EXPECT_TRUE(hipTargetFits("gfx9-4-generic", "gfx942:sramecc+:xnack-"));
  EXPECT_TRUE(hipTargetFits("gfx9-4-generic", "gfx950"));
  EXPECT_TRUE(hipTargetFits("gfx10-3-generic", "gfx1036"));
  EXPECT_TRUE(hipTargetFits("gfx11-generic", "gfx1151"));
  EXPECT_TRUE(hipTargetFits("gfx12-generic", "gfx1200"));
  EXPECT_FALSE(hipTargetFits("gfx90a", "gfx90"));
  EXPECT_FALSE(hipTargetFits("gfx90", "gfx90a:xnack-"));
  EXPECT_FALSE(hipTargetFits("gfx9-4-generic", "gfx90a:xnack-"));
  EXPECT_FALSE(hipTargetFits("gfx11-generic", "gfx1201"));
  EXPECT_FALSE(hipTargetFits("gfx1100", "gfx1101"));
  EXPECT_FALSE(hipTargetFits("gfx11-generic", "gfx11-generic2"));
}

/// What opening the toy plan for `target` says.
modelc_status open(const std::string &target) {
  const PlanBytes bytes = makeHipToyPlan(target).build();
  modelc_plan *plan = nullptr;
  modelc_status status;
  const modelc_code code = modelc_open_memory(bytes.data(), bytes.size(),
                                              nullptr, 0, &plan, &status);
  EXPECT_EQ(code, status.code);
  EXPECT_EQ(code == MODELC_OK, plan != nullptr);
  modelc_close(plan);
  return status;
}

void expectPrecondition(const std::string &target, const std::string &why) {
  const modelc_status status = open(target);
  EXPECT_EQ(status.code, MODELC_FAILED_PRECONDITION);
  EXPECT_EQ(status.message, "plan in memory: does not run on this machine: " +
                                target + " " + why);
}

TEST(HipDevice, LibrariesThatAreNotHip) {
  onDevice("gfx942", {{"MODELC_HIP_LIBRARY", MODELC_TOY_CODE}}, [] {
    expectPrecondition("gfx942",
                       "needs the HIP runtime of ROCm 6 or 7: " MODELC_TOY_CODE
                       " has no hipGetDeviceCount");
  });
  onDevice("gfx942", {{"MODELC_HIP_LIBRARY", "/nowhere/libamdhip64.so"}}, [] {
    const modelc_status status = open("gfx942");
    EXPECT_EQ(status.code, MODELC_FAILED_PRECONDITION);
    EXPECT_NE(strstr(status.message,
                     "gfx942 needs the HIP runtime (libamdhip64 of AMD's "
                     "ROCm; MODELC_HIP_LIBRARY may name it): "
                     "/nowhere/libamdhip64.so: "),
              nullptr)
        << status.message;
  });
}

TEST(HipDevice, DevicesThatAreNotThere) {
  onDevice("", {}, [] {
    expectPrecondition("gfx942", "needs an AMD GPU of this kind: "
                                 "hipGetDeviceCount: hipErrorNoDevice");
  });
  onDevice("gfx90a", {}, [] {
    for (const char *target : {"gfx942", "gfx11-generic"})
      expectPrecondition(target, "needs an AMD GPU of this kind, found "
                                 "emulated gfx90a (gfx90a:sramecc+:xnack-)");
    EXPECT_EQ(open("gfx90a").code, MODELC_OK);
  });
}

static void expectRefusal(const PlanBytes &bytes, size_t kernelCount,
                          modelc_code code, const char *message) {
  modelc_plan *opened = nullptr;
  modelc_status status;
  EXPECT_EQ(modelc_open_memory(bytes.data(), bytes.size(), nullptr, kernelCount,
                               &opened, &status),
            code);
  EXPECT_STREQ(status.message, message);
}

TEST(HipDevice, CodeThatIsNotThePlans) {
  onDevice("gfx942", {}, [] {
    // Of another chip than the plan says.
    PlanBuilder plan = makeHipToyPlan("gfx1100");
    plan.variants[0].target = plan.string("gfx942");
    expectRefusal(plan.build(), 0, MODELC_FAILED_PRECONDITION,
                  "plan in memory: hipModuleLoadData: hipErrorNoBinaryForGpu");
  });
  onDevice("gfx942", {}, [] {
    PlanBuilder plan = makeHipToyPlan("gfx942");
    plan.kernels[1].name = plan.string("hip_unfold");
    const PlanBytes bytes = plan.build();
    expectRefusal(bytes, 0, MODELC_DATA_LOSS,
                  "plan in memory: its code has no kernel hip_unfold");
    expectRefusal(bytes, 3, MODELC_INVALID_ARGUMENT,
                  "plan in memory: 3 kernels given, its first variant takes 0");
  });
}

/// Opens a plan with too little memory for its weights.
void expectNeed(const PlanBuilder &builder, uint64_t weightBytes) {
  const PlanBytes bytes = builder.build();
  modelc_plan *plan = nullptr;
  modelc_status status;
  EXPECT_EQ(modelc_open_memory(bytes.data(), bytes.size(), nullptr, 0, &plan,
                               &status),
            MODELC_RESOURCE_EXHAUSTED);
  const uint64_t need =
      weightBytes + builder.constants.size() + builder.code.file.size();
  EXPECT_EQ(status.message,
            "plan in memory: weights and code need " + std::to_string(need) +
                " bytes of device memory, 2000 of 2000 are free on emulated "
                "gfx942 (gfx942:sramecc+:xnack-)");
  EXPECT_EQ(countCalls("hipMalloc"), 0u);
  EXPECT_EQ(countCalls("hipModuleLoadData"), 0u);
}

// Before anything is done, with both numbers; and if the device has less than
// it said.
TEST(HipDevice, TooLittleMemoryForWeights) {
  onDevice("gfx942", {{"AMDGPUEMU_MEMORY", "2000"}}, [] {
    PlanBuilder plan = makeHipToyPlan("gfx942");
    expectNeed(plan, 2 * 128);
    // The first weight becomes another variant's.
    plan.weights.erase(plan.weights.begin());
    for (ModelcOperand &operand : plan.operands)
      if (operand.space == MODELC_SPACE_WEIGHTS)
        operand.index = 0;
    expectNeed(plan, 128);
  });
  onDevice("gfx942", {{"AMDGPUEMU_FAIL", "hipMalloc:1:2"}}, [] {
    const modelc_status status = open("gfx942");
    EXPECT_EQ(status.code, MODELC_RESOURCE_EXHAUSTED);
    EXPECT_NE(strstr(status.message,
                     "plan in memory: hipMalloc: hipErrorOutOfMemory: weights "
                     "and code need "),
              nullptr)
        << status.message;
  });
}

TEST(HipDevice, TooLittleMemoryForASession) {
  const char *kMemory = "60000";
  onDevice("gfx942", {{"AMDGPUEMU_MEMORY", kMemory}}, [] {
    const TestPlan plan(makeHipToyPlan("gfx942"));
    const uint64_t before = countCalls("hipMalloc");
    modelc_session_options options = {};
    options.contextTokens = 6400;
    options.sequences = 2;
    modelc_session *session = nullptr;
    modelc_status status;
    EXPECT_EQ(modelc_session_create(plan.get(), &options, &session, &status),
              MODELC_RESOURCE_EXHAUSTED);
    // Pools of 200 pages of 256 and 128 bytes in whole pages of the system's;
    // arena 0x480; block 256 + 4 x 128; tables of 200 numbers.
    const uint64_t need = 53248 + 28672 + 0x480 + 768 + 800;
    const std::string begin =
        "plan in memory: 2 sequences of 6400 tokens need " +
        std::to_string(need) + " bytes of device memory, ";
    EXPECT_EQ(std::string(status.message).substr(0, begin.size()), begin);
    EXPECT_NE(strstr(status.message, " of 60000 are free on emulated gfx942"),
              nullptr)
        << status.message;
    EXPECT_EQ(countCalls("hipMalloc"), before);
    // The plan is as good as before.
    TestSession small(plan, 64, 1, 1);
    Conversations(small, 1).append(0, 9, 1);
  });
}

} // namespace
