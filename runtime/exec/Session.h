//===- Session.h - The memory of one or more conversations
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_SESSION_H
#define MODELC_RUNTIME_EXEC_SESSION_H

#include "exec/Executor.h"
#include "exec/StatePages.h"
#include "load/Plan.h"

struct modelc_session {
  const modelc_plan *plan = nullptr;
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

  /// Logits of the last step, [outputCount][vocabSize]: in the arena, or in
  /// `logitsCopy` if they come from several passes.
  const float *logits = nullptr;
  uint32_t outputCount = 0;
  modelc::rt::Mapping logitsCopy;

  bool profiling = false;
  /// Last: its threads end before the memory they use is gone.
  modelc::rt::Executor executor;
};

#endif // MODELC_RUNTIME_EXEC_SESSION_H
