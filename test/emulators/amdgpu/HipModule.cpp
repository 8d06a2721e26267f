//===- HipModule.cpp - Modules and launches of the stand-in library
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HipState.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace modelc::amdgpu;

namespace {

bool isFunction(const HipState &state, hipFunction_t function) {
  for (const HipModule *module : state.modules)
    for (const auto &[name, known] : module->functions)
      if (&known == function)
        return true;
  return false;
}

/// Explicit arguments where the metadata says, from an array of pointers.
void gather(const Kernel &kernel, void **parameters,
            std::vector<uint8_t> &kernargs) {
  size_t next = 0;
  for (const Argument &argument : kernel.arguments) {
    if (argument.kind.starts_with("hidden_"))
      continue;
    const void *value = parameters[next++];
    if (uint64_t(argument.offsetBytes) + argument.sizeBytes <= kernargs.size())
      std::memcpy(kernargs.data() + argument.offsetBytes, value,
                  argument.sizeBytes);
  }
}

/// `extra`: pairs of a key and a pointer. False: there is no buffer.
bool gatherExtra(void **extra, std::vector<uint8_t> &kernargs) {
  const void *buffer = nullptr;
  size_t sizeBytes = 0;
  for (; *extra != HIP_LAUNCH_PARAM_END; extra += 2) {
    if (extra[0] == HIP_LAUNCH_PARAM_BUFFER_POINTER)
      buffer = extra[1];
    else if (extra[0] == HIP_LAUNCH_PARAM_BUFFER_SIZE)
      std::memcpy(&sizeBytes, extra[1], sizeof(sizeBytes));
    else
      return false;
  }
  if (!buffer || sizeBytes > (1 << 20))
    return false;
  kernargs.resize(std::max(kernargs.size(), sizeBytes));
  std::memcpy(kernargs.data(), buffer, sizeBytes);
  return true;
}

hipError_t run(HipState &state, const Dispatch &dispatch, Code &code) {
  const std::string failed = launch(*state.chip, state.memory, code, dispatch);
  if (failed.empty())
    return hipSuccess;
  std::fprintf(stderr, "amdgpuemu: %s\n", failed.c_str());
  const bool isAccess = failed.find("access of") != std::string::npos;
  state.broken = isAccess ? hipErrorIllegalAddress : hipErrorLaunchFailure;
  // As with hardware, the launch itself went well.
  return hipSuccess;
}

} // namespace

hipError_t hipModuleLoadData(hipModule_t *module, const void *image) {
  HIP_ENTER(hipModuleLoadData);
  if (!module || !image)
    return leave(hipErrorInvalidValue);
  const uint64_t sizeBytes = elfSizeBytes(image);
  CodeObject object;
  std::string error;
  if (sizeBytes == 0 || !loadCodeObject(image, sizeBytes, *state.chip,
                                        state.memory, object, error)) {
    std::fprintf(stderr, "amdgpuemu: %s\n",
                 sizeBytes ? error.c_str() : "this is not an ELF file");
    const bool foreign = error.find("it is for") != std::string::npos;
    return leave(foreign ? hipErrorNoBinaryForGpu : hipErrorInvalidImage);
  }
  HipModule *loaded = new HipModule;
  loaded->code = std::make_unique<Code>(*state.chip, std::move(object));
  for (const Kernel &kernel : loaded->code->object.kernels)
    loaded->functions[kernel.name] = {loaded, &kernel};
  state.modules.insert(loaded);
  *module = loaded;
  return hipSuccess;
}

hipError_t hipModuleUnload(hipModule_t module) {
  HIP_ENTER(hipModuleUnload);
  if (!state.modules.erase(module))
    return leave(hipErrorInvalidHandle);
  state.memory.release(reinterpret_cast<void *>(module->code->object.begin));
  delete module;
  return hipSuccess;
}

hipError_t hipModuleGetFunction(hipFunction_t *function, hipModule_t module,
                                const char *name) {
  HIP_ENTER(hipModuleGetFunction);
  if (!function || !name)
    return leave(hipErrorInvalidValue);
  if (!state.modules.count(module))
    return leave(hipErrorInvalidHandle);
  auto found = module->functions.find(name);
  if (found == module->functions.end())
    return leave(hipErrorNotFound);
  *function = &found->second;
  return hipSuccess;
}

hipError_t hipFuncGetAttribute(int *value, int attribute,
                               hipFunction_t function) {
  HIP_ENTER(hipFuncGetAttribute);
  if (!value || !isFunction(state, function))
    return leave(value ? hipErrorInvalidHandle : hipErrorInvalidValue);
  const Kernel &kernel = *function->kernel;
  switch (attribute) {
  case HIP_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    *value = 1024;
    return hipSuccess;
  case HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    *value = int(kernel.groupBytes);
    return hipSuccess;
  case HIP_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    *value = int(kernel.privateBytes);
    return hipSuccess;
  case HIP_FUNC_ATTRIBUTE_NUM_REGS:
    *value = int(kernel.vectorRegisters);
    return hipSuccess;
  default:
    return leave(hipErrorInvalidValue);
  }
}

hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned gridX,
                                 unsigned gridY, unsigned gridZ,
                                 unsigned blockX, unsigned blockY,
                                 unsigned blockZ, unsigned sharedBytes,
                                 hipStream_t handle, void **parameters,
                                 void **extra) {
  HIP_ENTER(hipModuleLaunchKernel);
  HipStream *stream = streamOf(handle);
  if (!stream || !isFunction(state, function))
    return leave(hipErrorInvalidHandle);
  const Kernel &kernel = *function->kernel;
  Dispatch dispatch = {&kernel,
                       {gridX, gridY, gridZ},
                       {blockX, blockY, blockZ},
                       sharedBytes,
                       std::vector<uint8_t>(kernel.kernargBytes)};
  const uint64_t items = uint64_t(blockX) * blockY * blockZ;
  if (items == 0 || items > 1024 || gridX == 0 || gridY == 0 || gridZ == 0 ||
      (parameters && extra))
    return leave(hipErrorInvalidValue);
  if (parameters)
    gather(kernel, parameters, dispatch.kernargs);
  else if (extra && !gatherExtra(extra, dispatch.kernargs))
    return leave(hipErrorInvalidValue);
  Code *code = function->module->code.get();
  return leave(submit(*stream, [&state, dispatch, code] {
    return run(state, dispatch, *code);
  }));
}
