//===- WriteVariant.cpp - The records of one variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   plan.step "a" @k(@x, @w) ...   ==>   ModelcStep {kernel 0, operands 0..1}
//                                        ModelcOperand {ARENA, 0, offset of x}
//                                        ModelcOperand {WEIGHTS, 0, ...}
//
// Names become indices and offsets. Assumes that every slot, weight and
// constant has its place.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/WriteVariant.h"
#include "compiler/codegen/hip/WorkGroup.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::emit;

namespace {

/// Fills VariantTables op by op. What a symbol became is an operand that
/// covers all of it.
class VariantWriter {
public:
  VariantWriter(const codegen::CodeImage *code, StringTable &strings)
      : code(code), strings(strings) {}

  VariantTables write(plan::VariantOp op, const ModelFacts &facts);

private:
  void write(plan::WeightOp op);
  void write(plan::ConstantOp op);
  void write(plan::StateOp op);
  void write(plan::SlotOp op);
  void write(plan::KernelOp op);
  void write(plan::StepOp op);

  const codegen::CodeImage *code;
  const target::TargetSpec *target = nullptr;
  StringTable &strings;
  VariantTables tables;
  llvm::StringMap<ModelcOperand> memory;
  llvm::StringMap<uint32_t> kernels;
};

} // namespace

static ModelcOperand makeOperand(uint16_t space, uint32_t index,
                                 uint64_t offset, uint64_t sizeBytes) {
  ModelcOperand operand = {};
  operand.space = space;
  operand.index = index;
  operand.offset = offset;
  operand.sizeBytes = sizeBytes;
  return operand;
}

static std::string printLayout(pack::LayoutAttr layout) {
  std::string text;
  llvm::raw_string_ostream os(text);
  Attribute(layout).print(os);
  return text;
}

void VariantWriter::write(plan::WeightOp op) {
  pack::PackedTensorType type = op.getPackedType();
  ModelcWeight weight = {};
  weight.name = strings.add(op.getSymName());
  weight.typeId =
      static_cast<uint32_t>(*model::getGgmlType(type.getLayout().getSource()));
  weight.layout = strings.add(printLayout(type.getLayout()));
  weight.offset = *op.getOffset();
  weight.sizeBytes = type.getPackedBytes();
  weight.rank = type.getShape().size();
  std::fill(std::begin(weight.dims), std::end(weight.dims), 1);
  llvm::copy(type.getShape(), weight.dims);
  memory[op.getSymName()] = makeOperand(
      MODELC_SPACE_WEIGHTS, tables.weights.size(), 0, weight.sizeBytes);
  tables.weightBytes = weight.offset + weight.sizeBytes;
  tables.weights.push_back(weight);
}

void VariantWriter::write(plan::ConstantOp op) {
  auto value = cast<DenseElementsAttr>(op.getValue());
  SmallVector<char> bytes;
  if (value.isSplat())
    for (int64_t i = 0; i < value.getNumElements(); ++i)
      llvm::append_range(bytes, value.getRawData());
  else
    llvm::append_range(bytes, value.getRawData());
  tables.constants.resize(*op.getOffset());
  tables.constants.insert(tables.constants.end(), bytes.begin(), bytes.end());
  memory[op.getSymName()] =
      makeOperand(MODELC_SPACE_CONSTANTS, 0, *op.getOffset(), bytes.size());
}

void VariantWriter::write(plan::StateOp op) {
  ModelcState state = {};
  state.name = strings.add(op.getSymName());
  const bool isPaged = op.getPageBytes().has_value();
  state.kind = isPaged ? MODELC_STATE_PAGED : MODELC_STATE_SEQUENCE;
  state.flags = isPaged ? MODELC_STATE_CAN_ROLL_BACK : 0;
  state.pageBytes = op.getPageBytes().value_or(0);
  state.sequenceBytes = op.getSequenceBytes().value_or(0);
  state.windowTokens = op.getWindow().value_or(0);
  memory[op.getSymName()] =
      makeOperand(MODELC_SPACE_STATE, tables.states.size(), 0,
                  isPaged ? state.pageBytes : state.sequenceBytes);
  tables.states.push_back(state);
}

void VariantWriter::write(plan::SlotOp op) {
  memory[op.getSymName()] =
      makeOperand(MODELC_SPACE_ARENA, 0, *op.getOffset(), op.getBytes());
}

void VariantWriter::write(plan::KernelOp op) {
  ModelcKernelRecord kernel = {};
  kernel.name = strings.add(op.getSymName());
  if (code)
    kernel.codeOffset = code->addresses[tables.kernels.size()];
  if (target && target->gpu) {
    codegen::WorkGroup group = codegen::getWorkGroup(
        cast<plan::KernelSpecInterface>(op.getSpec()), *target);
    kernel.groupThreads = static_cast<uint16_t>(group.threads);
    kernel.groupTiles = static_cast<uint16_t>(group.tiles);
  }
  kernels[op.getSymName()] = tables.kernels.size();
  tables.kernels.push_back(kernel);
}

void VariantWriter::write(plan::StepOp op) {
  ModelcStep step = {};
  step.kernel = kernels.lookup(op.getKernel());
  step.name = strings.add(op.getName());
  step.firstOperand = tables.operands.size();
  step.operandCount = op.getOperands_().size();
  step.countSource = static_cast<uint8_t>(op.getCount());
  if (op.getCounter()) {
    step.countSource = MODELC_COUNT_ARENA_U32;
    step.countOffset =
        memory.lookup(*op.getCounter()).offset + *op.getCounterByte();
    step.countLimit = *op.getLimit();
  }
  step.flags = op.getBarrier() ? MODELC_STEP_BARRIER : 0;
  step.minCount = op.getMin();
  step.maxCount = op.getMax();
  step.tileDivisor = op.getDivisor();
  step.tileMultiplier = op.getMultiplier();
  step.bytesFixed = op.getBytesFixed();
  step.opsPerCount = op.getOpsPerCount();
  for (auto symbol : op.getOperands_().getAsRange<FlatSymbolRefAttr>())
    tables.operands.push_back(memory.lookup(symbol.getValue()));
  tables.steps.push_back(step);
}

VariantTables VariantWriter::write(plan::VariantOp op,
                                   const ModelFacts &facts) {
  target = target::findTarget(op.getSymName());
  for (Operation &record : op.getBody().front())
    llvm::TypeSwitch<Operation *>(&record)
        .Case<plan::WeightOp, plan::ConstantOp, plan::StateOp, plan::SlotOp,
              plan::KernelOp, plan::StepOp>([&](auto typed) { write(typed); });
  if (code) {
    tables.code.assign(code->bytes.begin(), code->bytes.end());
    tables.codeSegments = code->segments;
  }
  ModelcVariant &variant = tables.variant;
  variant.target = strings.add(op.getSymName());
  variant.deviceKind =
      target && target->gpu ? MODELC_DEVICE_HIP : MODELC_DEVICE_CPU;
  variant.features = op.getFeatures();
  variant.arenaBytes = *op.getArenaBytes();
  variant.scratchBytes = op.getScratchBytes();
  variant.logitsOffset = memory.lookup(op.getLogits()).offset;
  variant.ubatch = op.getUbatch();
  variant.vocabSize = facts.vocabSize;
  variant.contextLength = facts.contextLength;
  variant.embeddingLength = facts.embeddingLength;
  variant.layerCount = facts.layerCount;
  return std::move(tables);
}

VariantTables emit::makeVariantTables(plan::VariantOp variant,
                                      const ModelFacts &facts,
                                      const codegen::CodeImage *code,
                                      StringTable &strings) {
  return VariantWriter(code, strings).write(variant, facts);
}

void emit::appendVariantSections(const VariantTables &tables, uint16_t index,
                                 std::vector<Section> &sections) {
  auto append = [&](uint32_t kind, auto records) {
    sections.push_back(makeRecords(kind, index, records));
  };
  append(MODELC_SECTION_KERNELS, ArrayRef(tables.kernels));
  append(MODELC_SECTION_STEPS, ArrayRef(tables.steps));
  append(MODELC_SECTION_OPERANDS, ArrayRef(tables.operands));
  append(MODELC_SECTION_STATES, ArrayRef(tables.states));
  append(MODELC_SECTION_CONSTANTS, ArrayRef(tables.constants));
  append(MODELC_SECTION_WEIGHT_TABLE, ArrayRef(tables.weights));
  if (tables.code.empty())
    return;
  if (!tables.codeSegments.empty())
    append(MODELC_SECTION_CODE_SEGMENTS, ArrayRef(tables.codeSegments));
  append(MODELC_SECTION_CODE, ArrayRef(tables.code));
}
