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

#include "Profile.h"
#include <optional>

namespace modelc::tools {

struct BenchOptions {
  std::string file;
  uint32_t promptTokens = 512;
  uint32_t decodeTokens = 64;
  /// Tokens that a sequence holds before the prompt, and before decoding.
  uint32_t depth = 0;
  /// Numbers of sequences that are decoded together; may be empty.
  std::vector<uint32_t> batches;
  uint32_t threads = 0; ///< 0: the CPUs that this process may use.
  uint32_t repetitions = 5;
  bool json = false;
  bool profile = false;
  bool reads = false;      ///< Also read memory after each decode.
  std::string picturePath; ///< SVG of the profile; empty: none.
};

/// What the repetitions of one measurement gave.
struct Samples {
  double median = 0;
  double min = 0;
  double max = 0;
};

Samples summarize(std::vector<double> values);

/// One repetition of decode beside what memory gave right after it.
struct DecodeSample {
  double tokensPerSecond = 0;
  double readGbPerSecond = 0; ///< 0: not measured.
};

/// Decoding one token of each of several sequences in one step.
struct BatchResult {
  uint32_t sequences = 0;
  Samples tokensPerSecond; ///< Of all sequences together.
  /// The time of such a step by that of one sequence in the same round.
  Samples stepRatio;
};

struct BenchResult {
  std::string target;
  std::string device; ///< The GPU; empty: the CPU.
  std::string architecture;
  std::string modelName;
  uint64_t weightBytes = 0;
  uint32_t threads = 0;
  double openMs = 0;
  /// From before opening until the logits of a first, single token are there.
  double firstLogitsMs = 0;
  Samples prefillTokensPerSecond;
  Samples decodeTokensPerSecond;
  std::vector<DecodeSample> decodeSamples; ///< In the order of time.
  std::vector<BatchResult> batches;        ///< As options.batches.
  uint64_t decodeBytes = 0; ///< Weight bytes read for one decoded token.
  Work prefillWork;         ///< Of the whole prompt.
  FixedCost decodeFixedCost;
  /// Of this process after the measurements, before the ceilings: the host's
  /// memory alone.
  uint64_t peakRssBytes = 0;
  Ceilings ceilings; ///< The CPU's; unknown on a GPU.
  std::vector<ProfileRow> prefillProfile;
  std::vector<ProfileRow> decodeProfile; ///< Of profiledDecodes tokens.
  uint32_t profiledDecodes = 0;

  double decodeWeightGbPerSecond() const {
    return static_cast<double>(decodeBytes) * decodeTokensPerSecond.median /
           1e9;
  }
  double prefillGops(uint32_t promptTokens) const {
    return prefillWork.totalOps() * prefillTokensPerSecond.median /
           promptTokens / 1e9;
  }
  /// The time of the prompt's multiplications at their ceilings by the time
  /// that the prompt takes; NaN if unknown.
  double prefillShare(uint32_t promptTokens) const {
    return secondsAtCeilings(prefillWork, ceilings) *
           prefillTokensPerSecond.median / promptTokens;
  }
};

/// Measures as `options` say. On failure nothing, with `*error` saying why.
std::optional<BenchResult> runBench(const BenchOptions &options,
                                    std::string *error);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_BENCH_H
