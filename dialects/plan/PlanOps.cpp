//===- PlanOps.cpp - Verifiers of the plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the numbered constraints of PlanOps.td that ODS cannot express.
//
//===----------------------------------------------------------------------===//

#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/OpImplementation.h"
#include "modelc/kernel_abi.h"
#include "modelc/plan_format.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::plan;

#define GET_OP_CLASSES
#include "dialects/plan/PlanOps.cpp.inc"

/// An offset that is placed lies on `align`.
static LogicalResult verifyOffset(Operation *op, std::optional<uint64_t> offset,
                                  int64_t align) {
  if (offset && static_cast<int64_t>(*offset) % align != 0)
    return op->emitOpError("offset ")
           << *offset << " is no multiple of " << align;
  return success();
}

LogicalResult WeightOp::verify() {
  if (!isa<pack::PackedTensorType>(getType()))
    return emitOpError("expected a !pack.tensor, found ") << getType();
  // weight_c1
  return verifyOffset(*this, getOffset(), MODELC_WEIGHT_ALIGN);
}

LogicalResult StateOp::verify() {
  // state_c1
  if (getPageBytes().has_value() == getSequenceBytes().has_value())
    return emitOpError("expected either a page or a sequence");
  int64_t bytes = getPageBytes() ? *getPageBytes() : *getSequenceBytes();
  if (bytes <= 0 || bytes % MODELC_BUFFER_ALIGN != 0)
    return emitOpError(getPageBytes() ? "page" : "sequence")
           << " of " << bytes << " bytes is no positive multiple of "
           << int64_t(MODELC_BUFFER_ALIGN);
  // state_c2
  if (getWindow() && !getPageBytes())
    return emitOpError("a window stands with a page, and only there");
  int64_t window = getWindow().value_or(1);
  if (window <= 0 || window > std::numeric_limits<int32_t>::max())
    return emitOpError("expected a window of 1 to 2147483647 tokens, found ")
           << window;
  return success();
}

LogicalResult SlotOp::verify() {
  // slot_c1
  if (static_cast<int64_t>(getBytes()) <= 0)
    return emitOpError("expected a positive size");
  return verifyOffset(*this, getOffset(), MODELC_BUFFER_ALIGN);
}

LogicalResult KernelOp::verify() {
  // kernel_c1
  if (!isa<KernelSpecInterface>(getSpec()))
    return emitOpError("expected a kernel specification, found ") << getSpec();
  return success();
}

KernelSpecInterface StepOp::getSpec() {
  auto kernel =
      SymbolTable::lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  return cast<KernelSpecInterface>(kernel.getSpec());
}

//===----------------------------------------------------------------------===//
// plan.variant
//===----------------------------------------------------------------------===//

int64_t VariantOp::getScratchBytes() {
  int64_t bytes = 0;
  for (KernelOp kernel : getBody().getOps<KernelOp>())
    bytes = std::max(
        bytes, cast<KernelSpecInterface>(kernel.getSpec()).getScratchBytes());
  return bytes;
}

static LogicalResult verifyCounter(StepOp step, SymbolTable &symbols) {
  if (!step.getCounter())
    return success();
  auto slot = symbols.lookup<SlotOp>(*step.getCounter());
  int64_t byte = step.getCounterByte().value_or(-1);
  constexpr int64_t kBytes = sizeof(uint32_t);
  if (!slot || byte < 0 || byte % kBytes != 0 ||
      byte + kBytes > static_cast<int64_t>(slot.getBytes()))
    return step.emitOpError("no u32 of a plan.slot at ")
           << step.getCounterAttr() << "[" << byte << "]";
  int64_t limit = step.getLimit().value_or(0);
  if (limit <= 0 || step.getCount() != CountSource::Tokens)
    return step.emitOpError("expected a positive limit and a step for tokens, "
                            "found ")
           << limit << " and " << stringifyCountSource(step.getCount());
  return success();
}

static LogicalResult verifyStep(StepOp step, SymbolTable &symbols) {
  // step_c1
  auto kernel = symbols.lookup<KernelOp>(step.getKernel());
  if (!kernel)
    return step.emitOpError("no plan.kernel ") << step.getKernelAttr();
  SmallVector<Access> accesses =
      cast<KernelSpecInterface>(kernel.getSpec()).getAccesses();
  // step_c2
  ArrayAttr operands = step.getOperands_();
  if (operands.size() != accesses.size())
    return step.emitOpError("expected ")
           << accesses.size() << " operands, found " << operands.size();
  for (auto [i, access] : llvm::enumerate(accesses)) {
    auto symbol = cast<FlatSymbolRefAttr>(operands[i]);
    Operation *memory = symbols.lookup(symbol.getAttr());
    if (!isa_and_nonnull<WeightOp, ConstantOp, StateOp, SlotOp>(memory))
      return step.emitOpError("operand ") << i << ": no memory " << symbol;
    // step_c4
    if (writes(access) && !isa<StateOp, SlotOp>(memory))
      return step.emitOpError("operand ")
             << i << ": " << symbol << " cannot be written";
  }
  // step_c3
  int64_t min = step.getMin(), max = step.getMax();
  int64_t divisor = step.getDivisor(), multiplier = step.getMultiplier();
  if (min < 0 || min > max || divisor <= 0 || multiplier <= 0)
    return step.emitOpError("bad range [")
           << min << ", " << max << "] or tiles " << divisor << " * "
           << multiplier;
  // step_c5
  return verifyCounter(step, symbols);
}

LogicalResult VariantOp::verifyRegions() {
  // variant_c1
  if (static_cast<int64_t>(getUbatch()) <= 0)
    return emitOpError("expected a positive ubatch");
  mlir::SymbolTable symbols(*this);
  // variant_c2
  if (!symbols.lookup<SlotOp>(getLogits()))
    return emitOpError("no plan.slot ") << getLogitsAttr();
  for (StepOp step : getBody().getOps<StepOp>())
    if (failed(verifyStep(step, symbols)))
      return failure();
  return success();
}
