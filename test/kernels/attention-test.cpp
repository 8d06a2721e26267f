//===- attention-test.cpp - Kernel attention
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pages hold NaN wherever no position stands, so whatever reads beyond a
// query's position and lets it take part shows.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/CachePool.h"
#include "test/kernels/KernelHarness.h"
#include <cmath>
#include <map>

namespace modelc::kernels::test {
namespace {

struct Shape {
  int64_t heads, kvHeads, keyDim, valueDim, tileTokens;
  int64_t window = 0;
  float cap = 0;
  bool hasSinks = false;
  bool isShared = false; ///< Values are the ends of keys.
  int64_t parts = 1;
};

/// Tokens [first, last] of a sequence.
struct Stretch {
  uint32_t sequence;
  int32_t first, last;
};

class Attention : public KernelTest {
protected:
  plan::AttentionSpecAttr makeSpec(const Shape &shape);
  std::vector<plan::AttentionSpecAttr> makeSpecs(std::span<const Shape> shapes);
  Batch makeBatch(const std::vector<Stretch> &runs);
  void fillPools(plan::AttentionSpecAttr spec, const Batch &batch);
  std::vector<float> makeExpected(plan::AttentionSpecAttr spec,
                                  const Batch &batch);
  void check(plan::AttentionSpecAttr spec, Kernel kernel,
             const std::vector<Stretch> &runs);

  /// Of the cache; null: F16.
  mlir::Type cacheType;
  /// Multiplies queries; large ones make weights of 0 and 1.
  float queryScale = 1;
  /// Replaces keys (values) of position 70 of each sequence.
  std::optional<float> strangeKey, strangeValue;

  static constexpr int64_t kSequences = 3, kPages = 4;
  /// Per sequence and kv head: [position][dim].
  std::map<std::pair<int64_t, int64_t>, std::vector<float>> keys, values;
  std::vector<uint8_t> keyPool, valuePool;
  std::vector<float> q, sinks;
};
MODELC_FOR_EACH_TARGET(Attention);
MODELC_FOR_EACH_GPU(Attention, "gfx1100");

plan::AttentionSpecAttr Attention::makeSpec(const Shape &shape) {
  mlir::Type type = cacheType ? cacheType : mlir::Float16Type::get(&context);
  auto keyPage =
      pack::getKeyPageLayout(&context, type, MODELC_PAGE_TOKENS, shape.keyDim);
  return plan::AttentionSpecAttr::get(
      &context, shape.heads, shape.kvHeads, shape.keyDim, shape.valueDim,
      f32(1 / std::sqrt(float(shape.keyDim))), keyPage,
      shape.isShared ? keyPage
                     : pack::getValuePageLayout(
                           &context, type, MODELC_PAGE_TOKENS, shape.valueDim),
      shape.tileTokens, shape.window,
      shape.cap != 0 ? f32(shape.cap) : mlir::FloatAttr(), shape.hasSinks,
      shape.isShared, shape.parts);
}

std::vector<plan::AttentionSpecAttr>
Attention::makeSpecs(std::span<const Shape> shapes) {
  std::vector<plan::AttentionSpecAttr> specs;
  size_t step = target->gpu ? 4 : 1; // The interpreter takes long.
  for (size_t i = 0; i < shapes.size(); i += step)
    specs.push_back(makeSpec(shapes[i]));
  return specs;
}

/// Pages of all sequences are shuffled.
Batch Attention::makeBatch(const std::vector<Stretch> &runs) {
  Batch batch;
  batch.pagesPerSequence = kPages;
  for (uint32_t page = 0; page < kSequences * kPages; ++page)
    batch.pageTables.push_back(page);
  std::shuffle(batch.pageTables.begin(), batch.pageTables.end(), random);
  for (const Stretch &run : runs)
    for (int32_t position = run.first; position <= run.last; ++position) {
      batch.sequences.push_back(run.sequence);
      batch.positions.push_back(position);
    }
  return batch;
}

void Attention::fillPools(plan::AttentionSpecAttr spec, const Batch &batch) {
  int64_t kvHeads = spec.getKvHeads();
  auto fill = [&](std::vector<uint8_t> &pool, auto &rows,
                  pack::LayoutAttr layout, std::optional<float> strange) {
    int64_t dim = layout.getK();
    pool.assign(kSequences * kPages * kvHeads * layout.getBytes(), 0x7f);
    rows.clear();
    std::vector<int32_t> last(kSequences, -1);
    for (size_t t = 0; t < batch.positions.size(); ++t)
      last[batch.sequences[t]] =
          std::max(last[batch.sequences[t]], batch.positions[t]);
    for (int64_t s = 0; s < kSequences; ++s)
      for (int64_t h = 0; h < kvHeads; ++h)
        for (int64_t j = 0; j <= last[s]; ++j) {
          std::vector<float> row(dim);
          for (float &x : row)
            x = strange && j == 70 ? *strange : 2 * makeFloat();
          int64_t page = batch.pageTables[s * kPages + j / 64];
          storeRow(pool, layout, page * kvHeads + h, j % 64, row);
          reference::roundToCache(getCacheType(layout), row);
          llvm::append_range(rows[{s, h}], row);
        }
  };
  fill(keyPool, keys, spec.getKeyPage(), strangeKey);
  if (!spec.getShared())
    fill(valuePool, values, spec.getValuePage(), strangeValue);
}

std::vector<float> Attention::makeExpected(plan::AttentionSpecAttr spec,
                                           const Batch &batch) {
  int64_t keyDim = spec.getKeyDim(), valueDim = spec.getValueDim();
  int64_t rows = batch.positions.size() * spec.getHeads();
  std::vector<float> expected(rows * valueDim);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t t = row / spec.getHeads(), head = row % spec.getHeads();
    std::pair<int64_t, int64_t> stored = {
        batch.sequences[t], head / (spec.getHeads() / spec.getKvHeads())};
    reference::HeadCache cache = {keys[stored].data(), keyDim,
                                  values[stored].data(), valueDim};
    if (spec.getShared()) {
      cache.values = cache.keys + keyDim - valueDim;
      cache.valueStride = keyDim;
    }
    reference::ScoreOptions options;
    options.window = spec.getWindow();
    if (spec.getCap())
      options.cap = spec.getCap().getValue().convertToFloat();
    if (spec.getSinks())
      options.sink = sinks[head];
    reference::attend(
        std::span(q).subspan(row * keyDim, keyDim), cache, batch.positions[t],
        spec.getScale().getValue().convertToFloat(),
        std::span(expected).subspan(row * valueDim, valueDim), options);
  }
  return expected;
}

void Attention::check(plan::AttentionSpecAttr spec, Kernel kernel,
                      const std::vector<Stretch> &runs) {
  Batch batch = makeBatch(runs);
  fillPools(spec, batch);
  int64_t tokens = batch.positions.size();
  q = makeFloats(tokens * spec.getHeads() * spec.getKeyDim());
  for (float &x : q)
    x *= queryScale;
  Call call(kernel, spec, batch);
  call.add(q);
  call.add(keyPool);
  if (!spec.getShared())
    call.add(valuePool);
  if (spec.getSinks()) {
    sinks = makeFloats(spec.getHeads());
    call.add(sinks);
  }
  std::vector<float> expected = makeExpected(spec, batch);
  call.expectFloats(call.addOutput(expected.size() * sizeof(float)), expected);
  int64_t groups = llvm::divideCeil(tokens, spec.getTileTokens());
  call.check(groups * spec.getKvHeads() * spec.getParts(), tokens);
}

// Head dimensions that do and do not fill vectors; groups of one head, of
// some, and of more than a block has rows; one token a tile and many.
TEST_P(Attention, Shapes) {
  const Shape shapes[] = {
      {4, 1, 64, 64, 1},   {8, 2, 64, 64, 3},   {2, 2, 128, 128, 12},
      {3, 3, 8, 8, 8},     {6, 2, 96, 96, 4},   {5, 1, 80, 80, 2},
      {14, 2, 32, 32, 2},  {13, 1, 16, 24, 1},  {32, 1, 16, 16, 2},
      {4, 2, 48, 20, 6},   {2, 1, 5, 3, 5},     {1, 1, 1, 1, 13},
      {3, 1, 100, 256, 4}, {1, 1, 256, 100, 6}, {12, 1, 40, 40, 1},
  };
  std::vector<plan::AttentionSpecAttr> specs = makeSpecs(shapes);
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    check(spec, kernel, {{0, 0, 12}});
    check(spec, kernel, {{1, 60, 68}, {0, 130, 130}, {2, 0, 1}});
  }
}

// Blocks that are one, some and an odd number of a head's; slabs of half a
// block, and of one and more.
TEST_P(Attention, ShapesOfQuantizedPages) {
  cacheType = model::getElementType(&context, model::GgmlType::Q8_0);
  const Shape shapes[] = {{4, 1, 64, 64, 1},    {8, 2, 64, 64, 3},
                          {2, 2, 128, 128, 12}, {6, 2, 96, 96, 4},
                          {14, 2, 32, 32, 2},   {13, 1, 32, 64, 1},
                          {32, 1, 96, 32, 2},   {3, 1, 160, 256, 4},
                          {1, 1, 256, 160, 6},  {12, 1, 192, 128, 1}};
  std::vector<plan::AttentionSpecAttr> specs = makeSpecs(shapes);
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    check(spec, kernel, {{0, 0, 12}});
    check(spec, kernel, {{1, 60, 68}, {0, 130, 130}, {2, 0, 1}});
  }
}

// Values that are ends of keys, of whole vectors and of less, and keys' whole
// length; heads in several tiles; strange numbers; what else attention has.
TEST_P(Attention, SharedPages) {
  std::vector<plan::AttentionSpecAttr> specs;
  auto add = [&](Shape shape) {
    shape.isShared = true;
    plan::AttentionSpecAttr spec = makeSpec(shape);
    if (!target->gpu || spec.getScratchBytes() <= target->gpu->ldsBytes)
      specs.push_back(spec);
  };
  for (const Shape &shape : std::vector<Shape>{{4, 1, 96, 64, 1},
                                               {4, 1, 96, 64, 3},
                                               {26, 1, 40, 24, 2},
                                               {2, 2, 16, 16, 5},
                                               {3, 1, 21, 20, 4},
                                               {1, 1, 1, 1, 13},
                                               {1, 1, 576, 512, 1}})
    add(shape);
  add({.heads = 24,
       .kvHeads = 1,
       .keyDim = 80,
       .valueDim = 72,
       .tileTokens = 2,
       .parts = 2});
  add({.heads = 12,
       .kvHeads = 2,
       .keyDim = 32,
       .valueDim = 16,
       .tileTokens = 4,
       .window = 20,
       .cap = 2,
       .hasSinks = true,
       .parts = 3});
  cacheType = model::getElementType(&context, model::GgmlType::Q8_0);
  add({4, 1, 96, 64, 1});
  add({14, 1, 160, 128, 3});
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    check(spec, kernel, {{0, 0, 12}});
    check(spec, kernel, {{1, 60, 68}, {0, 130, 130}, {2, 0, 1}});
    for (float key : {std::numeric_limits<float>::infinity(), NAN, -0.0f}) {
      strangeKey = key;
      check(spec, kernel, {{0, 60, 80}, {1, 125, 130}});
    }
    strangeKey.reset();
  }
}

TEST_P(Attention, RefusesUnequalParts) {
  Shape shape = {6, 1, 16, 16, 1};
  shape.parts = 4;
  expectRefused(makeSpec(shape), "6 heads are no multiple of 4");
}

// All ways that runs of sequences, pages and tiles can meet; the last shape has
// blocks of one, three and seven tokens where registers are long.
TEST_P(Attention, Runs) {
  const Shape shapes[] = {{2, 2, 16, 16, 1},
                          {2, 2, 16, 16, 5},
                          {6, 2, 16, 16, 4},
                          {8, 2, 16, 20, 7}};
  std::vector<plan::AttentionSpecAttr> specs = makeSpecs(shapes);
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  const std::vector<Stretch> cases[] = {
      {{0, 0, 0}},
      {{0, 62, 62}},
      {{0, 63, 63}},
      {{0, 64, 64}},
      {{0, 0, 200}},
      {{2, 190, 193}, {1, 0, 5}},
      {{0, 64, 64}, {1, 64, 64}, {2, 127, 128}},
      {{0, 10, 10}, {1, 3, 3}, {0, 11, 14}, {2, 255, 255}},
      {{1, 61, 66}, {2, 125, 131}},
  };
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (const std::vector<Stretch> &runs : cases)
      check(spec, kernel, runs);
}

// Windows that end inside and at the ends of pages, shorter than a tile and
// longer than all; caps that bend and that do not; sinks; all at once.
TEST_P(Attention, WindowsCapsAndSinks) {
  std::vector<plan::AttentionSpecAttr> specs;
  for (int64_t tileTokens : {1, 5}) {
    for (int64_t window : {1, 16, 64, 65, 300})
      specs.push_back(makeSpec({6, 2, 16, 24, tileTokens, window}));
    for (float cap : {0.5f, 50.0f})
      specs.push_back(makeSpec({6, 2, 16, 24, tileTokens, 0, cap}));
    specs.push_back(makeSpec({6, 2, 16, 24, tileTokens, 0, 0, true}));
    specs.push_back(makeSpec({14, 1, 16, 24, tileTokens, 70, 2, true}));
  }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (const std::vector<Stretch> &runs : std::vector<std::vector<Stretch>>{
             {{0, 0, 4}, {1, 60, 70}, {2, 127, 131}},
             {{1, 200, 200}, {2, 63, 64}, {0, 250, 255}}})
      check(spec, kernel, runs);
}

// What lies before the window may be anything.
TEST_P(Attention, NothingBeforeTheWindow) {
  std::vector<plan::AttentionSpecAttr> specs = {
      makeSpec({4, 2, 16, 16, 1, 20}), makeSpec({4, 2, 16, 16, 6, 20})};
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    strangeKey = strangeValue = NAN;
    check(spec, kernel, {{0, 60, 110}, {1, 85, 95}});
    strangeKey.reset();
    check(spec, kernel, {{0, 60, 110}, {1, 85, 95}});
    strangeValue.reset();
  }
}

// Weights of 0 and 1, overflowing scores, and what is not finite, in decode
// and in prefill tiles.
TEST_P(Attention, ExtremeScores) {
  std::vector<plan::AttentionSpecAttr> specs = {makeSpec({4, 2, 24, 24, 1}),
                                                makeSpec({4, 2, 24, 24, 7})};
  cacheType = model::getElementType(&context, model::GgmlType::Q8_0);
  specs.push_back(makeSpec({4, 2, 32, 64, 1}));
  specs.push_back(makeSpec({4, 2, 32, 64, 7}));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  const std::vector<Stretch> runs = {{0, 60, 80}, {1, 125, 140}, {2, 0, 3}};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    for (float scale : {1e-30f, 60.0f, 1e30f, 3e38f}) {
      queryScale = scale;
      check(spec, kernel, runs);
    }
    queryScale = 1;
    // From position 70 on, results are NaN or not as the page says.
    for (float key : {kInfinity, -kInfinity, NAN, 65504.0f}) {
      strangeKey = key;
      check(spec, kernel, runs);
    }
    strangeKey.reset();
    for (float value : {kInfinity, -kInfinity, NAN, -0.0f}) {
      strangeValue = value;
      check(spec, kernel, runs);
    }
    strangeValue.reset();
    queryScale = 1;
  }
}

TEST_P(Attention, RefusesOtherPages) {
  plan::AttentionSpecAttr spec = makeSpec({2, 1, 16, 16, 8});
  mlir::Type f32Type = mlir::Float32Type::get(&context);
  auto wrong = plan::AttentionSpecAttr::get(
      &context, 2, 1, 16, 16, f32(1), spec.getKeyPage(),
      pack::getValuePageLayout(&context, f32Type, 64, 16), 1, /*window=*/0,
      /*cap=*/mlir::FloatAttr(), /*sinks=*/false, /*shared=*/false,
      /*parts=*/1);
  expectRefused(wrong, "cannot attend to pages");
}

} // namespace
} // namespace modelc::kernels::test
