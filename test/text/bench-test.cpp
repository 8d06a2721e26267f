//===- bench-test.cpp - modelc-bench on a fake runtime
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which steps are measured, how they are summed, what is printed.
//
//===----------------------------------------------------------------------===//

#include "FakeRuntime.h"
#include "tools/modelc-bench/Ceilings.h"
#include "tools/modelc-bench/Report.h"
#include <gtest/gtest.h>

namespace modelc::tools {
namespace {

TEST(Bench, SummarizesByTheMedian) {
  Samples odd = summarize({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(summarize({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(summarize({}).median, 0);
}

TEST(Bench, FindsThePatternOfAName) {
  EXPECT_EQ(namePattern("blk.12.ffn_down"), "blk.*.ffn_down");
  EXPECT_EQ(namePattern("output"), "output");
  EXPECT_EQ(namePattern("kv.0.k.7"), "kv.*.k.*");
  EXPECT_EQ(namePattern("a..b2"), "a..b2");
  EXPECT_EQ(namePattern(""), "");
}

TEST(Bench, SumsTheStepsOfAKind) {
  std::vector<ProfileRow> rows = aggregateProfile({
      {"blk.0.down", "k1", 10, 100, 1000},
      {"blk.0.norm", "k2", 70, 1, 2},
      {"blk.1.down", "k1", 20, 200, 2000},
      {"blk.2.down", "k3", 5, 1, 1},
  });
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "blk.*.norm");
  EXPECT_EQ(rows[1].name, "blk.*.down");
  EXPECT_EQ(rows[1].kernel, "k1");
  EXPECT_EQ(rows[1].calls, 2u);
  EXPECT_EQ(rows[1].nanoseconds, 30u);
  EXPECT_EQ(rows[1].bytes, 300u);
  EXPECT_EQ(rows[1].ops, 3000u);
  EXPECT_EQ(rows[2].kernel, "k3");
}

/// A plan whose steps read 300 bytes and do 3000 operations.
modelc_plan *makePlan() {
  modelc_plan *plan = new modelc_plan;
  plan->vocabSize = 100;
  plan->profile = {{"blk.0.down", "k1", 10, 100, 1000},
                   {"blk.1.down", "k1", 20, 200, 2000}};
  return plan;
}

BenchOptions smallOptions() {
  BenchOptions options;
  options.file = "fake.mplan";
  options.promptTokens = 6;
  options.decodeTokens = 3;
  options.threads = 1;
  options.repetitions = 2;
  options.profile = true;
  return options;
}

TEST(Bench, MeasuresPromptAndDecode) {
  modelc_plan *plan = nextPlanToOpen = makePlan();
  std::string error;
  // The plan is closed by the end of the run, so its steps are counted by a
  // failing one: 1 first, 1 + 3 unmeasured, 2 rounds and one profiled of
  // 1 + 3; 17 in all.
  plan->failingStep = 18;
  std::optional<BenchResult> result = runBench(smallOptions(), &error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(result->target, "fake");
  EXPECT_EQ(result->threads, 1u);
  EXPECT_EQ(result->prefillOps, 3000u);
  EXPECT_EQ(result->decodeBytes, 300u);
  EXPECT_EQ(result->profiledDecodes, 3u);
  ASSERT_EQ(result->decodeProfile.size(), 1u);
  EXPECT_EQ(result->decodeProfile[0].calls, 6u);
  EXPECT_GT(result->prefillTokensPerSecond.min, 0);
  EXPECT_GE(result->firstLogitsMs, result->openMs);
  EXPECT_GT(result->peakRssBytes, 1u << 20);

  nextPlanToOpen = makePlan();
  nextPlanToOpen->failingStep = 17;
  EXPECT_FALSE(runBench(smallOptions(), &error));
  EXPECT_EQ(error, "fake.mplan: the step fails");
}

TEST(Bench, SaysThatThereIsNoPlan) {
  std::string error;
  EXPECT_FALSE(runBench(smallOptions(), &error));
  EXPECT_EQ(error, "fake.mplan: not found");
}

/// A result with round numbers.
BenchResult makeResult() {
  BenchResult result;
  result.target = "fake";
  result.architecture = "llama";
  result.modelName = "a \"name\"\n";
  result.threads = 2;
  result.openMs = 1.5;
  result.firstLogitsMs = 2.5;
  result.prefillTokensPerSecond = {600, 500, 700};
  result.decodeTokensPerSecond = {50, 40, 60};
  result.decodeBytes = 100'000'000;
  result.prefillOps = 6'000'000'000;
  result.peakRssBytes = 12345678;
  result.readGbPerSecond = 10;
  result.profiledDecodes = 2;
  result.decodeProfile = {{"blk.*.down", "k1", 4, 2'000'000, 4'000'000, 8}};
  return result;
}

TEST(Bench, WritesJson) {
  EXPECT_EQ(formatJson(smallOptions(), makeResult()),
            R"({
  "file": "fake.mplan",
  "target": "fake",
  "architecture": "llama",
  "model": "a \"name\"\u000a",
  "weight_bytes": 0,
  "threads": 2,
  "prompt_tokens": 6,
  "decode_tokens": 3,
  "repetitions": 2,
  "open_ms": 1.5,
  "first_logits_ms": 2.5,
  "prefill_tokens_per_s": 600,
  "prefill_tokens_per_s_min": 500,
  "prefill_tokens_per_s_max": 700,
  "decode_tokens_per_s": 50,
  "decode_tokens_per_s_min": 40,
  "decode_tokens_per_s_max": 60,
  "decode_weight_gb_per_s": 5,
  "decode_weight_share": 0.5,
  "prefill_gops": 600,
  "prefill_share": null,
  "peak_rss_bytes": 12345678,
  "read_gb_per_s": 10,
  "int8_gops": null,
  "prefill_profile": [],
  "decode_profile": [
    { "step": "blk.*.down", "kernel": "k1", "calls": 2, "ms": 1, )"
            R"("bytes": 2e+06, "ops": 4, "gb_per_s": 2, )"
            R"("gb_share": 0.2, "gops": 4e-06, "gops_share": null}]
}
)");
}

TEST(Bench, WritesATable) {
  std::string table = formatTable(smallOptions(), makeResult());
  for (const char *line :
       {"prefill   600.0 tokens/s (500.0 .. 700.0) of 6 tokens\n",
        "decode    50.0 tokens/s (40.0 .. 60.0) of 3 tokens\n",
        "          5.00 GB/s of weights, 50.0 % of the ceiling\n",
        "decode of a token: 1.000 ms in steps\n",
        "    1.000  100.0      2      2.00   20.0"})
    EXPECT_NE(table.find(line), table.npos) << line << table;
}

// Not how fast, but that a loop was measured that a compiler did not remove:
// no machine reads 10 TB/s or does 10^15 operations.
TEST(Ceilings, ArePlausible) {
  double read = measureReadCeiling(1);
  EXPECT_GT(read, 0.1);
  EXPECT_LT(read, 1e4);
  double int8 = measureInt8Ceiling(1);
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2"))
    GTEST_SKIP() << "this CPU has no AVX2";
  EXPECT_GT(int8, 1);
  EXPECT_LT(int8, 1e4);
#else
  EXPECT_EQ(int8, 0);
#endif
  EXPECT_GE(usableCpus(), 1u);
}

} // namespace
} // namespace modelc::tools
