//===- DeltaRule.cpp - Emits the kernel of the gated delta rule
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for columns of a head's state (a tile):
//     for token:
//       if it is the first: all of the state = 0
//       if a whole chunk begins with it:  DeltaChunk.cpp, and on behind it
//       else: q' ==> scratch, k' ==> the chunk's keys, m and n of these
//         for row i:  known = k'_i S_i + known,  out = q'_i S_i + out
//         known = known f + m D,  d = b (v - known),  out = out f + n D
//       if it is the last of its chunk:  S = S f + K'^T D
//
// S stays that of the chunk's beginning, and so is stored once a chunk. A
// vector holds neighbouring columns, so that sums over S go over no lanes.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/DeltaRule.h"
#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "compiler/codegen/common/SequenceState.h"
#include "modelc/kernel_abi.h"
#include <cmath>

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;
using arith::CmpIPredicate;

static constexpr int64_t kWord = sizeof(float);
static constexpr int64_t kVectorBytes = kLanes * kWord;
static constexpr int64_t kChunk = plan::DeltaRuleSpecAttr::kChunkTokens;

namespace {

class DeltaRuleEmitter {
public:
  DeltaRuleEmitter(KernelBuilder &b, plan::DeltaRuleSpecAttr spec)
      : b(b), spec(spec), keyDim(spec.getKeyDim()),
        vectors(spec.getTileColumns() / kLanes), scratch(b, spec) {
    // Half of the registers is for factors, and for loads ahead; two sums for
    // each vector of columns.
    int64_t sums = target::getVectorRegisters(b.getTarget().isa).vectors() / 2;
    width = std::max<int64_t>(sums / 2, 1);
  }

  LogicalResult emit();

private:
  /// What keys and queries of a token read: its k' and q' times the same.
  struct Reads {
    SmallVector<Value> known, result;
  };

  void emitTile(Value tile);
  DeltaToken findToken(Value token);
  Value loadPosition(Value token);
  Value beginsChunk(Value token);
  void emitToken(const DeltaToken &token, Value lane);
  Reads readState(Value state, Value key);
  void emitColumns(const DeltaToken &token, Value lane, Reads reads,
                   int64_t first);
  void clearState(Value state);

  KernelBuilder &b;
  plan::DeltaRuleSpecAttr spec;
  const int64_t keyDim, vectors;
  int64_t width; ///< Vectors of columns at once.
  DeltaScratch scratch;
  Value x, decay, beta, rate, bias, pool, out;
  Value tokens; ///< How many there are.
  // Of the tile in work: its head, and where its columns lie in a token's v
  // and result, and in a sequence's state; bytes.
  Value head, columnBytes, stateBytes;
  // Of the token in work.
  Value faded, learned; ///< f and b, in all lanes.
};

} // namespace

LogicalResult codegen::emitDeltaRule(KernelBuilder &b,
                                     plan::DeltaRuleSpecAttr spec) {
  if (spec.getKeyDim() % kLanes != 0 || spec.getValueDim() % kLanes != 0)
    return emitError(b.getLoc())
           << "expected heads of whole vectors, found " << spec;
  return DeltaRuleEmitter(b, spec).emit();
}

DeltaScratch::DeltaScratch(KernelBuilder &b, plan::DeltaRuleSpecAttr spec) {
  Value next = b.loadScratch();
  auto take = [&](int64_t rows) {
    Value taken = next;
    next = b.offset(next, rows * kChunk * kWord);
    return taken;
  };
  queries = take(spec.getKeyDim());
  ofKeys = take(kChunk);
  ofQueries = take(kChunk);
  decays = take(kChunk);
  kept = take(1);
  faded = take(1);
  learned = take(1);
  deltas = take(spec.getTileColumns());
}

LogicalResult DeltaRuleEmitter::emit() {
  x = b.loadOperand(0);
  decay = b.loadOperand(1);
  beta = b.loadOperand(2);
  rate = b.loadOperand(3);
  bias = b.loadOperand(4);
  pool = b.loadOperand(5);
  out = b.loadOperand(6);
  tokens = b.loadInputU32(offsetof(ModelcStepInputs, tokenCount));
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1,
            [&](Value tile) { emitTile(tile); });
  return success();
}

void DeltaRuleEmitter::emitTile(Value tile) {
  head = b.divU(tile, spec.getValueDim() / spec.getTileColumns());
  columnBytes = b.mul(tile, spec.getTileColumns() * kWord);
  stateBytes = b.mul(tile, spec.getTileBytes());
  // Carried: the first token that no chunk has had yet.
  auto emitNext = [&](Value number) -> SmallVector<Value> {
    DeltaToken token = findToken(number);
    Value isChunk = beginsChunk(number);
    Value lane = b.remU(b.extendU(loadPosition(number), b.i64()), kChunk);
    b.ifElse(
        isChunk, [&] { emitDeltaChunk(b, spec, scratch, token); },
        [&] { emitToken(token, lane); });
    Value isLast = b.cmpI(CmpIPredicate::eq, lane, b.constI64(kChunk - 1));
    b.ifThen(b.bitOr(isChunk, isLast),
             [&] { emitDeltaChunkEnd(b, spec, scratch, token.state); });
    return {
        b.add(number, b.select(isChunk, b.constI64(kChunk), b.constI64(1)))};
  };
  using Body = KernelBuilder::BodyWithValues;
  b.forLoop(b.constI64(0), tokens, 1, b.constI64(0),
            [&](Value number, ValueRange next) {
              auto pass = [&] { return SmallVector<Value>(next); };
              auto go = [&] { return emitNext(number); };
              return b.ifElse(b.cmpI(CmpIPredicate::ult, number, next[0]),
                              Body(pass), Body(go));
            });
}

/// Also clears the state if the token is the first of its sequence.
DeltaToken DeltaRuleEmitter::findToken(Value token) {
  int64_t keyHeads = spec.getKeyHeads(), heads = spec.getHeads();
  int64_t keys = keyHeads * keyDim, values = heads * spec.getValueDim();
  Value keyHead =
      spec.getTiled() ? b.remU(head, keyHeads) : b.divU(head, heads / keyHeads);
  Value row = b.offset(x, b.mul(token, (2 * keys + values) * kWord));
  Value query = b.offset(row, b.mul(keyHead, keyDim * kWord));
  Value number = b.mul(b.add(b.mul(token, heads), head), kWord);
  Value headBytes = b.mul(head, kWord);
  SequenceState sequence =
      emitSequenceState(b, pool, token, spec.getStateBytes());
  Value state = b.offset(sequence.address, stateBytes);
  b.ifThen(sequence.isFirst, [&] { clearState(state); });
  return {query,
          b.offset(query, keys * kWord),
          b.offset(b.offset(row, 2 * keys * kWord), columnBytes),
          b.offset(decay, number),
          b.offset(beta, number),
          loadSplat(b, b.offset(rate, headBytes)),
          loadSplat(b, b.offset(bias, headBytes)),
          state,
          b.offset(b.offset(out, b.mul(token, values * kWord)), columnBytes)};
}

static Value loadEntry(KernelBuilder &b, size_t field, Value token) {
  return b.load(b.i32(), b.offset(b.loadInputPointer(field),
                                  b.mul(token, sizeof(uint32_t))));
}

Value DeltaRuleEmitter::loadPosition(Value token) {
  return loadEntry(b, offsetof(ModelcStepInputs, positions), token);
}

/// True if the token's position is a multiple of kChunk and the kChunk - 1
/// tokens behind it are the next ones of its sequence. As positions of a
/// sequence have no gaps, the last of them tells for all.
Value DeltaRuleEmitter::beginsChunk(Value token) {
  constexpr size_t kSequences = offsetof(ModelcStepInputs, sequences);
  Value last = b.minU(b.add(token, kChunk - 1), b.sub(tokens, 1));
  Value position = loadPosition(token);
  Value isAligned =
      b.cmpI(CmpIPredicate::eq, b.bitAnd(position, b.constI32(kChunk - 1)),
             b.constI32(0));
  Value isSame = b.cmpI(CmpIPredicate::eq, loadEntry(b, kSequences, token),
                        loadEntry(b, kSequences, last));
  Value isWhole = b.cmpI(CmpIPredicate::eq, loadPosition(last),
                         b.add(position, b.constI32(kChunk - 1)));
  return b.bitAnd(isAligned, b.bitAnd(isSame, isWhole));
}

void DeltaRuleEmitter::clearState(Value state) {
  b.forLoop(0, spec.getTileBytes(), kVectorBytes, [&](Value bytes) {
    b.storeLanes(b.splatF32(0), b.offset(state, bytes));
  });
}

//===----------------------------------------------------------------------===//
// A token by itself
//===----------------------------------------------------------------------===//

/// `lane` is the token's number in its chunk.
void DeltaRuleEmitter::emitToken(const DeltaToken &token, Value lane) {
  emitScaledQuery(b, spec, token.query, scratch.queries);
  Value keys = b.offset(token.state, spec.getKeysOffset());
  Value key = b.offset(keys, b.mul(lane, keyDim * kWord));
  emitScaledKey(b, spec, token.key, key);
  DeltaGates gates =
      emitDeltaGates(b, loadSplat(b, token.decay), loadSplat(b, token.beta),
                     token.rate, token.bias);
  learned = gates.learned;
  Value one = b.splatF32(1);
  int64_t decaysOffset = spec.getDecaysOffset();
  int64_t fadedOffset = spec.getFadedOffset();
  Value before = b.loadFloats(b.f32(), token.state, decaysOffset);
  Value decays = b.select(b.laneMask(lane), b.mul(before, gates.kept), one);
  b.storeLanes(decays, token.state, decaysOffset);
  Value isFirst = b.cmpI(CmpIPredicate::eq, lane, b.constI64(0));
  before =
      b.select(isFirst, one, b.loadFloats(b.f32(), token.state, fadedOffset));
  faded = b.mul(before, gates.kept);
  b.storeLanes(faded, token.state, fadedOffset);

  // S first: on its way the keys behind it are asked for.
  Reads reads = readState(token.state, key);
  emitDeltaWeights(b, spec,
                   {keys, scratch.queries, lane,
                    b.offset(token.state, decaysOffset), scratch.ofKeys,
                    scratch.ofQueries});
  for (int64_t first = 0; first < vectors; first += width)
    emitColumns(token, lane, reads, first);
}

/// Products of k' and of q' with S.
DeltaRuleEmitter::Reads DeltaRuleEmitter::readState(Value state, Value key) {
  // A tile's rows come from far in a decode, where the weights of a whole model
  // were between: 4 KiB ahead, also of what lies behind S.
  constexpr int64_t kAheadBytes = 4096;
  int64_t rowBytes = spec.getTileColumns() * kWord;
  Reads reads;
  for (int64_t first = 0; first < vectors; first += width) {
    int64_t count = std::min(width, vectors - first);
    auto addRow = [&](Value i, ValueRange carried) {
      Value word = b.mul(i, kWord);
      Value k = loadSplat(b, b.offset(key, word));
      Value q = loadSplat(b, b.offset(scratch.queries, word));
      Value row = b.offset(state, b.mul(i, rowBytes));
      for (int64_t at = 0; first == 0 && at < rowBytes; at += kVectorBytes)
        b.prefetch(row, kAheadBytes + at);
      SmallVector<Value> next(carried);
      for (int64_t v = 0; v < count; ++v) {
        Value element = b.loadFloats(b.f32(), row, (first + v) * kVectorBytes);
        next[v] = b.fma(k, element, next[v]);
        next[count + v] = b.fma(q, element, next[count + v]);
      }
      return next;
    };
    SmallVector<Value> zeros(2 * count, b.splatF32(0));
    SmallVector<Value> sums =
        b.forLoop(b.constI64(0), b.constI64(keyDim), 1, zeros, addRow);
    llvm::append_range(reads.known, ArrayRef(sums).take_front(count));
    llvm::append_range(reads.result, ArrayRef(sums).drop_front(count));
  }
  return reads;
}

/// d and results of up to `width` vectors of columns.
void DeltaRuleEmitter::emitColumns(const DeltaToken &token, Value lane,
                                   Reads reads, int64_t first) {
  int64_t count = std::min(width, vectors - first);
  int64_t deltaBytes = spec.getTileColumns() * kWord;
  Value deltas =
      b.offset(token.state, spec.getDeltasOffset() + first * kVectorBytes);
  SmallVector<Value> sums;
  for (ArrayRef<Value> read : {ArrayRef(reads.known), ArrayRef(reads.result)})
    for (Value sum : read.slice(first, count))
      sums.push_back(b.mul(sum, faded));
  sums =
      b.forLoop(b.constI64(0), lane, 1, sums, [&](Value s, ValueRange carried) {
        Value word = b.mul(s, kWord),
              row = b.offset(deltas, b.mul(s, deltaBytes));
        Value m = loadSplat(b, b.offset(scratch.ofKeys, word));
        Value n = loadSplat(b, b.offset(scratch.ofQueries, word));
        SmallVector<Value> next(carried);
        for (int64_t v = 0; v < count; ++v) {
          Value delta = b.loadFloats(b.f32(), row, v * kVectorBytes);
          next[v] = b.fma(m, delta, next[v]);
          next[count + v] = b.fma(n, delta, next[count + v]);
        }
        return next;
      });
  Value own = b.offset(deltas, b.mul(lane, deltaBytes));
  Value n = loadSplat(b, b.offset(scratch.ofQueries, b.mul(lane, kWord)));
  for (int64_t v = 0; v < count; ++v) {
    int64_t bytes = (first + v) * kVectorBytes;
    Value value = b.loadFloats(b.f32(), token.value, bytes);
    Value delta = b.mul(b.sub(value, sums[v]), learned);
    b.storeLanes(delta, own, v * kVectorBytes);
    b.storeLanes(b.fma(n, delta, sums[count + v]), token.out, bytes);
  }
}

//===----------------------------------------------------------------------===//
// What both ways share
//===----------------------------------------------------------------------===//

Value codegen::loadSplat(KernelBuilder &b, Value pointer, int64_t bytes) {
  return b.splat(b.load(b.f32(), pointer, bytes));
}

/// A row of q or k divided by its length, and times `factor` * sqrt(keyDim).
static void scaleRow(KernelBuilder &b, plan::DeltaRuleSpecAttr spec, Value row,
                     Value scaled, float factor) {
  int64_t keyDim = spec.getKeyDim();
  float eps = spec.getEps().getValue().convertToFloat();
  Value inverse =
      b.splat(emitInverseRms(b, row, keyDim, eps / static_cast<float>(keyDim)));
  b.forLoop(0, keyDim, kLanes, [&](Value first) {
    Value bytes = b.mul(first, kWord);
    Value y = b.mul(b.loadFloats(b.f32(), b.offset(row, bytes)), inverse);
    b.storeLanes(b.mul(y, b.splatF32(factor)), b.offset(scaled, bytes));
  });
}

void codegen::emitScaledQuery(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                              Value query, Value scaled) {
  scaleRow(b, spec, query, scaled, 1.0f / static_cast<float>(spec.getKeyDim()));
}

void codegen::emitScaledKey(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                            Value key, Value scaled) {
  scaleRow(b, spec, key, scaled,
           1.0f / std::sqrt(static_cast<float>(spec.getKeyDim())));
}

void codegen::emitDeltaWeights(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                               const DeltaWeights &weights) {
  int64_t keyBytes = spec.getKeyDim() * kWord;
  Value own = b.offset(weights.keys, b.mul(weights.lane, keyBytes));
  b.forLoop(b.constI64(0), b.add(weights.lane, 1), 1, [&](Value s) {
    Value key = b.offset(weights.keys, b.mul(s, keyBytes));
    Value ofKey = b.splatF32(0), ofQuery = ofKey, word = b.mul(s, kWord);
    for (int64_t at = 0; at < keyBytes; at += kVectorBytes) {
      Value x = b.loadFloats(b.f32(), key, at);
      ofKey = b.fma(b.loadFloats(b.f32(), own, at), x, ofKey);
      ofQuery = b.fma(b.loadFloats(b.f32(), weights.query, at), x, ofQuery);
    }
    Value decay = b.load(b.f32(), b.offset(weights.decays, word));
    b.store(b.mul(b.reduceTree(ofKey), decay), b.offset(weights.ofKey, word));
    b.store(b.mul(b.reduceTree(ofQuery), decay),
            b.offset(weights.ofQuery, word));
  });
}

DeltaGates codegen::emitDeltaGates(KernelBuilder &b, Value decay, Value beta,
                                   Value rate, Value bias) {
  return {emitExp(b, b.mul(rate, emitSoftplus(b, b.add(decay, bias)))),
          emitActivation(b, model::Activation::Sigmoid, FloatAttr(), beta)};
}
