//===- HipLibrary.h - The stand-in library, opened for one test
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_HIPLIBRARY_H
#define MODELC_TEST_EMULATORS_AMDGPU_HIPLIBRARY_H

#include "HipApi.h"

#include <string>
#include <vector>

namespace modelc::amdgpu {

/// The functions of libamdhip64.so, by dlopen, as a program would have them.
/// The library reads its environment when it is first called; so each object
/// has a fresh device.
class HipLibrary {
public:
  /// `target`: what loadKernels() takes kernels of; empty: `chip` itself.
  explicit HipLibrary(const std::string &chip, const std::string &target = "");
  ~HipLibrary();
  HipLibrary(const HipLibrary &) = delete;
  HipLibrary &operator=(const HipLibrary &) = delete;

#define HIP_FUNCTIONS(X)                                                       \
  X(hipInit)                                                                   \
  X(hipGetDeviceCount)                                                         \
  X(hipSetDevice)                                                              \
  X(hipGetDevicePropertiesR0600)                                               \
  X(hipDeviceGetAttribute)                                                     \
  X(hipDeviceSynchronize)                                                      \
  X(hipGetLastError)                                                           \
  X(hipGetErrorName)                                                           \
  X(hipGetErrorString)                                                         \
  X(hipMalloc)                                                                 \
  X(hipFree)                                                                   \
  X(hipHostMalloc)                                                             \
  X(hipHostFree)                                                               \
  X(hipMemcpy)                                                                 \
  X(hipMemcpyAsync)                                                            \
  X(hipMemset)                                                                 \
  X(hipMemGetInfo)                                                             \
  X(hipModuleLoadData)                                                         \
  X(hipModuleUnload)                                                           \
  X(hipModuleGetFunction)                                                      \
  X(hipFuncGetAttribute)                                                       \
  X(hipModuleLaunchKernel)                                                     \
  X(hipStreamCreate)                                                           \
  X(hipStreamDestroy)                                                          \
  X(hipStreamSynchronize)                                                      \
  X(hipEventCreate)                                                            \
  X(hipEventRecord)                                                            \
  X(hipEventSynchronize)                                                       \
  X(hipEventElapsedTime)                                                       \
  X(hipStreamBeginCapture)                                                     \
  X(hipStreamEndCapture)                                                       \
  X(hipGraphInstantiate)                                                       \
  X(hipGraphLaunch)                                                            \
  X(hipGraphExecDestroy)                                                       \
  X(hipGraphDestroy)                                                           \
  X(amdgpuemu_count)                                                           \
  X(amdgpuemu_clear_counts)
#define HIP_MEMBER(name) decltype(&::name) name;
  HIP_FUNCTIONS(HIP_MEMBER)
#undef HIP_MEMBER

  /// Loads kernels.c for the target; function() finds its kernels.
  void loadKernels();
  hipFunction_t function(const char *name);

  /// Device memory with a copy of `values`.
  template <class T> T *upload(const std::vector<T> &values) {
    void *device = nullptr;
    const size_t sizeBytes = values.size() * sizeof(T);
    if (hipMalloc(&device, sizeBytes) == hipSuccess)
      hipMemcpy(device, values.data(), sizeBytes, hipMemcpyHostToDevice);
    return static_cast<T *>(device);
  }
  template <class T> std::vector<T> download(const T *device, size_t count) {
    std::vector<T> values(count);
    last = hipMemcpy(values.data(), device, count * sizeof(T),
                     hipMemcpyDeviceToHost);
    return values;
  }
  /// A launch in the default stream; arguments by value.
  template <class... T>
  hipError_t launch(const char *name, unsigned groups, unsigned items,
                    T... arguments) {
    void *parameters[] = {&arguments...};
    return hipModuleLaunchKernel(function(name), groups, 1, 1, items, 1, 1, 0,
                                 nullptr, parameters, nullptr);
  }

  /// What the last download said.
  hipError_t last = hipSuccess;

private:
  void *library;
  std::string target;
  hipModule_t module = nullptr;
};

/// The bytes of a file.
std::vector<char> readFile(const std::string &path);

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_HIPLIBRARY_H
