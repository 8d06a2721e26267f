//===- api-test.cpp - The stand-in library's API: errors, streams, graphs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipLibrary.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

/// An environment variable for the length of a test.
class Variable {
public:
  Variable(const char *name, const char *value) : name(name) {
    setenv(name, value, 1);
  }
  ~Variable() { unsetenv(name); }

private:
  const char *name;
};

TEST(HipApi, NoChipIsNoDevice) {
  HipLibrary hip("");
  int count = 5;
  EXPECT_EQ(hip.hipGetDeviceCount(&count), hipErrorNoDevice);
  EXPECT_EQ(count, 0);
  void *pointer;
  EXPECT_EQ(hip.hipMalloc(&pointer, 4), hipErrorNoDevice);
  EXPECT_EQ(hip.hipGetLastError(), hipErrorNoDevice);
  EXPECT_EQ(hip.hipGetLastError(), hipSuccess);
}

TEST(HipApi, Properties) {
  HipLibrary hip("gfx942");
  int count = 0, value = 0;
  EXPECT_EQ(hip.hipInit(0), hipSuccess);
  EXPECT_EQ(hip.hipGetDeviceCount(&count), hipSuccess);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(hip.hipSetDevice(0), hipSuccess);
  EXPECT_EQ(hip.hipSetDevice(1), hipErrorInvalidDevice);
  hipDeviceProp_tR0600 properties;
  EXPECT_EQ(hip.hipGetDevicePropertiesR0600(&properties, 0), hipSuccess);
  EXPECT_STREQ(properties.gcnArchName, "gfx942:sramecc+:xnack-");
  EXPECT_EQ(properties.warpSize, 64);
  EXPECT_EQ(hip.hipDeviceGetAttribute(&value,
                                      hipDeviceAttributeMultiprocessorCount, 0),
            hipSuccess);
  EXPECT_EQ(value, 304);
  EXPECT_STREQ(hip.hipGetErrorName(hipErrorOutOfMemory), "hipErrorOutOfMemory");
  EXPECT_STREQ(hip.hipGetErrorString(hipErrorNoBinaryForGpu),
               "no kernel image is available for execution on the device");
}

TEST(HipApi, MemoryIsCounted) {
  Variable limit("AMDGPUEMU_MEMORY", "0x10000");
  HipLibrary hip("gfx1100");
  void *a = nullptr, *b = nullptr;
  size_t freeBytes = 0, totalBytes = 0;
  EXPECT_EQ(hip.hipMalloc(&a, 0x9000), hipSuccess);
  EXPECT_EQ(hip.hipMemGetInfo(&freeBytes, &totalBytes), hipSuccess);
  EXPECT_EQ(freeBytes, 0x7000u);
  EXPECT_EQ(totalBytes, 0x10000u);
  EXPECT_EQ(hip.hipMalloc(&b, 0x7001), hipErrorOutOfMemory);
  EXPECT_EQ(hip.hipFree(a), hipSuccess);
  EXPECT_EQ(hip.hipFree(a), hipErrorInvalidValue);
  EXPECT_EQ(hip.hipMalloc(&b, 0x10000), hipSuccess);
}

TEST(HipApi, CopiesStayInBounds) {
  HipLibrary hip("gfx90a");
  void *device = nullptr, *host = nullptr;
  char bytes[65] = {};
  ASSERT_EQ(hip.hipMalloc(&device, 64), hipSuccess);
  ASSERT_EQ(hip.hipHostMalloc(&host, 64, 0), hipSuccess);
  EXPECT_EQ(hip.hipMemset(device, 0x5a, 64), hipSuccess);
  EXPECT_EQ(hip.hipMemset(device, 0, 65), hipErrorInvalidValue);
  EXPECT_EQ(hip.hipMemcpy(bytes, device, 64, hipMemcpyDeviceToHost),
            hipSuccess);
  EXPECT_EQ(bytes[63], 0x5a);
  EXPECT_EQ(hip.hipMemcpy(bytes, device, 65, hipMemcpyDeviceToHost),
            hipErrorInvalidValue);
  EXPECT_EQ(hip.hipMemcpy(bytes, bytes, 8, hipMemcpyHostToDevice),
            hipErrorInvalidValue);
  EXPECT_EQ(hip.hipHostFree(host), hipSuccess);
  EXPECT_EQ(hip.hipHostFree(host), hipErrorInvalidValue);
}

TEST(HipApi, ModulesForOtherChipsAreRefused) {
  HipLibrary hip("gfx942");
  const std::vector<char> other =
      readFile(std::string(MODELC_AMDGPU_KERNELS) + "/kernels-gfx1100.co");
  hipModule_t module = nullptr;
  testing::internal::CaptureStderr();
  EXPECT_EQ(hip.hipModuleLoadData(&module, other.data()),
            hipErrorNoBinaryForGpu);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "amdgpuemu: code object: it is for gfx1100, the device is a "
            "gfx942\n");
  const std::vector<char> text(64, 'x');
  EXPECT_EQ(hip.hipModuleLoadData(&module, text.data()), hipErrorInvalidImage);
}

TEST(HipApi, FunctionsAreFound) {
  HipLibrary hip("gfx1201");
  const hipFunction_t softmax = hip.function("softmax");
  int value = 0;
  EXPECT_EQ(hip.hipFuncGetAttribute(
                &value, HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, softmax),
            hipSuccess);
  EXPECT_EQ(value, 512);
  EXPECT_EQ(hip.hipModuleLaunchKernel(softmax, 1, 1, 1, 2000, 1, 1, 0, nullptr,
                                      nullptr, nullptr),
            hipErrorInvalidValue);
}

TEST(HipApi, FailuresOnDemand) {
  Variable fail("AMDGPUEMU_FAIL",
                "hipMalloc:2:2,hipStreamCreateWithFlags:1:999");
  HipLibrary hip("gfx942");
  void *pointer = nullptr;
  hipStream_t stream = nullptr;
  EXPECT_EQ(hip.hipMalloc(&pointer, 16), hipSuccess);
  EXPECT_EQ(hip.hipMalloc(&pointer, 16), hipErrorOutOfMemory);
  EXPECT_EQ(hip.hipMalloc(&pointer, 16), hipSuccess);
  EXPECT_EQ(hip.hipStreamCreate(&stream), hipErrorUnknown);
  EXPECT_EQ(hip.hipStreamCreate(&stream), hipSuccess);
}

TEST(HipApi, GraphsRepeatWhatWasRecorded) {
  HipLibrary hip("gfx1100");
  float *a = hip.upload(std::vector<float>(64, 1));
  float *b = hip.upload(std::vector<float>(64, 2));
  hipStream_t stream = nullptr;
  ASSERT_EQ(hip.hipStreamCreate(&stream), hipSuccess);
  const hipFunction_t add = hip.function("vector_add");
  ASSERT_EQ(hip.hipStreamBeginCapture(stream, 0), hipSuccess);
  int n = 64;
  void *parameters[] = {&a, &b, &a, &n};
  ASSERT_EQ(hip.hipModuleLaunchKernel(add, 1, 1, 1, 64, 1, 1, 0, stream,
                                      parameters, nullptr),
            hipSuccess);
  n = 0; // arguments were taken by value
  hipGraph_t graph = nullptr;
  hipGraphExec_t exec = nullptr;
  ASSERT_EQ(hip.hipStreamEndCapture(stream, &graph), hipSuccess);
  EXPECT_EQ(hip.download(a, 64)[63], 1); // nothing ran yet
  ASSERT_EQ(hip.hipGraphInstantiate(&exec, graph, nullptr, nullptr, 0),
            hipSuccess);
  EXPECT_EQ(hip.hipGraphDestroy(graph), hipSuccess);
  EXPECT_EQ(hip.hipGraphLaunch(exec, stream), hipSuccess);
  EXPECT_EQ(hip.hipGraphLaunch(exec, stream), hipSuccess);
  EXPECT_EQ(hip.hipStreamSynchronize(stream), hipSuccess);
  EXPECT_EQ(hip.download(a, 64)[63], 5);
  EXPECT_EQ(hip.hipGraphExecDestroy(exec), hipSuccess);
  EXPECT_EQ(hip.hipStreamDestroy(stream), hipSuccess);
}

TEST(HipApi, WaitingBreaksACapture) {
  HipLibrary hip("gfx1100");
  hipStream_t stream = nullptr;
  hipGraph_t graph = nullptr;
  ASSERT_EQ(hip.hipStreamCreate(&stream), hipSuccess);
  ASSERT_EQ(hip.hipStreamBeginCapture(stream, 0), hipSuccess);
  EXPECT_EQ(hip.hipStreamSynchronize(stream), hipErrorStreamCaptureUnsupported);
  EXPECT_EQ(hip.hipStreamEndCapture(stream, &graph),
            hipErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
}

TEST(HipApi, EventsAreInOrder) {
  HipLibrary hip("gfx90a");
  hipEvent_t begin = nullptr, end = nullptr;
  float milliseconds = -1;
  ASSERT_EQ(hip.hipEventCreate(&begin), hipSuccess);
  ASSERT_EQ(hip.hipEventCreate(&end), hipSuccess);
  EXPECT_EQ(hip.hipEventRecord(begin, nullptr), hipSuccess);
  EXPECT_EQ(hip.hipEventElapsedTime(&milliseconds, begin, end),
            hipErrorInvalidHandle);
  EXPECT_EQ(hip.hipEventRecord(end, nullptr), hipSuccess);
  EXPECT_EQ(hip.hipEventSynchronize(end), hipSuccess);
  EXPECT_EQ(hip.hipEventElapsedTime(&milliseconds, begin, end), hipSuccess);
  EXPECT_GE(milliseconds, 0);
}

} // namespace
} // namespace modelc::amdgpu
