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
  Value finishScores(Value products, Value scale);
  Value getGroup(const Block &block, Value pageNumber);
  Page openPage(const Block &block, Value number, Value pages);
  void emitScores(const Block &block, const Page &page);
  void emitWeights(const Block &block, const Page &page);
  void emitValues(const Block &block, const Page &page);
  void emitSlab(const Block &block, const Page &page, Value firstElement,
                ArrayRef<int64_t> vectorLanes);
  int64_t getVectors(int64_t rows);
  Value loadEntry(size_t field, Value index);
  Value loadPosition(Value token);
  Value splatLoad(Value pointer, int64_t bytes);

  KernelBuilder &b;
  plan::AttentionSpecAttr spec;
  CachePage keyPage, valuePage;
  int64_t keyDim, valueDim;
  int64_t group, tileHeads; ///< Heads of a kv head; those in one tile.
  /// Elements of a row in scratch.
  int64_t keyElements, valueElements;
  target::VectorRegisters registers;
  int64_t blockHeads;
  int64_t blockTokens, fewTokens; ///< Of a block, and of one for short runs.
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
  // As many rows as leave room for one vector of K or V at a time, or for two.
  bool isWide = registers.perVector() == 1;
  int64_t maxRows = isWide ? plan::AttentionSpecAttr::kBlockRows : 6;
  blockHeads =
      llvm::divideCeil(tileHeads, llvm::divideCeil(tileHeads, maxRows));
  fewTokens =
      std::clamp<int64_t>(maxRows / blockHeads, 1, spec.getTileTokens());
  if (isWide)
    maxRows = spec.getBlockRows();
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
  int64_t rows = spec.getBlockRows();
  scores = b.loadScratch();
  queries = b.offset(scores, rows * kPage * kWord);
  results = b.offset(queries, rows * keyElements * kWord);
  states = b.offset(results, rows * valueElements * kWord);
  turned = b.offset(states, spec.getStateSets() * RowState::kSetBytes);

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

/// The position of a token.
Value AttentionEmitter::loadPosition(Value token) {
  return loadEntry(offsetof(ModelcStepInputs, positions), token);
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
  // A block whose tokens are not all there computes the last one again.
  auto emitUpTo = [&](int64_t tokens, KernelBuilder::Body otherwise) {
    Value isFew = b.cmpI(arith::CmpIPredicate::ule, count, b.constI64(tokens));
    b.ifElse(isFew, [&] { emitBlocks(tokens); }, otherwise);
  };
  if (blockTokens == 1)
    return emitBlocks(1);
  emitUpTo(1, [&] {
    if (fewTokens == 1 || fewTokens == blockTokens)
      return emitBlocks(blockTokens);
    emitUpTo(fewTokens, [&] { emitBlocks(blockTokens); });
  });
}

void AttentionEmitter::emitBlock(const Block &block) {
  startRows(block);
  Value last = loadPosition(getToken(block, block.tokens - 1));
  Value pages = b.add(b.divU(last, kPage), 1);
  b.forLoop(getFirstPage(block), pages, 1, [&](Value number) {
    Page page = openPage(block, number, pages);
    emitScores(block, page);
    emitWeights(block, page);
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
  for (int64_t first = 0; first < block.getRows(); first += kLanes) {
    SmallVector<Value> positions, sinkScores;
    int64_t end = std::min(first + kLanes, block.getRows());
    for (int64_t row = first; row < end; ++row) {
      positions.push_back(loadPosition(getToken(block, row / block.heads)));
      if (sinks)
        sinkScores.push_back(b.load(
            b.f32(), b.offset(sinks, b.mul(getHead(block, row), kWord))));
    }
    emitStartStates(b, b.offset(states, RowState::getByte(0, first)), positions,
                    sinkScores);
  }
}

void AttentionEmitter::finishRows(const Block &block) {
  for (int64_t row = 0; row < block.getRows(); ++row) {
    Value target = getRow(block, out, row, valueDim);
    Value sum = splatLoad(states, RowState::getByte(RowState::kSums, row));
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
  auto countOf = [&](Value token) {
    return countPositions(b, loadPosition(token), page.begin);
  };
  // Positions ascend along the tokens of a sequence.
  page.common = countOf(block.firstToken);
  Value lastToken = getToken(block, block.tokens - 1);
  page.limit = block.tokens == 1 ? page.common : countOf(lastToken);
  if (spec.getWindow() > 0) {
    auto firstOf = [&](Value token) {
      return findFirstVisible(b, loadPosition(token), page.begin,
                              spec.getWindow());
    };
    page.first = firstOf(block.firstToken);
    page.commonFirst = block.tokens == 1 ? page.first : firstOf(lastToken);
  }
  return page;
}

/// The first page that any row of a block reads.
Value AttentionEmitter::getFirstPage(const Block &block) {
  if (spec.getWindow() == 0)
    return b.constI64(0);
  Value first = b.sub(loadPosition(block.firstToken), spec.getWindow() - 1);
  return b.divU(b.maxS(first, b.constI64(0)), kPage);
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

/// Turns scores into weights, and adds the page to the states. Most pages are
/// whole.
void AttentionEmitter::emitWeights(const Block &block, const Page &page) {
  auto emitRows = [&](bool isWhole) {
    b.forLoop(0, block.getRows(), kLanes, [&](Value first) {
      Value set = b.offset(states, b.mul(first, RowState::kSetBytes / kLanes));
      Value end = b.minU(b.add(first, kLanes), b.constI64(block.getRows()));
      b.forLoop(first, end, 1, [&](Value row) {
        Value rowScores = b.offset(scores, b.mul(row, kPage * kWord));
        Value state = b.offset(set, b.mul(b.sub(row, first), kWord));
        if (isWhole)
          emitWholePageSoftmax(b, rowScores, state);
        else
          emitPageSoftmax(b, rowScores, state, page.begin, spec.getWindow());
      });
      emitPageFactors(b, set, page.begin, spec.getWindow());
    });
  };
  if (spec.getWindow() > 0)
    return emitRows(/*isWhole=*/false);
  b.ifElse(
      b.cmpI(arith::CmpIPredicate::eq, page.common, b.constI64(kPage)),
      [&] { emitRows(/*isWhole=*/true); },
      [&] { emitRows(/*isWhole=*/false); });
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
  // Position j for as many rows from `begin` on as there are sums of.
  auto addPosition = [&](Value j, int64_t begin, ValueRange sums) {
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
    for (int64_t row = begin; next.size() < sums.size(); ++row) {
      Value p = splatLoad(weights, row * kPage * kWord);
      for (int64_t i = 0; i < vectors; ++i)
        next.push_back(b.fma(p, v[i], sums[next.size()]));
    }
    return next;
  };
  SmallVector<Value> sums(rows * vectors, b.splatF32(0));
  auto addShared = [&](Value begin, Value end) {
    sums = b.forLoop(begin, end, 1, sums, [&](Value j, ValueRange carried) {
      prefetchPart(b, nextKeys, j, bytesPerTurn);
      return addPosition(j, 0, carried);
    });
  };
  // The rows of one token.
  auto addOwn = [&](int64_t token, Value begin, Value end) {
    int64_t first = token * block.heads, count = block.heads * vectors;
    auto own = MutableArrayRef<Value>(sums).slice(first * vectors, count);
    llvm::copy(b.forLoop(begin, end, 1, SmallVector<Value>(own),
                         [&](Value j, ValueRange carried) {
                           return addPosition(j, first, carried);
                         }),
               own.begin());
  };
  // What some rows see, what all do, and again what some do.
  Value sharedBegin = page.first ? page.commonFirst : b.constI64(0);
  SmallVector<Value> ends;
  for (int64_t token = 0; block.tokens > 1 && token < block.tokens; ++token) {
    Value position = loadPosition(getToken(block, token));
    ends.push_back(countPositions(b, position, page.begin));
    if (page.first)
      addOwn(token, findFirstVisible(b, position, page.begin, spec.getWindow()),
             b.minS(sharedBegin, ends.back()));
  }
  addShared(sharedBegin, page.common);
  for (auto [token, end] : llvm::enumerate(ends))
    if (token > 0) // The first one's end is that of all.
      addOwn(static_cast<int64_t>(token), b.maxS(page.common, sharedBegin),
             end);
  Value target = b.offset(results, b.mul(firstElement, kWord));
  for (int64_t row = 0; row < rows; ++row) {
    Value keep = splatLoad(states, RowState::getByte(RowState::kKeep, row));
    Value gain = splatLoad(states, RowState::getByte(RowState::kGain, row));
    for (int64_t i = 0; i < vectors; ++i) {
      int64_t bytes = (row * valueElements + i * kLanes) * kWord;
      Value old = b.load(b.vec(b.f32()), target, bytes);
      Value page = b.mul(sums[row * vectors + i], gain);
      b.store(b.fma(old, keep, page), target, bytes);
    }
  }
}
