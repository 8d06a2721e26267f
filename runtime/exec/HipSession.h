//===- HipSession.h - A session's memory and steps on an AMD GPU
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_HIPSESSION_H
#define MODELC_RUNTIME_EXEC_HIPSESSION_H

#include "device/HipGraph.h"
#include "device/HipMemory.h"
#include "device/HipPlan.h"
#include "device/HipStream.h"
#include "exec/StatePages.h"
#include "exec/Steps.h"
#include "load/Memory.h"
#include "load/Plan.h"

namespace modelc::rt {

/// For one thread at a time, as its session.
class HipSession {
public:
  HipSession() = default;
  HipSession(const HipSession &) = delete;
  HipSession &operator=(const HipSession &) = delete;
  ~HipSession();

  /// Two halves, as states lie between them. The first makes the stream and
  /// says whether there is room for all (RESOURCE_EXHAUSTED, with what is
  /// needed and what is free); before, nothing is allocated on the device.
  /// `newPlan` outlives this.
  [[nodiscard]] modelc_code reserve(const modelc_plan &newPlan,
                                    uint32_t contextTokens, uint32_t sequences,
                                    const Reporter &report);
  /// The second resolves the steps, with the states at `pages`, and records
  /// the pass of one token. The device is current.
  [[nodiscard]] modelc_code create(const StatePages &pages,
                                   const Reporter &report);

  HipStream *stream() { return &hipStream; }
  /// Fails if the device has failed, with what was wrong the first time.
  [[nodiscard]] modelc_code check(const Reporter &report) const {
    return hipStream.ok() ? MODELC_OK : hipStream.fail(report);
  }
  /// Fails while the session is created: if for want of memory, with how much
  /// is needed and how much is free.
  [[nodiscard]] modelc_code failCreation(const Reporter &report) const {
    return hipStream.failForMemory(need, neededBytes, report);
  }

  /// Runs all steps whose count fits, for the tokens that `inputs` describes,
  /// and waits for the logits. Allocates nothing. The device is current.
  /// INTERNAL if HIP fails, then and ever after.
  [[nodiscard]] modelc_code runPass(const StatePages &pages,
                                    const ModelcStepInputs &inputs,
                                    const Reporter &report);

  /// Of the last pass, on the host: [outputCount][vocabSize].
  const float *logits() const { return passLogits; }

  void setProfiling(bool enabled) { profiling = enabled; }
  void clearProfile();
  /// One entry for each step of the plan; runs is 0 for those that did not.
  const HeapArray<StepProfile> &profile() const { return profiles; }

private:
  struct Step {
    HipFunctionHandle kernel;
    /// Arguments: ModelcDeviceParams, then addresses.
    uint64_t *arguments;
    size_t argumentBytes;
    uint32_t groupThreads;
    uint32_t groupTiles;
  };

  bool allocate();
  void resolveSteps(const StatePages &pages);
  void describe(const ModelcStepInputs &inputs);
  bool enqueuePass(const ModelcStepInputs &inputs);
  bool enqueueStep(size_t index, uint32_t count);
  bool profileStep(size_t index, uint32_t count);
  /// Places in the block that a pass begins with, of both copies of it.
  template <typename T> T *hostPart(uint64_t offset) const {
    return reinterpret_cast<T *>(hostBlock.data() + offset);
  }
  template <typename T> T *devicePart(uint64_t offset) const {
    return reinterpret_cast<T *>(deviceBlock.data() + offset);
  }

  const modelc_plan *plan = nullptr;
  HipStream hipStream;
  /// Of device memory, and for what: "2 sequences of 512 tokens need".
  uint64_t neededBytes = 0;
  char need[64] = {};
  HipBuffer arena;
  HipPinnedBuffer hostBlock;
  HipBuffer deviceBlock;
  uint64_t blockBytes = 0;
  uint64_t arrayBytes = 0;
  HipBuffer pageTables;
  uint64_t tableBytes = 0;
  /// Of StatePages; 0 before the first pass.
  uint64_t tablesOnDevice = 0;
  HeapArray<Step> steps;
  HeapArray<uint64_t> arguments;
  HipGraph decode;

  /// One row comes to pinned memory, as part of the graph; several are fetched
  /// afterwards.
  HipPinnedBuffer logitsRow;
  Mapping logitsRows;
  uint64_t rowBytes = 0;
  const float *passLogits = nullptr;

  bool profiling = false;
  HeapArray<StepProfile> profiles;
  HipEventHandle stepBegin = nullptr;
  HipEventHandle stepEnd = nullptr;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_HIPSESSION_H
