//===- tune-test.cpp - Which cuts of kernels are tried, and taken
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Tune.h"
#include <gtest/gtest.h>

namespace modelc::driver::test {
namespace {

// A candidate is not what there is already, and a record can hold it.
TEST(Tune, CandidatesAreOthers) {
  for (const target::TargetSpec &target : target::getTargets()) {
    const target::Regime &regime = target.blockRegimes.back();
    if (regime.matrixIsa || target.gpu) // Cut otherwise, or not timed here.
      continue;
    for (int64_t tileRows : {16, 32, 64}) {
      const target::MatmulChoice present = {regime.rowTile, regime.imagePanels,
                                            regime.imageColumns, tileRows};
      std::vector<target::MatmulChoice> candidates =
          getCandidates(target, present);
      EXPECT_GE(candidates.size(), 4u) << target.name.str();
      for (size_t i = 0; i < candidates.size(); ++i) {
        EXPECT_NE(candidates[i], present);
        for (size_t j = 0; j < i; ++j)
          EXPECT_NE(candidates[i], candidates[j]);
        target::Tuning tuning;
        tuning.set("mc_x", candidates[i]);
        absl::StatusOr<target::Tuning> read =
            target::Tuning::parse(tuning.print());
        ASSERT_TRUE(read.ok()) << read.status();
        EXPECT_EQ(*read->find("mc_x"), candidates[i]);
      }
    }
  }
}

// Three percent are noise, whoever would win by them.
TEST(Tune, TakesWhatIsClearlyQuicker) {
  EXPECT_EQ(chooseCut({10.0, 9.8, 10.5}), 0u);
  EXPECT_EQ(chooseCut({10.0, 9.8, 9.6, 9.0, 9.5}), 3u);
  EXPECT_EQ(chooseCut({10.0, 11.0}), 0u);
  EXPECT_EQ(chooseCut({10.0}), 0u);
}

} // namespace
} // namespace modelc::driver::test
