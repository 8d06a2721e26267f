//===- rows-test.cpp - Kernels norm and add
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"

namespace modelc::kernels::test {
namespace {

class Rows : public KernelTest {
protected:
  void checkNorm(plan::NormSpecAttr spec, Kernel kernel, bool isInPlace);
  void checkAdd(plan::AddSpecAttr spec, Kernel kernel, bool isInPlace);

  static constexpr int64_t kRows = 5;
};
MODELC_FOR_EACH_TARGET(Rows);
MODELC_FOR_EACH_GPU(Rows, "gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1201");

constexpr float kEps = 1e-5f;

void Rows::checkNorm(plan::NormSpecAttr spec, Kernel kernel, bool isInPlace) {
  int64_t columns = spec.getColumns();
  std::vector<float> x = makeActivations(kRows, columns, random);
  for (float &value : x) // A mean that is not 0.
    value += 3;
  std::vector<float> weight = makeFloats(columns), bias = makeFloats(columns);
  std::vector<float> residual = makeFloats(x.size()), expected(x.size());
  for (int64_t row = 0; row < kRows; ++row) {
    auto from = std::span<const float>(x).subspan(row * columns, columns);
    auto to = std::span(expected).subspan(row * columns, columns);
    if (spec.getLayer())
      reference::normalizeLayer(from, weight, bias, kEps, to);
    else
      reference::normalize(from, weight, kEps, to);
  }
  Call call(kernel, spec);
  call.add(x);
  call.add(weight);
  if (spec.getLayer())
    call.add(bias);
  size_t out = 0;
  if (spec.getResidual()) {
    out = call.add(residual);
    for (size_t i = 0; i < expected.size(); ++i)
      expected[i] = residual[i] + expected[i];
  }
  if (isInPlace)
    call.addAgain(out);
  else
    out = call.addOutput(expected.size() * sizeof(float));
  call.expectFloats(out, expected);
  call.check(kRows, kRows);
}

// Rows around the edges of vectors, and the residual's memory for the result.
TEST_P(Rows, NormEqualsReference) {
  std::vector<plan::NormSpecAttr> specs;
  for (int64_t columns : {1, 7, 16, 17, 64, 100})
    for (bool layer : {false, true})
      for (bool residual : {false, true})
        specs.push_back(plan::NormSpecAttr::get(&context, columns, layer,
                                                f32(kEps), residual));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (bool isInPlace : {false, true})
      if (spec.getResidual() || !isInPlace)
        checkNorm(spec, kernel, isInPlace);
}

void Rows::checkAdd(plan::AddSpecAttr spec, Kernel kernel, bool isInPlace) {
  std::vector<float> a = makeFloats(kRows * spec.getColumns());
  std::vector<float> b = makeFloats(a.size()), expected;
  for (size_t i = 0; i < a.size(); ++i)
    expected.push_back(a[i] + b[i]);
  Call call(kernel, spec);
  size_t out = call.add(a);
  call.add(b);
  if (isInPlace)
    call.addAgain(out);
  else
    out = call.addOutput(a.size() * sizeof(float));
  call.expectFloats(out, expected);
  call.check(kRows, kRows);
}

TEST_P(Rows, AddEqualsReference) {
  std::vector<plan::AddSpecAttr> specs;
  for (int64_t columns : {1, 16, 33})
    specs.push_back(plan::AddSpecAttr::get(&context, columns));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (bool isInPlace : {false, true})
      checkAdd(spec, kernel, isInPlace);
}

} // namespace
} // namespace modelc::kernels::test
