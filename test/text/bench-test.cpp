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
#include "tools/modelc-bench/ProfilePicture.h"
#include "tools/modelc-bench/Report.h"
#include <cmath>
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
      {"blk.0.down", "k1", 10, 100, 1000, 3},
      {"blk.0.norm", "k2", 70, 1, 2, 0},
      {"blk.1.down", "k1", 20, 200, 2000, 4},
      {"blk.2.down", "k3", 5, 1, 1, 0},
  });
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "blk.*.norm");
  EXPECT_EQ(rows[1].name, "blk.*.down");
  EXPECT_EQ(rows[1].kernel, "k1");
  EXPECT_EQ(rows[1].calls, 2u);
  EXPECT_EQ(rows[1].nanoseconds, 30u);
  EXPECT_EQ(rows[1].bytes, 300u);
  EXPECT_EQ(rows[1].ops, 3000u);
  EXPECT_EQ(rows[1].waitNanoseconds, 7u);
  EXPECT_EQ(rows[1].gbPerSecond(), 10);
  EXPECT_EQ(rows[1].gops(), 100);
  EXPECT_EQ(rows[2].kernel, "k3");
}

TEST(Bench, TellsFloatKernels) {
  for (const char *kernel : {"mc_matmul_f16_n16k8_n64_k64_t1_avx512vnni",
                             "mc_matmul_f32_x", "mc_matmul_bf16_x"})
    EXPECT_TRUE(multipliesFloats(kernel)) << kernel;
  for (const char *kernel : {"mc_matmul_q8_0_n16k64u_f32_t1", "mc_matmul_f",
                             "mc_matmul_mxfp4_x", "mc_embed_f16_k64", "f16_"})
    EXPECT_FALSE(multipliesFloats(kernel)) << kernel;
}

// 6 and 4 Gop at 3 and 2 Gop/s are four seconds; each kind has its ceiling.
TEST(Bench, MeasuresEachOperationWithItsCeiling) {
  Work work = sumWork({
      {"a", "mc_matmul_q4_0_n1", 1, 0, 5'000'000'000, 0},
      {"b", "mc_matmul_bf16_n1", 1, 0, 4'000'000'000, 0},
      {"c", "mc_matmul_q4_0_n2", 1, 0, 1'000'000'000, 0},
  });
  EXPECT_EQ(work.int8Ops, 6e9);
  EXPECT_EQ(work.f32Ops, 4e9);
  Ceilings ceilings = {10, 3, 2};
  EXPECT_EQ(secondsAtCeilings(work, ceilings), 4);
  ceilings.int8Gops = 0;
  EXPECT_TRUE(std::isnan(secondsAtCeilings(work, ceilings)));
  work.int8Ops = 0;
  EXPECT_EQ(secondsAtCeilings(work, ceilings), 2);

  // 8 GB/s of 10, 1 Gop/s of 2.
  ProfileRow row = {"b", "mc_matmul_f16_n1", 1, 10, 80, 10, 0};
  RowShares shares = computeShares(row, {10, 100, 2});
  EXPECT_EQ(shares.read, 0.8);
  EXPECT_EQ(shares.ops, 0.5);
  EXPECT_EQ(shares.nearest, 0.8);
  row.kernel = "mc_matmul_q4_0_n1";
  shares = computeShares(row, {100, 1.25, 2});
  EXPECT_EQ(shares.ops, 0.8);
  EXPECT_EQ(shares.nearest, 0.8);
  shares = computeShares(row, {10, 0, 2});
  EXPECT_TRUE(std::isnan(shares.ops));
  EXPECT_EQ(shares.nearest, 0.8);
}

// Two tokens in 10 us, of which 9 in steps: 2 of those without weights, and
// 1.5 of waits after the others. A wait within a step without weights is not
// counted twice.
TEST(Bench, SumsTheFixedCost) {
  FixedCost cost = computeFixedCost(
      {
          {"norm", "k", 1'000, 0, 0, 500},
          {"down", "k", 3'000, 100, 1, 1'000},
          {"norm", "k", 1'000, 0, 0, 0},
          {"down", "k", 4'000, 100, 1, 500},
      },
      10'000, 2);
  EXPECT_EQ(cost.step, 5);
  EXPECT_EQ(cost.outside, 0.5);
  EXPECT_EQ(cost.weightless, 1);
  EXPECT_EQ(cost.waits, 0.75);
  EXPECT_EQ(cost.total(), 2.25);
  EXPECT_EQ(cost.share(), 0.45);
  EXPECT_EQ(computeFixedCost({}, 0, 0).share(), 0);
}

/// A plan whose steps read 300 bytes and do 3000 operations.
modelc_plan *makePlan() {
  modelc_plan *plan = new modelc_plan;
  plan->vocabSize = 100;
  plan->profile = {{"blk.0.down", "mc_matmul_q4_k_n1", 10, 100, 1000, 0},
                   {"blk.1.down", "mc_matmul_f16_n1", 20, 200, 2000, 5}};
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
  EXPECT_EQ(result->prefillWork.int8Ops, 1000);
  EXPECT_EQ(result->prefillWork.f32Ops, 2000);
  EXPECT_EQ(result->decodeBytes, 300u);
  EXPECT_EQ(result->profiledDecodes, 3u);
  ASSERT_EQ(result->decodeProfile.size(), 2u);
  EXPECT_EQ(result->decodeProfile[0].calls, 3u);
  EXPECT_GT(result->decodeFixedCost.step, 0);
  EXPECT_GT(result->prefillTokensPerSecond.min, 0);
  EXPECT_GE(result->firstLogitsMs, result->openMs);
  EXPECT_GT(result->peakRssBytes, 1u << 20);

  nextPlanToOpen = makePlan();
  nextPlanToOpen->failingStep = 17;
  EXPECT_FALSE(runBench(smallOptions(), &error));
  EXPECT_EQ(error, "fake.mplan: the step fails");
}

// Everything begins behind `depth` tokens, which each sequence gets once.
TEST(Bench, DecodesBatchesAtADepth) {
  modelc_plan *plan = nextPlanToOpen = makePlan();
  std::vector<std::vector<modelc_token>> log;
  plan->tokenLog = &log;
  BenchOptions options = smallOptions();
  options.depth = 5;
  options.batches = {2, 3};
  options.repetitions = 1;
  std::string error;
  std::optional<BenchResult> result = runBench(options, &error);
  ASSERT_TRUE(result) << error;
  ASSERT_EQ(result->batches.size(), 2u);
  EXPECT_EQ(result->batches[1].sequences, 3u);
  EXPECT_GT(result->batches[1].tokensPerSecond.median, 0);
  EXPECT_GT(result->batches[1].stepRatio.median, 0);

  // First logits; contexts; warm-up, a round and a profile of 6 and 3, the
  // first two of them with 3 steps of each batch.
  std::vector<size_t> sizes;
  for (const std::vector<modelc_token> &step : log)
    sizes.push_back(step.size());
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 5, 5, 5,                   //
                                        6, 1, 1, 1, 2, 2, 2, 3, 3, 3, //
                                        6, 1, 1, 1, 2, 2, 2, 3, 3, 3, //
                                        6, 1, 1, 1}));
  for (size_t at = 4; at < log.size(); ++at) {
    const bool isFirst = log[at].size() != log[at - 1].size();
    if (isFirst)
      EXPECT_EQ(log[at][0].position, 5) << at;
    for (size_t row = 0; row < log[at].size(); ++row) {
      const bool isPrompt = log[at].size() == 6;
      EXPECT_EQ(log[at][row].sequence, isPrompt ? 0 : row) << at;
      EXPECT_EQ(log[at][row].wantLogits != 0, !isPrompt || row == 5) << at;
    }
  }
}

// A speed of memory for each repetition, and only if asked for.
TEST(Bench, ReadsInAlternation) {
  for (bool reads : {false, true}) {
    nextPlanToOpen = makePlan();
    BenchOptions options = smallOptions();
    options.reads = reads;
    std::string error;
    std::optional<BenchResult> result = runBench(options, &error);
    ASSERT_TRUE(result) << error;
    ASSERT_EQ(result->decodeSamples.size(), options.repetitions);
    for (const DecodeSample &sample : result->decodeSamples) {
      EXPECT_GT(sample.tokensPerSecond, 0);
      EXPECT_EQ(sample.readGbPerSecond > 0, reads);
    }
  }
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
  result.prefillWork = {0, 6'000'000'000};
  result.decodeFixedCost = {20'000, 100, 300, 600};
  result.batches = {{4, {100, 90, 110}, {2, 1.5, 2.5}}};
  result.peakRssBytes = 12345678;
  result.ceilings = {10, 0, 1200};
  result.profiledDecodes = 2;
  result.decodeProfile = {
      {"blk.*.down", "k<1>", 4, 2'000'000, 4'000'000, 8, 500'000}};
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
  "depth": 0,
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
  "prefill_f32_part": 1,
  "prefill_share": 0.5,
  "decode_step_us": 20000,
  "fixed_us": 1000,
  "fixed_share": 0.05,
  "fixed_outside_us": 100,
  "fixed_weightless_us": 300,
  "fixed_waits_us": 600,
  "batches": [
    { "sequences": 4, "tokens_per_s": 100, "tokens_per_s_min": 90, )"
            R"("tokens_per_s_max": 110, "step_ratio": 2, )"
            R"("step_ratio_min": 1.5, "step_ratio_max": 2.5}],
  "peak_rss_bytes": 12345678,
  "read_gb_per_s": 10,
  "int8_gops": null,
  "f32_gops": 1200,
  "prefill_profile": [],
  "decode_profile": [
    { "step": "blk.*.down", "kernel": "k<1>", "calls": 2, "ms": 1, )"
            R"("wait_ms": 0.25, "bytes": 2e+06, "ops": 4, "gb_per_s": 2, )"
            R"("gb_share": 0.2, "gops": 4e-06, "gops_share": null, )"
            R"("share": 0.2}]
}
)");
}

TEST(Bench, WritesShares) {
  BenchOptions options = smallOptions();
  options.reads = true;
  BenchResult result = makeResult();
  // 100 MB a token: 4 of 8, 6 of 8 and 9 of 9 GB/s.
  result.decodeSamples = {{40, 8}, {60, 8}, {90, 9}};
  std::string json = formatJson(options, result);
  EXPECT_NE(json.find(R"("decode_samples": [
    { "tokens_per_s": 40, "read_gb_per_s": 8},
    { "tokens_per_s": 60, "read_gb_per_s": 8},
    { "tokens_per_s": 90, "read_gb_per_s": 9}],)"),
            json.npos)
      << json;
  std::string table = formatTable(options, result);
  EXPECT_NE(table.find("          75.0 % (50.0 .. 100.0) of what memory gave "
                       "after each repetition\n"),
            table.npos)
      << table;
}

TEST(Bench, WritesATable) {
  std::string table = formatTable(smallOptions(), makeResult());
  for (const char *line :
       {"prefill   600.0 tokens/s (500.0 .. 700.0) of 6 tokens\n",
        "decode    50.0 tokens/s (40.0 .. 60.0) of 3 tokens\n",
        "          5.00 GB/s of weights, 50.0 % of the ceiling\n",
        "          600.0 GOPS, 50.0 % of the f32 ceiling\n",
        "          fixed cost: 1000.0 us, 5.0 % of a decode step: 300.0 us in "
        "steps without weights,\n"
        "          600.0 us waiting for other workers after the others, 100.0 "
        "us outside of steps\n",
        "batch     4 sequences: 100.0 tokens/s (90.0 .. 110.0), a step takes "
        "2.00 (1.50 .. 2.50) of one's\n",
        "decode of a token: 1.000 ms in steps\n",
        "    1.000  100.0   25.0      2     2.000     0.000      2.00   20.0"})
    EXPECT_NE(table.find(line), table.npos) << line << table;
}

// Of a GPU no ceilings are known, and this process's memory is not all.
TEST(Bench, OnAGpu) {
  BenchResult result = makeResult();
  result.device = "a GPU (gfx942)";
  result.ceilings = {};
  std::string json = formatJson(smallOptions(), result);
  for (const char *member : {"\"device\": \"a GPU (gfx942)\",\n",
                             "\"prefill_share\": null", "\"int8_gops\": null"})
    EXPECT_NE(json.find(member), json.npos) << member << json;
  std::string table = formatTable(smallOptions(), result);
  for (const char *line :
       {"target    fake, on a GPU (gfx942)\n", "          600.0 GOPS\n",
        "          5.00 GB/s of weights\n",
        "memory    12.3 MB of the host's, without the GPU's, at its peak\n"})
    EXPECT_NE(table.find(line), table.npos) << line << table;
  EXPECT_EQ(table.find("ceilings"), table.npos) << table;
}

TEST(Bench, DrawsAPicture) {
  BenchResult result = makeResult();
  result.prefillProfile = {
      {"<norm>", "mc_matmul_f16_n", 1, 4'000'000, 0, 600'000'000, 0},
      {"tiny", "k", 1, 1'000'000, 0, 0, 0}};
  std::string picture = drawProfile(result);
  for (const char *part : {
           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1100\"",
           "a \"name\" , fake, 2 threads",
           "prefill: 5.000 ms in steps</text>",
           "decode of a token: 1.000 ms in steps</text>",
           "&lt;norm&gt;</text>",
           // 400 pixels are 4 ms; 150 of 1,200 GFLOPS are an eighth.
           "width=\"400.0\" height=\"14.0\" fill=\"#9ecae1\"/>",
           "width=\"50.0\" height=\"14.0\" fill=\"#2171b5\"/>",
           "4.000 ms, 80.0 %: 0.0 GB/s, 150 GOPS, 12 % of the ceiling</text>",
           "width=\"100.0\" height=\"14.0\" fill=\"#9ecae1\"/>",
           "1.000 ms, 20.0 %</text>",
       })
    EXPECT_NE(picture.find(part), picture.npos) << part << "\n" << picture;
  EXPECT_TRUE(picture.ends_with("</svg>\n"));
}

// Not how fast, but that a loop was measured that a compiler did not remove:
// no machine reads 10 TB/s or does 10^15 operations.
TEST(Ceilings, ArePlausible) {
  for (uint32_t threads : {1, 3}) {
    double read = measureReadCeiling(threads);
    EXPECT_GT(read, 0.1);
    EXPECT_LT(read, 1e4);
  }
  double int8 = measureInt8Ceiling(1);
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2"))
    GTEST_SKIP() << "this CPU has no AVX2";
  EXPECT_GT(int8, 1);
  EXPECT_LT(int8, 1e4);
  double f32 = measureF32Ceiling(1);
  EXPECT_GT(f32, 1);
  EXPECT_LT(f32, 1e4);
#else
  EXPECT_EQ(int8, 0);
  EXPECT_EQ(measureF32Ceiling(1), 0);
#endif
  EXPECT_GE(usableCpus(), 1u);
}

} // namespace
} // namespace modelc::tools
