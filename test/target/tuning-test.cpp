//===- tuning-test.cpp - Tuning records: what is read, printed and refused
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/target/TargetSpec.h"
#include "compiler/target/Tuning.h"
#include <gtest/gtest.h>

namespace modelc::target::test {
namespace {

constexpr const char *kHead = "modelc-tuning 1\ntarget znver4\nubatch 512\n";

std::string messageOf(const std::string &record) {
  absl::StatusOr<TuningRecord> parsed = TuningRecord::parse(record);
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(Tuning, PrintsInOneOrderWhatItReads) {
  absl::StatusOr<TuningRecord> record = TuningRecord::parse(
      std::string(kHead) + "mc_b_1:16x4x4096x256\nmc_a:1x1x64x16\n");
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->target, "znver4");
  EXPECT_EQ(record->ubatch, 512);
  const MatmulChoice largest = {16, 4, 4096, 256};
  ASSERT_TRUE(record->tuning.find("mc_b_1"));
  EXPECT_EQ(*record->tuning.find("mc_b_1"), largest);
  EXPECT_FALSE(record->tuning.find("mc_b"));
  EXPECT_EQ(record->print(),
            std::string(kHead) + "mc_a:1x1x64x16\nmc_b_1:16x4x4096x256\n");
  std::string line = record->tuning.print();
  EXPECT_EQ(line, "mc_a:1x1x64x16,mc_b_1:16x4x4096x256");
  absl::StatusOr<Tuning> again = Tuning::parse(line);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->getChoices(), record->tuning.getChoices());
}

TEST(Tuning, MayHaveNoChoices) {
  absl::StatusOr<TuningRecord> record = TuningRecord::parse(kHead);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->print(), kHead);
  EXPECT_EQ(record->tuning.print(), "");
  EXPECT_TRUE(Tuning::parse("").ok());
}

TEST(Tuning, RefusesOtherHeads) {
  EXPECT_EQ(messageOf(""), "line 1: found '', expected 'modelc-tuning 1'");
  EXPECT_EQ(messageOf("modelc-tuning 2\n"),
            "line 1: found 'modelc-tuning 2', expected 'modelc-tuning 1'");
  EXPECT_EQ(messageOf(std::string("GGUF\x03\0\0", 7) + std::string(90, 'x')),
            "line 1: found 'GGUF???" + std::string(53, 'x') +
                "...', expected 'modelc-tuning 1'");
  EXPECT_EQ(messageOf("modelc-tuning 1\n"),
            "line 2: found '', expected 'target NAME'");
  EXPECT_EQ(messageOf("modelc-tuning 1\ntarget \nubatch 1\n"),
            "line 2: found '', expected 'target NAME'");
  EXPECT_EQ(messageOf("modelc-tuning 1\ntarget a\nubatch 0\n"),
            "line 3: found '0', expected 'ubatch NUMBER'");
}

TEST(Tuning, RefusesOtherChoices) {
  for (const char *line : {"",
                           "mc_a",
                           "mc_a:",
                           "mc_a:6x2x512",
                           "mc_a:6x2x512x64x1",
                           "a:6x2x512x64",
                           "mc_a b:6x2x512x64",
                           "mc_a,mc_b:6x2x512x64",
                           "mc_a:0x2x512x64",
                           "mc_a:17x2x512x64",
                           "mc_a:6x5x512x64",
                           "mc_a:6x2x500x64",
                           "mc_a:6x2x4160x64",
                           "mc_a:6x2x512x8",
                           "mc_a:6x2x512x272",
                           "mc_a:-6x2x512x64",
                           "mc_a:+6x2x512x64",
                           "mc_a:06x2x512x64",
                           "mc_a:6x2x512x99999999999999999999",
                           "mc_a:6x2x512x64 ",
                           "mc_a: 6x2x512x64"}) {
    std::string message = messageOf(std::string(kHead) + line + "\n");
    EXPECT_TRUE(message.starts_with("line 4: found '")) << line << message;
    EXPECT_NE(message.find("expected KERNEL:ROWSxPANELS"), message.npos);
  }
  EXPECT_EQ(messageOf(std::string(kHead) + "mc_a:6x2x512x64\nmc_a:6x2x512x64"),
            "line 5: found 'mc_a', expected each kernel once");
}

TEST(Tuning, FilesOfSeveralRecords) {
  const std::string second = "modelc-tuning 1\ntarget x86-64-v3\nubatch 9\n";
  absl::StatusOr<std::vector<TuningRecord>> records = parseTuningRecords(
      std::string(kHead) + "mc_a:1x1x64x16\n" + second + "mc_b:1x2x64x16\n");
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].print(), std::string(kHead) + "mc_a:1x1x64x16\n");
  EXPECT_EQ((*records)[1].print(), second + "mc_b:1x2x64x16\n");
  EXPECT_EQ(parseTuningRecords(kHead)->size(), 1u);
  EXPECT_EQ(parseTuningRecords("x").status().message(),
            "line 1: found 'x', expected 'modelc-tuning 1'");
  EXPECT_EQ(parseTuningRecords(second + kHead + "x")
                .status()
                .message()
                .find("record 2: line 4: found 'x'"),
            0u);
}

TEST(Tuning, OptionsOfVariants) {
  Tuning a, b;
  a.set("mc_a", {1, 1, 64, 16});
  b.set("mc_b", {1, 2, 64, 16});
  EXPECT_EQ(printTuningOption("", Tuning()), "");
  const std::string alone = "--target=x" + printTuningOption("", a) + " -c";
  EXPECT_EQ(alone, "--target=x --tuning=mc_a:1x1x64x16 -c");
  EXPECT_EQ(parseTuningOption(alone, "")->print(), a.print());
  const std::string several = "--target=x,xy,z" + printTuningOption("x", a) +
                              printTuningOption("xy", b);
  EXPECT_EQ(several, "--target=x,xy,z --tuning=x/mc_a:1x1x64x16 "
                     "--tuning=xy/mc_b:1x2x64x16");
  EXPECT_EQ(parseTuningOption(several, "x")->print(), a.print());
  EXPECT_EQ(parseTuningOption(several, "xy")->print(), b.print());
  EXPECT_EQ(parseTuningOption(several, "z")->print(), "");
}

// What is missing here is named as Linux names it.
TEST(Target, MissingFeatures) {
  const TargetSpec *host = getHostTarget();
  if (host)
    EXPECT_EQ(getMissingFeatures(*host), "");
  TargetSpec all = *findTarget("graniterapids");
  TargetSpec none = all;
  none.requiredFeatures = 0;
  EXPECT_EQ(getMissingFeatures(none), "");
  std::string missing = getMissingFeatures(all);
  if (missing.find("amx_fp16") == missing.npos)
    GTEST_SKIP() << "this CPU has AMX-FP16";
  EXPECT_TRUE(missing.ends_with("amx_fp16")) << missing;
}

} // namespace
} // namespace modelc::target::test
