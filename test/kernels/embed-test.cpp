//===- embed-test.cpp - Kernel embed
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/reference/ReferencePacker.h"
#include "dialects/pack/Layouts.h"
#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"

namespace modelc::kernels::test {
namespace {

using reference::WeightType;

class Embed : public KernelTest {
protected:
  plan::EmbedSpecAttr makeSpec(pack::LayoutAttr layout, int64_t columns,
                               int64_t positions = 0,
                               mlir::FloatAttr scale = {}) {
    return plan::EmbedSpecAttr::get(&context, layout, columns, positions,
                                    scale);
  }
  void check(WeightType type, plan::EmbedSpecAttr spec, Kernel kernel);
};
MODELC_FOR_EACH_TARGET(Embed);
MODELC_FOR_EACH_GPU(Embed, "gfx90a", "gfx1201");

void Embed::check(WeightType type, plan::EmbedSpecAttr spec, Kernel kernel) {
  const int64_t rows = 37, columns = spec.getColumns();
  pack::LayoutAttr source =
      pack::getMappedLayout(&context, getElementType(&context, type));
  std::vector<uint8_t> weight = makeWeight(type, rows, columns, random);
  std::vector<uint8_t> table = repack::packByDefinition(
      source, spec.getTable(), {rows, columns}, weight);

  Batch batch;
  batch.tokens = {0, 36, 3, 15, 16, 17, 3, 31, 32, 8, 1};
  batch.positions = {37, 36, 0, 1, 2, 400, 3, 2147483647, 8, 9, 10};
  int64_t count = batch.tokens.size();
  std::vector<float> expected(count * columns);
  for (int64_t t = 0; t < count; ++t) {
    int64_t row = spec.getPositions() > 0
                      ? std::min<int64_t>(batch.positions[t], rows - 1)
                      : batch.tokens[t];
    reference::decodeRow(
        type, weight.data() + row * reference::getRowBytes(type, columns),
        std::span(expected).subspan(t * columns, columns));
  }
  if (spec.getScale())
    for (float &x : expected)
      x = x * spec.getScale().getValue().convertToFloat();
  Call call(kernel, spec, batch);
  call.add(table);
  call.expectFloats(call.addOutput(expected.size() * sizeof(float)), expected);
  call.check(count, count);
}

// Every type, as the file has it and in the panels of a tied output matrix.
TEST_P(Embed, EqualsReference) {
  std::vector<plan::EmbedSpecAttr> specs;
  std::vector<WeightType> types;
  for (WeightType type : getTriedTypes(*target)) {
    mlir::Type element = getElementType(&context, type);
    // One block, and several: a row may end inside a group of a panel.
    int64_t block = reference::getBlockElems(type);
    std::vector<int64_t> widths = {block, 3 * block, 256};
    if (!isQuantized(type))
      widths = {1, 2, 15, 16, 17, 30, 64, 75};
    for (pack::LayoutAttr layout :
         {pack::getMappedLayout(&context, element),
          pack::getPanelLayout(&context, element, 0),
          pack::getPanelLayout(&context, element, 0x80),
          getMatmulLayout(&context, type, *target)})
      for (int64_t columns : widths) {
        specs.push_back(makeSpec(layout, columns));
        types.push_back(type);
      }
  }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [type, spec, kernel] : llvm::zip_equal(types, specs, kernels))
    check(type, spec, kernel);
}

// Numbers that no panel holds.
TEST_P(Embed, MappedNumbers) {
  std::vector<plan::EmbedSpecAttr> specs;
  std::vector<WeightType> types;
  for (WeightType type : {WeightType::F64, WeightType::I8, WeightType::I16,
                          WeightType::I32, WeightType::I64})
    for (int64_t columns : {1, 16, 30}) {
      specs.push_back(makeSpec(
          pack::getMappedLayout(&context, getElementType(&context, type)),
          columns));
      types.push_back(type);
    }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [type, spec, kernel] : llvm::zip_equal(types, specs, kernels))
    check(type, spec, kernel);
}

// Learned positions, of which a session may have more than the table; and what
// multiplies an embedding.
TEST_P(Embed, PositionsAndScales) {
  std::vector<plan::EmbedSpecAttr> specs;
  std::vector<WeightType> types;
  for (WeightType type : {WeightType::F32, WeightType::Q8_0}) {
    pack::LayoutAttr layout =
        pack::getMappedLayout(&context, getElementType(&context, type));
    specs.push_back(makeSpec(layout, 64, /*positions=*/37));
    specs.push_back(makeSpec(layout, 96, 0, f32(1.7320508f)));
    specs.push_back(makeSpec(layout, 32, 37, f32(16)));
    types.insert(types.end(), 3, type);
  }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [type, spec, kernel] : llvm::zip_equal(types, specs, kernels))
    check(type, spec, kernel);
}

TEST_P(Embed, RefusesPartsOfBlocks) {
  mlir::Type q4 = getElementType(&context, WeightType::Q4_0);
  expectRefused(makeSpec(pack::getMappedLayout(&context, q4), 40),
                "cannot gather rows");
}

} // namespace
} // namespace modelc::kernels::test
