//===- estimate-test.cpp - What no estimate is made of
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Estimate.h"
#include "gtest/gtest.h"

namespace modelc::cost::test {
namespace {

std::string getError(const ModelcVariant &variant) {
  rt::PlanTables tables;
  tables.variants = {&variant, 1};
  return std::string(
      Estimator::create(tables, 0, *target::findTarget("cascadelake"))
          .status()
          .message());
}

TEST(Estimate, RefusesAPlanWithoutCode) {
  ModelcVariant variant = {};
  EXPECT_EQ(getError(variant), "variant 0: no machine code to estimate");
}

} // namespace
} // namespace modelc::cost::test
