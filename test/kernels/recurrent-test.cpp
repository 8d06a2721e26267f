//===- recurrent-test.cpp - Kernels with a state, gates and columns
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelHarness.h"
#include "test/kernels/Weights.h"
#include <limits>

namespace modelc::kernels::test {
namespace {

constexpr float kEps = 1e-6f;
constexpr int64_t kRows = 5, kSequences = 3;

class Recurrent : public KernelTest {
protected:
  Recurrent() {
    // Sequence 2 begins, where another has left its state; 0 goes on.
    batch.tokens.assign(kRows, 0);
    batch.sequences = {2, 0, 2, 2, 0};
    batch.positions = {0, 7, 1, 2, 8};
  }

  void checkConv(plan::CausalConvSpecAttr spec, ModelcKernel kernel);
  void checkDelta(plan::DeltaRuleSpecAttr spec, ModelcKernel kernel);
  void checkGlu(plan::GluSpecAttr spec, ModelcKernel kernel);
  /// The states of all sequences; sequence 2 has what must not be read.
  std::vector<float> makeStates(int64_t bytes);
  /// Of a token its sequence's state, zero if the token is the first.
  std::span<float> getState(std::vector<float> &states, int64_t row);

  Batch batch;
};
MODELC_FOR_EACH_TARGET(Recurrent);

std::vector<float> Recurrent::makeStates(int64_t bytes) {
  std::vector<float> states =
      makeFloats(kSequences * bytes / int64_t(sizeof(float)));
  for (size_t i = states.size() / kSequences * 2; i < states.size(); ++i)
    states[i] = std::numeric_limits<float>::quiet_NaN();
  return states;
}

std::span<float> Recurrent::getState(std::vector<float> &states, int64_t row) {
  size_t length = states.size() / kSequences;
  std::span<float> state =
      std::span(states).subspan(batch.sequences[row] * length, length);
  if (batch.positions[row] == 0)
    std::fill(state.begin(), state.end(), 0.0f);
  return state;
}

void Recurrent::checkConv(plan::CausalConvSpecAttr spec, ModelcKernel kernel) {
  const int64_t channels = spec.getChannels();
  std::vector<float> x = makeFloats(kRows * channels), expected(x.size());
  std::vector<float> weight = makeFloats(channels * spec.getTaps());
  std::vector<float> states = makeStates(spec.getStateBytes());
  Call call(kernel, spec, batch);
  call.add(x);
  call.add(weight);
  size_t state = call.add(states);
  size_t out = call.addOutput(expected.size() * sizeof(float));
  for (int64_t t = 0; t < kRows; ++t)
    reference::convolve(
        std::span<const float>(x).subspan(t * channels, channels), weight,
        getState(states, t).first((spec.getTaps() - 1) * channels),
        std::span(expected).subspan(t * channels, channels));
  call.expectFloats(state, states);
  call.expectFloats(out, expected);
  call.check(spec.getTileCount(), kRows);
}

// Around the edges of tiles, and of what is a whole buffer line.
TEST_P(Recurrent, CausalConvEqualsReference) {
  std::vector<plan::CausalConvSpecAttr> specs;
  for (int64_t channels : {32, 64, 96})
    for (int64_t taps : {2, 3, 4})
      specs.push_back(plan::CausalConvSpecAttr::get(&context, channels, taps));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    checkConv(spec, kernel);
}

/// A state [head][row][column] as the kernel has it: columns in tiles.
std::vector<float> toTiles(plan::DeltaRuleSpecAttr spec,
                           std::span<const float> state) {
  const int64_t rows = spec.getKeyDim(), columns = spec.getValueDim();
  const int64_t width = spec.getTileColumns();
  std::vector<float> tiles;
  for (int64_t h = 0; h < spec.getHeads(); ++h)
    for (int64_t tile = 0; tile < columns; tile += width)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = tile; j < tile + width; ++j)
          tiles.push_back(state[(h * rows + i) * columns + j]);
  return tiles;
}

std::vector<float> toTiles(plan::DeltaRuleSpecAttr spec,
                           const std::vector<float> &states) {
  std::vector<float> all;
  size_t length = states.size() / kSequences;
  for (size_t s = 0; s < kSequences; ++s)
    llvm::append_range(
        all, toTiles(spec, std::span(states).subspan(s * length, length)));
  return all;
}

void Recurrent::checkDelta(plan::DeltaRuleSpecAttr spec, ModelcKernel kernel) {
  const int64_t heads = spec.getHeads(), keyHeads = spec.getKeyHeads();
  const int64_t rows = spec.getKeyDim(), columns = spec.getValueDim();
  const int64_t keys = keyHeads * rows, width = 2 * keys + heads * columns;
  std::vector<float> x = makeFloats(kRows * width);
  std::vector<float> decay = makeFloats(kRows * heads);
  std::vector<float> beta = makeFloats(kRows * heads);
  std::vector<float> rate = makeFloats(heads), bias = makeFloats(heads);
  for (float &value : rate)
    value = -std::fabs(value);
  for (float &value : decay)
    value *= 20;
  // Of the first token, whose state is zero; and of one head for good.
  decay[0] = std::numeric_limits<float>::infinity();
  beta[kRows * heads - 1] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> states = makeStates(spec.getStateBytes());
  std::vector<float> expected(kRows * heads * columns);
  Call call(kernel, spec, batch);
  for (const std::vector<float> *values : {&x, &decay, &beta, &rate, &bias})
    call.add(*values);
  size_t state = call.add(toTiles(spec, states));
  size_t out = call.addOutput(expected.size() * sizeof(float));
  for (int64_t t = 0; t < kRows; ++t) {
    std::span<float> all = getState(states, t);
    for (int64_t h = 0; h < heads; ++h) {
      int64_t keyHead = spec.getTiled() ? h % keyHeads : h * keyHeads / heads;
      auto row = std::span<const float>(x).subspan(t * width, width);
      reference::DeltaHead head = {row.subspan(keyHead * rows, rows),
                                   row.subspan(keys + keyHead * rows, rows),
                                   row.subspan(2 * keys + h * columns, columns),
                                   decay[t * heads + h],
                                   beta[t * heads + h],
                                   rate[h],
                                   bias[h],
                                   kEps};
      reference::applyDeltaRule(
          head, all.subspan(h * rows * columns, rows * columns),
          std::span(expected).subspan((t * heads + h) * columns, columns));
    }
  }
  call.expectFloats(state, toTiles(spec, states));
  call.expectFloats(out, expected);
  call.check(spec.getTileCount(), kRows);
}

// Every width of a tile; more heads of values than of keys, both ways.
TEST_P(Recurrent, DeltaRuleEqualsReference) {
  std::vector<plan::DeltaRuleSpecAttr> specs;
  for (auto [keyDim, valueDim] : {std::pair<int64_t, int64_t>(16, 16),
                                  {32, 32},
                                  {16, 48},
                                  {64, 64},
                                  {32, 128}})
    for (bool tiled : {false, true})
      specs.push_back(plan::DeltaRuleSpecAttr::get(&context, /*heads=*/4,
                                                   /*keyHeads=*/2, keyDim,
                                                   valueDim, tiled, f32(kEps)));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    checkDelta(spec, kernel);
}

void Recurrent::checkGlu(plan::GluSpecAttr spec, ModelcKernel kernel) {
  const int64_t columns = spec.getColumns();
  std::vector<float> gate = makeActivations(kRows, columns, random);
  std::vector<float> up = makeActivations(kRows, columns, random);
  std::vector<float> weight = makeFloats(spec.getEps() ? spec.getHeadDim() : 0);
  std::vector<float> expected = up;
  for (size_t i = 0; spec.getEps() && i < up.size(); i += weight.size())
    reference::normalize(std::span<const float>(up).subspan(i, weight.size()),
                         weight, kEps,
                         std::span(expected).subspan(i, weight.size()));
  for (auto [value, g] : llvm::zip_equal(expected, gate))
    value = (spec.getActivation() == model::Activation::Silu
                 ? reference::computeSilu(g)
                 : reference::computeSigmoid(g)) *
            value;
  Call call(kernel, spec);
  call.add(gate);
  call.add(up);
  if (spec.getEps())
    call.add(weight);
  call.expectFloats(call.addOutput(expected.size() * sizeof(float)), expected);
  call.check(kRows, kRows);
}

TEST_P(Recurrent, GluEqualsReference) {
  std::vector<plan::GluSpecAttr> specs;
  for (model::Activation activation :
       {model::Activation::Silu, model::Activation::Sigmoid}) {
    for (int64_t columns : {1, 32, 50})
      specs.push_back(plan::GluSpecAttr::get(&context, columns, activation, 0,
                                             mlir::FloatAttr()));
    for (int64_t headDim : {5, 16, 20})
      specs.push_back(plan::GluSpecAttr::get(&context, 4 * headDim, activation,
                                             headDim, f32(kEps)));
  }
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    checkGlu(spec, kernel);
}

TEST_P(Recurrent, ColumnsAreCopied) {
  std::vector<plan::ColumnsSpecAttr> specs;
  for (int64_t length : {1, 2, 16, 23})
    for (int64_t first : {0, 3})
      specs.push_back(plan::ColumnsSpecAttr::get(&context, /*groups=*/3, first,
                                                 length, length + 4));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    std::vector<float> x = makeFloats(kRows * 3 * spec.getPeriod()), expected;
    for (int64_t group = 0; group < kRows * 3; ++group)
      for (int64_t i = 0; i < spec.getLength(); ++i)
        expected.push_back(x[group * spec.getPeriod() + spec.getFirst() + i]);
    Call call(kernel, spec);
    call.add(x);
    call.expectFloats(call.addOutput(expected.size() * sizeof(float)),
                      expected);
    call.check(kRows, kRows);
  }
}

TEST_P(Recurrent, HeadsAreWholeVectors) {
  expectRefused(plan::CausalConvSpecAttr::get(&context, 24, 4),
                "expected whole vectors of channels, found 24");
  expectRefused(
      plan::DeltaRuleSpecAttr::get(&context, 4, 2, 16, 24, false, f32(kEps)),
      "expected heads of whole vectors");
}

} // namespace
} // namespace modelc::kernels::test
