//===- experts-test.cpp - Kernels route, group and experts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the expert matmul's registers tile and unpack is matmul-test.cpp's
// matter; here it is which rows meet which matrices.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/reference/ReferencePacker.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/ExpertGroups.h"
#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <set>
#include <sys/mman.h>

namespace modelc::kernels::test {
namespace {

using model::Epilogue;
using plan::ExpertGroupLimits;
using reference::WeightType;

/// What a group kernel makes of the ids of some tokens, by the picture in
/// ExpertGroups.h: arrays of the size that the limits give, entries that no
/// kernel writes 0xffffffff.
struct Groups {
  std::vector<int32_t> counts, groups, rows, places;

  int64_t getRowTiles() const { return counts[1]; }
};

Groups groupByDefinition(const std::vector<int32_t> &ids, int64_t slots,
                         int64_t experts, int64_t rowTile) {
  int64_t tokens = static_cast<int64_t>(ids.size()) / slots;
  ExpertGroupLimits limits = {tokens, slots, experts, rowTile};
  Groups g;
  g.groups.assign(limits.getGroupsBytes() / sizeof(int32_t), -1);
  g.places.assign(ids.size(), -1);
  int32_t active = 0;
  for (int32_t e = 0; e < experts; ++e) {
    size_t first = g.rows.size();
    for (size_t i = 0; i < ids.size(); ++i)
      if (ids[i] == e) {
        g.places[i] = static_cast<int32_t>(g.rows.size());
        g.rows.push_back(static_cast<int32_t>(i) / static_cast<int32_t>(slots));
      }
    if (g.rows.size() == first)
      continue;
    while (g.rows.size() % rowTile != 0)
      g.rows.push_back(plan::kNoRow);
    g.groups[active * 4] = e;
    g.groups[active * 4 + 1] = static_cast<int32_t>(first / rowTile);
    g.groups[active * 4 + 2] =
        static_cast<int32_t>((g.rows.size() - first) / rowTile);
    ++active;
  }
  g.counts = {active, static_cast<int32_t>(g.rows.size() / rowTile)};
  EXPECT_LE(active, limits.getGroups());
  EXPECT_LE(g.getRowTiles(), limits.getRowTiles());
  g.rows.resize(limits.getRowsBytes() / sizeof(int32_t), -1);
  return g;
}

std::vector<uint8_t> toBytes(const std::vector<int32_t> &words) {
  std::vector<uint8_t> bytes(words.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

/// Distinct experts for each of some tokens. `favourite`, if any, is chosen by
/// all.
std::vector<int32_t> makeIds(int64_t tokens, int64_t slots, int64_t experts,
                             int64_t favourite, std::mt19937 &random) {
  std::vector<int32_t> ids;
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<int32_t> all(experts);
    for (int64_t e = 0; e < experts; ++e)
      all[e] = static_cast<int32_t>(e);
    std::shuffle(all.begin(), all.end(), random);
    if (favourite >= 0)
      std::iter_swap(all.begin(), std::find(all.begin(), all.end(), favourite));
    ids.insert(ids.end(), all.begin(), all.begin() + slots);
  }
  return ids;
}

void expectGroups(Call &call, const Groups &groups) {
  for (const auto *words :
       {&groups.counts, &groups.groups, &groups.rows, &groups.places}) {
    std::vector<uint8_t> bytes = toBytes(*words);
    call.expectBytes(call.addOutput(bytes.size()), bytes);
  }
}

//===----------------------------------------------------------------------===//
// route
//===----------------------------------------------------------------------===//

class Route : public KernelTest {
protected:
  void check(plan::RouteSpecAttr spec, Kernel kernel,
             const std::vector<float> &logits, int64_t tiles);
  /// Ordinary tokens, and tokens with ties, infinities and NaNs.
  std::vector<float> makeLogits(int64_t experts, int64_t &tokens);
};
MODELC_FOR_EACH_TARGET(Route);
MODELC_FOR_EACH_GPU(Route, "gfx942", "gfx1201");

std::vector<float> Route::makeLogits(int64_t experts, int64_t &tokens) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::vector<float>> palettes = {
      {0},        {1, 2},          {0.0f, -0.0f}, {-kInf},
      {kInf, 0},  {kNan},          {kNan, 1},     {-kNan, kInf},
      {-kInf, 3}, {1e38f, -1e38f}, {0, -80, 9},   {-1e-40f, 0}};
  tokens = 0;
  std::vector<float> logits;
  for (; tokens < 10; ++tokens)
    for (int64_t e = 0; e < experts; ++e)
      logits.push_back(8 * makeFloat());
  for (const std::vector<float> &palette : palettes) {
    ++tokens;
    for (int64_t e = 0; e < experts; ++e)
      logits.push_back(palette[random() % palette.size()]);
  }
  return logits;
}

void Route::check(plan::RouteSpecAttr spec, Kernel kernel,
                  const std::vector<float> &logits, int64_t tiles) {
  int64_t experts = spec.getExperts(), slots = spec.getSlots();
  int64_t tokens = static_cast<int64_t>(logits.size()) / experts;
  std::vector<float> bias;
  if (spec.getBias())
    bias = makeFloats(experts);
  reference::RouteOptions options;
  options.slots = slots;
  if (spec.getGating() == model::Gating::Sigmoid)
    options.gating = reference::Gating::Sigmoid;
  options.normalise = spec.getNormalise();
  options.scale = spec.getScale().getValue().convertToFloat();
  options.groups = spec.getLimitGroups();
  options.groupsUsed = spec.getLimitUsed();
  std::vector<int32_t> ids;
  std::vector<float> weights;
  for (int64_t t = 0; t < tokens; ++t) {
    reference::Route token = reference::route(
        std::span(logits).subspan(t * experts, experts), bias, options);
    ids.insert(ids.end(), token.ids.begin(), token.ids.end());
    weights.insert(weights.end(), token.weights.begin(), token.weights.end());
  }
  Call call(kernel, spec);
  call.add(logits);
  if (spec.getBias())
    call.add(bias);
  std::vector<uint8_t> bytes = toBytes(ids);
  call.expectBytes(call.addOutput(bytes.size()), bytes);
  call.expectFloats(call.addOutput(bytes.size()), weights);
  if (spec.getGroupRows() > 0)
    expectGroups(call,
                 groupByDefinition(ids, slots, experts, spec.getGroupRows()));
  call.check(tiles, tokens);
}

// Experts around the edges of vectors, one slot and all of them.
TEST_P(Route, EqualsReference) {
  std::vector<plan::RouteSpecAttr> specs;
  using model::Gating;
  for (int64_t experts : {1, 2, 8, 15, 16, 17, 64, 100})
    for (int64_t slots : std::set<int64_t>{1, std::min<int64_t>(experts, 8),
                                           std::min<int64_t>(experts, 17)})
      for (bool odd : {false, true})
        specs.push_back(plan::RouteSpecAttr::get(
            &context, experts, slots, odd ? Gating::Sigmoid : Gating::Softmax,
            /*normalise=*/!odd || slots > 1, f32(odd ? 2.5f : 1.0f),
            /*bias=*/odd, /*groupRows=*/0, /*limitGroups=*/0,
            /*limitUsed=*/0));
  specs.push_back(plan::RouteSpecAttr::get(&context, 24, 3, Gating::Softmax,
                                           false, f32(1), true, 0, 0, 0));
  specs.push_back(plan::RouteSpecAttr::get(&context, 24, 3, Gating::Sigmoid,
                                           false, f32(1), false, 0, 0, 0));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    int64_t tokens;
    std::vector<float> logits = makeLogits(spec.getExperts(), tokens);
    check(spec, kernel, logits, tokens);
  }
}

// Groups of two experts and of more, one used and all, with ties between groups
// and infinities and NaNs in them.
TEST_P(Route, LimitsToGroups) {
  using model::Gating;
  std::vector<plan::RouteSpecAttr> specs;
  for (auto [experts, groups, used, slots] :
       std::vector<std::array<int64_t, 4>>{{8, 4, 2, 3},
                                           {8, 4, 1, 2},
                                           {64, 8, 4, 6},
                                           {34, 2, 1, 5},
                                           {20, 2, 2, 9}})
    for (bool hasBias : {false, true})
      specs.push_back(plan::RouteSpecAttr::get(
          &context, experts, slots, hasBias ? Gating::Sigmoid : Gating::Softmax,
          /*normalise=*/true, f32(2.5f), hasBias, /*groupRows=*/0, groups,
          used));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    int64_t tokens;
    std::vector<float> logits = makeLogits(spec.getExperts(), tokens);
    check(spec, kernel, logits, tokens);
  }
}

// Both steps in one tile, for one token and for several.
TEST_P(Route, GroupsToo) {
  std::vector<plan::RouteSpecAttr> specs;
  for (int64_t rowTile : {1, 4})
    specs.push_back(plan::RouteSpecAttr::get(
        &context, 20, 3, model::Gating::Softmax, true, f32(1), false, rowTile,
        /*limitGroups=*/0, /*limitUsed=*/0));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    int64_t tokens;
    std::vector<float> logits = makeLogits(20, tokens);
    check(spec, kernel, logits, 1);
    for (int64_t t = 0; t < tokens; ++t)
      check(spec, kernel,
            {logits.begin() + t * 20, logits.begin() + (t + 1) * 20}, 1);
  }
}

//===----------------------------------------------------------------------===//
// group
//===----------------------------------------------------------------------===//

class Group : public KernelTest {};
MODELC_FOR_EACH_TARGET(Group);

// The example of ExpertGroups.h, number for number.
TEST_P(Group, Picture) {
  std::vector<plan::GroupSpecAttr> specs = {
      plan::GroupSpecAttr::get(&context, 6, 2, 2)};
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), 1u);
  std::vector<int32_t> ids = {5, 1, 1, 2, 5, 1};
  Groups groups;

  groups.groups = {1, 0, 2, -1, 2, 2, 1, -1, 5, 3, 1, -1};
  groups.groups.resize(6 * 4, -1);
  groups.rows = {0, 1, 2, -1, 1, -1, 0, 2};
  groups.rows.resize(16, -1);
  groups.places = {6, 0, 1, 4, 7, 2};
  groups.counts = {3, 4};
  Call call(kernels[0], specs[0]);
  call.add(ids);
  expectGroups(call, groups);
  call.check(1, 3);
}

// One token and many; experts that all choose, and that none does.
TEST_P(Group, EqualsDefinition) {
  std::vector<plan::GroupSpecAttr> specs;
  for (auto [experts, slots] :
       {std::pair(1, 1), {2, 1}, {8, 2}, {16, 16}, {40, 6}})
    for (int64_t rowTile : {1, 3, 6, 16})
      specs.push_back(
          plan::GroupSpecAttr::get(&context, experts, slots, rowTile));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    for (int64_t tokens : {1, 2, 7, 50})
      for (int64_t favourite : {int64_t(-1), spec.getExperts() - 1}) {
        std::vector<int32_t> ids = makeIds(
            tokens, spec.getSlots(), spec.getExperts(), favourite, random);
        Call call(kernel, spec);
        call.add(ids);
        expectGroups(call,
                     groupByDefinition(ids, spec.getSlots(), spec.getExperts(),
                                       spec.getRowTile()));
        call.check(1, tokens);
      }
}

//===----------------------------------------------------------------------===//
// experts
//===----------------------------------------------------------------------===//

struct ExpertsShape {
  std::vector<WeightType> types; ///< One, or gate and up.
  int64_t experts, rows, columns, slots;
  int64_t tileRows = 16;
  bool hasBias = false;
  model::Activation activation = model::Activation::Silu;
};

class Experts : public KernelTest {
protected:
  plan::ExpertsSpecAttr makeSpec(const ExpertsShape &shape,
                                 const target::Regime &regime, bool indirect);
  /// Gives the row tiles of all groups.
  int64_t check(const ExpertsShape &shape, plan::ExpertsSpecAttr spec,
                Kernel kernel, int64_t tokens);
  pack::LayoutAttr getLayout(WeightType type) {
    return getMatmulLayout(&context, type, *target);
  }
};
MODELC_FOR_EACH_TARGET(Experts);

plan::ExpertsSpecAttr Experts::makeSpec(const ExpertsShape &shape,
                                        const target::Regime &regime,
                                        bool indirect) {
  std::vector<pack::LayoutAttr> layouts;
  for (WeightType type : shape.types)
    layouts.push_back(getLayout(type));
  pack::LayoutAttr input = getInputLayout(layouts, regime);
  llvm::SmallVector<mlir::Attribute> attributes(layouts.begin(), layouts.end());
  auto matmul = plan::MatmulSpecAttr::get(
      &context, shape.columns, input,
      mlir::ArrayAttr::get(&context, attributes),
      mlir::DenseI64ArrayAttr::get(
          &context, llvm::SmallVector<int64_t>(shape.types.size(), shape.rows)),
      shape.types.size() == 2 ? Epilogue::Glu : Epilogue::Store,
      shape.activation, shape.hasBias, shape.tileRows,
      isQuantized(shape.types[0]) ? regime.imagePanels : 0,
      isQuantized(shape.types[0]) ? regime.imageColumns : 0,
      /*cap=*/mlir::FloatAttr());
  return plan::ExpertsSpecAttr::get(&context, matmul, shape.experts, indirect);
}

/// Rows of all tiles: those of `x`, zeros where there is none.
std::vector<float> gatherRows(std::span<const float> x, const Groups &groups,
                              int64_t rows, int64_t columns) {
  std::vector<float> gathered(rows * columns, 0.0f);
  for (int64_t row = 0; row < rows; ++row)
    if (groups.rows[row] != plan::kNoRow)
      std::copy_n(x.begin() + groups.rows[row] * columns, columns,
                  gathered.begin() + row * columns);
  return gathered;
}

/// Adds to each row of a group the bias of its expert; `tileElems` are the
/// elements of a row tile.
void addBiases(std::vector<float> &y, const std::vector<float> &biases,
               const Groups &groups, int64_t tileElems, int64_t rows) {
  for (int64_t g = 0; g < groups.counts[0]; ++g) {
    int64_t begin = groups.groups[4 * g + 1] * tileElems;
    int64_t end = begin + groups.groups[4 * g + 2] * tileElems;
    for (int64_t i = begin; i < end; ++i)
      y[i] = y[i] + biases[groups.groups[4 * g] * rows + i % rows];
  }
}

int64_t Experts::check(const ExpertsShape &shape, plan::ExpertsSpecAttr spec,
                       Kernel kernel, int64_t tokens) {
  pack::LayoutAttr input = spec.getMatmul().getInput();
  int64_t rowTile = input.getRows(), columns = shape.columns;
  std::vector<int32_t> ids =
      makeIds(tokens, shape.slots, shape.experts, shape.experts / 2, random);
  Groups groups = groupByDefinition(ids, shape.slots, shape.experts, rowTile);
  int64_t rows = groups.getRowTiles() * rowTile;
  std::vector<float> x = makeActivations(tokens, columns, random);
  std::vector<float> gathered = gatherRows(x, groups, rows, columns);

  Call call(kernel, spec);
  if (spec.getIndirect())
    call.add(prepareByDefinition(input, x, tokens, columns));
  else
    call.add(prepareByDefinition(input, gathered, rows, columns));
  std::vector<std::vector<float>> results;
  for (WeightType type : shape.types) {
    int64_t matrixBytes = shape.rows * reference::getRowBytes(type, columns);
    std::vector<uint8_t> weight =
        makeWeight(type, shape.experts * shape.rows, columns, random);
    pack::LayoutAttr source =
        pack::getMappedLayout(&context, getElementType(&context, type));
    call.add(repack::packByDefinition(
        source, getLayout(type), {shape.experts, shape.rows, columns}, weight));
    std::vector<float> &y = results.emplace_back(rows * shape.rows);
    for (int64_t g = 0; g < groups.counts[0]; ++g)
      for (int64_t r = groups.groups[4 * g + 1] * rowTile,
                   end = r + groups.groups[4 * g + 2] * rowTile;
           r < end; ++r)
        multiply(type, pack::hasParts(input),
                 weight.data() + groups.groups[4 * g] * matrixBytes,
                 std::span(gathered).subspan(r * columns, columns),
                 std::span(y).subspan(r * shape.rows, shape.rows));
  }
  if (shape.hasBias)
    for (std::vector<float> &y : results) {
      std::vector<float> biases = makeFloats(shape.experts * shape.rows);
      call.add(biases);
      addBiases(y, biases, groups, rowTile * shape.rows, shape.rows);
    }
  for (size_t i = 0; results.size() == 2 && i < results[0].size(); ++i)
    results[0][i] =
        shape.activation == model::Activation::SwigluOai
            ? reference::computeSwigluOai(results[0][i], results[1][i])
            : reference::computeSilu(results[0][i]) * results[1][i];
  call.add(groups.groups);
  if (spec.getIndirect())
    call.add(groups.rows);
  call.expectFloats(call.addOutput(results[0].size() * sizeof(float)),
                    results[0]);
  call.check(groups.counts[0] * spec.getMatmul().getTileCount(),
             groups.counts[0]);
  return groups.getRowTiles();
}

// Every regime; matrices that end inside a panel; groups of one row and of
// several tiles; one expert that all share.
TEST_P(Experts, EqualsReference) {
  const std::vector<ExpertsShape> shapes = {
      {{WeightType::Q8_0, WeightType::Q8_0}, 4, 48, 64, 2, 32},
      {{WeightType::Q4_K, WeightType::Q6_K}, 5, 37, 256, 2, 32},
      {{WeightType::Q4_0}, 5, 37, 96, 3},
      {{WeightType::F16, WeightType::F32}, 7, 20, 17, 3, 64},
      {{WeightType::BF16, WeightType::BF16}, 5, 37, 50, 2, 32, true},
      {{WeightType::Q8_0}, 1, 64, 64, 1, 64},
      {{WeightType::MXFP4}, 5, 37, 96, 3, 16, true},
      {{WeightType::MXFP4, WeightType::MXFP4},
       4,
       48,
       64,
       2,
       32,
       true,
       model::Activation::SwigluOai}};
  std::vector<plan::ExpertsSpecAttr> specs;
  for (const ExpertsShape &shape : shapes)
    for (const target::Regime &regime : target->blockRegimes) {
      specs.push_back(makeSpec(shape, regime, false));
      if (regime.rowTile == 1)
        specs.push_back(makeSpec(shape, regime, true));
    }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  size_t next = 0;
  for (const ExpertsShape &shape : shapes)
    for (const target::Regime &regime : target->blockRegimes)
      for (int i = 0; i < (regime.rowTile == 1 ? 2 : 1); ++i, ++next)
        for (int64_t tokens : {1, 2, 13})
          check(shape, specs[next], kernels[next], tokens);
}

TEST_P(Experts, EveryType) {
  std::vector<ExpertsShape> shapes;
  std::vector<plan::ExpertsSpecAttr> specs;
  for (WeightType type : getTriedTypes(*target)) {
    int64_t block = std::max<int64_t>(32, reference::getBlockElems(type));
    shapes.push_back({{type}, 3, 20, block, 2});
    specs.push_back(
        makeSpec(shapes.back(), target->blockRegimes.back(), false));
  }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (size_t i = 0; i < shapes.size(); ++i)
    check(shapes[i], specs[i], kernels[i], 9);
}

// Groups around the edges of row tiles: one expert has a row of every token,
// the others share the rest. A matrix unit computes whole row tiles of each
// group, in three runs each.
TEST_P(Experts, RowsAroundTiles) {
  const std::vector<ExpertsShape> shapes = {
      {{WeightType::Q8_0}, 4, 40, 64, 2, 32},
      {{WeightType::Q2_K, WeightType::Q2_K}, 3, 20, 256, 2, 32}};
  const target::Regime &regime = target->blockRegimes.back();
  std::vector<plan::ExpertsSpecAttr> specs;
  for (const ExpertsShape &shape : shapes)
    specs.push_back(makeSpec(shape, regime, false));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  int64_t products = 0;
  for (auto [shape, spec, kernel] : llvm::zip_equal(shapes, specs, kernels)) {
    int64_t length = pack::getBlockFormat(spec.getMatmul().getWeightLayout(0))
                         .getSumLength();
    int64_t perTile = static_cast<int64_t>(shape.types.size()) *
                      llvm::divideCeil(shape.rows, pack::kPanelRows) *
                      (shape.columns / length);
    for (int64_t tokens = 1; tokens <= 70; ++tokens)
      products += 3 * perTile * check(shape, spec, kernel, tokens);
  }
  if (regime.matrixIsa == target::Isa::IntelAmx)
    expectTileProducts(products);
}

// Matrices of experts that no token chose may not even be readable.
TEST_P(Experts, OthersAreNotRead) {
  const ExpertsShape shape = {
      {WeightType::Q8_0, WeightType::Q8_0}, 6, 64, 64, 1, 64};
  std::vector<plan::ExpertsSpecAttr> specs = {
      makeSpec(shape, target->regimes.front(), true)};
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), 1u);
  pack::LayoutAttr layout = getLayout(WeightType::Q8_0);
  uint64_t stride = layout.getMatrixStride(shape.rows, shape.columns);
  ASSERT_EQ(stride % pack::kExpertAlign, 0u);
  size_t bytes = layout.getPackedBytes({shape.experts, 64, 64});
  void *mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapping, MAP_FAILED);
  auto *weight = static_cast<uint8_t *>(mapping);
  for (int64_t e : {0, 1, 3, 4, 5}) // All but 2.
    ASSERT_EQ(mprotect(weight + e * stride, stride, PROT_NONE), 0);

  pack::LayoutAttr input = specs[0].getMatmul().getInput();
  std::vector<uint8_t> x = prepareByDefinition(input, makeFloats(64), 1, 64);
  Groups groups = groupByDefinition({2}, 1, 6, 1);
  std::vector<float> out(64, 1.0f);
  void *operands[] = {
      x.data(),           weight,    weight, groups.groups.data(),
      groups.rows.data(), out.data()};
  ModelcKernelParams params = {};
  params.operands = operands;
  params.tileEnd = static_cast<uint32_t>(specs[0].getMatmul().getTileCount());
  params.count = 1;
  kernels[0].function(&params);
  EXPECT_EQ(out, std::vector<float>(64, 0.0f)); // Of a matrix of zeros.
  munmap(mapping, bytes);
}

TEST_P(Experts, RefusesOtherMatmuls) {
  const ExpertsShape shape = {{WeightType::F32}, 2, 16, 16, 1};
  plan::ExpertsSpecAttr spec =
      makeSpec(shape, target->regimes.back(), /*indirect=*/true);
  expectRefused(spec, "no expert matmul like");
}

//===----------------------------------------------------------------------===//
// Grouped prepare
//===----------------------------------------------------------------------===//

class GroupedPrepare : public KernelTest {};
MODELC_FOR_EACH_TARGET(GroupedPrepare);

// Rows of tokens, normalised or not, and zeros between groups; the rows of an
// array that has them all in place.
TEST_P(GroupedPrepare, EqualsReference) {
  constexpr int64_t kColumns = 80, kTokens = 9, kSlots = 2, kExperts = 5;
  constexpr float kEps = 1e-5f;
  std::vector<plan::PrepareSpecAttr> specs;
  for (const target::Regime &regime : target->regimes)
    for (bool gather : {false, true})
      for (bool hasNorm : {false, true})
        for (pack::LayoutAttr layout :
             {pack::getFloatActivationLayout(&context, regime.rowTile),
              pack::getQuantizedActivationLayout(&context, regime.rowTile,
                                                 {{{8, 32}}, {32}})})
          specs.push_back(plan::PrepareSpecAttr::get(
              &context, kColumns, layout, gather,
              hasNorm ? f32(kEps) : mlir::FloatAttr(), /*grouped=*/true,
              /*heads=*/0, /*headDim=*/0));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    int64_t rowTile = spec.getLayout().getRows();
    Groups groups =
        groupByDefinition(makeIds(kTokens, kSlots, kExperts, 3, random), kSlots,
                          kExperts, rowTile);
    int64_t rows = groups.getRowTiles() * rowTile;
    std::vector<float> x =
        makeActivations(spec.getGather() ? kTokens : rows, kColumns, random);
    std::vector<float> norm = makeFloats(kColumns), y = x;
    for (size_t i = 0; spec.getEps() && i < y.size(); i += kColumns)
      reference::normalize(std::span(x).subspan(i, kColumns), norm, kEps,
                           std::span(y).subspan(i, kColumns));
    if (spec.getGather())
      y = gatherRows(y, groups, rows, kColumns);
    std::vector<uint8_t> expected =
        prepareByDefinition(spec.getLayout(), y, rows, kColumns);
    Call call(kernel, spec);
    call.add(x);
    if (spec.getGather())
      call.add(groups.rows);
    if (spec.getEps())
      call.add(norm);
    size_t out = call.addOutput(expected.size());
    if (spec.getLayout().getField(pack::kScale)) {
      call.expectBytes(out, expected);
    } else {
      std::vector<float> floats(expected.size() / sizeof(float));
      std::memcpy(floats.data(), expected.data(), expected.size());
      call.expectFloats(out, floats);
    }
    call.check(groups.getRowTiles(), groups.getRowTiles());
  }
}

} // namespace
} // namespace modelc::kernels::test
