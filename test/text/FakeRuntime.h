//===- FakeRuntime.h - The C API without a model
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Implements what modelc-run and modelc-bench call of modelc.h. The logits
// after a token are high for the next id of a script, so that a test decides
// what is said.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_TEXT_FAKERUNTIME_H
#define MODELC_TEST_TEXT_FAKERUNTIME_H

#include "FakeMetadata.h"

struct modelc_plan {
  modelc::text::test::FakeMetadata metadata;
  uint32_t vocabSize = 0;
  uint32_t contextLength = 32;
  uint32_t ubatch = 8;
  const char *warning = "";
  /// [position] -> the id that is likeliest after the token there.
  std::vector<int32_t> script;
  /// The session step, counted from 1, that fails; 0: none.
  size_t failingStep = 0;
  /// The step, counted from 1, in which SIGINT comes; 0: none.
  size_t interruptedStep = 0;
  /// Truncating to anything but nothing fails.
  bool cannotRollBack = false;
  /// Sessions that were saved, by their paths; "foreign" is another plan's.
  std::map<std::string, std::vector<int32_t>> saved;

  /// What a step of any length reports to profilers.
  std::vector<modelc_step_profile> profile;

  // What was asked for.
  uint32_t sessionContext = 0;
  uint32_t sessionSequences = 0;
  uint32_t sessionThreads = 0;
  /// [step] -> ids, in order of the calls.
  std::vector<std::vector<int32_t>> steps;
  /// The same with sequences and positions, where one is given; it may
  /// outlive the plan.
  std::vector<std::vector<modelc_token>> *tokenLog = nullptr;
};

/// What modelc_open gives out next, once; NOT_FOUND if there is none.
extern modelc_plan *nextPlanToOpen;

#endif // MODELC_TEST_TEXT_FAKERUNTIME_H
