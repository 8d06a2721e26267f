//===- HipDevice.cpp - The device of the stand-in library, and its errors
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipState.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

static_assert(offsetof(hipDeviceProp_tR0600, totalGlobalMem) == 288);
static_assert(offsetof(hipDeviceProp_tR0600, major) == 360);
static_assert(offsetof(hipDeviceProp_tR0600, multiProcessorCount) == 388);
static_assert(offsetof(hipDeviceProp_tR0600, gcnArchName) == 1160);
static_assert(sizeof(hipDeviceProp_tR0600) == 1472);

namespace modelc::amdgpu {

namespace {

void report() {
  for (const auto &[name, count] : allCounts())
    std::fprintf(stderr, "amdgpuemu: %-32s %llu\n", name.c_str(),
                 static_cast<unsigned long long>(count));
}

/// FUNCTION:CALL:ERROR, more of them behind commas.
void readFailures(const char *text, std::vector<HipState::Failure> &failures) {
  std::string rest = text ? text : "";
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string one = rest.substr(0, comma);
    rest.erase(0, std::min(comma + 1, rest.size()));
    char name[64] = {};
    unsigned long long call = 0;
    int error = 0;
    if (std::sscanf(one.c_str(), "%63[^:]:%llu:%d", name, &call, &error) == 3)
      failures.push_back({name, call, error});
    else
      std::fprintf(stderr,
                   "amdgpuemu: AMDGPUEMU_FAIL is not FUNCTION:CALL:"
                   "ERROR: %s\n",
                   one.c_str());
  }
}

struct ErrorText {
  hipError_t error;
  const char *name, *text;
};
constexpr ErrorText kErrors[] = {
    {hipSuccess, "hipSuccess", "no error"},
    {hipErrorInvalidValue, "hipErrorInvalidValue", "invalid argument"},
    {hipErrorOutOfMemory, "hipErrorOutOfMemory", "out of memory"},
    {hipErrorNotInitialized, "hipErrorNotInitialized", "initialization error"},
    {hipErrorNoDevice, "hipErrorNoDevice",
     "no ROCm-capable device is detected"},
    {hipErrorInvalidDevice, "hipErrorInvalidDevice", "invalid device ordinal"},
    {hipErrorInvalidImage, "hipErrorInvalidImage",
     "device kernel image is invalid"},
    {hipErrorNoBinaryForGpu, "hipErrorNoBinaryForGpu",
     "no kernel image is available for execution on the device"},
    {hipErrorInvalidHandle, "hipErrorInvalidHandle", "invalid resource handle"},
    {hipErrorNotFound, "hipErrorNotFound", "named symbol not found"},
    {hipErrorNotReady, "hipErrorNotReady", "device not ready"},
    {hipErrorIllegalAddress, "hipErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {hipErrorLaunchFailure, "hipErrorLaunchFailure",
     "unspecified launch failure"},
    {hipErrorNotSupported, "hipErrorNotSupported", "operation not supported"},
    {hipErrorStreamCaptureUnsupported, "hipErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {hipErrorStreamCaptureInvalidated, "hipErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {hipErrorUnknown, "hipErrorUnknown", "unknown error"},
};
const ErrorText &textOf(hipError_t error) {
  for (const ErrorText &entry : kErrors)
    if (entry.error == error)
      return entry;
  return textOf(hipErrorUnknown);
}

} // namespace

HipState::HipState() {
  if (const char *name = std::getenv("AMDGPUEMU_CHIP")) {
    chip = findChip(name);
    if (!chip)
      std::fprintf(stderr, "amdgpuemu: no chip %s\n", name);
  }
  if (const char *bytes = std::getenv("AMDGPUEMU_MEMORY"))
    memory.limitBytes = std::strtoull(bytes, nullptr, 0);
  readFailures(std::getenv("AMDGPUEMU_FAIL"), failures);
  const char *memoryKind = std::getenv("AMDGPUEMU_INTEGRATED");
  integrated = memoryKind && std::strcmp(memoryKind, "1") == 0;
  const char *wanted = std::getenv("AMDGPUEMU_REPORT");
  if (wanted && std::strcmp(wanted, "1") == 0)
    std::atexit(report);
}

HipState::~HipState() {
  for (HipModule *module : modules)
    delete module;
  for (HipStream *stream : streams)
    delete stream;
  for (HipEvent *event : events)
    delete event;
  for (HipGraph *graph : graphs)
    delete graph;
  for (HipGraphExec *exec : execs)
    delete exec;
  for (void *block : hostBlocks)
    std::free(block);
}

HipState &hipState() {
  static HipState state;
  return state;
}

hipError_t enter(const char *function, bool needsDevice) {
  HipState &state = hipState();
  const uint64_t call = ++state.calls[function];
  for (const HipState::Failure &failure : state.failures)
    if (failure.function == function && failure.call == call)
      return failure.error;
  if (needsDevice && !state.chip)
    return hipErrorNoDevice;
  return state.broken;
}

hipError_t leave(hipError_t error) {
  if (error != hipSuccess)
    hipState().last = error;
  return error;
}

bool breaksCapture() {
  HipState &state = hipState();
  bool any = false;
  for (HipStream *stream : state.streams)
    if (stream->capture)
      any = stream->invalid = true;
  return any;
}

} // namespace modelc::amdgpu

using namespace modelc::amdgpu;

hipError_t hipInit(unsigned flags) {
  HIP_ENTER(hipInit);
  return leave(flags ? hipErrorInvalidValue : hipSuccess);
}

hipError_t hipGetDeviceCount(int *count) {
  if (count)
    *count = 0;
  HIP_ENTER(hipGetDeviceCount);
  if (!count)
    return leave(hipErrorInvalidValue);
  *count = 1;
  return hipSuccess;
}

hipError_t hipSetDevice(int device) {
  HIP_ENTER(hipSetDevice);
  return leave(device == 0 ? hipSuccess : hipErrorInvalidDevice);
}

hipError_t hipGetDevice(int *device) {
  HIP_ENTER(hipGetDevice);
  if (!device)
    return leave(hipErrorInvalidValue);
  *device = 0;
  return hipSuccess;
}

hipError_t hipGetDevicePropertiesR0600(hipDeviceProp_tR0600 *properties,
                                       int device) {
  HIP_ENTER(hipGetDevicePropertiesR0600);
  if (!properties || device != 0)
    return leave(properties ? hipErrorInvalidDevice : hipErrorInvalidValue);
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "emulated %s",
                state.chip->name);
  std::snprintf(properties->gcnArchName, sizeof(properties->gcnArchName),
                "%s%s", state.chip->name,
                state.chip->generation == 9 ? ":sramecc+:xnack-" : "");
  properties->totalGlobalMem = state.memory.limitBytes;
  properties->sharedMemPerBlock = kLdsBytes;
  properties->regsPerBlock = 65536;
  properties->warpSize = int(state.chip->waveSize);
  properties->maxThreadsPerBlock = 1024;
  for (int i = 0; i < 3; ++i) {
    properties->maxThreadsDim[i] = 1024;
    properties->maxGridSize[i] = i == 0 ? 2147483647 : 65536;
  }
  properties->major = state.chip->generation;
  properties->multiProcessorCount = int(state.chip->multiprocessors);
  properties->integrated = state.integrated;
  properties->canMapHostMemory = 1;
  return hipSuccess;
}

hipError_t hipDeviceGetAttribute(int *value, hipDeviceAttribute_t attribute,
                                 int device) {
  HIP_ENTER(hipDeviceGetAttribute);
  if (!value || device != 0)
    return leave(value ? hipErrorInvalidDevice : hipErrorInvalidValue);
  switch (attribute) {
  case hipDeviceAttributeCanMapHostMemory:
    *value = 1;
    return hipSuccess;
  case hipDeviceAttributeIntegrated:
    *value = state.integrated;
    return hipSuccess;
  case hipDeviceAttributeComputeCapabilityMinor:
    *value = 0;
    return hipSuccess;
  case hipDeviceAttributeComputeCapabilityMajor:
    *value = state.chip->generation;
    return hipSuccess;
  case hipDeviceAttributeMaxThreadsPerBlock:
    *value = 1024;
    return hipSuccess;
  case hipDeviceAttributeMultiprocessorCount:
    *value = int(state.chip->multiprocessors);
    return hipSuccess;
  case hipDeviceAttributeMaxSharedMemoryPerBlock:
    *value = int(kLdsBytes);
    return hipSuccess;
  case hipDeviceAttributeWarpSize:
    *value = int(state.chip->waveSize);
    return hipSuccess;
  default:
    return leave(hipErrorInvalidValue);
  }
}

hipError_t hipDeviceGetName(char *name, int sizeBytes, int device) {
  HIP_ENTER(hipDeviceGetName);
  if (!name || sizeBytes <= 0 || device != 0)
    return leave(hipErrorInvalidValue);
  std::snprintf(name, size_t(sizeBytes), "emulated %s", state.chip->name);
  return hipSuccess;
}

hipError_t hipDeviceSynchronize(void) {
  HIP_ENTER(hipDeviceSynchronize);
  return leave(breaksCapture() ? hipErrorStreamCaptureUnsupported : hipSuccess);
}

hipError_t hipDriverGetVersion(int *version) {
  return hipRuntimeGetVersion(version);
}

hipError_t hipRuntimeGetVersion(int *version) {
  if (!version)
    return leave(hipErrorInvalidValue);
  *version = 60000000;
  return hipSuccess;
}

hipError_t hipGetLastError(void) {
  HipState &state = hipState();
  std::lock_guard lock(state.mutex);
  return std::exchange(state.last, state.broken);
}

hipError_t hipPeekAtLastError(void) {
  HipState &state = hipState();
  std::lock_guard lock(state.mutex);
  return state.last;
}

const char *hipGetErrorName(hipError_t error) { return textOf(error).name; }
const char *hipGetErrorString(hipError_t error) { return textOf(error).text; }

uint64_t amdgpuemu_count(const char *prefix) {
  std::lock_guard lock(hipState().mutex);
  return countOf(prefix);
}

void amdgpuemu_clear_counts(void) {
  std::lock_guard lock(hipState().mutex);
  clearCounts();
}

uint64_t amdgpuemu_calls(const char *function) {
  std::lock_guard lock(hipState().mutex);
  const auto found = hipState().calls.find(function);
  return found == hipState().calls.end() ? 0 : found->second;
}
