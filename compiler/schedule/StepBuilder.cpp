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
                                  int64_t pageBytes) {
  std::string symbol = makeUnique(name);
  plan::StateOp::create(builder, loc, symbol, pageBytes);
  return symbol;
}

std::string StepBuilder::addConstant(Location loc, StringRef name,
                                     ElementsAttr value) {
  std::string symbol = makeUnique(name);
  plan::ConstantOp::create(builder, loc, symbol, value,
                           /*offset=*/IntegerAttr());
  return symbol;
}

void StepBuilder::addStep(Location loc, const StepInfo &info,
                          plan::KernelSpecInterface spec,
                          ArrayRef<std::string> operands) {
  std::string kernel = spec.getKernelName() + "_" + target.isaName.str();
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

SmallVector<CountRange> StepBuilder::getRegimes(plan::CountSource source,
                                                bool hasImages, int64_t experts,
                                                int64_t slots) const {
  SmallVector<CountRange> ranges;
  int64_t min = 1;
  for (const target::Regime &regime : target.regimes) {
    int64_t most = std::min(regime.maxRows, ubatch) * experts / slots;
    CountRange range = {source, min, std::min(most, ubatch), regime.rowTile};
    if (hasImages) {
      range.imagePanels = regime.imagePanels;
      range.imageColumns = regime.imageColumns;
    }
    if (min > range.max)
      break;
    bool isLikeLast = !ranges.empty() &&
                      ranges.back().rowTile == range.rowTile &&
                      ranges.back().imagePanels == range.imagePanels;
    if (isLikeLast)
      ranges.back().max = range.max;
    else
      ranges.push_back(range);
    min = range.max + 1;
  }
  return ranges;
}

CountRange StepBuilder::getWholeRange(plan::CountSource source) const {
  return {source, 1, ubatch};
}
