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

/// What the heads of a delta rule keep of one sequence.
using DeltaStates = std::vector<reference::DeltaState>;

class Recurrent : public KernelTest {
protected:
  Recurrent() {
    // Sequence 2 begins, where another has left its state; 0 goes on.
    batch.tokens.assign(kRows, 0);
    batch.sequences = {2, 0, 2, 2, 0};
    batch.positions = {0, 7, 1, 2, 8};
  }

  void checkConv(plan::CausalConvSpecAttr spec, Kernel kernel);
  /// What the kernel of a delta rule reads of a batch.
  struct DeltaInputs {
    std::vector<float> x, decay, beta, rate, bias;
  };
  DeltaInputs makeDeltaInputs(plan::DeltaRuleSpecAttr spec);
  void checkDelta(plan::DeltaRuleSpecAttr spec, Kernel kernel,
                  const DeltaInputs &inputs);
  std::vector<DeltaStates> makeDeltaStates(plan::DeltaRuleSpecAttr spec);
  void addRun(uint32_t sequence, int32_t position, int32_t count);
  void checkGlu(plan::GluSpecAttr spec, Kernel kernel);
  /// The states of all sequences; sequence 2 has what must not be read.
  std::vector<float> makeStates(int64_t bytes);
  /// Of a token its sequence's state, zero if the token is the first.
  std::span<float> getState(std::vector<float> &states, int64_t row);

  Batch batch;
};
MODELC_FOR_EACH_TARGET(Recurrent);
MODELC_FOR_EACH_GPU(Recurrent, "gfx90a", "gfx1100");

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

void Recurrent::checkConv(plan::CausalConvSpecAttr spec, Kernel kernel) {
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

/// States as the kernel has them: columns in tiles, each with what a head
/// keeps.
std::vector<float> toTiles(plan::DeltaRuleSpecAttr spec,
                           const std::vector<DeltaStates> &states) {
  const int64_t columns = spec.getValueDim(), width = spec.getTileColumns();
  std::vector<float> tiles;
  for (const DeltaStates &heads : states) {
    const size_t begin = tiles.size();
    for (const reference::DeltaState &head : heads)
      for (int64_t tile = 0; tile < columns; tile += width) {
        auto addRow = [&](const std::vector<float> &matrix, size_t i) {
          auto row = std::span(matrix).subspan(i * columns + tile, width);
          tiles.insert(tiles.end(), row.begin(), row.end());
        };
        for (int64_t i = 0; i < spec.getKeyDim(); ++i)
          addRow(head.matrix, i);
        tiles.insert(tiles.end(), head.keys.begin(), head.keys.end());
        for (size_t t = 0; t < reference::kDeltaChunk; ++t)
          addRow(head.deltas, t);
        tiles.insert(tiles.end(), head.decays.begin(), head.decays.end());
        tiles.insert(tiles.end(), reference::kDeltaChunk, head.faded);
      }
    tiles.resize(begin + spec.getStateBytes() / sizeof(float));
  }
  return tiles;
}

/// States of all sequences in the middle of something; that of sequence 2 has
/// what must not be read.
std::vector<DeltaStates>
Recurrent::makeDeltaStates(plan::DeltaRuleSpecAttr spec) {
  reference::DeltaState empty(spec.getKeyDim(), spec.getValueDim());
  std::vector<DeltaStates> states(kSequences,
                                  DeltaStates(spec.getHeads(), empty));
  auto fill = [&](std::span<float> values, bool isNaN) {
    std::vector<float> numbers = makeFloats(std::ssize(values));
    if (isNaN)
      std::fill(numbers.begin(), numbers.end(),
                std::numeric_limits<float>::quiet_NaN());
    std::copy(numbers.begin(), numbers.end(), values.begin());
  };
  for (size_t sequence = 0; sequence < kSequences; ++sequence)
    for (reference::DeltaState &state : states[sequence])
      for (std::span<float> part :
           {std::span(state.matrix), std::span(state.keys),
            std::span(state.deltas), std::span<float>(state.decays),
            std::span(&state.faded, 1)})
        fill(part, sequence == 2);
  return states;
}

/// Appends tokens of one sequence to the batch.
void Recurrent::addRun(uint32_t sequence, int32_t position, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    batch.tokens.push_back(0);
    batch.sequences.push_back(sequence);
    batch.positions.push_back(position + i);
  }
}

Recurrent::DeltaInputs
Recurrent::makeDeltaInputs(plan::DeltaRuleSpecAttr spec) {
  const int64_t rows = std::ssize(batch.tokens), heads = spec.getHeads();
  const int64_t width =
      2 * spec.getKeyHeads() * spec.getKeyDim() + heads * spec.getValueDim();
  DeltaInputs inputs = {makeFloats(rows * width), makeFloats(rows * heads),
                        makeFloats(rows * heads), makeFloats(heads),
                        makeFloats(heads)};
  for (float &value : inputs.rate)
    value = -std::fabs(value);
  return inputs;
}

void Recurrent::checkDelta(plan::DeltaRuleSpecAttr spec, Kernel kernel,
                           const DeltaInputs &inputs) {
  const int64_t heads = spec.getHeads(), keyHeads = spec.getKeyHeads();
  const int64_t rows = spec.getKeyDim(), columns = spec.getValueDim();
  const int64_t keys = keyHeads * rows, width = 2 * keys + heads * columns;
  const int64_t count = std::ssize(batch.tokens);
  std::vector<DeltaStates> states = makeDeltaStates(spec);
  std::vector<float> expected(count * heads * columns);
  Call call(kernel, spec, batch);
  for (const std::vector<float> *values :
       {&inputs.x, &inputs.decay, &inputs.beta, &inputs.rate, &inputs.bias})
    call.add(*values);
  size_t state = call.add(toTiles(spec, states));
  size_t out = call.addOutput(expected.size() * sizeof(float));
  for (int64_t t = 0; t < count; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t keyHead = spec.getTiled() ? h % keyHeads : h * keyHeads / heads;
      auto row = std::span(inputs.x).subspan(t * width, width);
      reference::DeltaHead head = {row.subspan(keyHead * rows, rows),
                                   row.subspan(keys + keyHead * rows, rows),
                                   row.subspan(2 * keys + h * columns, columns),
                                   inputs.decay[t * heads + h],
                                   inputs.beta[t * heads + h],
                                   inputs.rate[h],
                                   inputs.bias[h],
                                   kEps};
      reference::DeltaState &kept = states[batch.sequences[t]][h];
      if (batch.positions[t] == 0)
        kept = reference::DeltaState(rows, columns);
      reference::applyDeltaRule(
          head, batch.positions[t], kept,
          std::span(expected).subspan((t * heads + h) * columns, columns));
    }
  call.expectFloats(state, toTiles(spec, states));
  call.expectFloats(out, expected);
  call.check(spec.getTileCount(), count);
}

// Every width of a tile; more heads of values than of keys, both ways. Of the
// sequences one begins and one goes on within a chunk; both fill another.
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
  auto checkAll = [&] {
    for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
      DeltaInputs inputs = makeDeltaInputs(spec);
      for (float &value : inputs.decay)
        value *= 20;
      // Of the first token, whose state is zero; and of one head for good.
      inputs.decay[0] = std::numeric_limits<float>::infinity();
      inputs.beta.back() = std::numeric_limits<float>::quiet_NaN();
      checkDelta(spec, kernel, inputs);
    }
  };
  checkAll();
  batch = {};
  addRun(2, 0, 17);
  addRun(0, 7, 26);
  checkAll();
}

// Numbers of tokens around those of chunks, from positions that are a multiple
// of a chunk and from others, for one sequence and for several. The reference
// has tokens one by one, so whole chunks give the bits of pieces.
TEST_P(Recurrent, DeltaRuleHasTheSameBitsForAllSplits) {
  auto spec = plan::DeltaRuleSpecAttr::get(&context, /*heads=*/2,
                                           /*keyHeads=*/1, 16, 32,
                                           /*tiled=*/false, f32(kEps));
  auto kernels = compile(std::vector{spec});
  ASSERT_EQ(kernels.size(), 1u);
  constexpr int32_t kChunk = reference::kDeltaChunk;
  auto check = [&] {
    checkDelta(spec, kernels[0], makeDeltaInputs(spec));
    batch = {};
  };
  batch = {};
  for (int32_t count : {1, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 5}) {
    addRun(2, 0, count);
    check();
  }
  for (int32_t position : {1, kChunk - 1, kChunk, 5 * kChunk + 8}) {
    addRun(1, position, 2 * kChunk);
    check();
  }
  // One behind the other: a whole chunk, within one, the end of one.
  addRun(2, 0, kChunk);
  addRun(0, kChunk - 2, kChunk + 5);
  addRun(1, 3, kChunk - 3);
  check();
  // By turns, and with another's token within.
  for (int32_t i = 0; i < kChunk + 1; ++i) {
    addRun(0, i, 1);
    addRun(1, kChunk + i, 1);
    addRun(2, i, 1);
  }
  check();
  addRun(0, 0, kChunk - 1);
  addRun(1, 0, 1);
  addRun(0, kChunk - 1, kChunk + 2);
  check();
}

// In the middle of a chunk, and in all of it.
TEST_P(Recurrent, DeltaRuleOfHostileNumbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  auto spec = plan::DeltaRuleSpecAttr::get(&context, /*heads=*/2,
                                           /*keyHeads=*/2, 16, 32,
                                           /*tiled=*/false, f32(kEps));
  auto kernels = compile(std::vector{spec});
  ASSERT_EQ(kernels.size(), 1u);
  batch = {};
  addRun(0, 16, 35);
  const DeltaInputs fine = makeDeltaInputs(spec);
  for (float hostile :
       {kInfinity, -kInfinity, kNan, 1e30f, -1e30f, 200.0f, -200.0f, 0.0f})
    for (auto field :
         {&DeltaInputs::x, &DeltaInputs::decay, &DeltaInputs::beta}) {
      DeltaInputs inputs = fine;
      std::vector<float> &values = inputs.*field;
      // Of x, a key's element.
      size_t column = field == &DeltaInputs::x ? 2 * 16 + 1 : 1;
      values[values.size() / 35 * 5 + column] = hostile;
      checkDelta(spec, kernels[0], inputs);
      std::fill(values.begin(), values.end(), hostile);
      checkDelta(spec, kernels[0], inputs);
    }
  // Nothing is kept, everything, and more than everything.
  for (float rate : {-kInfinity, -1e6f, -100.0f, -20.0f, 0.0f, 20.0f}) {
    DeltaInputs inputs = fine;
    inputs.rate[0] = rate;
    checkDelta(spec, kernels[0], inputs);
  }
}

void Recurrent::checkGlu(plan::GluSpecAttr spec, Kernel kernel) {
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
