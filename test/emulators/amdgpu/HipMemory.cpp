//===- HipMemory.cpp - Memory and copies of the stand-in library
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipState.h"

#include <cstdlib>
#include <cstring>

using namespace modelc::amdgpu;

namespace {

/// Whether both sides of a copy are what its kind says.
bool copyFits(const HipState &state, const void *to, const void *from,
              size_t sizeBytes, hipMemcpyKind kind) {
  if (kind < hipMemcpyHostToHost || kind > hipMemcpyDefault)
    return false;
  const bool toDevice =
      kind == hipMemcpyHostToDevice || kind == hipMemcpyDeviceToDevice;
  const bool fromDevice =
      kind == hipMemcpyDeviceToHost || kind == hipMemcpyDeviceToDevice;
  const auto onDevice = [&](const void *pointer) {
    return state.memory.contains(reinterpret_cast<uint64_t>(pointer),
                                 sizeBytes);
  };
  return to && from && (!toDevice || onDevice(to)) &&
         (!fromDevice || onDevice(from));
}

} // namespace

hipError_t hipMalloc(void **pointer, size_t sizeBytes) {
  HIP_ENTER(hipMalloc);
  if (!pointer)
    return leave(hipErrorInvalidValue);
  *pointer = sizeBytes ? state.memory.allocate(sizeBytes) : nullptr;
  return leave(sizeBytes && !*pointer ? hipErrorOutOfMemory : hipSuccess);
}

hipError_t hipFree(void *pointer) {
  HIP_ENTER(hipFree);
  if (breaksCapture())
    return leave(hipErrorStreamCaptureUnsupported);
  return leave(!pointer || state.memory.release(pointer)
                   ? hipSuccess
                   : hipErrorInvalidValue);
}

hipError_t hipHostMalloc(void **pointer, size_t sizeBytes, unsigned) {
  HIP_ENTER(hipHostMalloc);
  if (!pointer)
    return leave(hipErrorInvalidValue);
  *pointer = nullptr;
  if (sizeBytes == 0)
    return hipSuccess;
  if (sizeBytes > SIZE_MAX - 4096)
    return leave(hipErrorOutOfMemory);
  void *block = std::aligned_alloc(4096, (sizeBytes + 4095) / 4096 * 4096);
  if (!block)
    return leave(hipErrorOutOfMemory);
  state.memory.adopt(block, sizeBytes);
  state.hostBlocks.insert(block);
  *pointer = block;
  return hipSuccess;
}

hipError_t hipHostFree(void *pointer) {
  HIP_ENTER(hipHostFree);
  if (!pointer)
    return hipSuccess;
  if (!state.hostBlocks.erase(pointer))
    return leave(hipErrorInvalidValue);
  state.memory.forget(pointer);
  std::free(pointer);
  return hipSuccess;
}

hipError_t hipHostRegister(void *pointer, size_t sizeBytes, unsigned) {
  HIP_ENTER(hipHostRegister);
  if (!pointer || sizeBytes == 0)
    return leave(hipErrorInvalidValue);
  state.memory.adopt(pointer, sizeBytes);
  return hipSuccess;
}

hipError_t hipHostUnregister(void *pointer) {
  HIP_ENTER(hipHostUnregister);
  const bool ours = state.hostBlocks.count(pointer) != 0;
  return leave(!ours && state.memory.forget(pointer) ? hipSuccess
                                                     : hipErrorInvalidValue);
}

hipError_t hipHostGetDevicePointer(void **device, void *host, unsigned) {
  HIP_ENTER(hipHostGetDevicePointer);
  if (!device || !state.memory.contains(reinterpret_cast<uint64_t>(host), 1))
    return leave(hipErrorInvalidValue);
  *device = host;
  return hipSuccess;
}

hipError_t hipMemcpy(void *to, const void *from, size_t sizeBytes,
                     hipMemcpyKind kind) {
  HIP_ENTER(hipMemcpy);
  if (breaksCapture())
    return leave(hipErrorStreamCaptureUnsupported);
  if (sizeBytes == 0)
    return hipSuccess;
  if (!copyFits(state, to, from, sizeBytes, kind))
    return leave(hipErrorInvalidValue);
  std::memmove(to, from, sizeBytes);
  return hipSuccess;
}

hipError_t hipMemcpyAsync(void *to, const void *from, size_t sizeBytes,
                          hipMemcpyKind kind, hipStream_t handle) {
  HIP_ENTER(hipMemcpyAsync);
  HipStream *stream = streamOf(handle);
  if (!stream)
    return leave(hipErrorInvalidHandle);
  if (sizeBytes == 0)
    return hipSuccess;
  if (!copyFits(state, to, from, sizeBytes, kind))
    return leave(hipErrorInvalidValue);
  return leave(
      submit(*stream, [&state, to, from, sizeBytes, kind]() -> hipError_t {
        if (!copyFits(state, to, from, sizeBytes, kind))
          return hipErrorInvalidValue;
        std::memmove(to, from, sizeBytes);
        return hipSuccess;
      }));
}

hipError_t hipMemset(void *to, int value, size_t sizeBytes) {
  HIP_ENTER(hipMemset);
  return leave(hipMemsetAsync(to, value, sizeBytes, nullptr));
}

hipError_t hipMemsetAsync(void *to, int value, size_t sizeBytes,
                          hipStream_t handle) {
  HIP_ENTER(hipMemsetAsync);
  HipStream *stream = streamOf(handle);
  if (!stream)
    return leave(hipErrorInvalidHandle);
  if (sizeBytes == 0)
    return hipSuccess;
  if (!copyFits(state, to, to, sizeBytes, hipMemcpyDeviceToDevice))
    return leave(hipErrorInvalidValue);
  return leave(submit(*stream, [&state, to, value, sizeBytes]() -> hipError_t {
    if (!copyFits(state, to, to, sizeBytes, hipMemcpyDeviceToDevice))
      return hipErrorInvalidValue;
    std::memset(to, value, sizeBytes);
    return hipSuccess;
  }));
}

hipError_t hipMemGetInfo(size_t *freeBytes, size_t *totalBytes) {
  HIP_ENTER(hipMemGetInfo);
  if (!freeBytes || !totalBytes)
    return leave(hipErrorInvalidValue);
  *totalBytes = state.memory.limitBytes;
  *freeBytes = state.memory.limitBytes - state.memory.usedBytes();
  return hipSuccess;
}
