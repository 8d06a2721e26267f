//===- HipLibrary.h - The HIP runtime, opened when a plan needs it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPLIBRARY_H
#define MODELC_RUNTIME_DEVICE_HIPLIBRARY_H

#include "device/HipApi.h"
#include "load/BoundedText.h"
#include "load/Reporter.h"

namespace modelc::rt {

/// The first call of HIP that failed.
struct HipFailure {
  const char *call = nullptr; ///< Its name; null: none did.
  HipError error = kHipSuccess;
};

/// HIP's functions, by their own names.
struct HipLibrary {
#define MODELC_HIP_MEMBER(name, parameters)                                    \
  HipError(*name) parameters = nullptr;
  MODELC_HIP_FUNCTIONS(MODELC_HIP_MEMBER)
#undef MODELC_HIP_MEMBER
  const char *(*hipGetErrorName)(HipError error) = nullptr;

  /// Loads libamdhip64.so, or what MODELC_HIP_LIBRARY in the environment names,
  /// and finds all functions. The library stays loaded until the process ends,
  /// as its threads do. False with the reason appended: "needs ...".
  [[nodiscard]] bool load(BoundedText *reason);

  /// Reports a call that failed: "hipMalloc: hipErrorOutOfMemory".
  /// RESOURCE_EXHAUSTED for memory, FAILED_PRECONDITION for code of another
  /// chip, else INTERNAL.
  [[nodiscard]] modelc_code fail(const HipFailure &failure,
                                 const Reporter &report) const;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPLIBRARY_H
