//===- DeltaRule.cpp - Emits the kernel of the gated delta rule
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for columns of a head's state (a tile):
//     for token:
//       q' k'                              ==> scratch
//       if it is the first: S = 0
//       for row i:  sum = k'_i (g S_i) + sum
//       d = b (v - sum)
//       for row i:  S_i = k'_i d + g S_i;  out = q'_i S_i + out
//
// A vector holds neighbouring columns, so that no sum goes over lanes. The
// product g S_i is formed twice, which costs less than storing it would.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "compiler/codegen/common/SequenceState.h"
#include "modelc/kernel_abi.h"
#include <cmath>

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kWord = sizeof(float);

namespace {

class DeltaRuleEmitter {
public:
  DeltaRuleEmitter(KernelBuilder &b, plan::DeltaRuleSpecAttr spec)
      : b(b), spec(spec), keyDim(spec.getKeyDim()),
        tileColumns(spec.getTileColumns()), vectors(tileColumns / kLanes) {}

  LogicalResult emit();

private:
  void emitTile(Value tile);
  void emitToken(Value token);
  void scaleKey(Value row, Value scaled, float factor);
  void clearState(Value state);
  Value loadSplat(Value pointer, Value element);
  SmallVector<Value> loadDecayed(Value row);
  SmallVector<Value> readState(Value state);
  void updateState(Value state, ValueRange delta, Value out);

  KernelBuilder &b;
  plan::DeltaRuleSpecAttr spec;
  const int64_t keyDim, tileColumns, vectors;
  Value x, decay, beta, rate, bias, pool, out;
  Value q, k; ///< Scratch: q' and k' of the token in work.
  // Of the tile in work: its head, and where its columns lie in a token's v
  // and result, and in a sequence's state; bytes.
  Value head, columnBytes, stateBytes;
  Value kept; ///< g of the token in work, in all lanes.
};

} // namespace

LogicalResult codegen::emitDeltaRule(KernelBuilder &b,
                                     plan::DeltaRuleSpecAttr spec) {
  return DeltaRuleEmitter(b, spec).emit();
}

LogicalResult DeltaRuleEmitter::emit() {
  if (keyDim % kLanes != 0 || spec.getValueDim() % kLanes != 0)
    return emitError(b.getLoc())
           << "expected heads of whole vectors, found " << spec;
  x = b.loadOperand(0);
  decay = b.loadOperand(1);
  beta = b.loadOperand(2);
  rate = b.loadOperand(3);
  bias = b.loadOperand(4);
  pool = b.loadOperand(5);
  out = b.loadOperand(6);
  q = b.loadScratch();
  k = b.offset(q, keyDim * kWord);
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1,
            [&](Value tile) { emitTile(tile); });
  return success();
}

void DeltaRuleEmitter::emitTile(Value tile) {
  head = b.divU(tile, spec.getValueDim() / tileColumns);
  columnBytes = b.mul(tile, tileColumns * kWord);
  stateBytes = b.mul(tile, keyDim * tileColumns * kWord);
  Value tokens = b.loadInputU32(offsetof(ModelcStepInputs, tokenCount));
  b.forLoop(b.constI64(0), tokens, 1, [&](Value token) { emitToken(token); });
}

void DeltaRuleEmitter::emitToken(Value token) {
  int64_t keyHeads = spec.getKeyHeads(), heads = spec.getHeads();
  int64_t keys = keyHeads * keyDim, values = heads * spec.getValueDim();
  Value keyHead =
      spec.getTiled() ? b.remU(head, keyHeads) : b.divU(head, heads / keyHeads);
  Value row = b.offset(x, b.mul(token, (2 * keys + values) * kWord));
  Value query = b.offset(row, b.mul(keyHead, keyDim * kWord));
  scaleKey(query, q, 1.0f / static_cast<float>(keyDim));
  scaleKey(b.offset(query, keys * kWord), k,
           1.0f / std::sqrt(static_cast<float>(keyDim)));

  Value number = b.add(b.mul(token, heads), head);
  Value gate = b.add(loadSplat(decay, number), loadSplat(bias, head));
  kept = emitExp(b, b.mul(loadSplat(rate, head), emitSoftplus(b, gate)));
  Value learned = emitActivation(b, model::Activation::Sigmoid, FloatAttr(),
                                 loadSplat(beta, number));

  SequenceState sequence =
      emitSequenceState(b, pool, token, spec.getStateBytes());
  Value state = b.offset(sequence.address, stateBytes);
  b.ifThen(sequence.isFirst, [&] { clearState(state); });
  SmallVector<Value> known = readState(state), delta;
  Value value = b.offset(b.offset(row, 2 * keys * kWord), columnBytes);
  for (int64_t i = 0; i < vectors; ++i)
    delta.push_back(
        b.mul(b.sub(b.loadFloats(b.f32(), value, i * kLanes * kWord), known[i]),
              learned));
  updateState(
      state, delta,
      b.offset(b.offset(out, b.mul(token, values * kWord)), columnBytes));
}

/// A row of q or k divided by its length, and times `factor` * sqrt(keyDim).
void DeltaRuleEmitter::scaleKey(Value row, Value scaled, float factor) {
  float eps = spec.getEps().getValue().convertToFloat();
  Value inverse =
      b.splat(emitInverseRms(b, row, keyDim, eps / static_cast<float>(keyDim)));
  b.forLoop(0, keyDim, kLanes, [&](Value first) {
    Value bytes = b.mul(first, kWord);
    Value y = b.mul(b.loadFloats(b.f32(), b.offset(row, bytes)), inverse);
    b.storeLanes(b.mul(y, b.splatF32(factor)), b.offset(scaled, bytes));
  });
}

void DeltaRuleEmitter::clearState(Value state) {
  b.forLoop(0, keyDim * tileColumns, kLanes, [&](Value first) {
    b.storeLanes(b.splatF32(0), b.offset(state, b.mul(first, kWord)));
  });
}

Value DeltaRuleEmitter::loadSplat(Value pointer, Value element) {
  return b.splat(b.load(b.f32(), b.offset(pointer, b.mul(element, kWord))));
}

/// g times a row of the state.
SmallVector<Value> DeltaRuleEmitter::loadDecayed(Value row) {
  SmallVector<Value> decayed;
  for (int64_t i = 0; i < vectors; ++i)
    decayed.push_back(
        b.mul(b.loadFloats(b.f32(), row, i * kLanes * kWord), kept));
  return decayed;
}

/// k' S.
SmallVector<Value> DeltaRuleEmitter::readState(Value state) {
  SmallVector<Value> zeros(vectors, b.splatF32(0));
  return b.forLoop(b.constI64(0), b.constI64(keyDim), 1, zeros,
                   [&](Value i, ValueRange sums) -> SmallVector<Value> {
                     Value key = loadSplat(k, i);
                     SmallVector<Value> s = loadDecayed(
                         b.offset(state, b.mul(i, tileColumns * kWord)));
                     for (auto [element, sum] : llvm::zip_equal(s, sums))
                       element = b.fma(key, element, sum);
                     return s;
                   });
}

/// S = g S + k' (x) delta; out = q' S.
void DeltaRuleEmitter::updateState(Value state, ValueRange delta, Value out) {
  SmallVector<Value> zeros(vectors, b.splatF32(0));
  SmallVector<Value> result =
      b.forLoop(b.constI64(0), b.constI64(keyDim), 1, zeros,
                [&](Value i, ValueRange sums) -> SmallVector<Value> {
                  Value key = loadSplat(k, i), query = loadSplat(q, i);
                  Value row = b.offset(state, b.mul(i, tileColumns * kWord));
                  SmallVector<Value> s = loadDecayed(row);
                  for (int64_t c = 0; c < vectors; ++c) {
                    s[c] = b.fma(key, delta[c], s[c]);
                    b.storeLanes(s[c], row, c * kLanes * kWord);
                    s[c] = b.fma(query, s[c], sums[c]);
                  }
                  return s;
                });
  for (int64_t c = 0; c < vectors; ++c)
    b.storeLanes(result[c], out, c * kLanes * kWord);
}
