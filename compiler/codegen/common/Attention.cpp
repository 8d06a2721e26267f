//===- Attention.cpp - Emits the attention kernels
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is some tokens of one kv head. It is cut into blocks: query rows (a
// head of a token) of one sequence, which share every load of K and V.
//
//   for tile, for block:
//     for page of the sequence:                     64 positions
//       scores[row][64] = q * K^T * scale           positions in lanes
//       for row: max, exp, sum                      of existing positions
//       keep, gain                                  rows in lanes
//       results[row] = results[row] * keep + scores[row] * V * gain
//     out[row] = results[row] / sum                 values in lanes
//
// Everything is in scratch but the accumulators of the two products, which
// are in registers: the arithmetic is that of docs/numerics.md ("Attention"),
// row by row, so it does not depend on the blocks.
//
// Pages lie anywhere, and the hardware's prefetchers learn each anew. So the
// values of a page are asked for while its keys are multiplied, and the next
// page's keys while its values are.
//
// Values that are parts of keys are turned round into scratch, a slab at once.
//
// Three things make the result exact without branches:
// - results begin as -0 and the maximum as -inf, so that the first page's
//   keep = exp(-inf - m) = 0 and gain = exp(0) = 1 give the page's own result:
//   fma(-0, 0, x * 1) = x for every x.
// - a row that ends before the page has keep = 1 and gain = -0 and the sum of
//   no products, +0: fma(x, 1, +0 * -0) = x for every x.
// - a maximum of scores that ignores NaN (AttentionState.cpp).
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/AttentionState.h"
#include "compiler/codegen/common/CachePages.h"
#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kPage = MODELC_PAGE_TOKENS;
static constexpr int64_t kWord = sizeof(float);
static constexpr uint32_t kMinusInfinity = 0xff800000;
static constexpr uint32_t kMinusZero = 0x80000000;

namespace {

/// Query rows that are computed together: `heads` heads of `tokens` tokens.
/// Row r is head r % heads of token r / heads.
struct Block {
  int64_t tokens, heads;
  Value firstToken;
  /// Tokens that exist, 1 .. tokens. Those beyond are copies of the last.
  Value tokenCount;
  Value kvHead;
  /// Heads of this kv head before the first one of the block.
  Value firstHead;

  int64_t getRows() const { return tokens * heads; }
};

/// One page of a block's sequence.
struct Page {
  /// First byte of the kv head's group; values is null if keys have them.
  Value keys, values;
  Value nextKeys; ///< Of the next page, or of this if it is the last.
  Value begin;    ///< First position.
  /// Positions of the page, 0 .. 64, that exist for all rows; for any row.
  Value common, limit;
  /// The first position of the page that the window of some row, and of all
  /// rows, has; null without a window, where it is 0.
  Value first, commonFirst;
};

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &b, plan::AttentionSpecAttr spec);

  LogicalResult emit();

private:
  LogicalResult checkLayouts();
  Value countRun(Value token, Value end);
  void emitRun(Value token, Value count, Value kvHead, Value part);
  void emitBlock(const Block &block);
  Value getToken(const Block &block, int64_t number);
  Value getRow(const Block &block, Value pointer, int64_t row,
               int64_t elements);
  void startRows(const Block &block);
  void finishRows(const Block &block);
  Value getHead(const Block &block, int64_t row);
  Value getFirstPage(const Block &block);
  Value getFirstVisible(Value position, const Page &page);
  Value finishScores(Value products, Value scale);
  Value getGroup(const Block &block, Value pageNumber);
  Page openPage(const Block &block, Value number, Value pages);
  void emitScores(const Block &block, const Page &page);
  void emitSoftmax(const Page &page, Value row);
  void emitFactors(const Page &page);
  void emitValues(const Block &block, const Page &page);
  void emitSlab(const Block &block, const Page &page, Value firstElement,
                ArrayRef<int64_t> vectorLanes);
  int64_t getVectors(int64_t rows);
  Value loadEntry(size_t field, Value index);
  Value splatLoad(Value pointer, int64_t bytes);

  KernelBuilder &b;
  plan::AttentionSpecAttr spec;
  CachePage keyPage, valuePage;
  int64_t keyDim, valueDim;
  int64_t group, tileHeads; ///< Heads of a kv head; those in one tile.
  /// Elements of a row in scratch.
  int64_t keyElements, valueElements;
  target::VectorRegisters registers;
  int64_t blockHeads, blockTokens;
  Value q, keyPool, valuePool, sinks, out;
  Value queries, scores, results, states, turned; ///< In scratch.
};

} // namespace

LogicalResult codegen::emitAttention(KernelBuilder &b,
                                     plan::AttentionSpecAttr spec) {
  return AttentionEmitter(b, spec).emit();
}

AttentionEmitter::AttentionEmitter(KernelBuilder &b,
                                   plan::AttentionSpecAttr spec)
    : b(b), spec(spec), keyDim(spec.getKeyDim()), valueDim(spec.getValueDim()),
      group(spec.getHeads() / spec.getKvHeads()),
      tileHeads(group / spec.getParts()),
      keyElements(llvm::alignTo(keyDim, kLanes)),
      valueElements(llvm::alignTo(valueDim, kLanes)),
      registers(target::getVectorRegisters(b.getTarget().isa)) {
  // As many rows as leave room for one vector of K or V at a time.
  int64_t maxRows = registers.perVector() == 1 ? 12 : 6;
  static_assert(plan::AttentionSpecAttr::kBlockRows >= 12);
  blockHeads =
      llvm::divideCeil(tileHeads, llvm::divideCeil(tileHeads, maxRows));
  blockTokens =
      std::clamp<int64_t>(maxRows / blockHeads, 1, spec.getTileTokens());
}

/// Vectors of K or V that a block of so many rows takes at once: rows *
/// vectors accumulators, and either all vectors and one broadcast factor or
/// one vector and all factors, are to fit the registers.
int64_t AttentionEmitter::getVectors(int64_t rows) {
  int64_t width = registers.perVector();
  int64_t vectors = kPage / kLanes;
  while (vectors > 1 &&
         width * rows * vectors + std::min(width * vectors + 1, width + rows) >
             registers.count)
    vectors /= 2;
  return vectors;
}

LogicalResult AttentionEmitter::checkLayouts() {
  pack::LayoutAttr key = spec.getKeyPage(), value = spec.getValuePage();
  std::optional<CachePage> keys = getKeyPage(key, keyDim);
  std::optional<CachePage> values =
      spec.getShared() ? keys : getValuePage(value, valueDim);
  if (!keys || !values)
    return emitError(b.getLoc())
           << "cannot attend to pages in " << key << " and " << value;
  if (group % spec.getParts() != 0)
    return emitError(b.getLoc())
           << group << " heads are no multiple of " << spec.getParts();
  keyPage = *keys;
  valuePage = *values;
  return success();
}

LogicalResult AttentionEmitter::emit() {
  if (failed(checkLayouts()))
    return failure();
  int64_t operand = 0;
  q = b.loadOperand(operand++);
  keyPool = b.loadOperand(operand++);
  if (!spec.getShared())
    valuePool = b.loadOperand(operand++);
  if (spec.getSinks())
    sinks = b.loadOperand(operand++);
  out = b.loadOperand(operand);
  constexpr int64_t kRows = plan::AttentionSpecAttr::kBlockRows;
  scores = b.loadScratch();
  queries = b.offset(scores, kRows * kPage * kWord);
  results = b.offset(queries, kRows * keyElements * kWord);
  states = b.offset(results, kRows * valueElements * kWord);
  turned = b.offset(states, RowState::kGain + kLanes * kWord);

  Value count = b.loadCount();
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    Value part = b.remU(tile, spec.getParts());
    tile = b.divU(tile, spec.getParts());
    Value kvHead = b.remU(tile, spec.getKvHeads());
    Value begin = b.mul(b.divU(tile, spec.getKvHeads()), spec.getTileTokens());
    Value end = b.minU(b.add(begin, spec.getTileTokens()), count);
    // `next` is the first token that no block has taken.
    auto takeRun = [&](Value token, ValueRange next) -> SmallVector<Value> {
      auto pass = [&] { return SmallVector<Value>{next[0]}; };
      auto take = [&] {
        Value run = countRun(token, end);
        emitRun(token, run, kvHead, part);
        return SmallVector<Value>{b.add(token, run)};
      };
      using Body = KernelBuilder::BodyWithValues;
      return b.ifElse(b.cmpI(arith::CmpIPredicate::ult, token, next[0]),
                      Body(pass), Body(take));
    };
    b.forLoop(begin, end, 1, begin, takeRun);
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Entry `index` of an array of 32-bit numbers of ModelcStepInputs, as i64.
Value AttentionEmitter::loadEntry(size_t field, Value index) {
  Value entry =
      b.offset(b.loadInputPointer(field), b.mul(index, sizeof(uint32_t)));
  return b.extendU(b.load(b.i32(), entry), b.i64());
}

/// How many tokens from `token` on, up to blockTokens and `end`, belong to
/// one sequence.
Value AttentionEmitter::countRun(Value token, Value end) {
  using Predicate = arith::CmpIPredicate;
  constexpr size_t kSequences = offsetof(ModelcStepInputs, sequences);
  Value run = b.constI64(1), last = b.sub(end, 1);
  if (blockTokens == 1)
    return run;
  Value sequence = loadEntry(kSequences, token);
  Value isSame = b.constBool(true);
  for (int64_t i = 1; i < blockTokens; ++i) {
    Value next = b.add(token, i);
    Value other = loadEntry(kSequences, b.minU(next, last));
    Value continues = b.bitAnd(b.cmpI(Predicate::ule, next, last),
                               b.cmpI(Predicate::eq, other, sequence));
    isSame = b.bitAnd(isSame, continues);
    run = b.add(run, b.extendU(isSame, b.i64()));
  }
  return run;
}

/// `count` tokens of one sequence: blocks of the part's heads of the kv head.
void AttentionEmitter::emitRun(Value token, Value count, Value kvHead,
                               Value part) {
  Value partHead = b.mul(part, tileHeads);
  auto emitBlocks = [&](int64_t tokens) {
    b.forLoop(0, tileHeads, blockHeads, [&](Value head) {
      Value firstHead = b.add(partHead, head);
      emitBlock({tokens, blockHeads, token, count, kvHead, firstHead});
    });
  };
  if (blockTokens == 1)
    return emitBlocks(1);
  Value isOne = b.cmpI(arith::CmpIPredicate::eq, count, b.constI64(1));
  b.ifElse(isOne, [&] { emitBlocks(1); }, [&] { emitBlocks(blockTokens); });
}

void AttentionEmitter::emitBlock(const Block &block) {
  startRows(block);
  Value last = loadEntry(offsetof(ModelcStepInputs, positions),
                         getToken(block, block.tokens - 1));
  Value pages = b.add(b.divU(last, kPage), 1);
  b.forLoop(getFirstPage(block), pages, 1, [&](Value number) {
    Page page = openPage(block, number, pages);
    emitScores(block, page);
    b.forLoop(0, block.getRows(), 1,
              [&](Value row) { emitSoftmax(page, row); });
    emitFactors(page);
    emitValues(block, page);
  });
  finishRows(block);
}

/// The token of rows number * heads and following.
Value AttentionEmitter::getToken(const Block &block, int64_t number) {
  if (number == 0)
    return block.firstToken;
  Value last = b.sub(block.tokenCount, 1);
  return b.add(block.firstToken, b.minU(b.constI64(number), last));
}

/// The query head of a row.
Value AttentionEmitter::getHead(const Block &block, int64_t row) {
  // The last block of heads may overlap its own last head.
  Value head =
      b.minU(b.add(block.firstHead, row % block.heads), b.constI64(group - 1));
  return b.add(head, b.mul(block.kvHead, group));
}

/// Row `row` of q or out, whose heads have `elements` elements.
Value AttentionEmitter::getRow(const Block &block, Value pointer, int64_t row,
                               int64_t elements) {
  Value head = getHead(block, row);
  Value token = getToken(block, row / block.heads);
  Value index = b.add(b.mul(token, spec.getHeads()), head);
  return b.offset(pointer, b.mul(index, elements * kWord));
}

/// Queries to scratch; the state of no position at all.
void AttentionEmitter::startRows(const Block &block) {
  for (int64_t row = 0; row < block.getRows(); ++row) {
    Value source = getRow(block, q, row, keyDim);
    for (int64_t d = 0; d < keyDim; d += kLanes) {
      int64_t lanes = std::min(keyDim - d, kLanes);
      b.store(b.loadFloats(b.f32(), source, d * kWord, lanes), queries,
              (row * keyElements + d) * kWord);
    }
    for (int64_t d = 0; d < valueDim; d += kLanes)
      b.store(b.splatF32Bits(kMinusZero), results,
              (row * valueElements + d) * kWord);
  }
  Value positions = b.splatI32(-1), maxima = b.splatF32Bits(kMinusInfinity);
  for (int64_t row = 0; row < block.getRows(); ++row) {
    Value position = loadEntry(offsetof(ModelcStepInputs, positions),
                               getToken(block, row / block.heads));
    positions = b.insert(positions, b.truncate(position, b.i32()), row);
    if (!sinks)
      continue;
    // A score before all others, whose value is 0.
    Value sink = b.offset(sinks, b.mul(getHead(block, row), kWord));
    maxima = b.insert(maxima, b.load(b.f32(), sink), row);
  }
  b.store(positions, states, RowState::kPositions);
  b.store(maxima, states, RowState::kMaxima);
  b.store(b.splatF32(sinks ? 1 : 0), states, RowState::kSums);
  for (int64_t field : {RowState::kPageMaxima, RowState::kPageSums})
    b.store(b.splatF32(0), states, field);
}

void AttentionEmitter::finishRows(const Block &block) {
  for (int64_t row = 0; row < block.getRows(); ++row) {
    Value target = getRow(block, out, row, valueDim);
    Value sum = splatLoad(states, RowState::kSums + row * kWord);
    for (int64_t d = 0; d < valueDim; d += kLanes) {
      Value result =
          b.load(b.vec(b.f32()), results, (row * valueElements + d) * kWord);
      b.storeLanes(b.div(result, sum), target, d * kWord,
                   std::min(valueDim - d, kLanes));
    }
  }
}

/// The f32 at `pointer` + `bytes` in every lane.
Value AttentionEmitter::splatLoad(Value pointer, int64_t bytes) {
  return b.splat(b.load(b.f32(), pointer, bytes));
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

/// Number of the kv head's group in the pools for a page of the sequence.
Value AttentionEmitter::getGroup(const Block &block, Value pageNumber) {
  Value sequence =
      loadEntry(offsetof(ModelcStepInputs, sequences), block.firstToken);
  Value table = b.mul(
      sequence, b.loadInputU32(offsetof(ModelcStepInputs, pagesPerSequence)));
  Value entry = loadEntry(offsetof(ModelcStepInputs, pageTables),
                          b.add(table, pageNumber));
  return b.add(b.mul(entry, spec.getKvHeads()), block.kvHead);
}

/// Page `number` of the `pages` that the block's rows see.
Page AttentionEmitter::openPage(const Block &block, Value number, Value pages) {
  int64_t keyBytes = spec.getKeyPage().getBytes();
  Value index = getGroup(block, number);
  Value next = getGroup(block, b.minU(b.add(number, 1), b.sub(pages, 1)));

  Page page;
  page.keys = b.offset(keyPool, b.mul(index, keyBytes));
  if (valuePool)
    page.values =
        b.offset(valuePool, b.mul(index, spec.getValuePage().getBytes()));
  page.nextKeys = b.offset(keyPool, b.mul(next, keyBytes));
  page.begin = b.mul(number, kPage);
  auto countUpTo = [&](Value token) {
    Value position = loadEntry(offsetof(ModelcStepInputs, positions), token);
    Value count = b.sub(b.add(position, 1), page.begin);
    return b.minS(b.maxS(count, b.constI64(0)), b.constI64(kPage));
  };
  // Positions ascend along the tokens of a sequence.
  page.common = countUpTo(block.firstToken);
  Value lastToken = getToken(block, block.tokens - 1);
  page.limit = block.tokens == 1 ? page.common : countUpTo(lastToken);
  if (spec.getWindow() > 0) {
    size_t positions = offsetof(ModelcStepInputs, positions);
    page.first = getFirstVisible(loadEntry(positions, block.firstToken), page);
    page.commonFirst =
        block.tokens == 1
            ? page.first
            : getFirstVisible(loadEntry(positions, lastToken), page);
  }
  return page;
}

/// The first page that any row of a block reads.
Value AttentionEmitter::getFirstPage(const Block &block) {
  if (spec.getWindow() == 0)
    return b.constI64(0);
  Value position =
      loadEntry(offsetof(ModelcStepInputs, positions), block.firstToken);
  Value first = b.sub(position, spec.getWindow() - 1);
  return b.divU(b.maxS(first, b.constI64(0)), kPage);
}

/// The first position of the page, 0 .. 64, that the window of the query at
/// `position` has.
Value AttentionEmitter::getFirstVisible(Value position, const Page &page) {
  Value first = b.sub(b.sub(position, spec.getWindow() - 1), page.begin);
  return b.minS(b.maxS(first, b.constI64(0)), b.constI64(kPage));
}

/// Scores of sums of products.
Value AttentionEmitter::finishScores(Value products, Value scale) {
  Value scores = b.mul(products, scale);
  if (FloatAttr cap = spec.getCap())
    scores = emitSoftCap(b, scores, cap.getValue().convertToFloat());
  return scores;
}

/// scores[row][j] = (sum_d q[row][d] * K[j][d]) * scale for all j of the
/// page.
void AttentionEmitter::emitScores(const Block &block, const Page &page) {
  int64_t rows = block.getRows(), vectors = getVectors(rows);
  int64_t stride = keyDim > 1 ? keyPage.elementStride : 0;
  Value scale = b.splatF32(spec.getScale().getValue().convertToFloat());
  int64_t turns = kPage / (vectors * kLanes) * keyDim;
  int64_t bytesPerTurn = spec.getValuePage().getBytes() / turns;
  b.forLoop(b.constI64(0), page.limit, vectors * kLanes, [&](Value first) {
    Value keys = b.offset(page.keys, b.mul(first, keyPage.rowStride));
    SmallVector<Value> zeros(rows * vectors, b.splatF32(0));
    Value firstTurn = b.mul(b.divU(first, vectors * kLanes), keyDim);
    auto addElement = [&](Value d, ValueRange sums, ArrayRef<Value> scales) {
      if (page.values)
        prefetchPart(b, page.values, b.add(firstTurn, d), bytesPerTurn);
      Value element = b.offset(keys, b.mul(d, stride));
      Value query = b.offset(queries, b.mul(d, kWord));
      SmallVector<Value> k, next;
      for (int64_t v = 0; v < vectors; ++v)
        k.push_back(loadElements(b, keyPage, element,
                                 v * kLanes * keyPage.rowStride, kLanes,
                                 scales[v]));
      for (int64_t row = 0; row < rows; ++row) {
        Value x = splatLoad(query, row * keyElements * kWord);
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(b.fma(x, k[v], sums[row * vectors + v]));
      }
      return next;
    };
    SmallVector<Value> sums = forEachKeyElement(
        b, keyPage, {page.keys, first, vectors}, zeros, addElement);
    Value target = b.offset(scores, b.mul(first, kWord));
    for (int64_t i = 0; i < rows * vectors; ++i)
      b.store(finishScores(sums[i], scale), target,
              (i / vectors * kPage + i % vectors * kLanes) * kWord);
  });
}

/// Turns a row's scores into weights; sets its page maximum and page sum.
void AttentionEmitter::emitSoftmax(const Page &page, Value row) {
  Value rowScores = b.offset(scores, b.mul(row, kPage * kWord));
  Value state = b.offset(states, b.mul(row, kWord));
  Value position =
      b.extendU(b.load(b.i32(), state, RowState::kPositions), b.i64());
  Value exists = b.cmpI(arith::CmpIPredicate::ule, page.begin, position);
  Value first;
  if (page.first) {
    first = getFirstVisible(position, page);
    exists = b.bitAnd(
        exists, b.cmpI(arith::CmpIPredicate::ult, first, b.constI64(kPage)));
  }
  b.ifThen(exists, [&] {
    Value count = b.add(b.sub(position, page.begin), 1);
    emitPageSoftmax(b, rowScores, state, first,
                    b.minU(count, b.constI64(kPage)));
  });
}

/// Adds the page to the state of all rows, and sets keep and gain.
void AttentionEmitter::emitFactors(const Page &page) {
  Value begin = b.splat(b.truncate(page.begin, b.i32()));
  Value positions = b.load(b.vec(b.i32()), states, RowState::kPositions);
  Value exists = b.cmpI(arith::CmpIPredicate::sle, begin, positions);
  if (page.first) {
    Value first =
        b.sub(b.sub(positions, b.splatI32(spec.getWindow() - 1)), begin);
    exists = b.bitAnd(
        exists, b.cmpI(arith::CmpIPredicate::slt, first, b.splatI32(kPage)));
  }
  emitPageFactors(b, states, exists);
}

/// Values in slabs of as many vectors as registers hold.
void AttentionEmitter::emitValues(const Block &block, const Page &page) {
  int64_t vectors = getVectors(block.getRows());
  int64_t slab = vectors * kLanes, whole = valueDim / slab * slab;
  b.forLoop(0, whole, slab, [&](Value first) {
    emitSlab(block, page, first, SmallVector<int64_t>(vectors, kLanes));
  });
  SmallVector<int64_t> rest;
  for (int64_t d = whole; d < valueDim; d += kLanes)
    rest.push_back(std::min(valueDim - d, kLanes));
  if (!rest.empty())
    emitSlab(block, page, b.constI64(whole), rest);
}

/// results[row][d] = fma(results[row][d], keep, (sum_j p[j] * V[j][d]) *
/// gain) for vectors of so many lanes from `firstElement` on.
void AttentionEmitter::emitSlab(const Block &block, const Page &page,
                                Value firstElement,
                                ArrayRef<int64_t> vectorLanes) {
  int64_t rows = block.getRows(), vectors = vectorLanes.size();
  CachePage valuePage = this->valuePage;
  Value values = turned;
  if (page.values) {
    values = b.offset(page.values, b.mul(firstElement, valuePage.elementBytes));
  } else {
    Value firstKey = b.add(firstElement, keyDim - valueDim);
    emitTurnedKeys(b, keyPage, {page.keys, page.limit, firstKey, vectorLanes},
                   turned);
    valuePage = getTurnedPage(vectors);
  }
  int64_t bytesPerElement = spec.getKeyPage().getBytes() / valueElements;
  int64_t bytesPerTurn = bytesPerElement * vectors * kLanes / kPage;
  Value nextKeys =
      b.offset(page.nextKeys, b.mul(firstElement, bytesPerElement));
  auto addPosition = [&](Value j, ValueRange sums, bool isShared) {
    prefetchPart(b, nextKeys, j, bytesPerTurn);
    Value position = b.offset(values, b.mul(j, valuePage.rowStride));
    Value weights = b.offset(scores, b.mul(j, kWord));
    SmallVector<Value> v, next;
    Value scale;
    for (int64_t i = 0; i < vectors; ++i) {
      if (valuePage.hasScales && i * kLanes % valuePage.blockElems == 0)
        scale = splatValueScale(b, valuePage, page.values, j,
                                b.add(firstElement, i * kLanes));
      v.push_back(loadElements(b, valuePage, position,
                               i * kLanes * valuePage.elementBytes,
                               vectorLanes[i], scale));
    }
    for (int64_t row = 0; row < rows; ++row) {
      Value p = splatLoad(weights, row * kPage * kWord), exists;
      if (!isShared) {
        Value last =
            b.load(b.i32(), states, RowState::kPositions + row * kWord);
        last = b.extendU(last, b.i64());
        Value lanes = b.splat(b.sub(last, page.begin));
        exists = b.cmpI(arith::CmpIPredicate::sle, b.splat(j), lanes);
        if (page.first)
          exists =
              b.bitAnd(exists, b.cmpI(arith::CmpIPredicate::sge, b.splat(j),
                                      b.splat(getFirstVisible(last, page))));
      }
      for (int64_t i = 0; i < vectors; ++i) {
        Value old = sums[row * vectors + i], sum = b.fma(p, v[i], old);
        next.push_back(isShared ? sum : b.select(exists, sum, old));
      }
    }
    return next;
  };
  SmallVector<Value> sums(rows * vectors, b.splatF32(0));
  auto addRange = [&](Value begin, Value end, bool isShared) {
    sums = b.forLoop(begin, end, 1, sums, [&](Value j, ValueRange carried) {
      return addPosition(j, carried, isShared);
    });
  };
  // What some rows see, what all do, and again what some do.
  Value sharedBegin = page.first ? page.commonFirst : b.constI64(0);
  if (block.tokens > 1 && page.first)
    addRange(page.first, b.minS(sharedBegin, page.limit), false);
  addRange(sharedBegin, page.common, true);
  if (block.tokens > 1)
    addRange(b.maxS(page.common, sharedBegin), page.limit, false);
  Value target = b.offset(results, b.mul(firstElement, kWord));
  for (int64_t row = 0; row < rows; ++row) {
    Value keep = splatLoad(states, RowState::kKeep + row * kWord);
    Value gain = splatLoad(states, RowState::kGain + row * kWord);
    for (int64_t i = 0; i < vectors; ++i) {
      int64_t bytes = (row * valueElements + i * kLanes) * kWord;
      Value old = b.load(b.vec(b.f32()), target, bytes);
      Value page = b.mul(sums[row * vectors + i], gain);
      b.store(b.fma(old, keep, page), target, bytes);
    }
  }
}
