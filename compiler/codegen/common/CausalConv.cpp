//===- CausalConv.cpp - Emits the kernel of short causal convolutions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for block of channels (a tile):
//     for token:
//       for vector of channels:
//         s0 s1 s2  the last rows of the token's sequence, or zeros
//         out = silu(s0 w0 + s1 w1 + s2 w2 + x w3)
//         s0 s1 s2 = s1 s2 x
//
// Tokens of one sequence stand in order, so each finds what the last one left.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "compiler/codegen/common/SequenceState.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kWord = sizeof(float);

/// Of kLanes channels the weights of each tap, from rows [channel][tap].
static SmallVector<Value> loadTaps(KernelBuilder &b, Value weight,
                                   int64_t taps) {
  Value rows = b.load(b.vec(b.f32(), kLanes * taps), weight);
  SmallVector<Value> vectors;
  for (int64_t tap = 0; tap < taps; ++tap) {
    SmallVector<int32_t> mask;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      mask.push_back(static_cast<int32_t>(lane * taps + tap));
    vectors.push_back(b.shuffle(rows, rows, mask));
  }
  return vectors;
}

LogicalResult codegen::emitCausalConv(KernelBuilder &b,
                                      plan::CausalConvSpecAttr spec) {
  int64_t channels = spec.getChannels(), taps = spec.getTaps();
  if (channels % kLanes != 0)
    return emitError(b.getLoc())
           << "expected whole vectors of channels, found " << channels;
  Value x = b.loadOperand(0), weight = b.loadOperand(1);
  Value pool = b.loadOperand(2), out = b.loadOperand(3);
  Value tokens = b.loadInputU32(offsetof(ModelcStepInputs, tokenCount));
  int64_t rowBytes = channels * kWord;
  auto emitVector = [&](Value channel) {
    Value bytes = b.mul(channel, kWord);
    SmallVector<Value> w =
        loadTaps(b, b.offset(weight, b.mul(bytes, taps)), taps);
    b.forLoop(b.constI64(0), tokens, 1, [&](Value token) {
      SequenceState state =
          emitSequenceState(b, pool, token, spec.getStateBytes());
      Value past = b.offset(state.address, bytes);
      Value row = b.add(b.mul(token, rowBytes), bytes);
      SmallVector<Value> rows;
      for (int64_t i = 0; i + 1 < taps; ++i)
        rows.push_back(b.select(state.isFirst, b.splatF32(0),
                                b.loadFloats(b.f32(), past, i * rowBytes)));
      rows.push_back(b.loadFloats(b.f32(), b.offset(x, row)));
      Value sum = b.splatF32(0);
      for (auto [input, tap] : llvm::zip_equal(rows, w))
        sum = b.fma(input, tap, sum);
      Value result =
          emitActivation(b, model::Activation::Silu, FloatAttr(), sum);
      b.storeLanes(result, b.offset(out, row));
      for (int64_t i = 0; i + 1 < taps; ++i)
        b.storeLanes(rows[i + 1], past, i * rowBytes);
    });
  };
  constexpr int64_t kTile = plan::CausalConvSpecAttr::kTileChannels;
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    Value first = b.mul(tile, kTile);
    Value end = b.minU(b.add(first, kTile), b.constI64(channels));
    b.forLoop(first, end, kLanes, emitVector);
  });
  return success();
}
