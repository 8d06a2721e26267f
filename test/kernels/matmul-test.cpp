//===- matmul-test.cpp - Kernel matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/reference/ReferencePacker.h"
#include "dialects/pack/Layouts.h"
#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"
#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cmath>
#include <set>

namespace modelc::kernels::test {
namespace {

using model::Activation;
using model::Epilogue;
using reference::WeightType;

struct Shape {
  std::vector<WeightType> types;
  std::vector<int64_t> rows;
  int64_t columns;
  int64_t tileRows = 16;
  Epilogue epilogue = Epilogue::Store;
  bool hasBias = false;
  Activation activation = Activation::Silu;
};

/// Of a soft cap; products reach beyond it.
constexpr float kCap = 3;

float activate(Activation activation, float x) {
  if (activation == Activation::SoftCap)
    return reference::computeSoftCap(x, kCap);
  return activation == Activation::Gelu ? reference::computeGelu(x)
                                        : reference::computeSilu(x);
}

float applyGlu(Activation activation, float gate, float up) {
  if (activation == Activation::SwigluOai)
    return reference::computeSwigluOai(gate, up);
  return activate(activation, gate) * up;
}

class Matmul : public KernelTest {
protected:
  pack::LayoutAttr getLayout(WeightType type) {
    if (isMapped)
      return pack::getMappedLayout(&context, getElementType(&context, type));
    return getMatmulLayout(&context, type, *target);
  }
  llvm::ArrayRef<target::Regime> getRegimes(const Shape &shape) {
    if (isQuantized(shape.types[0]))
      return target->blockRegimes;
    bool isInPairs = llvm::all_of(shape.types, [&](WeightType type) {
      return pack::hasPairs(getLayout(type));
    });
    return isInPairs ? target->bf16Regimes : target->regimes;
  }
  plan::MatmulSpecAttr makeSpec(const Shape &shape,
                                const target::Regime &regime,
                                bool isWidened = false);
  std::vector<Shape> makeWidenedShapes(int64_t rows);
  uint64_t checkWidened(const std::vector<Shape> &shapes,
                        const std::vector<int64_t> &counts);
  void checkShapes(const std::vector<Shape> &shapes);
  void check(const Shape &shape, plan::MatmulSpecAttr spec, Kernel kernel,
             int64_t count);
  std::vector<uint8_t> pack(WeightType type, int64_t rows, int64_t columns,
                            const std::vector<uint8_t> &weight);

  /// Weights stay as a file has them.
  bool isMapped = false;
  /// The residual lies where the output goes.
  bool isInPlace = false;
  /// All products are as large as they can be, and none cancels another.
  bool isExtreme = false;
};
MODELC_FOR_EACH_TARGET(Matmul);
MODELC_FOR_EACH_GPU(Matmul, "gfx942", "gfx1100");

plan::MatmulSpecAttr Matmul::makeSpec(const Shape &shape,
                                      const target::Regime &regime,
                                      bool isWidened) {
  bool hasImages = isQuantized(shape.types[0]);
  std::vector<pack::LayoutAttr> layouts;
  for (WeightType type : shape.types)
    layouts.push_back(getLayout(type));
  llvm::SmallVector<mlir::Attribute> attributes(layouts.begin(), layouts.end());
  return plan::MatmulSpecAttr::get(
      &context, shape.columns, getInputLayout(layouts, regime, isWidened),
      mlir::ArrayAttr::get(&context, attributes),
      mlir::DenseI64ArrayAttr::get(&context, shape.rows), shape.epilogue,
      shape.activation, shape.hasBias, shape.tileRows,
      hasImages ? regime.imagePanels : 0, hasImages ? regime.imageColumns : 0,
      shape.activation == Activation::SoftCap ? f32(kCap) : mlir::FloatAttr());
}

std::vector<uint8_t> Matmul::pack(WeightType type, int64_t rows,
                                  int64_t columns,
                                  const std::vector<uint8_t> &weight) {
  pack::LayoutAttr source =
      pack::getMappedLayout(&context, getElementType(&context, type));
  return repack::packByDefinition(source, getLayout(type), {rows, columns},
                                  weight);
}

/// One weight's products for all rows of x: [count][rows].
std::vector<float> multiplyAll(WeightType type, bool isInPairs,
                               const std::vector<uint8_t> &weight,
                               std::span<const float> x, int64_t count,
                               int64_t rows) {
  int64_t columns = x.size() / count;
  std::vector<float> y(count * rows);
  for (int64_t t = 0; t < count; ++t)
    multiply(type, isInPairs, weight.data(), x.subspan(t * columns, columns),
             std::span(y).subspan(t * rows, rows));
  return y;
}

void Matmul::check(const Shape &shape, plan::MatmulSpecAttr spec, Kernel kernel,
                   int64_t count) {
  Call call(kernel, spec);
  std::vector<float> x = isExtreme
                             ? makeExtremeActivations(count, shape.columns)
                             : makeActivations(count, shape.columns, random);
  call.add(prepareByDefinition(spec.getInput(), x, count, shape.columns));
  std::vector<std::vector<float>> results;
  for (size_t i = 0; i < shape.types.size(); ++i) {
    auto make = isExtreme ? makeExtremeWeight : makeWeight;
    std::vector<uint8_t> weight =
        make(shape.types[i], shape.rows[i], shape.columns, random);
    call.add(pack(shape.types[i], shape.rows[i], shape.columns, weight));
    results.push_back(multiplyAll(shape.types[i],
                                  pack::hasParts(spec.getInput()), weight, x,
                                  count, shape.rows[i]));
  }
  if (shape.hasBias)
    for (std::vector<float> &result : results) {
      std::vector<float> bias = makeFloats(result.size() / count);
      call.add(bias);
      for (size_t i = 0; i < result.size(); ++i)
        result[i] = result[i] + bias[i % bias.size()];
    }
  size_t residualIndex = 0;
  if (shape.epilogue == Epilogue::Residual) {
    std::vector<float> residual = makeFloats(results[0].size());
    residualIndex = call.add(residual);
    for (size_t i = 0; i < residual.size(); ++i)
      results[0][i] = residual[i] + results[0][i];
  }
  if (shape.epilogue == Epilogue::Glu) {
    for (size_t i = 0; i < results[0].size(); ++i)
      results[0][i] = applyGlu(shape.activation, results[0][i], results[1][i]);
    results.pop_back();
  }
  if (shape.epilogue == Epilogue::Activate)
    for (float &y : results[0])
      y = activate(shape.activation, y);
  for (const std::vector<float> &result : results) {
    if (isInPlace) {
      call.addAgain(residualIndex);
      call.expectFloats(residualIndex, result);
    } else {
      size_t bytes = result.size() * sizeof(float);
      call.expectFloats(call.addOutput(bytes), result);
    }
  }
  call.check(spec.getTileCount(), count);
}

/// Every shape in every regime of the target, with counts around its edges.
void Matmul::checkShapes(const std::vector<Shape> &shapes) {
  std::vector<plan::MatmulSpecAttr> specs;
  for (const Shape &shape : shapes)
    for (const target::Regime &regime : getRegimes(shape))
      specs.push_back(makeSpec(shape, regime));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  size_t next = 0;
  for (const Shape &shape : shapes)
    for (const target::Regime &regime : getRegimes(shape)) {
      int64_t tile = regime.rowTile;
      std::set<int64_t> counts = {1,        tile - 1,     tile, tile + 1,
                                  2 * tile, 2 * tile + 1, 8};
      if (target->gpu)
        counts = {1, tile + 1};
      for (int64_t count : counts)
        if (count > 0 && count <= regime.maxRows)
          check(shape, specs[next], kernels[next], count);
      ++next;
    }
}

// Rows of one block and of several, so that a row may end inside a group; a
// number of outputs that is not one of whole panels; tiles of one panel and of
// several.
TEST_P(Matmul, EveryType) {
  std::vector<Shape> shapes;
  for (WeightType type : getTriedTypes(*target)) {
    int64_t block = std::max<int64_t>(32, reference::getBlockElems(type));
    shapes.push_back({{type}, {64}, 2 * block, 32});
    shapes.push_back({{type}, {37}, 3 * block, 64});
    shapes.push_back({{type}, {1}, block});
  }
  for (WeightType type : {WeightType::F32, WeightType::F16, WeightType::BF16})
    for (int64_t columns : {1, 2, 3, 17, 32, 33, 95})
      shapes.push_back({{type}, {20}, columns});
  checkShapes(shapes);
}

// Rows around the edges of several tiles of the last regime; the number of
// products that a matrix unit computes for them, in three runs each.
TEST_P(Matmul, RowsAroundTiles) {
  const target::Regime &regime = target->blockRegimes.back();
  constexpr int64_t kRows = 20, kPanels = 2;
  std::vector<Shape> shapes;
  std::vector<plan::MatmulSpecAttr> specs;
  for (WeightType type : getTriedTypes(*target))
    if (isQuantized(type)) {
      int64_t block = std::max<int64_t>(32, reference::getBlockElems(type));
      shapes.push_back({{type}, {kRows}, block});
      specs.push_back(makeSpec(shapes.back(), regime));
    }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  uint64_t products = 0;
  for (size_t i = 0; i < shapes.size(); ++i)
    for (int64_t count = 1; count <= 70; count += target->gpu ? 23 : 1) {
      check(shapes[i], specs[i], kernels[i], count);
      int64_t length =
          pack::getBlockFormat(specs[i].getWeightLayout(0)).getSumLength();
      products += 3 * kPanels * llvm::divideCeil(count, regime.rowTile) *
                  (shapes[i].columns / length);
    }
  if (regime.matrixIsa == target::Isa::IntelAmx)
    expectTileProducts(products);
}

// Columns that all DPP rows of a GPU's work-group take turns at, and a rest.
TEST_P(Matmul, ManyColumns) {
  checkShapes({{{WeightType::Q4_0}, {20}, 2080},
               {{WeightType::Q5_1}, {16}, 2080},
               {{WeightType::Q6_K}, {16}, 2048}});
}

// The same for weights in pairs: from one row on in tiles, panels four at a
// time and alone, three parts.
TEST_P(Matmul, RowsOfPairs) {
  if (target->bf16Regimes.empty())
    GTEST_SKIP() << "the target has no tiles of floats";
  constexpr int64_t kRows = 90, kPanels = 6, kColumns = 100, kGroups = 4;
  const Shape shape = {{WeightType::BF16}, {kRows}, kColumns, 64};
  std::vector<plan::MatmulSpecAttr> specs;
  for (const target::Regime &regime : target->bf16Regimes)
    specs.push_back(makeSpec(shape, regime));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  uint64_t products = 0;
  for (auto [spec, kernel, regime] :
       llvm::zip_equal(specs, kernels, target->bf16Regimes))
    for (int64_t count = 1; count <= std::min<int64_t>(regime.maxRows, 35);
         ++count) {
      check(shape, spec, kernel, count);
      products +=
          3 * 3 * kPanels * kGroups * llvm::divideCeil(count, regime.rowTile);
    }
  expectTileProducts(products, "tdpbf16ps");
}

/// A weight of every type that can be widened, of as few columns as can be.
std::vector<Shape> Matmul::makeWidenedShapes(int64_t rows) {
  std::vector<Shape> shapes;
  for (WeightType type : getWeightTypes(target->isa)) {
    int64_t columns = std::max<int64_t>(64, reference::getBlockElems(type));
    if (isQuantized(type) && pack::canWiden(getLayout(type), columns))
      shapes.push_back({{type}, {rows}, columns});
  }
  return shapes;
}

/// These shapes, in the regime that widens quants, with images of as many
/// columns as that has and of 256. Gives the products of the tiles, which a
/// check computes in three runs.
uint64_t Matmul::checkWidened(const std::vector<Shape> &shapes,
                              const std::vector<int64_t> &counts) {
  std::vector<plan::MatmulSpecAttr> specs;
  target::Regime regime = target->widened->regime;
  target::Regime shortImages = regime;
  shortImages.imageColumns = 256;
  for (const Shape &shape : shapes)
    specs.push_back(
        makeSpec(shape, shape.columns > 256 ? shortImages : regime, true));
  auto kernels = compile(specs);
  EXPECT_EQ(kernels.size(), specs.size());
  uint64_t products = 0;
  for (auto [shape, spec, kernel] : llvm::zip(shapes, specs, kernels))
    for (int64_t count : counts) {
      check(shape, spec, kernel, count);
      int64_t length = pack::getBlockFormat(spec.getWeightLayout(0)).subBlock;
      // Two tiles of rows for each row tile.
      for (int64_t rows : shape.rows)
        products += 3 * 2 * llvm::divideCeil(rows, 16) *
                    llvm::divideCeil(count, regime.rowTile) *
                    (shape.columns / length);
    }
  return products;
}

// Rows around the edges of tiles that multiply quants as bf16 numbers, of every
// type with sub-blocks of 32.
TEST_P(Matmul, RowsOfWidenedQuants) {
  if (!target->widened)
    GTEST_SKIP() << "the target has no tiles of floats";
  std::vector<Shape> shapes = makeWidenedShapes(/*rows=*/20);
  EXPECT_GT(shapes.size(), 10u);
  expectTileProducts(checkWidened(shapes, {31, 32, 33, 64, 65}), "tdpbf16ps");
}

// One to four panels at a time, one image and several.
TEST_P(Matmul, PanelsOfWidenedQuants) {
  if (!target->widened)
    GTEST_SKIP() << "the target has no tiles of floats";
  expectTileProducts(
      checkWidened({{{WeightType::Q4_K}, {100}, 768, 64}},
                   {1, 31, 32, 33, 63, 64, 65, 66, 67, 68, 69, 70}),
      "tdpbf16ps");
}

TEST_P(Matmul, EpiloguesOfWidenedQuants) {
  if (!target->widened)
    GTEST_SKIP() << "the target has no tiles of floats";
  const WeightType q4k = WeightType::Q4_K, q5k = WeightType::Q5_K,
                   q40 = WeightType::Q4_0, xs4 = WeightType::IQ4_XS;
  uint64_t products = checkWidened(
      {{{q40}, {100}, 64, 48, Epilogue::Residual},
       {{xs4}, {70}, 512, 32, Epilogue::Activate, true},
       {{q4k, q40, q5k}, {40, 33, 16}, 256, 64, Epilogue::Store, true},
       {{q4k, q5k}, {90, 90}, 512, 64, Epilogue::Glu}},
      {33, 70});
  expectTileProducts(products, "tdpbf16ps");
  // More row tiles than there is scratch for.
  checkWidened({{{WeightType::Q8_0}, {5}, 64}},
               {plan::MatmulSpecAttr::kWidenedRowTiles * 32 + 33});
}

// The largest sums of a sub-block are exact.
TEST_P(Matmul, LargestWidenedProducts) {
  if (!target->widened)
    GTEST_SKIP() << "the target has no tiles of floats";
  isExtreme = true;
  checkWidened(makeWidenedShapes(/*rows=*/16), {9});
}

// Sub-blocks of 32, in whole pairs; images.
TEST_P(Matmul, RefusesWhatCannotBeWidened) {
  target::Regime regime = {INT64_MAX, 32, 4, 1024, target::Isa::IntelAmx};
  const WeightType q4k = WeightType::Q4_K, q6k = WeightType::Q6_K;
  const Shape mixed = {{q4k, q6k}, {16, 16}, 256};
  const Shape odd = {{WeightType::Q8_0}, {16}, 96};
  for (const Shape &shape : {mixed, odd})
    expectRefused(makeSpec(shape, regime, true),
                  target->widened ? "cannot widen" : "cannot multiply");
  if (target->widened) {
    regime.imagePanels = regime.imageColumns = 0;
    expectRefused(makeSpec({{q4k}, {16}, 256}, regime, true), "without images");
  }
}

TEST_P(Matmul, Epilogues) {
  std::vector<Shape> shapes;
  for (WeightType type :
       {WeightType::F16, WeightType::BF16, WeightType::Q8_0}) {
    for (bool hasBias : {false, true}) {
      shapes.push_back({{type}, {40}, 64, 32, Epilogue::Store, hasBias});
      shapes.push_back({{type}, {40}, 64, 16, Epilogue::Residual, hasBias});
      shapes.push_back(
          {{type, type}, {40, 40}, 64, 32, Epilogue::Glu, hasBias});
      for (Activation activation : {Activation::Gelu, Activation::SoftCap})
        shapes.push_back(
            {{type}, {40}, 64, 32, Epilogue::Activate, hasBias, activation});
      for (Activation activation : {Activation::Gelu, Activation::SwigluOai})
        shapes.push_back({{type, type},
                          {40, 40},
                          64,
                          32,
                          Epilogue::Glu,
                          hasBias,
                          activation});
    }
  }
  checkShapes(shapes);
}

// A step may hold weights of several types and sizes.
TEST_P(Matmul, SeveralWeights) {
  checkShapes({
      {{WeightType::Q8_0, WeightType::Q4_0, WeightType::Q4_0},
       {48, 16, 17},
       64,
       32},
      {{WeightType::F32, WeightType::BF16, WeightType::F16},
       {33, 16, 5},
       24,
       16,
       Epilogue::Store,
       true},
      {{WeightType::Q4_0, WeightType::Q8_0}, {50, 50}, 96, 16, Epilogue::Glu},
      {{WeightType::F32, WeightType::F16}, {50, 50}, 10, 64, Epilogue::Glu},
      {{WeightType::Q4_K, WeightType::Q6_K, WeightType::Q2_K},
       {48, 16, 17},
       512,
       32},
      {{WeightType::IQ4_XS, WeightType::Q5_1},
       {50, 50},
       256,
       16,
       Epilogue::Glu},
      {{WeightType::IQ3_S, WeightType::IQ1_M, WeightType::TQ1_0},
       {48, 16, 17},
       512,
       32},
      {{WeightType::TQ1_0, WeightType::IQ2_XXS},
       {50, 50},
       256,
       16,
       Epilogue::Glu},
  });
}

// What has no panel layout is read from the file's own bytes, and so can be
// what has one. The last panel has rows missing, which are not read.
TEST_P(Matmul, MappedWeights) {
  isMapped = true;
  std::vector<Shape> shapes;
  for (WeightType type :
       {WeightType::F64, WeightType::I8, WeightType::I16, WeightType::I32,
        WeightType::I64, WeightType::F32, WeightType::F16, WeightType::BF16}) {
    shapes.push_back({{type}, {37}, 33, 32});
    shapes.push_back({{type}, {16}, 5});
    shapes.push_back({{type}, {1}, 1});
  }
  shapes.push_back({{WeightType::F64, WeightType::F64},
                    {20, 20},
                    9,
                    16,
                    Epilogue::Glu,
                    true});
  shapes.push_back({{WeightType::I8}, {40}, 18, 16, Epilogue::Residual});
  checkShapes(shapes);
}

TEST_P(Matmul, ResidualInPlace) {
  isInPlace = true;
  checkShapes({{{WeightType::Q4_0}, {70}, 64, 32, Epilogue::Residual},
               {{WeightType::BF16}, {70}, 9, 32, Epilogue::Residual, true}});
}

// Sums in 16 bits, which AVX2 has, must not saturate.
TEST_P(Matmul, LargestProducts) {
  isExtreme = true;
  std::vector<Shape> shapes;
  for (WeightType type : getTriedTypes(*target))
    if (isQuantized(type))
      shapes.push_back({{type}, {16}, reference::getBlockElems(type)});
  checkShapes(shapes);
}

// Every block type with kernels, and BF16, has them for the matrix unit too, if
// there is one.
TEST_P(Matmul, MatrixUnitReadsAllBlockTypes) {
  for (const target::Regime &regime : target->blockRegimes) {
    if (!regime.matrixIsa)
      continue;
    std::vector<WeightType> types = getWeightTypes(target->isa);
    bool hasPairs = !target->bf16Regimes.empty();
    std::erase_if(types, [&](WeightType type) {
      return !isQuantized(type) && !(hasPairs && type == WeightType::BF16);
    });
    EXPECT_EQ(getWeightTypes(*regime.matrixIsa), types);
  }
}

// A matrix unit reads images only, and only where the target has one.
TEST_P(Matmul, RefusesRowsOfQuants) {
  Shape shape = {{WeightType::Q8_0}, {16}, 64};
  target::Regime regime = {INT64_MAX, 8, 0, 0, target::Isa::IntelAmx};
  bool hasTiles = target->hasKernelsOf(target::Isa::IntelAmx);
  expectRefused(makeSpec(shape, regime),
                hasTiles ? "without images" : "cannot multiply");
}

// Many blocks: sums that lose bits, so that their order shows.
TEST_P(Matmul, LongRows) {
  checkShapes({{{WeightType::Q8_0}, {16}, 2048},
               {{WeightType::Q4_0}, {16}, 2080},
               {{WeightType::Q4_K}, {16}, 2048},
               {{WeightType::NVFP4}, {16}, 2112},
               {{WeightType::IQ2_XS}, {16}, 2048},
               {{WeightType::TQ1_0}, {16}, 2048},
               {{WeightType::F16}, {16}, 1031},
               {{WeightType::BF16}, {16}, 2049}});
}

/// Numbers of all sizes, more where functions by exp are curved.
std::vector<float> makeValuesOfAllSizes() {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < (1ull << 32); bits += 524287)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (float x = -104; x < 104; x += 0.00917f)
    values.push_back(x);
  // The ends of the range of exp, and what lies beside them.
  for (uint32_t bits : {0x42b17217u, 0xc2b17217u, 0x42aeac4fu, 0xc2aeac4fu})
    for (uint32_t step : {-1, 0, 1})
      values.push_back(std::bit_cast<float>(bits + step));
  // The end of tanh's polynomial.
  for (float x : {0.625f, -0.625f, 1.875f, -1.875f})
    for (float beside : {-1e9f, x, 1e9f})
      values.push_back(std::nextafter(x, beside));
  std::erase_if(values, [](float x) { return !(std::abs(x) < 1e38f); });
  return values;
}

// y_0 = x_0 and y_1 = x_1 = 1, so that the result is activation(x_0), but for
// swiglu_oai, which adds 1 to y_1.
TEST_P(Matmul, ActivationsOfAllSizes) {
  const Shape glu = {
      {WeightType::F32, WeightType::F32}, {1, 1}, 2, 16, Epilogue::Glu};
  std::vector<Shape> shapes(4, glu);
  shapes[1].activation = Activation::Gelu;
  shapes[2].activation = Activation::SwigluOai;
  shapes[3] = {{WeightType::F32},  {1}, 2, 16, Epilogue::Activate, false,
               Activation::SoftCap};
  const target::Regime &regime = target->regimes.back();
  std::vector<plan::MatmulSpecAttr> specs;
  for (const Shape &shape : shapes)
    specs.push_back(makeSpec(shape, regime));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());

  std::vector<float> values = makeValuesOfAllSizes();
  std::vector<float> x;
  for (float value : values)
    x.insert(x.end(), {value, 1});
  auto packRow = [&](std::array<float, 2> row) {
    std::vector<uint8_t> bytes(sizeof row);
    std::memcpy(bytes.data(), row.data(), sizeof row);
    return pack(WeightType::F32, 1, 2, bytes);
  };
  int64_t count = values.size();
  for (auto [shape, spec, kernel] : llvm::zip_equal(shapes, specs, kernels)) {
    std::vector<float> expected;
    for (float value : values) {
      float y = std::fma(value, 1.0f, 0.0f);
      expected.push_back(shape.types.size() == 2
                             ? applyGlu(shape.activation, y, 1)
                             : activate(shape.activation, y));
    }
    Call call(kernel, spec);
    call.add(prepareByDefinition(spec.getInput(), x, count, 2));
    call.add(packRow({1, 0}));
    if (shape.types.size() == 2)
      call.add(packRow({0, 1}));
    call.expectFloats(call.addOutput(count * sizeof(float)), expected);
    call.check(spec.getTileCount(), count);
  }
}

} // namespace
} // namespace modelc::kernels::test
