//===- combine-test.cpp - Kernel combine
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"
#include <cmath>

namespace modelc::kernels::test {
namespace {

class Combine : public KernelTest {};
MODELC_FOR_EACH_TARGET(Combine);
MODELC_FOR_EACH_GPU(Combine, "gfx942", "gfx1100");

// Columns around the edges of vectors and slabs; places in any order; with the
// residual in place too.
TEST_P(Combine, EqualsReference) {
  constexpr int64_t kTokens = 5, kRows = 40;
  std::vector<plan::CombineSpecAttr> specs;
  for (int64_t columns : {1, 16, 48, 64, 80, 127, 129})
    for (int64_t slots : {1, 2, 8})
      for (bool residual : {false, true})
        specs.push_back(
            plan::CombineSpecAttr::get(&context, columns, slots, residual));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (bool isInPlace : {false, true}) {
      if (isInPlace && !spec.getResidual())
        continue;
      int64_t columns = spec.getColumns(), slots = spec.getSlots();
      std::vector<float> values = makeActivations(kRows, columns, random);
      std::vector<float> weights = makeFloats(kTokens * slots);
      std::vector<float> residual = makeFloats(kTokens * columns);
      std::vector<int32_t> places(kTokens * slots);
      for (int32_t &place : places)
        place = static_cast<int32_t>(random() % kRows);
      std::vector<float> expected(kTokens * columns);
      for (int64_t i = 0; i < kTokens * columns; ++i) {
        float acc = 0;
        for (int64_t s = i / columns * slots; s < (i / columns + 1) * slots;
             ++s)
          acc = std::fma(weights[s], values[places[s] * columns + i % columns],
                         acc);
        expected[i] = spec.getResidual() ? residual[i] + acc : acc;
      }
      Call call(kernel, spec);
      call.add(values);
      call.add(places);
      call.add(weights);
      size_t out = 0;
      if (spec.getResidual())
        out = call.add(residual);
      if (isInPlace)
        call.addAgain(out);
      else
        out = call.addOutput(expected.size() * sizeof(float));
      call.expectFloats(out, expected);
      call.check(kTokens, kTokens);
    }
}

} // namespace
} // namespace modelc::kernels::test
