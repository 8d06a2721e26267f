//===- ProgressBar.h - How far a compile is, on a terminal
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_PROGRESSBAR_H
#define MODELC_TOOLS_MODELC_PROGRESSBAR_H

#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <mutex>
#include <string>

namespace modelc::tools {

/// Draws one line a stage on stderr; draws nothing where stderr is no
/// terminal. Any thread may update.
class ProgressBar {
public:
  ProgressBar();
  /// Ends the last line.
  ~ProgressBar();

  /// `done` of `total` of a stage; total 0: it has only a name. Stages whose
  /// name is "pack" count bytes and show a rate.
  void update(llvm::StringRef stage, uint64_t done, uint64_t total);

private:
  using Clock = std::chrono::steady_clock;

  void draw(uint64_t done, uint64_t total);

  std::mutex mutex;
  bool enabled;
  std::string stage;
  Clock::time_point stageBegin;
  Clock::time_point lastDraw;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_PROGRESSBAR_H
