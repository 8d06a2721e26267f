//===- HipState.h - What the stand-in library keeps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_HIPSTATE_H
#define MODELC_TEST_EMULATORS_AMDGPU_HIPSTATE_H

#include "HipApi.h"
#include "Launch.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

struct HipFunction {
  HipModule *module;
  const modelc::amdgpu::Kernel *kernel;
};
struct HipModule {
  std::unique_ptr<modelc::amdgpu::Code> code;
  std::map<std::string, HipFunction> functions;
};
/// Work of a graph, in its order.
struct HipGraph {
  std::vector<std::function<hipError_t()>> work;
};
struct HipGraphExec {
  HipGraph graph;
};
struct HipStream {
  std::unique_ptr<HipGraph> capture; ///< set while it records
  bool invalid = false;              ///< a call broke the recording
};
struct HipEvent {
  bool recorded = false;
  double milliseconds = 0;
};

namespace modelc::amdgpu {

/// The device and all handles. Every call holds `mutex`.
struct HipState {
  HipState();
  ~HipState();

  std::recursive_mutex mutex;
  const Chip *chip = nullptr; ///< null: there is no device
  Memory memory;
  bool integrated = false; ///< what the device says of its memory
  /// What a kernel's failure left behind; every later call returns it.
  hipError_t broken = hipSuccess;
  hipError_t last = hipSuccess;
  std::set<HipModule *> modules;
  std::set<HipStream *> streams;
  std::set<HipEvent *> events;
  std::set<HipGraph *> graphs;
  std::set<HipGraphExec *> execs;
  std::set<void *> hostBlocks;
  HipStream defaultStream;

  /// A failure that the environment asks for: of which call (counted from 1)
  /// of a function, and with what.
  struct Failure {
    std::string function;
    uint64_t call;
    hipError_t error;
  };
  std::vector<Failure> failures;
  std::map<std::string, uint64_t> calls;
};

HipState &hipState();

/// Whether a call may go on: there is a device, no kernel has failed, and the
/// environment does not ask for a failure of this call.
hipError_t enter(const char *function, bool needsDevice = true);
/// Remembers what a call returns for hipGetLastError().
hipError_t leave(hipError_t error);

/// The stream of a handle, or null; a null handle is the default stream.
HipStream *streamOf(hipStream_t handle);

/// Does the work now or, while the stream records, when the graph runs.
hipError_t submit(HipStream &stream, std::function<hipError_t()> work);

/// Whether any stream records; a call that waits then breaks it.
bool breaksCapture();

#define HIP_ENTER(function)                                                    \
  HipState &state = hipState();                                                \
  std::lock_guard lock(state.mutex);                                           \
  if (hipError_t failed = enter(#function))                                    \
  return leave(failed)

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_HIPSTATE_H
