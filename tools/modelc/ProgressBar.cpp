//===- ProgressBar.cpp - How far a compile is, on a terminal
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   codegen  [#####.....]  50 %
//   pack     [##########] 100 %  2.1 GB/s
//
//===----------------------------------------------------------------------===//

#include "tools/modelc/ProgressBar.h"
#include <cstdio>
#include <unistd.h>

using namespace modelc::tools;

ProgressBar::ProgressBar() : enabled(isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (enabled && !stage.empty())
    std::fputc('\n', stderr);
}

void ProgressBar::update(llvm::StringRef newStage, uint64_t done,
                         uint64_t total) {
  if (!enabled)
    return;
  std::lock_guard<std::mutex> lock(mutex);
  Clock::time_point now = Clock::now();
  if (newStage != stage) {
    if (!stage.empty())
      std::fputc('\n', stderr);
    stage = newStage.str();
    stageBegin = now;
    lastDraw = {};
  }
  constexpr auto kInterval = std::chrono::milliseconds(50);
  if (done != total && now - lastDraw < kInterval)
    return;
  lastDraw = now;
  draw(done, total);
}

void ProgressBar::draw(uint64_t done, uint64_t total) {
  if (total == 0) {
    std::fprintf(stderr, "\r%-9s", stage.c_str());
    return;
  }
  constexpr int kWidth = 30;
  int filled = static_cast<int>(done * kWidth / total);
  std::string bar(filled, '#');
  bar.resize(kWidth, '.');
  std::fprintf(stderr, "\r%-9s [%s] %3d %%", stage.c_str(), bar.c_str(),
               static_cast<int>(done * 100 / total));
  double seconds = std::chrono::duration<double>(lastDraw - stageBegin).count();
  if (stage == "pack" && seconds > 0)
    std::fprintf(stderr, "  %.2f GB/s", done / seconds / 1e9);
  std::fflush(stderr);
}
