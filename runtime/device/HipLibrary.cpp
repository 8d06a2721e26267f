//===- HipLibrary.cpp - The HIP runtime, opened when a plan needs it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   libamdhip64.so.7, .so.6, .so  ==>  the first that the dynamic linker has
//
// Versions 6 and 7 have the functions of HipApi.h with the same parameters; in
// earlier ones hipGetDevicePropertiesR0600 is missing, and the message says so.
//
//===----------------------------------------------------------------------===//

#include "device/HipLibrary.h"
#include <dlfcn.h>
#include <stdlib.h>

namespace modelc::rt {

static constexpr const char *kNames[] = {"libamdhip64.so.7", "libamdhip64.so.6",
                                         "libamdhip64.so"};

/// Opens `name` for good: unloading HIP would pull the code from under its
/// threads.
static void *openForGood(const char *name) {
  return dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

bool HipLibrary::load(BoundedText *reason) {
  const char *name = getenv("MODELC_HIP_LIBRARY");
  void *library = nullptr;
  if (name && *name) {
    library = openForGood(name);
  } else {
    for (const char *candidate : kNames) {
      name = candidate;
      library = openForGood(name);
      if (library)
        break;
    }
  }
  if (!library) {
    const char *error = dlerror();
    reason->append("needs the HIP runtime (libamdhip64 of AMD's ROCm; "
                   "MODELC_HIP_LIBRARY may name it): %s",
                   error ? error : "it cannot be loaded");
    return false;
  }
  const char *missing = nullptr;
  const auto find = [&](const char *symbol) {
    void *address = dlsym(library, symbol);
    if (!address && !missing)
      missing = symbol;
    return address;
  };
#define MODELC_HIP_FIND(function, parameters)                                  \
  function = reinterpret_cast<decltype(function)>(find(#function));
  MODELC_HIP_FUNCTIONS(MODELC_HIP_FIND)
#undef MODELC_HIP_FIND
  hipGetErrorName =
      reinterpret_cast<decltype(hipGetErrorName)>(find("hipGetErrorName"));
  if (missing)
    reason->append("needs the HIP runtime of ROCm 6 or 7: %s has no %s", name,
                   missing);
  return !missing;
}

modelc_code HipLibrary::fail(const HipFailure &failure,
                             const Reporter &report) const {
  const modelc_code code =
      failure.error == kHipErrorOutOfMemory      ? MODELC_RESOURCE_EXHAUSTED
      : failure.error == kHipErrorNoBinaryForGpu ? MODELC_FAILED_PRECONDITION
                                                 : MODELC_INTERNAL;
  return report.fail(code, "%s: %s", failure.call,
                     hipGetErrorName(failure.error));
}

} // namespace modelc::rt
