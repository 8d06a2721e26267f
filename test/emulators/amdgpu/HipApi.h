//===- HipApi.h - The part of HIP that the stand-in library has
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Our own declarations of facts in "HIP Runtime API Reference" of AMD's ROCm
// documentation, version 6: names, values, the order of parameters, offsets.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_HIPAPI_H
#define MODELC_TEST_EMULATORS_AMDGPU_HIPAPI_H

#include <stddef.h>
#include <stdint.h>

#define HIP_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

typedef int hipError_t;
enum {
  hipSuccess = 0,
  hipErrorInvalidValue = 1,
  hipErrorOutOfMemory = 2,
  hipErrorNotInitialized = 3,
  hipErrorInvalidDevice = 101,
  hipErrorNoDevice = 100,
  hipErrorInvalidImage = 200,
  hipErrorNoBinaryForGpu = 209,
  hipErrorInvalidHandle = 400,
  hipErrorNotFound = 500,
  hipErrorNotReady = 600,
  hipErrorIllegalAddress = 700,
  hipErrorLaunchFailure = 719,
  hipErrorNotSupported = 801,
  hipErrorStreamCaptureUnsupported = 900,
  hipErrorStreamCaptureInvalidated = 901,
  hipErrorUnknown = 999,
};

typedef int hipMemcpyKind;
enum {
  hipMemcpyHostToHost = 0,
  hipMemcpyHostToDevice = 1,
  hipMemcpyDeviceToHost = 2,
  hipMemcpyDeviceToDevice = 3,
  hipMemcpyDefault = 4,
};

/// Of hipDeviceAttribute_t, those that are answered.
typedef int hipDeviceAttribute_t;
enum {
  hipDeviceAttributeCanMapHostMemory = 3,
  hipDeviceAttributeIntegrated = 16,
  hipDeviceAttributeComputeCapabilityMajor = 23,
  hipDeviceAttributeMaxThreadsPerBlock = 56,
  hipDeviceAttributeComputeCapabilityMinor = 61,
  hipDeviceAttributeMultiprocessorCount = 63,
  hipDeviceAttributeMaxSharedMemoryPerBlock = 74,
  hipDeviceAttributeWarpSize = 87,
};

/// hipDeviceProp_tR0600: what lies between the members named here is zero.
typedef struct hipDeviceProp_tR0600 {
  char name[256];
  char unnamed1[32];
  size_t totalGlobalMem;
  size_t sharedMemPerBlock;
  int regsPerBlock;
  int warpSize;
  size_t memPitch;
  int maxThreadsPerBlock;
  int maxThreadsDim[3];
  int maxGridSize[3];
  int clockRate;
  size_t totalConstMem;
  int major;
  int minor;
  char unnamed2[20];
  int multiProcessorCount;
  int kernelExecTimeoutEnabled;
  int integrated;
  int canMapHostMemory;
  char unnamed3[756];
  char gcnArchName[256];
  char unnamed4[56];
} hipDeviceProp_tR0600;

typedef struct HipStream *hipStream_t;
typedef struct HipEvent *hipEvent_t;
typedef struct HipModule *hipModule_t;
typedef struct HipFunction *hipFunction_t;
typedef struct HipGraph *hipGraph_t;
typedef struct HipGraphExec *hipGraphExec_t;
typedef struct HipGraphNode *hipGraphNode_t;

/// Of hipFunction_attribute, those that are answered.
enum {
  HIP_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK = 0,
  HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES = 1,
  HIP_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES = 3,
  HIP_FUNC_ATTRIBUTE_NUM_REGS = 4,
};

#define HIP_LAUNCH_PARAM_BUFFER_POINTER ((void *)1)
#define HIP_LAUNCH_PARAM_BUFFER_SIZE ((void *)2)
#define HIP_LAUNCH_PARAM_END ((void *)3)

// Device.
HIP_API hipError_t hipInit(unsigned flags);
HIP_API hipError_t hipGetDeviceCount(int *count);
HIP_API hipError_t hipSetDevice(int device);
HIP_API hipError_t hipGetDevice(int *device);
HIP_API hipError_t hipGetDevicePropertiesR0600(hipDeviceProp_tR0600 *properties,
                                               int device);
HIP_API hipError_t hipDeviceGetAttribute(int *value,
                                         hipDeviceAttribute_t attribute,
                                         int device);
HIP_API hipError_t hipDeviceGetName(char *name, int sizeBytes, int device);
HIP_API hipError_t hipDeviceSynchronize(void);
HIP_API hipError_t hipDriverGetVersion(int *version);
HIP_API hipError_t hipRuntimeGetVersion(int *version);
HIP_API hipError_t hipGetLastError(void);
HIP_API hipError_t hipPeekAtLastError(void);
HIP_API const char *hipGetErrorName(hipError_t error);
HIP_API const char *hipGetErrorString(hipError_t error);

// Memory.
HIP_API hipError_t hipMalloc(void **pointer, size_t sizeBytes);
HIP_API hipError_t hipFree(void *pointer);
HIP_API hipError_t hipHostMalloc(void **pointer, size_t sizeBytes,
                                 unsigned flags);
HIP_API hipError_t hipHostFree(void *pointer);
HIP_API hipError_t hipHostRegister(void *pointer, size_t sizeBytes,
                                   unsigned flags);
HIP_API hipError_t hipHostUnregister(void *pointer);
HIP_API hipError_t hipHostGetDevicePointer(void **device, void *host,
                                           unsigned flags);
HIP_API hipError_t hipMemcpy(void *to, const void *from, size_t sizeBytes,
                             hipMemcpyKind kind);
HIP_API hipError_t hipMemcpyAsync(void *to, const void *from, size_t sizeBytes,
                                  hipMemcpyKind kind, hipStream_t stream);
HIP_API hipError_t hipMemset(void *to, int value, size_t sizeBytes);
HIP_API hipError_t hipMemsetAsync(void *to, int value, size_t sizeBytes,
                                  hipStream_t stream);
HIP_API hipError_t hipMemGetInfo(size_t *freeBytes, size_t *totalBytes);

// Modules and kernels.
HIP_API hipError_t hipModuleLoadData(hipModule_t *module, const void *image);
HIP_API hipError_t hipModuleUnload(hipModule_t module);
HIP_API hipError_t hipModuleGetFunction(hipFunction_t *function,
                                        hipModule_t module, const char *name);
HIP_API hipError_t hipFuncGetAttribute(int *value, int attribute,
                                       hipFunction_t function);
HIP_API hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned gridX,
                                         unsigned gridY, unsigned gridZ,
                                         unsigned blockX, unsigned blockY,
                                         unsigned blockZ, unsigned sharedBytes,
                                         hipStream_t stream, void **parameters,
                                         void **extra);

// Streams, events and graphs.
HIP_API hipError_t hipStreamCreate(hipStream_t *stream);
HIP_API hipError_t hipStreamCreateWithFlags(hipStream_t *stream,
                                            unsigned flags);
HIP_API hipError_t hipStreamDestroy(hipStream_t stream);
HIP_API hipError_t hipStreamSynchronize(hipStream_t stream);
HIP_API hipError_t hipStreamQuery(hipStream_t stream);
HIP_API hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event,
                                      unsigned flags);
HIP_API hipError_t hipEventCreate(hipEvent_t *event);
HIP_API hipError_t hipEventCreateWithFlags(hipEvent_t *event, unsigned flags);
HIP_API hipError_t hipEventDestroy(hipEvent_t event);
HIP_API hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream);
HIP_API hipError_t hipEventSynchronize(hipEvent_t event);
HIP_API hipError_t hipEventQuery(hipEvent_t event);
HIP_API hipError_t hipEventElapsedTime(float *milliseconds, hipEvent_t begin,
                                       hipEvent_t end);
HIP_API hipError_t hipStreamBeginCapture(hipStream_t stream, int mode);
HIP_API hipError_t hipStreamEndCapture(hipStream_t stream, hipGraph_t *graph);
HIP_API hipError_t hipGraphInstantiate(hipGraphExec_t *exec, hipGraph_t graph,
                                       hipGraphNode_t *errorNode, char *log,
                                       size_t logBytes);
HIP_API hipError_t hipGraphLaunch(hipGraphExec_t exec, hipStream_t stream);
HIP_API hipError_t hipGraphExecDestroy(hipGraphExec_t exec);
HIP_API hipError_t hipGraphDestroy(hipGraph_t graph);

// For tests alone; no HIP has these.

/// How often instructions were executed by a wave whose names, without the
/// encoding's suffix, begin with `prefix` ("v_mfma_", "v_dot4"); "launches"
/// are the kernels that ran.
HIP_API uint64_t amdgpuemu_count(const char *prefix);
HIP_API void amdgpuemu_clear_counts(void);
/// How often a function of HIP was called, by its name.
HIP_API uint64_t amdgpuemu_calls(const char *function);

#ifdef __cplusplus
}
#endif

#endif // MODELC_TEST_EMULATORS_AMDGPU_HIPAPI_H
