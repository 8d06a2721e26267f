//===- HipApi.h - The part of HIP that the runtime calls
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Our own declarations of facts in "HIP Runtime API Reference" of AMD's ROCm
// documentation, version 6: names, values, the order of parameters, offsets. So
// neither building nor linking the runtime needs ROCm.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPAPI_H
#define MODELC_RUNTIME_DEVICE_HIPAPI_H

#include <stddef.h>
#include <stdint.h>

namespace modelc::rt {

/// hipError_t: those that are told from others.
enum HipError : int {
  kHipSuccess = 0,
  kHipErrorOutOfMemory = 2,
  kHipErrorNoBinaryForGpu = 209,
  kHipErrorNotFound = 500
};

/// hipMemcpyKind.
enum HipCopyKind : int {
  kHipHostToDevice = 1,
  kHipDeviceToHost = 2,
  kHipDeviceToDevice = 3
};

/// hipDeviceAttribute_t.
enum HipAttribute : int { kHipAttributeIntegrated = 16 };

/// Flags, by the functions that take them.
enum : unsigned {
  kHipStreamNonBlocking = 1,
  kHipEventDisableTiming = 2,
  kHipHostRegisterMapped = 2,
  kHipHostRegisterReadOnly = 8
};

/// hipStreamCaptureMode: what other threads do meanwhile is none of the
/// capture's business.
enum HipCaptureMode : int { kHipCaptureThreadLocal = 1 };

/// hipDeviceProp_tR0600; what lies between the named members is not read.
struct HipDeviceProperties {
  char name[256];
  char skipped1[904];
  char gcnArchName[256];
  char skipped2[56];
};
static_assert(offsetof(HipDeviceProperties, gcnArchName) == 1160);
static_assert(sizeof(HipDeviceProperties) == 1472);

/// Handles: hipStream_t, hipEvent_t, hipModule_t, hipFunction_t, hipGraph_t,
/// hipGraphExec_t.
using HipStreamHandle = struct HipStreamObject *;
using HipEventHandle = struct HipEventObject *;
using HipModuleHandle = struct HipModuleObject *;
using HipFunctionHandle = struct HipFunctionObject *;
using HipGraphHandle = struct HipGraphObject *;
using HipGraphExecHandle = struct HipGraphExecObject *;

/// Keys of hipModuleLaunchKernel's `extra`: HIP_LAUNCH_PARAM_*.
inline void *hipLaunchKey(uintptr_t number) {
  return reinterpret_cast<void *>(number);
}
enum : uintptr_t {
  kHipLaunchBuffer = 1,
  kHipLaunchBufferBytes = 2,
  kHipLaunchEnd = 3
};

/// X(name, (parameters)) for each function that returns a hipError_t.
#define MODELC_HIP_FUNCTIONS(X)                                                \
  X(hipGetDeviceCount, (int *count))                                           \
  X(hipGetDevicePropertiesR0600, (HipDeviceProperties * out, int device))      \
  X(hipDeviceGetAttribute, (int *out, HipAttribute attribute, int device))     \
  X(hipGetDevice, (int *out))                                                  \
  X(hipSetDevice, (int device))                                                \
  X(hipMemGetInfo, (size_t *out_freeBytes, size_t *out_totalBytes))            \
  X(hipMalloc, (void **out, size_t sizeBytes))                                 \
  X(hipFree, (void *device))                                                   \
  X(hipHostMalloc, (void **out, size_t sizeBytes, unsigned flags))             \
  X(hipHostFree, (void *host))                                                 \
  X(hipHostRegister, (void *host, size_t sizeBytes, unsigned flags))           \
  X(hipHostUnregister, (void *host))                                           \
  X(hipHostGetDevicePointer, (void **out, void *host, unsigned flags))         \
  X(hipMemcpyAsync, (void *to, const void *from, size_t sizeBytes,             \
                     HipCopyKind kind, HipStreamHandle stream))                \
  X(hipMemsetAsync,                                                            \
    (void *to, int value, size_t sizeBytes, HipStreamHandle stream))           \
  X(hipModuleLoadData, (HipModuleHandle * out, const void *image))             \
  X(hipModuleUnload, (HipModuleHandle module))                                 \
  X(hipModuleGetFunction,                                                      \
    (HipFunctionHandle * out, HipModuleHandle module, const char *name))       \
  X(hipModuleLaunchKernel,                                                     \
    (HipFunctionHandle function, unsigned groupsX, unsigned groupsY,           \
     unsigned groupsZ, unsigned threadsX, unsigned threadsY,                   \
     unsigned threadsZ, unsigned sharedBytes, HipStreamHandle stream,          \
     void **parameters, void **extra))                                         \
  X(hipStreamCreateWithFlags, (HipStreamHandle * out, unsigned flags))         \
  X(hipStreamDestroy, (HipStreamHandle stream))                                \
  X(hipStreamSynchronize, (HipStreamHandle stream))                            \
  X(hipStreamBeginCapture, (HipStreamHandle stream, HipCaptureMode mode))      \
  X(hipStreamEndCapture, (HipStreamHandle stream, HipGraphHandle * out))       \
  X(hipEventCreateWithFlags, (HipEventHandle * out, unsigned flags))           \
  X(hipEventDestroy, (HipEventHandle event))                                   \
  X(hipEventRecord, (HipEventHandle event, HipStreamHandle stream))            \
  X(hipEventSynchronize, (HipEventHandle event))                               \
  X(hipEventElapsedTime,                                                       \
    (float *out_milliseconds, HipEventHandle begin, HipEventHandle end))       \
  X(hipGraphInstantiate, (HipGraphExecHandle * out, HipGraphHandle graph,      \
                          void *out_errorNode, char *log, size_t logBytes))    \
  X(hipGraphLaunch, (HipGraphExecHandle graph, HipStreamHandle stream))        \
  X(hipGraphDestroy, (HipGraphHandle graph))                                   \
  X(hipGraphExecDestroy, (HipGraphExecHandle graph))

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPAPI_H
