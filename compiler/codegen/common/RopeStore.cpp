//===- RopeStore.cpp - Emits the kernel that rotates q, k and fills the cache
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for tile: a token's kv head, with the heads that share it
//     for head:  q  ==>  normalised  ==>  rotated  ==>  q
//                k  ==>  normalised  ==>  rotated  ==>  f16, key page
//                v                                 ==>  f16, value page
//
// Tiles are of one head each, as writing is slow: a row of k goes to as many
// lines of its page as it has elements, and one token's pages are cold.
//
// A head passes through registers once. Its vectors of kLanes elements go to a
// sink: a row of floats, or a token's place in a page.
//
// Into pages with scales k goes by way of a row of floats in scratch, as its
// vectors do not leave the rotation block by block:
//
//                   k  ==>  normalised  ==>  rotated  ==>  scratch
//     for block of scratch and of v:  quantised  ==>  page
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/CachePages.h"
#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// Takes `lanes` elements of a head, from element `first` (i64) on.
using Sink = function_ref<void(Value values, Value first, int64_t lanes)>;

/// A token's place in one head's page: element d at base + d *
/// page->elementStride, the scale of block b at scales + b * page->scaleStride.
struct PageRow {
  const CachePage *page;
  Value base, scales;
};

class RopeStoreEmitter {
public:
  RopeStoreEmitter(KernelBuilder &b, plan::RopeStoreSpecAttr spec)
      : b(b), spec(spec) {}

  LogicalResult emit();

private:
  LogicalResult checkLayouts();
  void loadOperands();
  void emitTile(Value token, Value kvHead);
  void emitHead(Value head, Value norm, Sink sink);
  void emitPairs(Value pair, int64_t lanes, Sink sink);
  Value loadElements(Value first, int64_t lanes);
  void storeKey(Value head, const PageRow &row);
  void storeValue(Value head, const PageRow &row);
  PageRow getPageRow(Value pool, Value pageNumber, Value kvHead, Value slot,
                     pack::LayoutAttr layout, const CachePage &page);
  void storeInPage(const PageRow &row, Value elements, Value first,
                   int64_t lanes);
  void storeBlocks(const PageRow &row, Value floats);

  KernelBuilder &b;
  plan::RopeStoreSpecAttr spec;
  CachePage keyPage, valuePage;
  Value q, k, v, table, queryTable, qNorm, kNorm, keyPool, valuePool;
  // Of the head in work.
  Value source, weight, factor, turns;
};

} // namespace

LogicalResult codegen::emitRopeStore(KernelBuilder &b,
                                     plan::RopeStoreSpecAttr spec) {
  return RopeStoreEmitter(b, spec).emit();
}

LogicalResult RopeStoreEmitter::emit() {
  if (failed(checkLayouts()))
    return failure();
  loadOperands();
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    emitTile(b.divU(tile, spec.getKvHeads()), b.remU(tile, spec.getKvHeads()));
  });
  return success();
}

LogicalResult RopeStoreEmitter::checkLayouts() {
  std::optional<CachePage> keys =
      getKeyPage(spec.getKeyPage(), spec.getKeyDim());
  std::optional<CachePage> values =
      spec.getShared() ? keys
                       : getValuePage(spec.getValuePage(), spec.getValueDim());
  if (!keys || !values)
    return emitError(b.getLoc()) << "cannot fill pages in " << spec.getKeyPage()
                                 << " and " << spec.getValuePage();
  keyPage = *keys;
  valuePage = *values;
  return success();
}

void RopeStoreEmitter::loadOperands() {
  int64_t next = 0;
  q = b.loadOperand(next++);
  k = b.loadOperand(next++);
  if (!spec.getShared())
    v = b.loadOperand(next++);
  if (spec.getPairs() > 0)
    table = b.loadOperand(next++);
  queryTable = spec.getQueryTable() ? b.loadOperand(next++) : table;
  if (spec.getEps()) {
    qNorm = b.loadOperand(next++);
    kNorm = b.loadOperand(next++);
  }
  keyPool = b.loadOperand(next++);
  if (!spec.getShared())
    valuePool = b.loadOperand(next);
}

//===----------------------------------------------------------------------===//
// A tile
//===----------------------------------------------------------------------===//

void RopeStoreEmitter::emitTile(Value token, Value kvHead) {
  auto loadEntry = [&](size_t field, Value index) {
    Value entry =
        b.offset(b.loadInputPointer(field), b.mul(index, sizeof(uint32_t)));
    return b.extendU(b.load(b.i32(), entry), b.i64());
  };
  Value position = loadEntry(offsetof(ModelcStepInputs, positions), token);
  Value sequence = loadEntry(offsetof(ModelcStepInputs, sequences), token);
  Value firstPage = b.mul(
      sequence, b.loadInputU32(offsetof(ModelcStepInputs, pagesPerSequence)));
  Value page =
      loadEntry(offsetof(ModelcStepInputs, pageTables),
                b.add(firstPage, b.divU(position, MODELC_PAGE_TOKENS)));
  Value slot = b.remU(position, MODELC_PAGE_TOKENS);
  Value turnBytes = b.mul(token, 2 * spec.getPairs() * sizeof(float));
  if (table)
    turns = b.offset(queryTable, turnBytes);

  int64_t keyBytes = spec.getKeyDim() * sizeof(float);
  int64_t sharing = spec.getHeads() / spec.getKvHeads();
  Value firstHead =
      b.add(b.mul(token, spec.getHeads()), b.mul(kvHead, sharing));
  Value queries = b.offset(q, b.mul(firstHead, keyBytes));
  b.forLoop(0, sharing, 1, [&](Value head) {
    Value row = b.offset(queries, b.mul(head, keyBytes));
    emitHead(row, qNorm, [&](Value values, Value first, int64_t lanes) {
      b.storeLanes(values, b.offset(row, b.mul(first, sizeof(float))), 0,
                   lanes);
    });
  });

  if (table)
    turns = b.offset(table, turnBytes);
  Value row = b.add(b.mul(token, spec.getKvHeads()), kvHead);
  storeKey(b.offset(k, b.mul(row, keyBytes)),
           getPageRow(keyPool, page, kvHead, slot, spec.getKeyPage(), keyPage));
  int64_t valueBytes = spec.getValueDim() * sizeof(float);
  if (!v)
    return;
  storeValue(b.offset(v, b.mul(row, valueBytes)),
             getPageRow(valuePool, page, kvHead, slot, spec.getValuePage(),
                        valuePage));
}

void RopeStoreEmitter::storeKey(Value head, const PageRow &row) {
  if (!keyPage.hasScales)
    return emitHead(head, kNorm, [&](Value values, Value first, int64_t lanes) {
      storeInPage(row, b.roundTo(values, b.f16()), first, lanes);
    });
  Value turned = b.loadScratch();
  emitHead(head, kNorm, [&](Value values, Value first, int64_t lanes) {
    b.storeLanes(values, b.offset(turned, b.mul(first, sizeof(float))), 0,
                 lanes);
  });
  storeBlocks(row, turned);
}

void RopeStoreEmitter::storeValue(Value head, const PageRow &row) {
  if (valuePage.hasScales)
    return storeBlocks(row, head);
  source = head;
  factor = {};
  int64_t whole = spec.getValueDim() / kLanes * kLanes;
  auto store = [&](Value first, int64_t lanes) {
    storeInPage(row, b.roundTo(loadElements(first, lanes), b.f16()), first,
                lanes);
  };
  b.forLoop(0, whole, kLanes, [&](Value first) { store(first, kLanes); });
  if (whole < spec.getValueDim())
    store(b.constI64(whole), spec.getValueDim() - whole);
}

/// A page of the pool is one group of the layout for each kv head.
PageRow RopeStoreEmitter::getPageRow(Value pool, Value pageNumber, Value kvHead,
                                     Value slot, pack::LayoutAttr layout,
                                     const CachePage &page) {
  Value number = b.add(b.mul(pageNumber, spec.getKvHeads()), kvHead);
  Value group = b.mul(number, layout.getBytes());
  Value bytes = b.add(group, b.mul(slot, page.rowStride));
  PageRow row = {&page, b.offset(b.offset(pool, bytes), page.first), {}};
  if (page.hasScales)
    row.scales =
        b.offset(b.offset(pool, b.add(group, b.mul(slot, page.scaleRowStride))),
                 page.firstScale);
  return row;
}

/// Elements of the page's type, from `first` on.
void RopeStoreEmitter::storeInPage(const PageRow &row, Value elements,
                                   Value first, int64_t lanes) {
  int64_t stride = row.page->elementStride;
  Value base = b.offset(row.base, b.mul(first, stride));
  if (stride == row.page->elementBytes)
    return b.storeLanes(elements, base, 0, lanes);
  b.storeStrided(elements, base, 0, stride, lanes);
}

/// The blocks of a row of floats, quantised.
void RopeStoreEmitter::storeBlocks(const PageRow &row, Value floats) {
  const CachePage &page = *row.page;
  b.forLoop(0, page.dim, page.blockElems, [&](Value first) {
    Value block = b.offset(floats, b.mul(first, sizeof(float)));
    SmallVector<Value> x;
    for (int64_t i = 0; i < page.blockElems; i += kLanes)
      x.push_back(b.loadFloats(b.f32(), block, i * sizeof(float)));
    CachedBlock cached = emitCachedBlock(b, x);
    Value number = b.divU(first, page.blockElems);
    b.store(cached.scale,
            b.offset(row.scales, b.mul(number, page.scaleStride)));
    for (int64_t i = 0; i < page.blockElems; i += kLanes)
      storeInPage(row, cached.quants[i / kLanes], b.add(first, i), kLanes);
  });
}

//===----------------------------------------------------------------------===//
// A head
//===----------------------------------------------------------------------===//

/// All elements of a head of q or k, normalised and rotated.
void RopeStoreEmitter::emitHead(Value head, Value norm, Sink sink) {
  source = head;
  weight = norm;
  factor = {};
  if (norm)
    factor = b.splat(emitInverseRms(b, head, spec.getKeyDim(),
                                    spec.getEps().getValue().convertToFloat()));
  int64_t pairs = spec.getPairs(), wholePairs = pairs / kLanes * kLanes;
  b.forLoop(0, wholePairs, kLanes,
            [&](Value pair) { emitPairs(pair, kLanes, sink); });
  if (wholePairs < pairs)
    emitPairs(b.constI64(wholePairs), pairs - wholePairs, sink);

  auto copy = [&](Value first, int64_t lanes) {
    sink(loadElements(first, lanes), first, lanes);
  };
  int64_t rest = (spec.getKeyDim() - 2 * pairs) % kLanes;
  int64_t whole = spec.getKeyDim() - rest;
  b.forLoop(2 * pairs, whole, kLanes,
            [&](Value first) { copy(first, kLanes); });
  if (rest > 0)
    copy(b.constI64(whole), rest);
}

/// `lanes` elements of the head in work, normalised if it has a norm.
Value RopeStoreEmitter::loadElements(Value first, int64_t lanes) {
  Value bytes = b.mul(first, sizeof(float));
  Value x = b.loadFloats(b.f32(), b.offset(source, bytes), 0, lanes);
  if (!factor)
    return x;
  Value w = b.loadFloats(b.f32(), b.offset(weight, bytes), 0, lanes);
  return b.mul(b.mul(x, factor), w);
}

/// Lanes begin, begin + 2, ... of the 2 * kLanes lanes of a and b.
static Value takeEverySecond(KernelBuilder &b, Value low, Value high,
                             int32_t begin) {
  SmallVector<int32_t> mask;
  for (int32_t i = 0; i < kLanes; ++i)
    mask.push_back(begin + 2 * i);
  return b.shuffle(low, high, mask);
}

/// Lanes of a and b in turns, from lane `begin` of both on.
static Value takeInTurns(KernelBuilder &b, Value first, Value second,
                         int32_t begin) {
  SmallVector<int32_t> mask;
  for (int32_t i = begin; i < begin + kLanes / 2; ++i)
    mask.append({i, i + static_cast<int32_t>(kLanes)});
  return b.shuffle(first, second, mask);
}

/// Rotates pairs [pair, pair + lanes): docs/numerics.md, "Rope".
void RopeStoreEmitter::emitPairs(Value pair, int64_t lanes, Sink sink) {
  // Two vectors of neighbours hold `low` and `high` of 2 * lanes elements.
  int64_t low = std::min(2 * lanes, kLanes), high = 2 * lanes - low;
  Value twice = b.mul(pair, 2), next = b.add(twice, kLanes);
  auto loadTwo = [&](function_ref<Value(Value, int64_t)> load) {
    Value first = load(twice, low);
    return std::pair(first, high > 0 ? load(next, high) : first);
  };
  auto [turn0, turn1] = loadTwo([&](Value first, int64_t count) {
    return b.loadFloats(b.f32(), b.offset(turns, b.mul(first, sizeof(float))),
                        0, count);
  });
  Value cos = takeEverySecond(b, turn0, turn1, 0);
  Value sin = takeEverySecond(b, turn0, turn1, 1);

  bool isAdjacent = spec.getPairing() == model::RopePairing::Adjacent;
  Value x, y, partner = b.add(pair, spec.getPairs());
  if (isAdjacent) {
    auto [first, second] = loadTwo([&](Value element, int64_t count) {
      return loadElements(element, count);
    });
    x = takeEverySecond(b, first, second, 0);
    y = takeEverySecond(b, first, second, 1);
  } else {
    x = loadElements(pair, lanes);
    y = loadElements(partner, lanes);
  }
  Value turnedX = b.fma(x, cos, b.neg(b.mul(y, sin)));
  Value turnedY = b.fma(x, sin, b.mul(y, cos));
  if (!isAdjacent) {
    sink(turnedX, pair, lanes);
    sink(turnedY, partner, lanes);
    return;
  }
  sink(takeInTurns(b, turnedX, turnedY, 0), twice, low);
  if (high > 0)
    sink(takeInTurns(b, turnedX, turnedY, kLanes / 2), next, high);
}
