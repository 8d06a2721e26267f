//===- Session.h - The memory of one or more conversations
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_SESSION_H
#define MODELC_RUNTIME_EXEC_SESSION_H

#include "exec/Executor.h"
#include "exec/HipSession.h"
#include "exec/StatePages.h"
#include "load/Plan.h"

struct modelc_session {
  const modelc_plan *plan = nullptr;
  /// Null on a CPU. On a GPU it has the arena and runs the steps, and `arena`
  /// and `executor` are empty. Before `pages`, which lie in its device's
  /// memory.
  modelc::rt::Owned<modelc::rt::HipSession> hip;
  modelc::rt::Mapping arena;
  modelc::rt::StatePages pages;

  /// What kernels are told about the pass; its arrays are these.
  ModelcStepInputs inputs = {};
  modelc::rt::HeapArray<int32_t> tokens;
  modelc::rt::HeapArray<int32_t> positions;
  modelc::rt::HeapArray<uint32_t> sequences;
  modelc::rt::HeapArray<uint32_t> outputRows;

  /// Tokens of each sequence in the step that is being checked; zero between
  /// steps.
  modelc::rt::HeapArray<uint32_t> pending;

  /// Logits of the last step, [outputCount][vocabSize]: where the last pass
  /// left them, or in `logitsCopy` if they come from several passes.
  const float *logits = nullptr;
  uint32_t outputCount = 0;
  modelc::rt::Mapping logitsCopy;

  bool profiling = false;

  /// The stream that moves the pages' bytes; null on a CPU.
  modelc::rt::HipStream *stream() const {
    return hip ? hip->stream() : nullptr;
  }
  /// OK, or why the session's device cannot be used any more.
  [[nodiscard]] modelc_code
  checkDevice(const modelc::rt::Reporter &report) const {
    return hip ? hip->check(report) : MODELC_OK;
  }

  /// Last: its threads end before the memory they use is gone.
  modelc::rt::Executor executor;
};

#endif // MODELC_RUNTIME_EXEC_SESSION_H
