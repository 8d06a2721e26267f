//===- StepBuilder.cpp - Makes the records of a plan.variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only appends; what the records mean is decided in Schedule.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/schedule/StepBuilder.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::schedule;

StepBuilder::StepBuilder(plan::VariantOp variant,
                         const target::TargetSpec &target)
    : builder(OpBuilder::atBlockEnd(&variant.getBody().front())),
      target(target), ubatch(variant.getUbatch()) {}

std::string StepBuilder::makeUnique(StringRef name) {
  std::string unique = name.str();
  for (int64_t i = 1; !names.insert(unique).second; ++i)
    unique = (name + "." + Twine(i)).str();
  return unique;
}

std::string StepBuilder::addSlot(Location loc, StringRef name, int64_t bytes) {
  std::string symbol = makeUnique(name);
  plan::SlotOp::create(builder, loc, symbol, bytes, /*offset=*/IntegerAttr());
  return symbol;
}

std::string StepBuilder::addState(Location loc, StringRef name,
                                  int64_t pageBytes, int64_t window) {
  std::string symbol = makeUnique(name);
  plan::StateOp::create(
      builder, loc, symbol, builder.getI64IntegerAttr(pageBytes),
      /*sequenceBytes=*/IntegerAttr(),
      window > 0 ? builder.getI64IntegerAttr(window) : IntegerAttr());
  return symbol;
}

std::string StepBuilder::addSequenceState(Location loc, StringRef name,
                                          int64_t bytes) {
  std::string symbol = makeUnique(name);
  plan::StateOp::create(builder, loc, symbol, /*pageBytes=*/IntegerAttr(),
                        builder.getI64IntegerAttr(bytes),
                        /*window=*/IntegerAttr());
  return symbol;
}

std::string StepBuilder::addConstant(Location loc, StringRef name,
                                     ElementsAttr value) {
  std::string symbol = makeUnique(name);
  plan::ConstantOp::create(builder, loc, symbol, value,
                           /*offset=*/IntegerAttr());
  return symbol;
}

std::string StepBuilder::getKernelSymbol(plan::KernelSpecInterface spec,
                                         std::optional<target::Isa> isa) const {
  StringRef suffix = target::getIsaName(isa.value_or(target.isa));
  return spec.getKernelName() + "_" + suffix.str();
}

void StepBuilder::addStep(Location loc, const StepInfo &info,
                          plan::KernelSpecInterface spec,
                          ArrayRef<std::string> operands) {
  std::string kernel = getKernelSymbol(spec, info.isa);
  if (kernels.insert(kernel).second)
    plan::KernelOp::create(builder, loc, kernel, spec);
  SmallVector<Attribute> symbols;
  for (const std::string &operand : operands)
    symbols.push_back(FlatSymbolRefAttr::get(getContext(), operand));
  FlatSymbolRefAttr counter;
  IntegerAttr counterByte, limit;
  if (info.counter) {
    counter = FlatSymbolRefAttr::get(getContext(), info.counter->slot);
    counterByte = builder.getI64IntegerAttr(info.counter->byte);
    limit = builder.getI64IntegerAttr(info.counter->limit);
  }
  plan::StepOp::create(builder, loc, info.name, kernel,
                       builder.getArrayAttr(symbols), info.range.source,
                       info.range.min, info.range.max, info.tileDivisor,
                       info.tileMultiplier, /*barrier=*/false, info.bytesFixed,
                       info.opsPerCount, counter, counterByte, limit);
  ++stepCount;
}

/// Appends a range that begins where the last one ended; nothing if it ends
/// before. Ranges with the same kernels are one.
static void appendRange(SmallVector<CountRange> &ranges, CountRange range) {
  if (!ranges.empty())
    range.min = ranges.back().max + 1;
  if (range.min > range.max)
    return;
  if (!ranges.empty() && ranges.back().rowTile == range.rowTile &&
      ranges.back().imagePanels == range.imagePanels)
    ranges.back().max = range.max;
  else
    ranges.push_back(range);
}

static void setImages(CountRange &range, const target::Regime &regime) {
  range.imagePanels = regime.imagePanels;
  range.imageColumns = regime.imageColumns;
  range.matrixIsa = regime.matrixIsa;
  // A unit of outer products takes panels side by side: fewer would waste it.
  if (regime.matrixIsa == target::Isa::AppleAmx)
    range.tileRows = regime.imagePanels * pack::kPanelRows;
}

SmallVector<CountRange>
StepBuilder::getRegimes(plan::CountSource source,
                        ArrayRef<target::Regime> regimes,
                        bool hasImages) const {
  SmallVector<CountRange> ranges;
  for (const target::Regime &regime : regimes) {
    CountRange range = {source, 1, std::min(regime.maxRows, ubatch),
                        regime.rowTile};
    if (hasImages)
      setImages(range, regime);
    appendRange(ranges, range);
  }
  return ranges;
}

void StepBuilder::addWidened(SmallVector<CountRange> &ranges) const {
  const target::WidenedRegime &widened = *target.widened;
  CountRange &last = ranges.back();
  if (last.max < widened.minRows)
    return;
  CountRange range = {last.source, widened.minRows, last.max,
                      widened.regime.rowTile};
  setImages(range, widened.regime);
  range.isWidened = true;
  last.max = widened.minRows - 1;
  ranges.push_back(range);
}

SmallVector<CountRange> StepBuilder::getExpertRegimes(bool hasImages,
                                                      int64_t experts,
                                                      int64_t slots) const {
  // An image of an expert's matrix serves that expert's rows only: from so many
  // on it pays for vectors (docs/design/20261124-experts.md).
  constexpr int64_t kLeastImageRows = 64;
  SmallVector<CountRange> ranges;
  auto getTokens = [&](int64_t rows) {
    return std::min(std::min(rows, ubatch) * experts / slots, ubatch);
  };
  for (const target::Regime &regime : target.blockRegimes) {
    CountRange range = {plan::CountSource::Tokens, 1, getTokens(regime.maxRows),
                        regime.rowTile};
    if (hasImages && regime.imagePanels > 0) {
      if (experts > 1 && !regime.matrixIsa)
        appendRange(ranges, {plan::CountSource::Tokens, 1,
                             std::min(range.max, getTokens(kLeastImageRows)),
                             regime.rowTile});
      setImages(range, regime);
    }
    appendRange(ranges, range);
  }
  return ranges;
}

CountRange StepBuilder::getWholeRange(plan::CountSource source) const {
  return {source, 1, ubatch};
}
