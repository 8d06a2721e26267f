//===- prepare-test.cpp - Kernel prepare
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/Layouts.h"
#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"

namespace modelc::kernels::test {
namespace {

class Prepare : public KernelTest {
protected:
  void check(plan::PrepareSpecAttr spec, Kernel kernel, int64_t count);
};
MODELC_FOR_EACH_TARGET(Prepare);
MODELC_FOR_EACH_GPU(Prepare, "gfx90a");

constexpr float kEps = 1e-5f;

void Prepare::check(plan::PrepareSpecAttr spec, Kernel kernel, int64_t count) {
  int64_t columns = spec.getColumns();
  Batch batch;
  int64_t sourceRows = count;
  if (spec.getGather()) {
    sourceRows = 3 * count;
    for (int64_t row = 0; row < count; ++row)
      batch.outputRows.push_back(3 * row + row % 3);
  }
  std::vector<float> x = makeActivations(sourceRows, columns, random);
  std::vector<float> norm = makeFloats(columns), rows;
  for (int64_t row = 0; row < count; ++row) {
    int64_t source = spec.getGather() ? batch.outputRows[row] : row;
    std::vector<float> values(x.begin() + source * columns,
                              x.begin() + (source + 1) * columns);
    if (spec.getEps())
      reference::normalize(values, norm, kEps, values);
    rows.insert(rows.end(), values.begin(), values.end());
  }
  pack::LayoutAttr layout = spec.getLayout();
  std::vector<uint8_t> expected =
      prepareByDefinition(layout, rows, count, columns);

  Call call(kernel, spec, batch);
  call.add(x);
  if (spec.getEps())
    call.add(norm);
  size_t out = call.addOutput(expected.size());
  if (layout.getField(pack::kScale) || pack::hasParts(layout)) {
    call.expectBytes(out, expected);
  } else {
    std::vector<float> floats(expected.size() / sizeof(float));
    std::memcpy(floats.data(), expected.data(), expected.size());
    call.expectFloats(out, floats);
  }
  call.check(llvm::divideCeil(count, layout.getRows()), count);
}

// Every layout that a matmul reads, row tiles of all targets, rows around the
// tiles' edges, columns around the edges of vectors and blocks.
TEST_P(Prepare, EqualsReference) {
  std::vector<plan::PrepareSpecAttr> specs;
  auto add = [&](int64_t columns, pack::LayoutAttr layout) {
    for (bool gather : {false, true})
      for (bool hasNorm : {false, true})
        specs.push_back(plan::PrepareSpecAttr::get(
            &context, columns, layout, gather,
            hasNorm ? f32(kEps) : mlir::FloatAttr(), /*grouped=*/false,
            /*heads=*/0, /*headDim=*/0));
  };
  for (const target::Regime &regime : target->regimes) {
    int64_t tile = regime.rowTile;
    const pack::ActivationNeeds allNeeds[] = {
        {},
        {{{8, 32}}, {}},
        {{}, {16}},
        {{{4, 16}, {8, 32}, {128, 32}}, {16, 32}}};
    for (const pack::ActivationNeeds &needs : allNeeds)
      add(96, pack::getQuantizedActivationLayout(&context, tile, needs));
    for (int64_t columns : {1, 17, 32, 63})
      add(columns, pack::getQuantizedActivationLayout(
                       &context, tile, {{{32, 16}, {128, 32}}, {16, 32}}));
    for (int64_t columns : {1, 16, 33, 64})
      add(columns, pack::getFloatActivationLayout(&context, tile));
  }
  // Rows of quants, for a matrix unit: 8 of them, or 32 of bf16 numbers.
  for (const pack::ActivationNeeds &needs :
       {pack::ActivationNeeds(), {{}, {16, 32}}})
    for (int64_t columns : {1, 63, 96})
      for (pack::LayoutAttr layout :
           {pack::getRowActivationLayout(&context, 8, needs),
            pack::getWidenedActivationLayout(&context, 32, needs)})
        add(columns, layout);
  // Sixteen groups at once, and what is left of a row.
  for (const pack::ActivationNeeds &needs :
       {pack::ActivationNeeds(), {{}, {32}}})
    add(620, pack::getWidenedActivationLayout(&context, 32, needs));
  for (int64_t rowTile : {1, 16})
    for (int64_t columns : {1, 31, 32, 80})
      add(columns, pack::getPartActivationLayout(&context, rowTile));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (int64_t count : {1, 2, 3, 4, 8, 12, 13, 17})
      check(spec, kernel, count);
}

} // namespace
} // namespace modelc::kernels::test
