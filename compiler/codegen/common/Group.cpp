//===- Group.cpp - Emits the kernel that sorts slots by expert
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A counting sort, stable, in one tile:
//
//   count    counters[e] = slots of expert e
//   open     a group for each e with slots; counters[e] = its first row
//   clear    rows of all tiles are nobody's
//   place    each slot takes the next row of its expert
//
// A few instructions for each slot: microseconds where the matmuls of the same
// slots take milliseconds.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Group.h"
#include "compiler/codegen/common/Emitters.h"
#include "dialects/plan/ExpertGroups.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kWord = sizeof(uint32_t);

namespace {

class GroupEmitter {
public:
  GroupEmitter(KernelBuilder &b, const Grouping &g, Value tokens)
      : b(b), g(g), tokens(tokens) {}

  void emit();

private:
  void countSlots();
  Value openGroups();
  void openGroup(Value expert, Value slots, Value group, Value tile);
  void clearRows(Value tiles);
  void placeSlots();

  Value loadWord(Value base, Value index);
  void storeWord(Value word, Value base, Value index);

  KernelBuilder &b;
  const Grouping &g;
  Value tokens;
};

} // namespace

void codegen::emitGrouping(KernelBuilder &b, const Grouping &grouping,
                           Value tokens) {
  GroupEmitter(b, grouping, tokens).emit();
}

LogicalResult codegen::emitGroup(KernelBuilder &b, plan::GroupSpecAttr spec) {
  Grouping g = {spec.getExperts(), spec.getSlots(),  spec.getRowTile(),
                b.loadOperand(0),  b.loadOperand(1), b.loadOperand(2),
                b.loadOperand(3),  b.loadOperand(4), b.loadScratch()};
  Value tokens = b.loadCount();
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1,
            [&](Value) { emitGrouping(b, g, tokens); });
  return success();
}

/// Word `index` of an array, as i64.
Value GroupEmitter::loadWord(Value base, Value index) {
  Value word = b.load(b.i32(), b.offset(base, b.mul(index, kWord)));
  return b.extendU(word, b.i64());
}

void GroupEmitter::storeWord(Value word, Value base, Value index) {
  b.store(b.truncate(word, b.i32()), b.offset(base, b.mul(index, kWord)));
}

void GroupEmitter::emit() {
  countSlots();
  Value tiles = openGroups();
  clearRows(tiles);
  placeSlots();
}

void GroupEmitter::countSlots() {
  b.forLoop(0, g.experts, kLanes, [&](Value e) {
    b.store(b.splatI32(0), b.offset(g.counters, b.mul(e, kWord)));
  });
  b.forLoop(b.constI64(0), b.mul(tokens, g.slots), 1, [&](Value i) {
    Value expert = loadWord(g.ids, i);
    storeWord(b.add(loadWord(g.counters, expert), 1), g.counters, expert);
  });
}

/// Gives the row tiles of all groups.
Value GroupEmitter::openGroups() {
  // Carried: groups and row tiles so far.
  auto openIfUsed = [&](Value expert, ValueRange carried) {
    Value slots = loadWord(g.counters, expert);
    auto open = [&]() -> SmallVector<Value> {
      openGroup(expert, slots, carried[0], carried[1]);
      Value tiles = b.divU(b.add(slots, g.rowTile - 1), g.rowTile);
      return {b.add(carried[0], 1), b.add(carried[1], tiles)};
    };
    auto pass = [&]() -> SmallVector<Value> {
      return {carried[0], carried[1]};
    };
    using Body = KernelBuilder::BodyWithValues;
    return b.ifElse(b.cmpI(arith::CmpIPredicate::ne, slots, b.constI64(0)),
                    Body(open), Body(pass));
  };
  Value zero = b.constI64(0);
  SmallVector<Value> ends = b.forLoop(zero, b.constI64(g.experts), 1,
                                      ValueRange{zero, zero}, openIfUsed);
  b.store(b.truncate(ends[0], b.i32()), g.counts, plan::kActiveExpertsByte);
  b.store(b.truncate(ends[1], b.i32()), g.counts, plan::kRowTilesByte);
  return ends[1];
}

void GroupEmitter::openGroup(Value expert, Value slots, Value group,
                             Value tile) {
  Value entry = b.offset(g.groups, b.mul(group, plan::kGroupBytes));
  Value tiles = b.divU(b.add(slots, g.rowTile - 1), g.rowTile);
  auto store = [&](Value word, int64_t byte) {
    b.store(b.truncate(word, b.i32()), entry, byte);
  };
  store(expert, plan::kGroupExpertByte);
  store(tile, plan::kGroupFirstTileByte);
  store(tiles, plan::kGroupTilesByte);
  storeWord(b.mul(tile, g.rowTile), g.counters, expert);
}

void GroupEmitter::clearRows(Value tiles) {
  static_assert(kLanes * kWord == plan::kRowsAlign);
  Value end = b.mul(tiles, g.rowTile);
  b.forLoop(b.constI64(0), end, kLanes, [&](Value row) {
    b.store(b.splatI32(plan::kNoRow), b.offset(g.rows, b.mul(row, kWord)));
  });
}

void GroupEmitter::placeSlots() {
  b.forLoop(b.constI64(0), tokens, 1, [&](Value token) {
    b.forLoop(0, g.slots, 1, [&](Value slot) {
      Value i = b.add(b.mul(token, g.slots), slot);
      Value expert = loadWord(g.ids, i);
      Value row = loadWord(g.counters, expert);
      storeWord(b.add(row, 1), g.counters, expert);
      storeWord(token, g.rows, row);
      storeWord(row, g.places, i);
    });
  });
}
