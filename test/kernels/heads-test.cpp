//===- heads-test.cpp - Kernels join_heads and head_matmul
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a matmul's registers tile is matmul-test.cpp's matter; here it is which
// heads meet which matrices, from x to the output.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/reference/ReferencePacker.h"
#include "dialects/pack/Layouts.h"
#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"
#include "llvm/Support/MathExtras.h"

namespace modelc::kernels::test {
namespace {

using reference::WeightType;

struct HeadsShape {
  WeightType type;
  int64_t heads, rows, columns, headDim;
};

class Heads : public KernelTest {
protected:
  plan::MatmulSpecAttr makeMatmul(const HeadsShape &shape, int64_t rowTile);
  void checkPrepare(const HeadsShape &shape, plan::PrepareSpecAttr spec,
                    Kernel kernel, int64_t tokens);
  void checkMatmul(const HeadsShape &shape, plan::HeadMatmulSpecAttr spec,
                   Kernel kernel, int64_t tokens);
  void checkJoin(plan::JoinHeadsSpecAttr spec, Kernel kernel);

  pack::LayoutAttr getPanel(WeightType type) {
    return pack::getPanelLayout(&context, getElementType(&context, type),
                                target->quantFlip);
  }
};
MODELC_FOR_EACH_TARGET(Heads);
MODELC_FOR_EACH_GPU(Heads, "gfx942", "gfx1100");

plan::MatmulSpecAttr Heads::makeMatmul(const HeadsShape &shape,
                                       int64_t rowTile) {
  pack::LayoutAttr layout = getPanel(shape.type);
  pack::LayoutAttr input =
      isQuantized(shape.type)
          ? pack::getQuantizedActivationLayout(&context, rowTile,
                                               getNeeds({layout}))
          : pack::getFloatActivationLayout(&context, rowTile);
  return plan::MatmulSpecAttr::get(
      &context, shape.columns, input, mlir::ArrayAttr::get(&context, {layout}),
      mlir::DenseI64ArrayAttr::get(&context, {shape.rows}),
      model::Epilogue::Store, model::Activation::Silu, /*bias=*/false,
      /*tileRows=*/32, /*imagePanels=*/0, /*imageColumns=*/0,
      /*cap=*/mlir::FloatAttr());
}

/// The used part of head `head` of all tokens.
std::vector<float> takeHead(const HeadsShape &shape, std::span<const float> x,
                            int64_t head, int64_t tokens) {
  std::vector<float> rows;
  for (int64_t t = 0; t < tokens; ++t)
    llvm::append_range(rows, x.subspan((t * shape.heads + head) * shape.headDim,
                                       shape.columns));
  return rows;
}

/// Row tiles of all heads in turns, as a head matmul reads them.
std::vector<uint8_t> prepareHeads(const HeadsShape &shape,
                                  pack::LayoutAttr layout,
                                  std::span<const float> x, int64_t tokens) {
  std::vector<std::vector<uint8_t>> heads;
  for (int64_t h = 0; h < shape.heads; ++h)
    heads.push_back(prepareByDefinition(layout, takeHead(shape, x, h, tokens),
                                        tokens, shape.columns));
  int64_t tile = layout.getPanelOffset(layout.getRows(), shape.columns);
  std::vector<uint8_t> all;
  for (int64_t begin = 0; begin < int64_t(heads[0].size()); begin += tile)
    for (const std::vector<uint8_t> &head : heads)
      all.insert(all.end(), head.begin() + begin, head.begin() + begin + tile);
  return all;
}

void Heads::checkPrepare(const HeadsShape &shape, plan::PrepareSpecAttr spec,
                         Kernel kernel, int64_t tokens) {
  std::vector<float> x =
      makeActivations(tokens * shape.heads, shape.headDim, random);
  std::vector<uint8_t> expected =
      prepareHeads(shape, spec.getLayout(), x, tokens);
  Call call(kernel, spec);
  call.add(x);
  size_t out = call.addOutput(expected.size());
  if (isQuantized(shape.type)) {
    call.expectBytes(out, expected);
  } else {
    std::vector<float> floats(expected.size() / sizeof(float));
    std::memcpy(floats.data(), expected.data(), expected.size());
    call.expectFloats(out, floats);
  }
  call.check(shape.heads * llvm::divideCeil(tokens, spec.getLayout().getRows()),
             tokens);
}

void Heads::checkMatmul(const HeadsShape &shape, plan::HeadMatmulSpecAttr spec,
                        Kernel kernel, int64_t tokens) {
  int64_t rows = shape.rows, columns = shape.columns;
  std::vector<float> x =
      makeActivations(tokens * shape.heads, shape.headDim, random);
  std::vector<uint8_t> weight =
      makeWeight(shape.type, shape.heads * rows, columns, random);
  std::vector<float> expected(tokens * shape.heads * rows);
  int64_t matrixBytes = rows * reference::getRowBytes(shape.type, columns);
  for (int64_t h = 0; h < shape.heads; ++h) {
    std::vector<float> head = takeHead(shape, x, h, tokens);
    for (int64_t t = 0; t < tokens; ++t)
      reference::multiply(
          shape.type, weight.data() + h * matrixBytes,
          std::span(head).subspan(t * columns, columns),
          std::span(expected).subspan((t * shape.heads + h) * rows, rows));
  }
  Call call(kernel, spec);
  call.add(prepareHeads(shape, spec.getMatmul().getInput(), x, tokens));
  pack::LayoutAttr source =
      pack::getMappedLayout(&context, getElementType(&context, shape.type));
  call.add(repack::packByDefinition(source, getPanel(shape.type),
                                    {shape.heads, rows, columns}, weight));
  call.expectFloats(call.addOutput(expected.size() * sizeof(float)), expected);
  call.check(shape.heads * spec.getMatmul().getTileCount(), tokens);
}

// Heads used whole and in part, matrices that end inside a panel and inside a
// tile, tokens round the edges of row tiles.
TEST_P(Heads, MatmulEqualsReference) {
  const std::vector<HeadsShape> shapes = {{WeightType::Q8_0, 3, 48, 64, 96},
                                          {WeightType::Q4_0, 1, 37, 32, 32},
                                          {WeightType::Q4_K, 2, 16, 256, 256},
                                          {WeightType::F16, 5, 20, 17, 40},
                                          {WeightType::F32, 2, 70, 8, 12}};
  std::vector<plan::KernelSpecInterface> specs;
  for (const HeadsShape &shape : shapes)
    for (const target::Regime &regime : target->regimes) {
      plan::MatmulSpecAttr matmul = makeMatmul(shape, regime.rowTile);
      specs.push_back(
          plan::HeadMatmulSpecAttr::get(&context, matmul, shape.heads));
      specs.push_back(plan::PrepareSpecAttr::get(
          &context, shape.columns, matmul.getInput(), /*gather=*/false,
          mlir::FloatAttr(), /*grouped=*/false, shape.heads, shape.headDim));
    }
  auto kernels = compile(llvm::ArrayRef(specs));
  ASSERT_EQ(kernels.size(), specs.size());
  size_t next = 0;
  for (const HeadsShape &shape : shapes)
    for (size_t i = 0; i < target->regimes.size(); ++i, next += 2)
      for (int64_t tokens : {1, 2, 7, 13}) {
        checkMatmul(shape, llvm::cast<plan::HeadMatmulSpecAttr>(specs[next]),
                    kernels[next], tokens);
        checkPrepare(shape, llvm::cast<plan::PrepareSpecAttr>(specs[next + 1]),
                     kernels[next + 1], tokens);
      }
}

TEST_P(Heads, RefusesOtherMatmuls) {
  plan::MatmulSpecAttr matmul = makeMatmul({WeightType::F32, 2, 16, 8, 8}, 1);
  auto biased = plan::MatmulSpecAttr::get(
      &context, matmul.getColumns(), matmul.getInput(), matmul.getWeights(),
      matmul.getRows(), matmul.getEpilogue(), matmul.getActivation(),
      /*bias=*/true, matmul.getTileRows(), /*imagePanels=*/0,
      /*imageColumns=*/0, /*cap=*/mlir::FloatAttr());
  expectRefused(plan::HeadMatmulSpecAttr::get(&context, biased, 2),
                "no matmul of heads like");
}

void Heads::checkJoin(plan::JoinHeadsSpecAttr spec, Kernel kernel) {
  constexpr int64_t kTokens = 3;
  std::vector<std::vector<float>> sources;
  Call call(kernel, spec);
  for (int64_t i = 0; i < spec.getHeads().size(); ++i) {
    sources.push_back(
        makeFloats(kTokens * spec.getHeads()[i] * spec.getDims()[i]));
    call.add(sources.back());
  }
  std::vector<float> expected;
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t h = 0; h < spec.getOutHeads(); ++h)
      for (size_t i = 0; i < sources.size(); ++i) {
        int64_t heads = spec.getHeads()[i];
        int64_t head = t * heads + (heads == 1 ? 0 : h);
        llvm::append_range(expected, std::span(sources[i])
                                         .subspan(head * spec.getDims()[i] +
                                                      spec.getBegins()[i],
                                                  spec.getCounts()[i]));
      }
  call.expectFloats(call.addOutput(expected.size() * sizeof(float)), expected);
  call.check(kTokens, kTokens);
}

// Parts with and without whole vectors, one source and several, one head for
// all.
TEST_P(Heads, JoinEqualsReference) {
  auto make = [&](int64_t outHeads, std::vector<int64_t> heads,
                  std::vector<int64_t> dims, std::vector<int64_t> begins,
                  std::vector<int64_t> counts) {
    auto attr = [&](const std::vector<int64_t> &values) {
      return mlir::DenseI64ArrayAttr::get(&context, values);
    };
    return plan::JoinHeadsSpecAttr::get(&context, outHeads, attr(heads),
                                        attr(dims), attr(begins), attr(counts));
  };
  std::vector<plan::JoinHeadsSpecAttr> specs = {
      make(4, {4, 4}, {96, 128}, {64, 0}, {32, 128}),
      make(3, {1, 3}, {8, 21}, {0, 3}, {8, 17}),
      make(1, {1, 1}, {5, 40}, {0, 0}, {5, 40}),
      make(2, {2},
           {
               30,
           },
           {13}, {17})};
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    checkJoin(spec, kernel);
}

} // namespace
} // namespace modelc::kernels::test
