//===- PlaceArena.cpp - Offsets of the arena's slots
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slot lives from the first step that touches it to the last.
//
//   step      0    1    2    3            offset
//   @a        |----|                        0
//   @b             |----|                   1024
//   @c                  |----|              0      (@a is gone)
//
// Assumes steps in order of execution. Leaves offsets on every slot and the
// arena's size on the variant; the barriers that sharing needs come after.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/Passes.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace modelc::schedule {
#define GEN_PASS_DEF_PLACEARENAPASS
#include "compiler/schedule/Passes.h.inc"
} // namespace modelc::schedule

using namespace mlir;
using namespace modelc;
using plan::SlotOp;
using plan::StepOp;
using plan::VariantOp;

namespace {

struct Life {
  SlotOp slot;
  int64_t number = 0; ///< In order of declaration.
  int64_t bytes = 0;
  int64_t begin = INT64_MAX;
  int64_t end = -1; ///< Inclusive.
  int64_t offset = 0;

  bool overlaps(const Life &other) const {
    return begin <= other.end && other.begin <= end;
  }
};

} // namespace

/// The life of every slot, in order of declaration. Slots that no step touches
/// have an empty life.
static SmallVector<Life> collectLives(VariantOp variant) {
  llvm::MapVector<StringRef, Life> lives;
  for (SlotOp slot : variant.getBody().getOps<SlotOp>()) {
    int64_t number = lives.size();
    Life &life = lives[slot.getSymName()];
    life.slot = slot;
    life.number = number;
    life.bytes = slot.getBytes();
  }
  int64_t index = 0;
  for (StepOp step : variant.getBody().getOps<StepOp>()) {
    auto touch = [&](StringRef symbol) {
      auto it = lives.find(symbol);
      if (it == lives.end())
        return;
      it->second.begin = std::min(it->second.begin, index);
      it->second.end = std::max(it->second.end, index);
    };
    for (auto symbol : step.getOperands_().getAsRange<FlatSymbolRefAttr>())
      touch(symbol.getValue());
    if (step.getCounter())
      touch(*step.getCounter());
    ++index;
  }
  lives[variant.getLogits()].end = index;
  SmallVector<Life> result;
  for (auto &[name, life] : lives)
    result.push_back(life);
  return result;
}

/// The lowest offset at which `life` fits beside the slots placed already.
static int64_t findOffset(const Life &life, ArrayRef<Life> placed) {
  SmallVector<Life> rivals;
  for (const Life &other : placed)
    if (life.overlaps(other))
      rivals.push_back(other);
  llvm::sort(rivals,
             [](const Life &a, const Life &b) { return a.offset < b.offset; });
  int64_t offset = 0;
  for (const Life &rival : rivals) {
    if (offset + life.bytes <= rival.offset)
      break;
    int64_t end = rival.offset + rival.bytes;
    offset = std::max<int64_t>(offset, llvm::alignTo(end, MODELC_BUFFER_ALIGN));
  }
  return offset;
}

/// Fails if all slots side by side exceed what a process can address, so that
/// no offset overflows.
static LogicalResult verifySizes(ArrayRef<Life> lives) {
  // User space of x86-64 and AArch64 with four levels of page tables.
  constexpr int64_t kMaxArenaBytes = int64_t(1) << 47;
  int64_t total = 0;
  for (Life life : lives) {
    if (life.bytes > kMaxArenaBytes - total)
      return life.slot.emitOpError("of ")
             << life.bytes << " bytes makes the arena larger than "
             << kMaxArenaBytes;
    total += llvm::alignTo(life.bytes, MODELC_BUFFER_ALIGN);
  }
  return success();
}

namespace {

class PlaceArena : public schedule::impl::PlaceArenaPassBase<PlaceArena> {
  void runOnOperation() override {
    VariantOp variant = getOperation();
    SmallVector<Life> lives = collectLives(variant);
    if (failed(verifySizes(lives)))
      return signalPassFailure();
    // Largest first wastes little; declaration order breaks ties.
    llvm::sort(lives, [](const Life &a, const Life &b) {
      return std::pair(-a.bytes, a.number) < std::pair(-b.bytes, b.number);
    });
    SmallVector<Life> placed;
    int64_t bytes = 0;
    for (Life &life : lives) {
      life.offset = findOffset(life, placed);
      life.slot.setOffset(life.offset);
      int64_t end = life.offset + life.bytes;
      bytes = std::max<int64_t>(bytes, llvm::alignTo(end, MODELC_BUFFER_ALIGN));
      placed.push_back(life);
    }
    variant.setArenaBytes(bytes);
    arenaBytes = bytes;
  }
};

} // namespace
