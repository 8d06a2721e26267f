//===- DeltaChunk.cpp - Emits the delta rule for whole chunks of tokens
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   K' (of all tokens)                     ==> state,  Q' ==> scratch
//   P[t][s] = product of g of s + 1 .. t   ==> scratch, its last row: state
//   M = K' K'^T . P,  N = Q' K'^T . P      ==> scratch
//   for some columns:
//     for tokens t, some at once:
//       known = (K' S) f_t + M D  of earlier tokens
//       D_t = b_t (v_t - known), which is what later ones of the same few need
//       out = (Q' S) f_t + N D
//
// and at the chunk's end, for some columns and rows: S = S f + K'^T (P_last .
// D)
//
// Every product is one loop with its sums in registers: a few rows by one or
// two vectors of columns. Each tile forms M and N of its head for itself: with
// heads of 128 by 128 and two tiles for each, once too often costs about a
// tenth, and a step of its own would need a barrier and an arena of
// 8 * heads * kChunkTokens bytes a token.
//
// Source: Yang, Wang, Zhang, Shen, Kim, "Parallelizing Linear Transformers with
// the Delta Rule over Sequence Length" (2024). It inverts I + M once for all
// columns, so that only products are left; here D is substituted forwards,
// which takes fewer operations, and is what a token by itself can do too.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/DeltaRule.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kWord = sizeof(float);
static constexpr int64_t kVectorBytes = kLanes * kWord;
static constexpr int64_t kTokens = plan::DeltaRuleSpecAttr::kChunkTokens;
static_assert(kTokens == kLanes, "a lane for each token");

namespace {

/// A matrix whose elements are multiplied one by one.
struct Factors {
  Value base;
  int64_t rowBytes, stepBytes; ///< From row to row, along a row.
};

/// One whose rows are read in vectors.
struct Rows {
  Value base;
  int64_t rowBytes, vectors;
};

class DeltaChunkEmitter {
public:
  DeltaChunkEmitter(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                    const DeltaScratch &scratch, Value state);

  void emit(const DeltaToken &first);
  void emitEnd();

private:
  void scaleKeys(Value query, Value key);
  Value loadOfTokens(Value pointer);
  void emitDecays(const DeltaToken &first);
  void emitWeights();
  void emitTokens(const DeltaToken &chunk, Value first, Value columnBytes);
  SmallVector<Value> readPast(Value keyRows, Value weightRows, Value first,
                              Value columnBytes);
  void updateState(Value first, Value columnBytes);
  SmallVector<Value> addProducts(Factors a, int64_t rows, Rows x, Value steps,
                                 ValueRange sums);

  KernelBuilder &b;
  plan::DeltaRuleSpecAttr spec;
  const DeltaScratch &scratch;
  const int64_t keyDim, keyBytes, tileBytes;
  int64_t rowBytes;          ///< Of a token's row of x.
  int64_t vectors, rows;     ///< Columns and rows of a product's sums.
  Value state, keys, deltas; ///< Of the tile.
};

} // namespace

void codegen::emitDeltaChunk(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                             const DeltaScratch &scratch,
                             const DeltaToken &first) {
  DeltaChunkEmitter(b, spec, scratch, first.state).emit(first);
}

void codegen::emitDeltaChunkEnd(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                                const DeltaScratch &scratch, Value state) {
  DeltaChunkEmitter(b, spec, scratch, state).emitEnd();
}

DeltaChunkEmitter::DeltaChunkEmitter(KernelBuilder &b,
                                     plan::DeltaRuleSpecAttr spec,
                                     const DeltaScratch &scratch, Value state)
    : b(b), spec(spec), scratch(scratch), keyDim(spec.getKeyDim()),
      keyBytes(keyDim * kWord), tileBytes(spec.getTileColumns() * kWord),
      rowBytes((2 * spec.getKeyHeads() * keyDim +
                spec.getHeads() * spec.getValueDim()) *
               kWord),
      state(state), keys(b.offset(state, spec.getKeysOffset())),
      deltas(b.offset(state, spec.getDeltasOffset())) {
  // Half of the registers is for factors, and for loads ahead.
  int64_t sums = target::getVectorRegisters(b.getTarget().isa).vectors() / 2;
  bool isEven = spec.getTileColumns() / kLanes % 2 == 0;
  vectors = isEven && sums >= kTokens ? 2 : 1;
  rows = std::min(sums / vectors, kTokens);
}

void DeltaChunkEmitter::emit(const DeltaToken &chunk) {
  scaleKeys(chunk.query, chunk.key);
  emitDecays(chunk);
  emitWeights();
  b.forLoop(0, tileBytes, vectors * kVectorBytes, [&](Value columnBytes) {
    b.forLoop(0, kTokens, rows,
              [&](Value first) { emitTokens(chunk, first, columnBytes); });
  });
}

void DeltaChunkEmitter::emitEnd() {
  b.forLoop(0, kTokens, 1, [&](Value t) {
    Value decay =
        loadSplat(b, b.offset(state, b.mul(t, kWord)), spec.getDecaysOffset());
    Value bytes = b.mul(t, tileBytes);
    Value from = b.offset(deltas, bytes), to = b.offset(scratch.deltas, bytes);
    for (int64_t i = 0; i < tileBytes; i += kVectorBytes)
      b.storeLanes(b.mul(b.loadFloats(b.f32(), from, i), decay), to, i);
  });
  b.forLoop(0, tileBytes, vectors * kVectorBytes, [&](Value columnBytes) {
    b.forLoop(0, keyDim, rows,
              [&](Value first) { updateState(first, columnBytes); });
  });
}

void DeltaChunkEmitter::scaleKeys(Value query, Value key) {
  b.forLoop(0, kTokens, 1, [&](Value t) {
    Value row = b.mul(t, rowBytes), scaled = b.mul(t, keyBytes);
    emitScaledKey(b, spec, b.offset(key, row), b.offset(keys, scaled));
    emitScaledQuery(b, spec, b.offset(query, row),
                    b.offset(scratch.queries, scaled));
  });
}

/// The head's number of every token, of rows of `heads`.
Value DeltaChunkEmitter::loadOfTokens(Value pointer) {
  Value all = b.splatF32(0);
  for (int64_t t = 0; t < kTokens; ++t)
    all =
        b.insert(all, b.load(b.f32(), pointer, t * spec.getHeads() * kWord), t);
  return all;
}

/// P, whose lanes from t on are 1, and what goes with it.
void DeltaChunkEmitter::emitDecays(const DeltaToken &first) {
  DeltaGates gates =
      emitDeltaGates(b, loadOfTokens(first.decay), loadOfTokens(first.beta),
                     first.rate, first.bias);
  b.storeLanes(gates.kept, scratch.kept);
  b.storeLanes(gates.learned, scratch.learned);
  Value one = b.splatF32(1);
  SmallVector<Value> last = b.forLoop(
      b.constI64(0), b.constI64(kTokens), 1, {one, one},
      [&](Value t, ValueRange before) -> SmallVector<Value> {
        Value bytes = b.mul(t, kWord);
        Value g = loadSplat(b, b.offset(scratch.kept, bytes));
        Value row = b.select(b.laneMask(t), b.mul(before[0], g), one);
        Value all = b.mul(before[1], g);
        b.storeLanes(row, b.offset(scratch.decays, b.mul(t, kVectorBytes)));
        b.store(b.extract(all, 0), b.offset(scratch.faded, bytes));
        return {row, all};
      });
  b.storeLanes(last[0], state, spec.getDecaysOffset());
  b.storeLanes(last[1], state, spec.getFadedOffset());
}

/// M and N, up to their diagonals.
void DeltaChunkEmitter::emitWeights() {
  b.forLoop(0, kTokens, 1, [&](Value t) {
    Value row = b.mul(t, kVectorBytes);
    emitDeltaWeights(b, spec,
                     {keys, b.offset(scratch.queries, b.mul(t, keyBytes)), t,
                      b.offset(scratch.decays, row),
                      b.offset(scratch.ofKeys, row),
                      b.offset(scratch.ofQueries, row)});
  });
}

/// d and results of `rows` tokens from `first` on.
void DeltaChunkEmitter::emitTokens(const DeltaToken &chunk, Value first,
                                   Value columnBytes) {
  int64_t outBytes = spec.getHeads() * spec.getValueDim() * kWord;
  Value weightBytes = b.mul(first, kVectorBytes + kWord); // On the diagonal.
  Value value =
      b.offset(b.offset(chunk.value, b.mul(first, rowBytes)), columnBytes);
  Value out =
      b.offset(b.offset(chunk.out, b.mul(first, outBytes)), columnBytes);
  Value learned = b.offset(scratch.learned, b.mul(first, kWord));
  Value to = b.offset(b.offset(deltas, b.mul(first, tileBytes)), columnBytes);

  SmallVector<Value> known = readPast(keys, scratch.ofKeys, first, columnBytes);
  SmallVector<Value> delta;
  Value weight = b.offset(scratch.ofKeys, weightBytes);
  for (int64_t r = 0; r < rows; ++r) {
    Value factor = loadSplat(b, learned, r * kWord);
    for (int64_t v = 0; v < vectors; ++v) {
      Value x = b.loadFloats(b.f32(), value, r * rowBytes + v * kVectorBytes);
      delta.push_back(b.mul(b.sub(x, known[r * vectors + v]), factor));
      b.storeLanes(delta.back(), to, r * tileBytes + v * kVectorBytes);
    }
    for (int64_t later = r + 1; later < rows; ++later) {
      Value m = loadSplat(b, weight, later * kVectorBytes + r * kWord);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = known[later * vectors + v];
        sum = b.fma(m, delta[r * vectors + v], sum);
      }
    }
  }

  SmallVector<Value> result =
      readPast(scratch.queries, scratch.ofQueries, first, columnBytes);
  weight = b.offset(scratch.ofQueries, weightBytes);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t s = 0; s <= r; ++s) {
      Value n = loadSplat(b, weight, r * kVectorBytes + s * kWord);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = result[r * vectors + v];
        sum = b.fma(n, delta[s * vectors + v], sum);
      }
    }
    for (int64_t v = 0; v < vectors; ++v)
      b.storeLanes(result[r * vectors + v], out,
                   r * outBytes + v * kVectorBytes);
  }
}

/// What some tokens read: of the state before the chunk, and of the chunk's
/// tokens before `first`.
SmallVector<Value> DeltaChunkEmitter::readPast(Value keyRows, Value weightRows,
                                               Value first, Value columnBytes) {
  SmallVector<Value> zeros(rows * vectors, b.splatF32(0));
  SmallVector<Value> past =
      addProducts({b.offset(keyRows, b.mul(first, keyBytes)), keyBytes, kWord},
                  rows, {b.offset(state, columnBytes), tileBytes, vectors},
                  b.constI64(keyDim), zeros);
  Value factors = b.offset(scratch.faded, b.mul(first, kWord));
  for (int64_t r = 0; r < rows; ++r) {
    Value factor = loadSplat(b, factors, r * kWord);
    for (int64_t v = 0; v < vectors; ++v)
      past[r * vectors + v] = b.mul(past[r * vectors + v], factor);
  }
  return addProducts(
      {b.offset(weightRows, b.mul(first, kVectorBytes)), kVectorBytes, kWord},
      rows, {b.offset(deltas, columnBytes), tileBytes, vectors}, first, past);
}

/// `rows` rows of S from `first` on.
void DeltaChunkEmitter::updateState(Value first, Value columnBytes) {
  Value bytes = b.mul(first, tileBytes);
  Value base = b.offset(b.offset(state, bytes), columnBytes);
  Value factor = b.loadFloats(b.f32(), state, spec.getFadedOffset());
  auto getBytes = [&](int64_t i) {
    return i / vectors * tileBytes + i % vectors * kVectorBytes;
  };
  SmallVector<Value> values;
  for (int64_t i = 0; i < rows * vectors; ++i)
    values.push_back(b.mul(b.loadFloats(b.f32(), base, getBytes(i)), factor));
  values =
      addProducts({b.offset(keys, b.mul(first, kWord)), kWord, keyBytes}, rows,
                  {b.offset(scratch.deltas, columnBytes), tileBytes, vectors},
                  b.constI64(kTokens), values);
  for (int64_t i = 0; i < rows * vectors; ++i)
    b.storeLanes(values[i], base, getBytes(i));
}

/// sums[row][vector] = a[row][j] * x[j][vector] + sums, for j ascending from 0
/// to `steps`.
SmallVector<Value> DeltaChunkEmitter::addProducts(Factors a, int64_t rows,
                                                  Rows x, Value steps,
                                                  ValueRange sums) {
  return b.forLoop(
      b.constI64(0), steps, 1, sums, [&](Value j, ValueRange carried) {
        Value factors = b.offset(a.base, b.mul(j, a.stepBytes));
        Value row = b.offset(x.base, b.mul(j, x.rowBytes));
        SmallVector<Value> elements, next;
        for (int64_t v = 0; v < x.vectors; ++v)
          elements.push_back(b.loadFloats(b.f32(), row, v * kVectorBytes));
        for (int64_t r = 0; r < rows; ++r) {
          Value factor = loadSplat(b, factors, r * a.rowBytes);
          for (int64_t v = 0; v < x.vectors; ++v)
            next.push_back(
                b.fma(factor, elements[v], carried[r * x.vectors + v]));
        }
        return next;
      });
}
