//===- TuningFuzzer.cpp - Foreign tuning records
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input's first byte says whether a right head stands before the rest. What
// is refused has a message of one line; what is read is printed so that it
// reads as the same.
//
//===----------------------------------------------------------------------===//

#include "compiler/target/Tuning.h"

using namespace modelc::target;

static void require(bool condition) {
  if (!condition)
    __builtin_trap();
}

// As in GgufFuzzer.cpp.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string text(data + 1, data + size);
  if (data[0] % 4 != 0)
    text = "modelc-tuning 1\ntarget znver4\nubatch 512\n" + text;
  // A file may have several records, each of which is one by itself.
  if (auto records = parseTuningRecords(text); records.ok())
    for (const TuningRecord &record : *records)
      require(TuningRecord::parse(record.print()).ok());
  absl::StatusOr<TuningRecord> record = TuningRecord::parse(text);
  if (!record.ok()) {
    std::string message(record.status().message());
    require(message.rfind("line ", 0) == 0);
    require(message.find(", expected ") != message.npos);
    require(message.find('\n') == message.npos);
    return 0;
  }
  absl::StatusOr<TuningRecord> again = TuningRecord::parse(record->print());
  require(again.ok() && again->print() == record->print());
  absl::StatusOr<Tuning> tuning = Tuning::parse(record->tuning.print());
  require(tuning.ok() && tuning->getChoices() == record->tuning.getChoices());
  return 0;
}
