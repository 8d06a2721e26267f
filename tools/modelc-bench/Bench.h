//===- Bench.h - Measures a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The measurement itself; Report.h prints what it gives.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_BENCH_BENCH_H
#define MODELC_TOOLS_MODELC_BENCH_BENCH_H

#include "modelc/modelc.h"
#include <optional>
#include <string>
#include <vector>

namespace modelc::tools {

struct BenchOptions {
  std::string file;
  uint32_t promptTokens = 512;
  uint32_t decodeTokens = 64;
  uint32_t threads = 0; ///< 0: the CPUs that this process may use.
  uint32_t repetitions = 5;
  bool json = false;
  bool profile = false;
};

/// What the repetitions of one measurement gave.
struct Samples {
  double median = 0;
  double min = 0;
  double max = 0;
};

Samples summarize(std::vector<double> values);

/// Steps of one kind: those whose names differ only in their layer's number.
struct ProfileRow {
  std::string name; ///< "blk.*.ffn_down".
  std::string kernel;
  uint64_t calls = 0;
  uint64_t nanoseconds = 0;
  uint64_t bytes = 0;
  uint64_t ops = 0;
};

/// Sums `steps` by name pattern and kernel, the slowest kind first.
std::vector<ProfileRow>
aggregateProfile(const std::vector<modelc_step_profile> &steps);

/// "blk.12.ffn_down" ==> "blk.*.ffn_down".
std::string namePattern(const std::string &name);

struct BenchResult {
  std::string target;
  std::string architecture;
  std::string modelName;
  uint64_t weightBytes = 0;
  uint32_t threads = 0;
  double openMs = 0;
  /// From before opening until the logits of a first, single token are there.
  double firstLogitsMs = 0;
  Samples prefillTokensPerSecond;
  Samples decodeTokensPerSecond;
  /// Weight bytes read for one decoded token, operations of the prompt.
  uint64_t decodeBytes = 0;
  uint64_t prefillOps = 0;
  /// Of this process after the measurements, before the ceilings.
  uint64_t peakRssBytes = 0;
  double readGbPerSecond = 0; ///< Ceiling; 0: unknown.
  double int8Gops = 0;        ///< Ceiling; 0: unknown.
  std::vector<ProfileRow> prefillProfile;
  std::vector<ProfileRow> decodeProfile; ///< Of profiledDecodes tokens.
  uint32_t profiledDecodes = 0;

  double decodeWeightGbPerSecond() const {
    return static_cast<double>(decodeBytes) * decodeTokensPerSecond.median /
           1e9;
  }
  double prefillGops(uint32_t promptTokens) const {
    return static_cast<double>(prefillOps) * prefillTokensPerSecond.median /
           promptTokens / 1e9;
  }
};

/// Measures as `options` say. On failure nothing, with `*error` saying why.
std::optional<BenchResult> runBench(const BenchOptions &options,
                                    std::string *error);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_BENCH_H
